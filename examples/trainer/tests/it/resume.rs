//! An interrupted run ends where an uninterrupted one does, bit for bit.

use crate::program::{Home, assert_same};

/// Trains to `step` without a break and compares with what `name` holds.
fn assert_like_unbroken(home: &Home, name: &str, step: u64) {
    let whole = format!("whole-{name}");
    assert_eq!(home.train(&whole, &format!("--steps {step}")).code, Some(0));
    let checkpoint = format!("step-{step:06}");
    assert_same(
        &home.path(&whole).join(&checkpoint),
        &home.path(name).join(&checkpoint),
    );
}

#[test]
fn a_prolonged_run_equals_an_unbroken_one() {
    let home = Home::new();
    assert_eq!(home.train("a", "--steps 15").code, Some(0));
    let second = home.train("a", "--steps 30");
    assert_eq!(second.event("resumed")["step"], 15);
    assert_eq!(
        home.names("a"),
        ["step-000010", "step-000015", "step-000020", "step-000030"]
    );
    assert_like_unbroken(&home, "a", 30);
}

#[test]
fn a_killed_run_equals_an_unbroken_one() {
    let home = Home::new();
    let mut training = home.start("a", "--steps 1000000");
    training.wait_for("checkpoint");
    training.signal("KILL");
    let newest = home
        .names("a")
        .into_iter()
        .rfind(|name| name.starts_with("step-"))
        .unwrap();
    let step: u64 = newest.trim_start_matches("step-").parse().unwrap();
    let last = step + 7;
    let resumed = home.train("a", &format!("--steps {last}"));
    assert_eq!(
        (resumed.code, resumed.event("resumed")["step"].as_u64()),
        (Some(0), Some(step))
    );
    assert!(
        home.names("a").iter().all(|name| name.starts_with("step-")),
        "leftovers: {:?}",
        home.names("a")
    );
    assert_like_unbroken(&home, "a", last);
}

#[test]
fn sigterm_saves_and_says_so() {
    let home = Home::new();
    let mut training = home.start("a", "--steps 1000000 --save-every 1000000");
    training.wait_for("step");
    let ended = training.signal("TERM");
    assert_eq!(ended.code, Some(143));
    let step = ended.event("interrupted")["step"].as_u64().unwrap();
    assert_eq!(ended.event("checkpoint")["step"], step);
    assert_eq!(ended.event("interrupted")["signal"], "SIGTERM");
    assert_eq!(home.names("a"), [format!("step-{step:06}")]);
    let last = step + 3;
    assert_eq!(home.train("a", &format!("--steps {last}")).code, Some(0));
    assert_like_unbroken(&home, "a", last);
}

#[test]
fn a_finished_run_is_left_alone() {
    let home = Home::new();
    home.train("a", "--steps 12");
    let newest = home.path("a").join("step-000012");
    let written = || {
        std::fs::metadata(newest.join("model.safetensors"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = written();
    let again = home.train("a", "--steps 12");
    assert_eq!(
        (again.code, again.kinds()),
        (Some(0), vec!["start", "resumed", "done"])
    );
    assert_eq!(written(), before);
    assert_eq!(home.names("a"), ["step-000010", "step-000012"]);
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let home = Home::new();
    home.train("a", "--steps 20");
    std::fs::write(
        home.path("a").join("step-000020/optimizer.safetensors"),
        b"cut short",
    )
    .unwrap();
    let resumed = home.train("a", "--steps 20");
    assert!(
        resumed.event("skipped")["reason"]
            .as_str()
            .unwrap()
            .contains("optimizer.safetensors")
    );
    assert_eq!(resumed.event("resumed")["step"], 10);
    assert_like_unbroken(&home, "a", 20);
}

#[test]
fn only_the_newest_are_kept_when_asked() {
    let home = Home::new();
    home.train("a", "--steps 35 --keep 2");
    assert_eq!(home.names("a"), ["step-000030", "step-000035"]);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_by_name() {
    let home = Home::new();
    home.train("a", "--steps 10");
    let other = home.train("a", "--steps 20 --seed 2");
    assert_eq!(other.code, Some(2));
    assert!(
        other.errors.contains("made with --seed 1, not 2"),
        "{}",
        other.errors
    );
    std::fs::write(
        home.path("text.txt"),
        "another text, long enough for one window",
    )
    .unwrap();
    let other = home.train("a", "--steps 20");
    assert_eq!(other.code, Some(2));
    assert!(other.errors.contains("--data of"), "{}", other.errors);
}
