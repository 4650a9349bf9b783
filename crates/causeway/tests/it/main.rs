//! The program as a person uses it: real files, real processes, real exit codes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, and says what it skipped"
)]

mod answers;
mod approvals;
mod explaining;
mod files;
mod home;
mod kill;
mod kyc;
mod kyc_screening;
mod law_changes;
mod lists;
mod offers;
mod offshore;
mod owners;
mod path;
mod rules;
mod screening;
mod ssh;
mod tamper;
mod transfer;

#[test]
fn no_test_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let listed = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".rs") {
            continue;
        }
        let stem = name.trim_end_matches(".rs");
        assert!(
            stem == "main" || listed.contains(&format!("mod {stem};")),
            "{name} is in no module"
        );
    }
}
