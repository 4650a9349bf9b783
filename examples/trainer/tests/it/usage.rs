//! What the program says to good and bad requests.

use crate::program::{Home, ended, program};

#[test]
fn the_loss_falls_and_every_line_is_json() {
    let home = Home::new();
    let run = home.train("a", "--steps 60 --lr 0.01");
    let losses: Vec<f64> = run
        .events
        .iter()
        .filter_map(|event| event["loss"].as_f64())
        .collect();
    assert!(
        losses[0] > 5.0 && losses[losses.len() - 1] < 3.5,
        "{losses:?}"
    );
    assert_eq!(run.event("done")["step"], 60);
    assert!(
        run.events
            .iter()
            .filter(|event| event["event"] == "step")
            .count()
            == 60
    );
    let step = run.event("step");
    for field in ["step", "loss", "tokens", "tokens_per_second", "seconds"] {
        assert!(step[field].is_number(), "{field}: {step}");
    }
}

#[test]
fn generate_goes_on_from_the_prompt() {
    let home = Home::new();
    home.train("a", "--steps 10");
    let generate = |more: &str| {
        let mut command = program();
        command
            .arg("generate")
            .arg("--model")
            .arg(home.path("a/step-000010"))
            .args(["--prompt", "stone é "]);
        command.args(more.split_whitespace()).output().unwrap()
    };
    let (one, two) = (generate("--tokens 30"), generate("--tokens 30"));
    assert!(one.status.success() && one.stdout.starts_with("stone é ".as_bytes()));
    assert_eq!(one.stdout, two.stdout);
    let logits: Vec<f32> = serde_json::from_slice(&generate("--logits").stdout).unwrap();
    assert_eq!(logits.len(), 256);
}

#[test]
fn other_nodes_have_nothing_to_do_and_say_so() {
    let home = Home::new();
    let on = |rank: &str, nodes: &str| {
        let mut command = home.command("a", "--steps 1");
        command
            .env("SKYPILOT_NODE_RANK", rank)
            .env("SKYPILOT_NUM_NODES", nodes);
        ended(&command.output().unwrap())
    };
    let second = on("1", "2");
    assert_eq!((second.code, second.kinds()), (Some(0), vec!["idle"]));
    assert!(!home.path("a").exists());
    let first = on("0", "2");
    assert!(
        first.event("note")["message"]
            .as_str()
            .unwrap()
            .contains("1 of 2 nodes are not used")
    );
    assert_eq!(on("first", "2").code, Some(2));
}

#[test]
fn bad_input_ends_with_2_and_one_clear_line() {
    let home = Home::new();
    let mut missing = home.command("a", "--steps 1");
    missing.arg("--data").arg(home.path("nothing.txt"));
    for (run, part) in [
        (
            home.train("a", "--steps none"),
            "--steps `none`: expected a whole number above 0",
        ),
        (
            home.train("a", "--hidden 10 --heads 4"),
            "--hidden 10 must be a multiple",
        ),
        (
            home.train("a", "--seq 4096 --data /dev/null"),
            "holds 0 bytes; --seq 4096 needs at least 4097",
        ),
        (ended(&missing.output().unwrap()), "nothing.txt"),
        (
            ended(&program().output().unwrap()),
            "--data and --checkpoints are needed",
        ),
    ] {
        assert_eq!(run.code, Some(2), "{}", run.errors);
        assert!(
            run.errors.starts_with("error: ") && run.errors.contains(part),
            "{}",
            run.errors
        );
        assert_eq!(run.errors.lines().count(), 1);
        assert!(run.events.is_empty());
    }
}

#[test]
fn a_directory_that_cannot_be_written_fails_with_1() {
    let home = Home::new();
    std::fs::write(home.path("taken"), "").unwrap();
    let run = home.train("taken", "--steps 1");
    assert_eq!(run.code, Some(1));
    assert!(run.errors.contains("taken"), "{}", run.errors);
}
