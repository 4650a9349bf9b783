//! Jobs on real shells: one suite over every engine, then what only one of them has.
//!
//! The SSH part needs a real sshd: `. <(tests/services/sshd-up)` sets CAUSEWAY_TEST_SSH, CAUSEWAY_TEST_SSH_CONFIG and
//! CAUSEWAY_TEST_SSH_HOST. Without them its tests are skipped by name.
#![cfg(test)]

mod agents;
mod control;
mod jobs;
mod local;
mod site;
mod ssh;

#[test]
fn no_file_is_forgotten() {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = fs_err::read_to_string(format!("{here}/main.rs")).unwrap();
    for entry in fs_err::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap();
        assert!(
            module == "main" || main.contains(&format!("\nmod {module};\n")),
            "{name} is not listed in main.rs"
        );
    }
}
