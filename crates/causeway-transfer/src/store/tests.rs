//! The store by itself: taking in, going on, sharing, placing, finding damage.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::Digest as _;

use super::intake::{Intake, Taken, Wanted};
use super::*;
use crate::beneath::{Beneath, parent_of};
use crate::scan::scan;

struct Scratch {
    _keep: tempfile::TempDir,
    base: Utf8PathBuf,
    store: Store,
}

/// Bytes that repeat nowhere.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new()
        .update(&seed.to_be_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

fn scratch() -> Scratch {
    let keep = tempfile::tempdir().unwrap();
    let base = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
    fs_err::create_dir_all(base.join("source/sub")).unwrap();
    fs_err::write(base.join("source/big"), noise(1, (5 << 20) + 17)).unwrap();
    fs_err::write(base.join("source/sub/same"), noise(2, 3000)).unwrap();
    fs_err::write(base.join("source/again"), noise(2, 3000)).unwrap();
    fs_err::write(base.join("source/empty"), "").unwrap();
    let store = Store::open(&base.join("store")).unwrap();
    Scratch {
        _keep: keep,
        base,
        store,
    }
}

fn put(intake: &mut Intake, blocks: &[(Wanted, Vec<u8>)]) -> Result<Taken, TransferError> {
    let mut taken = Taken::default();
    intake.put(blocks, &mut taken)?;
    Ok(taken)
}

impl Scratch {
    fn manifest(&self) -> Arc<Manifest> {
        Arc::new(scan(&self.base.join("source")).unwrap().manifest)
    }

    /// The block's bytes from the source.
    fn block(&self, manifest: &Manifest, wanted: &Wanted) -> (Wanted, Vec<u8>) {
        let file = &manifest.files()[wanted.file as usize];
        let bytes = fs_err::read(self.base.join("source").join(&file.path)).unwrap();
        (
            *wanted,
            bytes[usize::try_from(wanted.offset).unwrap()..][..wanted.len as usize].to_vec(),
        )
    }

    fn begin(&self, manifest: &Arc<Manifest>) -> (Intake, Taken) {
        Intake::begin(&self.store, manifest, &|_| true, None, &|_| {}).unwrap()
    }

    /// Where a manifest's tree goes.
    fn place(&self) -> (Beneath, String) {
        parent_of(&self.base.join("placed")).unwrap()
    }

    fn straight(&self, manifest: &Manifest) -> Option<Straight> {
        let (parent, name) = self.place();
        Straight::begin(&self.store, manifest, &parent, &name).unwrap()
    }

    /// Takes `count` of the blocks that are asked for in, and finishes what is whole: whether anything is missing.
    fn take(&self, intake: &mut Intake, manifest: &Manifest, count: usize) -> bool {
        let wanted = intake.wanted();
        for block in wanted.iter().take(count) {
            let taken = put(intake, &[self.block(manifest, block)]).unwrap();
            for (index, job) in taken.jobs {
                intake.finished(index, job.run().unwrap());
            }
        }
        wanted.len() > count
    }

    /// Brings everything; gives how many blocks had to be asked for.
    fn bring(&self, manifest: &Arc<Manifest>) -> usize {
        let (mut intake, mut taken) = self.begin(manifest);
        let wanted = intake.wanted();
        let mut jobs = std::mem::take(&mut taken.jobs);
        for block in &wanted {
            jobs.extend(
                put(&mut intake, &[self.block(manifest, block)])
                    .unwrap()
                    .jobs,
            );
        }
        for (index, job) in jobs {
            intake.finished(index, job.run().unwrap());
        }
        intake.seal().unwrap();
        wanted.len()
    }
}

#[test]
fn what_came_is_whole_read_only_and_known_by_its_digests() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    assert_eq!(
        scratch.bring(&manifest),
        7,
        "six blocks of the large file, and one of the two equal ones"
    );
    let sealed = scratch.store.manifest(manifest.digest()).unwrap();
    for file in sealed.files() {
        let stored = fs_err::read(scratch.store.path_of(file.blake3)).unwrap();
        assert_eq!(
            stored,
            fs_err::read(scratch.base.join("source").join(&file.path)).unwrap()
        );
        assert_eq!(
            file.sha256,
            Some(Digest::new(sha2::Sha256::digest(&stored).into()))
        );
        let mode = fs_err::metadata(scratch.store.path_of(file.blake3))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o444);
    }
    assert_eq!(
        fs_err::read_dir(scratch.store.dir().join("partial"))
            .unwrap()
            .count(),
        0,
        "nothing half done is left"
    );
    assert_eq!(scratch.bring(&manifest), 0);
}

#[test]
fn a_killed_intake_goes_on_with_what_was_journaled_and_believes_no_more() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    let (mut intake, _) = scratch.begin(&manifest);
    let wanted: Vec<Wanted> = intake
        .wanted()
        .into_iter()
        .filter(|block| manifest.files()[block.file as usize].path == "big")
        .collect();
    for block in &wanted[..4] {
        put(&mut intake, &[scratch.block(&manifest, block)]).unwrap();
    }
    drop(intake);
    // Somebody writes over the second block; the journal still names it.
    let big = manifest.file("big").unwrap().blake3;
    let partial = scratch.store.dir().join("partial").join(big.to_string());
    let mut bytes = fs_err::read(&partial).unwrap();
    bytes[(1 << 20) + 5] ^= 1;
    fs_err::write(&partial, bytes).unwrap();
    let (intake, taken) = scratch.begin(&manifest);
    let left: Vec<u64> = intake
        .wanted()
        .iter()
        .filter(|block| wanted.iter().any(|big| big.blake3 == block.blake3))
        .map(|block| block.offset)
        .collect();
    assert_eq!(left, [1 << 20, 4 << 20, 5 << 20]);
    assert_eq!(taken.bytes, 3 << 20);
    drop(intake);
    assert_eq!(
        scratch.bring(&manifest),
        4,
        "those three, and the small file"
    );
    scratch.store.verify(big).unwrap();
}

#[test]
fn blocks_of_other_files_and_of_other_tries_are_not_asked_for() {
    let scratch = scratch();
    scratch.bring(&scratch.manifest());
    // The next version: one block differs.
    let mut bytes = fs_err::read(scratch.base.join("source/big")).unwrap();
    bytes[(2 << 20) + 9] ^= 1;
    fs_err::write(scratch.base.join("source/big"), &bytes).unwrap();
    assert_eq!(scratch.bring(&scratch.manifest()), 1);

    // A try that never ended, of a file that is then written anew with one block changed.
    fs_err::write(scratch.base.join("source/big"), noise(3, 4 << 20)).unwrap();
    let manifest = scratch.manifest();
    let (mut intake, _) = scratch.begin(&manifest);
    for block in &intake.wanted()[..3] {
        put(&mut intake, &[scratch.block(&manifest, block)]).unwrap();
    }
    drop(intake);
    let mut bytes = noise(3, 4 << 20);
    bytes[3 << 20] ^= 1;
    fs_err::write(scratch.base.join("source/big"), &bytes).unwrap();
    assert_eq!(scratch.bring(&scratch.manifest()), 1);
}

#[test]
fn a_block_that_lies_is_named_and_nothing_of_it_is_kept() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    let (mut intake, _) = scratch.begin(&manifest);
    let wanted = intake.wanted();
    let (block, mut bytes) = scratch.block(
        &manifest,
        wanted.iter().find(|block| block.offset == 2 << 20).unwrap(),
    );
    bytes[0] ^= 1;
    let error = put(&mut intake, &[(block, bytes)]).unwrap_err();
    assert!(
        matches!(&error, TransferError::Mismatch { path, offset } if path == "big" && *offset == 2 << 20),
        "{error}"
    );
    assert_eq!(intake.wanted(), wanted);
    assert!(intake.seal().is_err());
}

#[test]
fn blocks_that_fit_and_a_whole_that_does_not_end_in_an_error() {
    let scratch = scratch();
    let good = scratch.manifest();
    let mut files = good.files().to_vec();
    files.retain(|file| file.path == "big");
    files[0].blake3 = Digest::new([9; 32]);
    let lie = Arc::new(Manifest::new(crate::manifest::Shape::Directory, files).unwrap());
    let (mut intake, _) = scratch.begin(&lie);
    let mut jobs = Vec::new();
    for block in intake.wanted() {
        jobs.extend(
            put(&mut intake, &[scratch.block(&lie, &block)])
                .unwrap()
                .jobs,
        );
    }
    let (_, job) = jobs.pop().unwrap();
    assert!(matches!(job.run(), Err(TransferError::Inconsistent { .. })));
    assert!(!scratch.store.has(Digest::new([9; 32])));
}

#[test]
fn two_that_bring_the_same_file_at_once_both_end_whole() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    let (mut first, _) = scratch.begin(&manifest);
    let (mut second, _) = scratch.begin(&manifest);
    let wanted = first.wanted();
    let mut jobs = Vec::new();
    for block in &wanted {
        let block = scratch.block(&manifest, block);
        put(&mut second, std::slice::from_ref(&block)).ok();
        jobs.extend(put(&mut first, &[block]).unwrap().jobs);
    }
    for (index, job) in jobs {
        first.finished(index, job.run().unwrap());
    }
    first.seal().unwrap();
    assert_eq!(scratch.bring(&manifest), 0);
}

#[test]
fn a_changed_byte_is_found_and_named_and_brought_again() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    scratch.bring(&manifest);
    assert!(scratch.store.audit(&manifest).unwrap().is_empty());
    let big = manifest.file("big").unwrap().blake3;
    let stored = scratch.store.path_of(big);
    let mut bytes = fs_err::read(&stored).unwrap();
    bytes[(3 << 20) + 1] ^= 4;
    fs_err::set_permissions(&stored, std::fs::Permissions::from_mode(0o644)).unwrap();
    fs_err::write(&stored, bytes).unwrap();
    let damage = scratch.store.audit(&manifest).unwrap();
    assert_eq!(damage.len(), 1);
    assert_eq!(
        (damage[0].path.as_str(), damage[0].offset),
        ("big", Some(3 << 20))
    );
    assert!(matches!(
        scratch.store.verify(big),
        Err(TransferError::ChangedInStore { .. })
    ));
    let error = scratch
        .store
        .materialise(&manifest, &scratch.base.join("out"), Placement::Copy)
        .unwrap_err();
    assert!(matches!(error, TransferError::ChangedInStore { .. }));
    assert!(!scratch.base.join("out").exists());
    assert_eq!(scratch.bring(&manifest), 6);
    assert!(scratch.store.audit(&manifest).unwrap().is_empty());
    assert!(
        scratch
            .store
            .dir()
            .join("damaged")
            .join(big.to_string())
            .exists()
    );
}

#[test]
fn a_changed_manifest_is_not_believed() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    scratch.bring(&manifest);
    let path = scratch
        .store
        .dir()
        .join("manifests")
        .join(format!("{}.json", manifest.digest()));
    let text = fs_err::read_to_string(&path)
        .unwrap()
        .replace("\"again\"", "\"agaim\"");
    fs_err::write(&path, text).unwrap();
    assert!(matches!(
        scratch.store.manifest(manifest.digest()),
        Err(TransferError::ChangedInStore { .. })
    ));
}

#[test]
fn another_version_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(dir.path()).unwrap();
    fs_err::write(dir.join("format"), "causeway-store 2\n").unwrap();
    assert!(
        matches!(Store::open(dir), Err(TransferError::StoreFormat { found, .. }) if found == "causeway-store 2")
    );
    assert_eq!(fs_err::read_dir(dir).unwrap().count(), 1);
}

#[test]
fn placing_links_or_copies_and_a_directory_is_there_only_whole() {
    let scratch = scratch();
    let source = scratch.base.join("source");
    fs_err::write(source.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs_err::set_permissions(
        source.join("run.sh"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let manifest = scratch.manifest();
    scratch.bring(&manifest);
    let mode = |path: &Utf8Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    let inode = |path: &Utf8Path| fs_err::metadata(path).unwrap().ino();
    let stored = scratch.store.path_of(manifest.file("big").unwrap().blake3);

    let linked = scratch.base.join("a/linked");
    scratch
        .store
        .materialise(&manifest, &linked, Placement::Link)
        .unwrap();
    assert_eq!(inode(&linked.join("big")), inode(&stored));
    assert_eq!(mode(&linked.join("run.sh")) & 0o100, 0o100);
    assert_eq!(mode(&stored), 0o444);
    assert_eq!(scan(&linked).unwrap().manifest.digest(), manifest.digest());
    assert_eq!(
        fs_err::read_dir(linked.parent().unwrap()).unwrap().count(),
        1,
        "no temporary directory is left"
    );
    scratch
        .store
        .materialise(&manifest, &linked, Placement::Link)
        .unwrap();

    // Into a directory with something in it: what is there stays, what differs is replaced.
    let copied = scratch.base.join("copied");
    fs_err::create_dir_all(copied.join("sub")).unwrap();
    fs_err::write(copied.join("mine"), "mine").unwrap();
    fs_err::write(copied.join("big"), "old").unwrap();
    scratch
        .store
        .materialise(&manifest, &copied, Placement::Copy)
        .unwrap();
    assert_ne!(inode(&copied.join("big")), inode(&stored));
    assert_eq!(
        mode(&copied.join("big")) & 0o200,
        0o200,
        "a copy may be changed"
    );
    assert_eq!(fs_err::read_to_string(copied.join("mine")).unwrap(), "mine");
    assert!(mode(&copied.join("run.sh")) & 0o100 != 0);
    assert_eq!(
        scan(&copied).unwrap().manifest.files().len(),
        manifest.files().len() + 1
    );

    fs_err::write(scratch.base.join("file"), "").unwrap();
    let error = scratch
        .store
        .materialise(&manifest, &scratch.base.join("file"), Placement::Copy)
        .unwrap_err();
    assert!(matches!(error, TransferError::Occupied { .. }));
}

#[test]
fn a_file_becomes_dest_or_goes_into_it() {
    let scratch = scratch();
    let manifest = Arc::new(
        scan(&scratch.base.join("source/sub/same"))
            .unwrap()
            .manifest,
    );
    let (mut intake, _) =
        Intake::begin(&scratch.store, &manifest, &|_| true, None, &|_| {}).unwrap();
    let wanted = intake.wanted();
    put(&mut intake, &[(wanted[0], noise(2, 3000))]).unwrap();
    intake.seal().unwrap();
    scratch
        .store
        .materialise(&manifest, &scratch.base.join("x/y"), Placement::Copy)
        .unwrap();
    assert_eq!(
        fs_err::read(scratch.base.join("x/y")).unwrap(),
        noise(2, 3000)
    );
    scratch
        .store
        .materialise(&manifest, &scratch.base.join("x"), Placement::Copy)
        .unwrap();
    assert_eq!(
        fs_err::read(scratch.base.join("x/same")).unwrap(),
        noise(2, 3000)
    );
}

#[test]
fn moving_leaves_nothing_behind_and_goes_on_after_a_kill() {
    let scratch = scratch();
    let manifest = scratch.manifest();
    scratch.bring(&manifest);
    let (parent, name) = crate::beneath::parent_of(&scratch.base.join("moved")).unwrap();
    let placing = Placing {
        store: &scratch.store,
        how: Placement::Move,
    };
    // Killed before it was made visible: all files are beside their place, and known to be.
    drop(stage(&placing, &manifest, parent, name.clone()).unwrap());
    assert!(!scratch.base.join("moved").exists());
    let (parent, name) = crate::beneath::parent_of(&scratch.base.join("moved")).unwrap();
    assert_eq!(present(&manifest, &parent, &name).unwrap(), vec![true; 4]);
    stage(&placing, &manifest, parent, name)
        .unwrap()
        .publish()
        .unwrap();
    assert_eq!(
        scan(&scratch.base.join("moved")).unwrap().manifest.digest(),
        manifest.digest()
    );
    assert_eq!(fs_err::read_dir(scratch.store.files()).unwrap().count(), 0);
    fs_err::write(scratch.base.join("moved/big"), "its owner may change it").unwrap();
}

#[test]
fn a_hole_that_somebody_wrote_into_is_zeros_again() {
    let scratch = scratch();
    let source = scratch.base.join("source/big");
    let mut bytes = noise(1, 1 << 20);
    bytes.resize(9 << 20, 0);
    bytes.extend(noise(2, 1 << 20));
    fs_err::write(&source, &bytes).unwrap();
    let manifest = scratch.manifest();
    let (mut intake, _) = scratch.begin(&manifest);
    let first = intake.wanted()[1];
    put(&mut intake, &[scratch.block(&manifest, &first)]).unwrap();
    drop(intake);
    let big = manifest.file("big").unwrap().blake3;
    let partial = scratch.store.partial(big);
    let mut spoilt = fs_err::read(&partial).unwrap();
    assert_eq!(spoilt.len(), bytes.len());
    spoilt[5 << 20] = 9;
    fs_err::write(&partial, spoilt).unwrap();
    scratch.bring(&manifest);
    assert_eq!(fs_err::read(scratch.store.path_of(big)).unwrap(), bytes);
}

#[test]
fn small_files_go_straight_to_their_place_through_kills_and_changes() {
    let scratch = scratch();
    for number in 0..20u64 {
        let path = scratch.base.join(format!("source/sub/{number:02}"));
        fs_err::write(&path, noise(100 + number, 700)).unwrap();
        let executable = number % 3 == 0;
        let mode = if executable { 0o755 } else { 0o644 };
        fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let manifest = scratch.manifest();
    let begin = |manifest: &Arc<Manifest>| {
        let straight = scratch.straight(manifest);
        assert!(straight.is_some());
        let (store, all) = (&scratch.store, |_| true);
        Intake::begin(store, manifest, &all, straight, &|_| {}).unwrap()
    };
    let (mut intake, _) = begin(&manifest);
    assert!(
        scratch.straight(&manifest).is_none(),
        "somebody else fills the tree"
    );
    let asked = intake.wanted().len();
    assert!(scratch.take(&mut intake, &manifest, 15));
    drop(intake);
    assert!(
        !scratch.base.join("placed").exists(),
        "visible before it is whole"
    );
    let found = begin(&manifest).0.wanted().len();
    assert!(found < asked && found + 15 >= asked, "{asked} and {found}");
    // The source changes: a file is gone, one has other bytes, one is new. What was torn is not believed.
    fs_err::remove_file(scratch.base.join("source/sub/01")).unwrap();
    fs_err::write(scratch.base.join("source/sub/02"), noise(3, 700)).unwrap();
    fs_err::create_dir(scratch.base.join("source/sub/deeper")).unwrap();
    fs_err::write(scratch.base.join("source/sub/deeper/new"), noise(4, 700)).unwrap();
    let tree = scratch
        .store
        .dir()
        .join("trees")
        .read_dir_utf8()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs_err::write(tree.path().join("sub/03"), "torn").unwrap();
    fs_err::create_dir(tree.path().join("sub/stray")).unwrap();
    fs_err::write(tree.path().join("sub/stray/file"), "stray").unwrap();
    let manifest = scratch.manifest();
    let (mut intake, _) = begin(&manifest);
    let left = intake.wanted().len();
    assert!(left > 3 && left < asked, "{left} of {asked}");
    assert!(!scratch.take(&mut intake, &manifest, usize::MAX));
    intake.seal().unwrap();
    let straight = Arc::new(intake.take_straight().unwrap());
    let placing = Placing {
        store: &scratch.store,
        how: Placement::Move,
    };
    let stage = |straight: &Arc<Straight>| {
        let (parent, name) = scratch.place();
        stage_straight(&placing, &manifest, straight, parent, name).unwrap()
    };
    // Killed before it was made visible: nothing is asked for again.
    drop((stage(&straight), straight));
    let (mut intake, _) = begin(&manifest);
    assert_eq!(intake.wanted().len(), 0);
    intake.seal().unwrap();
    let straight = Arc::new(intake.take_straight().unwrap());
    stage(&straight).publish().unwrap();
    let placed = scratch.base.join("placed");
    assert_eq!(scan(&placed).unwrap().manifest.digest(), manifest.digest());
    assert_eq!(fs_err::read_dir(scratch.store.files()).unwrap().count(), 0);
    let executable = |name| {
        fs_err::metadata(placed.join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o100
            != 0
    };
    assert!(executable("sub/00") && !executable("sub/04"));
    assert!(
        scratch.straight(&manifest).is_none(),
        "into a directory that holds something files go one by one"
    );
}

#[test]
fn a_place_is_brought_by_one_transfer_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let dest = Utf8Path::from_path(dir.path()).unwrap().join("llama");
    let first = Store::beside(&dest).unwrap();
    let error = Store::beside(&dest).unwrap_err();
    assert!(
        error.to_string().contains("llama` is in the way: another"),
        "{error}"
    );
    drop(first);
    let again = Store::beside(&dest).unwrap();
    let other = Store::beside(&dest.with_file_name("mistral")).unwrap();
    assert_ne!(again.store().dir(), other.store().dir());
    again.remove().unwrap();
    other.remove().unwrap();
    assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 0);
}
