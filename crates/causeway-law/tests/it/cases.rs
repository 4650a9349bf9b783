//! Every case of `rules/cases/*.yaml`.

use causeway_law::{Packs, cases};

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/cases")
}

#[test]
fn every_case_passes() {
    let packs = Packs::builtin().unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 2, "the visible cases and our own");
    let mut failures = Vec::new();
    let mut passed = 0;
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for case in
            cases::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        {
            assert!(
                case.expect.is_some(),
                "{}: a test expects something",
                case.id
            );
            let result = cases::run(&packs, &case);
            if result.passed {
                passed += 1;
            } else {
                let verdict = cases::verdict(&packs, &case)
                    .map(|verdict| causeway_law::explain(&verdict))
                    .unwrap_or_default();
                failures.push(format!(
                    "{} {}: {}\n{verdict}",
                    path.file_name().unwrap().display(),
                    result.id,
                    result.why
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{passed} passed, {} failed\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(passed > 53, "{passed}");
}
