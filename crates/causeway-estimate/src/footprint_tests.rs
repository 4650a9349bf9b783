use proptest::prelude::*;

use super::*;
use crate::anatomy::{Anatomy, Known};
use crate::card::Card;
use crate::coefficients::Coefficients;
use crate::step::Batch;

const CARD: Card = Card {
    peak: 312e12,
    peak16: 312e12,
    measured: None,
    measured16: None,
    maker: Maker::Nvidia,
    before_fp8: true,
    fp8: false,
    hbm: 2e12,
    memory: 84e9,
    scale_up: 300e9,
    domain: 8.0,
    scale_out: 25e9,
};
const WIDTHS: Widths = Widths {
    weight: 2.0,
    gradient: 2.0,
    optimizer: 12.0,
    activation: 2.0,
    kept: 1.0,
    alone: 0.0,
    among: 0.0,
};
const LAYOUT: Layout = Layout {
    data: 1,
    tensor: 1,
    pipeline: 1,
    expert: 1,
    context: 1,
    sharding: Sharding::Zero0,
    micro_batch: 1,
    recompute: Recompute::None,
};

fn llama(kv: f64, ffn: f64, vocab: f64, billions: f64) -> Anatomy {
    Anatomy::of(&Known {
        params_total: billions * 1e9,
        params_active: billions * 1e9,
        layers: Some(32.0),
        hidden: Some(4096.0),
        heads: Some(32.0),
        kv_heads: Some(kv),
        ffn: Some(ffn),
        vocab: Some(vocab),
        ..Known::default()
    })
}

fn of(anatomy: &Anatomy, half: bool, sequence: f64, layout: &Layout) -> Footprint {
    let batch = Batch {
        sequence,
        global: 1024.0,
        given: true,
        half,
        backward: 2.0,
        trained: 1.0,
    };
    let model = Model {
        anatomy,
        card: &CARD,
        batch: &batch,
        by: &Coefficients::PRIOR,
    };
    Footprint::of(&model, &WIDTHS, layout)
}

/// Activations of a layer without recomputation, in units of s b h.
fn coefficient(anatomy: &Anatomy, half: bool, layout: &Layout) -> f64 {
    of(anatomy, half, 2048.0, layout).activations / (32.0 * 2048.0 * 4096.0)
}

#[test]
fn layers_keep_what_the_papers_count() {
    let llama_2 = llama(32.0, 11008.0, 32_000.0, 6.738);
    let llama_3 = llama(8.0, 14336.0, 128_256.0, 8.03);
    assert!((coefficient(&llama_2, false, &LAYOUT) - 32.0).abs() < 0.2);
    assert!((coefficient(&llama_3, false, &LAYOUT) - 34.0).abs() < 0.2);
    // Korthikanti et al.: 34 + 5 a s / h with dropout and kept scores; 10 + (24 + 5 a s / h) / t without sequence
    // parallelism, and all of it divided with it.
    let gpt = llama(32.0, 16384.0, 50_257.0, 6.65);
    assert!(gpt.ffn_matrices < 2.5);
    let scores = 5.0 * 32.0 * 2048.0 / 4096.0;
    let plain = coefficient(&gpt, true, &LAYOUT);
    assert!((plain - 34.0 - scores).abs() < 1e-9, "{plain}");
    let divided = Layout {
        tensor: 4,
        ..LAYOUT
    };
    assert!((coefficient(&gpt, true, &divided) - plain / 4.0).abs() < 1e-9);
}

#[test]
fn full_recomputation_keeps_two_bytes_a_width() {
    let gpt = llama(32.0, 16384.0, 50_257.0, 6.65);
    let layout = Layout {
        recompute: Recompute::Full,
        ..LAYOUT
    };
    let kept = of(&gpt, false, 2048.0, &layout).activations / (2048.0 * 4096.0);
    // 32 layers of 2 bytes, and one layer at work: 8 + 8 + 16.
    assert!((kept - 64.0 - 32.0).abs() < 1e-9, "{kept}");
}

#[test]
fn state_is_sixteen_bytes_divided_as_zero_says() {
    let anatomy = llama(32.0, 11008.0, 32_000.0, 7.5);
    let state = |sharding, data| {
        of(
            &anatomy,
            false,
            2048.0,
            &Layout {
                data,
                sharding,
                ..LAYOUT
            },
        )
        .states
            / 7.5e9
    };
    // The paper's figure 1: 7.5 B parameters on 64: 120, 31.4, 16.6 and 1.9 GB.
    for (sharding, gigabytes) in [
        (Sharding::Zero0, 120.0),
        (Sharding::Zero1, 31.4),
        (Sharding::Zero2, 16.6),
        (Sharding::Zero3, 1.9),
    ] {
        let bytes = state(sharding, 64) * 7.5;
        assert!((bytes - gigabytes).abs() < 0.05, "{sharding:?}: {bytes}");
    }
    assert!((state(Sharding::Zero3, 1) - 16.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn more_sharding_never_needs_more_state(data in 1u32..4096, billions in 0.5f64..100.0) {
        let anatomy = llama(8.0, 14336.0, 128_256.0, billions);
        let state = |sharding| of(&anatomy, false, 4096.0, &Layout { data, sharding, ..LAYOUT }).states;
        prop_assert!(state(Sharding::Zero0) >= state(Sharding::Zero1));
        prop_assert!(state(Sharding::Zero1) >= state(Sharding::Zero2));
        prop_assert!(state(Sharding::Zero2) >= state(Sharding::Zero3));
    }

    #[test]
    fn longer_sequences_and_bigger_batches_need_more(sequence in 1u32..100_000, micro_batch in 1u32..64) {
        let anatomy = llama(8.0, 14336.0, 128_256.0, 8.03);
        let total = |sequence: u32, micro_batch| of(&anatomy, false, f64::from(sequence), &Layout { micro_batch, ..LAYOUT }).total();
        prop_assert!(total(sequence, micro_batch) < total(sequence + 1, micro_batch));
        prop_assert!(total(sequence, micro_batch) < total(sequence, micro_batch + 1));
    }

    #[test]
    fn recomputing_more_keeps_less(micro_batch in 1u32..16, stages in 0u32..4, tensor in 0u32..4) {
        let anatomy = llama(8.0, 14336.0, 128_256.0, 8.03);
        let kept = |recompute| of(&anatomy, false, 4096.0, &Layout { micro_batch, pipeline: 1 << stages, tensor: 1 << tensor, recompute, ..LAYOUT });
        prop_assert!(kept(Recompute::Full).activations < kept(Recompute::None).activations);
    }
}
