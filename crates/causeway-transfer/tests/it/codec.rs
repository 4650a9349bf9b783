//! Blocks cross encoded, and as differences to what both sides have.

use camino::Utf8PathBuf;
use causeway_transfer::{Codec, Dest, Placement, Store, Summary, TransferError, pull, push};

use crate::world::{World, noise, same};

const VALUES: usize = 900_000;

#[expect(clippy::cast_possible_truncation, reason = "any values will do")]
/// Values as trained ones are: most near nothing, mantissas without order. `step` moves one in ten a little.
fn weights(step: u64) -> Vec<u8> {
    let (random, moves) = (noise(7, VALUES * 8), noise(step, VALUES));
    let values = random.chunks_exact(8).zip(moves);
    values
        .flat_map(|(random, moved)| {
            let uniform = |at: usize| {
                f64::from(u32::from_le_bytes(random[at..at + 4].try_into().unwrap()))
                    / f64::from(u32::MAX)
            };
            let value = (-2.0 * uniform(0).max(1e-9).ln()).sqrt()
                * (std::f64::consts::TAU * uniform(4)).cos()
                * 0.02;
            let bits = ((value as f32).to_bits() >> 16) as u16;
            bits.wrapping_add(u16::from(step > 0 && moved < 26))
                .to_le_bytes()
        })
        .collect()
}

/// A safetensors file with two bf16 tensors.
fn safetensors(step: u64) -> Vec<u8> {
    let bytes = weights(step);
    let half = bytes.len() / 3 * 2;
    let json = format!(
        r#"{{"a":{{"dtype":"BF16","shape":[{}],"data_offsets":[0,{half}]}},"b":{{"dtype":"BF16","shape":[{}],"data_offsets":[{half},{}]}}}}"#,
        half / 2,
        (bytes.len() - half) / 2,
        bytes.len()
    );
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.as_bytes());
    file.extend(bytes);
    file
}

impl World {
    /// Checkpoints 0, 1 and 2 of a run.
    fn with_checkpoints() -> Self {
        let world = Self::new();
        for step in 0..3 {
            world.write(
                &format!("run/step-{step}/model.safetensors"),
                &safetensors(step),
            );
            world.write(&format!("run/step-{step}/config.json"), b"{}");
        }
        world
    }

    async fn pull_to(
        &self,
        store: &Store,
        path: &str,
        to: &str,
        codec: Codec,
        base: Vec<Utf8PathBuf>,
    ) -> Result<Summary, TransferError> {
        let dest = Dest {
            store,
            directory: Some((self.base.join(to), Placement::Copy)),
            base,
        };
        let summary = pull(&self.connector(), path, dest, codec, &*self.env, |_| {}).await?;
        same(&self.base.join(to), &self.site().join(path));
        Ok(summary)
    }

    fn other_store(&self) -> Store {
        Store::open(&self.base.join("other")).unwrap()
    }
}

#[tokio::test]
async fn weights_cross_encoded() {
    let world = World::with_checkpoints();
    for (codec, at_most) in [
        (Codec::Auto, 72),
        (Codec::Fast, 72),
        (Codec::Small, 72),
        (Codec::Raw, 101),
    ] {
        let store = Store::open(&world.base.join(codec.to_string())).unwrap();
        let to = format!("home-{codec}");
        let summary = world
            .pull_to(&store, "run/step-0", &to, codec, Vec::new())
            .await
            .unwrap();
        let (wire, raw) = (summary.wire_bytes, summary.raw_bytes);
        assert!(wire * 100 < raw * at_most, "{codec}: {wire}");
        assert_eq!(codec == Codec::Raw, wire > raw, "{codec}: {wire}");
        assert_eq!(codec == Codec::Raw, summary.codec_saved_bytes == 0);
        assert_eq!(summary.reused_bytes, 0);
    }
}

#[tokio::test]
async fn a_file_without_a_header_is_guessed() {
    let world = World::new();
    world.write("model.bin", &weights(0));
    let summary = world
        .pull_to(
            &world.store,
            "model.bin",
            "model.bin",
            Codec::Small,
            Vec::new(),
        )
        .await
        .unwrap();
    assert!(summary.wire_bytes < summary.raw_bytes * 72 / 100);
}

#[tokio::test]
async fn the_next_checkpoint_is_a_difference_to_what_came_before() {
    let world = World::with_checkpoints();
    let pull = |step: &'static str| {
        world.pull_to(
            &world.store,
            step,
            step.strip_prefix("run/").unwrap(),
            Codec::Auto,
            Vec::new(),
        )
    };
    let first = pull("run/step-0").await.unwrap();
    assert_eq!(first.difference_saved_bytes, 0);
    let next = pull("run/step-1").await.unwrap();
    assert!(next.difference_saved_bytes > next.raw_bytes / 2);
    assert!(next.wire_bytes * 4 < next.raw_bytes, "{}", next.wire_bytes);
}

#[tokio::test]
async fn a_named_base_needs_no_store_that_knows_it() {
    let world = World::with_checkpoints();
    fs_err::create_dir_all(world.base.join("old")).unwrap();
    fs_err::write(world.base.join("old/model.safetensors"), safetensors(0)).unwrap();
    let base = || vec![world.base.join("old")];
    let other = world.other_store();
    let next = world
        .pull_to(&other, "run/step-1", "step-1", Codec::Small, base())
        .await
        .unwrap();
    assert!(next.wire_bytes * 4 < next.raw_bytes, "{}", next.wire_bytes);

    // What is the same is not sent at all.
    let again = world
        .pull_to(&world.store, "run/step-0", "step-0", Codec::Small, base())
        .await
        .unwrap();
    assert!(again.wire_bytes < 500, "{}", again.wire_bytes);
    assert!(again.reused_bytes > again.raw_bytes - 500);

    // A file with another name is meant when it is named itself.
    let file = vec![world.base.join("old/model.safetensors")];
    let alone = world
        .pull_to(
            &other,
            "run/step-2/model.safetensors",
            "alone/model.safetensors",
            Codec::Small,
            file,
        )
        .await
        .unwrap();
    assert!(
        alone.wire_bytes * 4 < alone.raw_bytes,
        "{}",
        alone.wire_bytes
    );

    let nowhere = vec![world.base.join("nowhere")];
    assert!(matches!(
        world
            .pull_to(&other, "run/step-1", "x", Codec::Auto, nowhere)
            .await,
        Err(TransferError::NoBase { .. })
    ));
}

#[tokio::test]
async fn a_base_that_the_site_has_no_more_costs_only_the_difference() {
    let world = World::with_checkpoints();
    let pull = |step: &'static str, to: &'static str| {
        world.pull_to(&world.store, step, to, Codec::Small, Vec::new())
    };
    pull("run/step-0", "0").await.unwrap();
    fs_err::remove_dir_all(world.site().join("run/step-0")).unwrap();
    let next = pull("run/step-1", "1").await.unwrap();
    assert_eq!(next.difference_saved_bytes, 0);
    assert!(next.wire_bytes < next.raw_bytes * 72 / 100);
}

#[tokio::test]
async fn a_base_that_changed_at_home_is_noticed_and_the_block_sent_again() {
    let world = World::with_checkpoints();
    let pull = |step: &'static str, to: &'static str| {
        world.pull_to(&world.store, step, to, Codec::Small, Vec::new())
    };
    pull("run/step-0", "0").await.unwrap();
    let changed = safetensors(0)
        .iter()
        .map(|byte| byte ^ 1)
        .collect::<Vec<u8>>();
    for entry in fs_err::read_dir(world.base.join("store/files")).unwrap() {
        let path = entry.unwrap().path();
        if fs_err::metadata(&path).unwrap().len() == changed.len() as u64 {
            fs_err::remove_file(&path).unwrap();
            fs_err::write(&path, &changed).unwrap();
        }
    }
    // Equal at its end, which `pull_to` looks at.
    let next = pull("run/step-1", "1").await.unwrap();
    assert!(next.wire_bytes > next.raw_bytes / 2, "{}", next.wire_bytes);
}

#[tokio::test]
async fn what_is_pushed_crosses_encoded() {
    let world = World::new();
    let local = world.base.join("local");
    fs_err::create_dir_all(&local).unwrap();
    fs_err::write(local.join("model.safetensors"), safetensors(0)).unwrap();
    fs_err::write(local.join("noise"), noise(3, 100_000)).unwrap();
    let push = |to: &'static str, codec| {
        let (connector, local, env) = (world.connector(), local.clone(), world.env.clone());
        async move {
            push(&connector, &local, to, codec, &*env, |_| {})
                .await
                .unwrap()
        }
    };
    let small = push("in/small", Codec::Small).await;
    same(&local, &world.site().join("in/small"));
    assert!(
        small.wire_bytes < small.raw_bytes * 72 / 100,
        "{}",
        small.wire_bytes
    );
    assert!(small.codec_saved_bytes > small.raw_bytes / 4);
}
