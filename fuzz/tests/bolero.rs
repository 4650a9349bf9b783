//! The fuzz targets on a stable toolchain: bolero's own engine, for as long as `BOLERO_RANDOM_TEST_TIME_MS` says. Every input
//! is a file of the repository with some bytes changed, cut out or said twice: bytes out of nowhere never get past the first line.

use std::path::{Path, PathBuf};

/// Where it changes, what is put there, and how many bytes go.
type Edit = (u32, Vec<u8>, u8);

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let list = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds.txt"));
    let seeds: Vec<Vec<u8>> = list
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| *name == target)
        .map(|(_, path)| root.join(path))
        .map(|path: PathBuf| std::fs::read(&path).unwrap())
        .collect();
    assert!(!seeds.is_empty(), "no seed for {target}");
    seeds
}

fn changed(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (place, put, gone) in edits.iter().take(8) {
        let start = *place as usize % (bytes.len() + 1);
        let end = (start + usize::from(*gone)).min(bytes.len());
        bytes.splice(start..end, put.iter().copied());
    }
    bytes
}

fn fuzz(target: &str, harness: fn(&[u8])) {
    let seeds = seeds(target);
    bolero::check!()
        .with_type::<(u16, Vec<Edit>)>()
        .for_each(|(seed, edits)| {
            let seed = &seeds[usize::from(*seed) % seeds.len()];
            harness(&changed(seed, edits));
        });
}

#[test]
fn organisation() {
    fuzz("organisation", causeway_fuzz::organisation);
}

#[test]
fn approval() {
    fuzz("approval", causeway_fuzz::approval);
}

#[test]
fn cases() {
    fuzz("cases", causeway_fuzz::cases);
}

#[test]
fn packs() {
    fuzz("packs", causeway_fuzz::packs);
}

#[test]
fn lists() {
    fuzz("lists", causeway_fuzz::lists);
}

#[test]
fn codec() {
    fuzz("codec", causeway_fuzz::codec);
}

#[test]
fn agent_says() {
    fuzz("agent_says", causeway_fuzz::agent_says);
}

#[test]
fn caller_says() {
    fuzz("caller_says", causeway_fuzz::caller_says);
}

#[test]
fn manifest() {
    fuzz("manifest", causeway_fuzz::manifest);
}

#[test]
fn ticket() {
    fuzz("ticket", causeway_fuzz::ticket);
}

#[test]
fn http() {
    fuzz("http", causeway_fuzz::http);
}

#[test]
fn journal() {
    fuzz("journal", causeway_fuzz::journal);
}

#[test]
fn prices() {
    fuzz("prices", causeway_fuzz::prices);
}

#[test]
fn offers() {
    fuzz("offers", causeway_fuzz::offers);
}

#[test]
fn offers_cache() {
    fuzz("offers_cache", causeway_fuzz::offers_cache);
}
