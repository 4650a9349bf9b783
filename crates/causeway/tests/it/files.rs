//! `check` and `init`.

use crate::home::Home;

#[test]
fn check_prints_the_contract() {
    let home = Home::new();
    let good = home.causeway(&["check", "task.yaml", "--json"]);
    assert_eq!(good.code, Some(0), "{good}");
    let files = good.json()["files"].clone();
    assert_eq!(files.as_array().unwrap().len(), 2);
    assert_eq!(files[1]["file"], "causeway.yaml");

    home.write("task.yaml", "resources:\n  acclerators: H100\nrun: x\n");
    let bad = home.causeway(&["check", "--task-only", "task.yaml", "--json"]);
    assert_eq!(bad.code, Some(2), "{bad}");
    let problem = &bad.json()["files"][0]["problems"][0];
    assert_eq!(
        (
            problem["severity"].as_str(),
            problem["line"].as_u64(),
            problem["column"].as_u64()
        ),
        (Some("error"), Some(2), Some(3))
    );
    assert_eq!(problem["help"], "did you mean `accelerators`?");
}

#[test]
fn an_error_points_into_the_file() {
    let home = Home::new();
    home.organisation(&[("operator: strait", "operator: strat")]);
    let run = home.causeway(&["check", "task.yaml"]);
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn what_is_valid_and_not_run_is_refused_by_run() {
    let home = Home::new();
    home.write(
        "task.yaml",
        "service: {replicas: 1, readiness_probe: /}\nrun: x\n",
    );
    assert_eq!(home.causeway(&["check", "task.yaml"]).code, Some(0));
    let run = home.causeway(&["run", "task.yaml", "--yes"]);
    assert_eq!(run.code, Some(2), "{run}");
    assert!(
        run.stderr
            .contains("`service` is valid and not run by Causeway yet"),
        "{run}"
    );
}

#[test]
fn init_writes_a_pair_that_checks_and_is_never_allowed_as_it_is() {
    let home = Home::new();
    assert_eq!(home.causeway(&["init", "new"]).code, Some(0));
    let again = home.causeway(&["init", "new"]);
    assert_eq!(again.code, Some(2), "{again}");
    let check = home.causeway(&["check", "new/task.yaml"]);
    assert_eq!(check.code, Some(0), "{check}");
    let plan = home.causeway(&["plan", "new/task.yaml", "--site", "first"]);
    assert_eq!(
        plan.code,
        Some(4),
        "nothing is known, so a person must look: {plan}"
    );
}

/// Where the sample tasks of SkyPilot are, copied with their source noted.
#[test]
fn every_sample_task_of_skypilot_is_valid() {
    let home = Home::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/skypilot-tasks");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml")
        {
            let run = home.causeway(&["check", "--task-only", path.to_str().unwrap()]);
            assert_eq!(run.code, Some(0), "{}: {run}", path.display());
            seen += 1;
        }
    }
    assert_eq!(seen, 15);
}
