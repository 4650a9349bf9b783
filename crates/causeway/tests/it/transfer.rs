//! `causeway pull` and `causeway push` between two directories of this machine.

use std::process::{Child, Stdio};

use crate::home::{Home, until};

/// An agent over a directory `there` of the test's folder; its ticket is `ticket.json`.
struct Agent(Child);

impl Agent {
    fn start(home: &Home) -> Self {
        std::fs::create_dir_all(home.path("there")).unwrap();
        let words = [
            "agent",
            "--root",
            "there",
            "--listen",
            "127.0.0.1:0",
            "--ticket-file",
            "ticket.json",
            "--writable",
            "--idle",
            "60",
        ];
        let child = home
            .command(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the agent's ticket", || home.path("ticket.json").exists());
        Self(child)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Sizes, rates and times stand still (numbers with a fraction, or before a unit), and the keys of agents.
fn still(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let next = words.iter().skip(1).copied().chain([""]);
        let line: Vec<String> = words
            .iter()
            .zip(next)
            .map(|(word, next)| {
                let number = word.trim_end_matches([',', ';', ':']);
                let measured = number.contains('.') || ["kB", "MB", "%", "s"].contains(&next);
                if number.parse::<f64>().is_ok() && measured {
                    word.replace(number, "N")
                } else if word.len() == 44 && word.ends_with('=') {
                    "KEY".to_owned()
                } else {
                    (*word).to_owned()
                }
            })
            .collect();
        lines += &line.join(" ");
        lines.push('\n');
    }
    lines
}

#[test]
fn a_push_and_a_pull_by_ticket_are_mirrors_and_say_what_crossed() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let pushed = home.causeway(&["push", "--ticket-file", "ticket.json", "model", "in/model"]);
    assert_eq!(pushed.code, Some(0), "{pushed}");
    insta::assert_snapshot!("pushed", still(&pushed.stdout));
    assert_eq!(
        std::fs::read(home.path("there/in/model/model.safetensors")).unwrap(),
        std::fs::read(home.path("model/model.safetensors")).unwrap()
    );
    let again = home.causeway(&[
        "push",
        "--ticket-file",
        "ticket.json",
        "model",
        "in/model",
        "--json",
    ]);
    let summary: serde_json::Value =
        serde_json::from_str(again.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(summary["event"], "done");
    assert_eq!(summary["reused_bytes"], summary["raw_bytes"], "{again}");

    let pulled = home.causeway(&[
        "pull",
        "--ticket-file",
        "ticket.json",
        "in/model",
        "back",
        "--limit",
        "20MB/s",
        "--limit",
        "03:00-03:01=off",
    ]);
    assert_eq!(pulled.code, Some(0), "{pulled}");
    insta::assert_snapshot!("pulled", still(&pulled.stdout));
    assert_eq!(
        std::fs::read(home.path("back/model.safetensors")).unwrap(),
        std::fs::read(home.path("model/model.safetensors")).unwrap()
    );
}

#[test]
fn two_pulls_into_one_directory_do_not_meet() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let noise: Vec<u8> = (0..3_000_000u32)
        .map(|at| at.wrapping_mul(0x9e37_79b9).to_be_bytes()[1])
        .collect();
    std::fs::write(home.path("there/long"), &noise).unwrap();
    std::fs::write(home.path("there/short"), "short").unwrap();
    let words = [
        "pull",
        "--ticket-file",
        "ticket.json",
        "long",
        "both/long",
        "--limit",
        "1MB/s",
    ];
    let mut long = home
        .command(&words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the longer one to have begun", || {
        std::fs::read_dir(home.path("both")).is_ok_and(|mut both| both.next().is_some())
    });
    let short = home.causeway(&[
        "pull",
        "--ticket-file",
        "ticket.json",
        "short",
        "both/short",
    ]);
    assert_eq!(short.code, Some(0), "{short}");
    assert!(!home.path("both/long").exists(), "it is not over yet");
    assert!(long.wait().unwrap().success());
    assert_eq!(std::fs::read(home.path("both/long")).unwrap(), noise);
    assert_eq!(
        std::fs::read_dir(home.path("both")).unwrap().count(),
        2,
        "and nothing is left behind"
    );
}

#[test]
fn a_site_of_the_organisation_is_pushed_to_and_its_egress_has_a_price() {
    let home = Home::new();
    home.organisation(&[
        (
            "encrypted_at_rest: true",
            "encrypted_at_rest: true\n    egress_per_gb: 100",
        ),
        ("team:", "transfer: {limit: 40MB/s}\nteam:"),
    ]);
    let pushed = home.causeway(&["push", "model", "johor:in/deep/model"]);
    assert_eq!(pushed.code, Some(0), "{pushed}");
    assert!(!pushed.stdout.contains("egress"), "{pushed}");
    let pulled = home.causeway(&["pull", "johor:in/deep/model", "back"]);
    assert_eq!(pulled.code, Some(0), "{pulled}");
    insta::assert_snapshot!("pulled_from_a_site_with_a_price", still(&pulled.stdout));
    assert_eq!(
        std::fs::read(home.path("back/model.safetensors")).unwrap(),
        std::fs::read(home.path("model/model.safetensors")).unwrap()
    );
}

#[test]
fn a_limit_that_is_none_is_told_before_anything_moves() {
    let home = Home::new();
    let refused = |limit: &str| {
        let run = home.causeway(&["pull", "x:y", "z", "--limit", limit]);
        assert_eq!(run.code, Some(2), "{run}");
        run.stderr
    };
    assert!(refused("20").contains("`20` is not a rate"));
    assert!(refused("0").contains("nothing ever moves"));
    home.organisation(&[("team:", "transfer: {limit: 8-18=5Mbit/s}\nteam:")]);
    let checked = home.causeway(&["check", "task.yaml"]);
    assert_eq!(checked.code, Some(2), "{checked}");
    insta::assert_snapshot!("a_limit_in_the_file", checked.stderr);
}
