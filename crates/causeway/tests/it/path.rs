//! The path from a task to a model, whole.

use crate::home::{Home, Run, until};

#[test]
fn a_run_ends_with_a_model_that_is_admitted_deployed_and_recorded() {
    let home = Home::new();
    let run = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(home.starts(), 1);
    assert_eq!(
        home.stages(),
        [
            "plan/1", "clear/1", "stage/1", "train/1", "home/1", "admit/1", "deploy/1"
        ]
    );
    home.assert_verifies();
    for words in [
        "a stand-in for a site in Johor, Malaysia",
        "hf download acme/demo",
        "lawful since",
    ] {
        assert!(run.stdout.contains(words), "`{words}`: {run}");
    }
    assert!(
        run.stderr.contains("step 1 of 0/1"),
        "the job's output is live: {run}"
    );

    let models = home.causeway(&["models", "--json"]).json();
    let model = &models["models"][0];
    assert_eq!(model["name"], "acme/demo");
    assert_eq!(model["production"], model["main"]);
    assert_eq!(model["revisions"].as_array().unwrap().len(), 1);

    let logs = home.causeway(&["logs"]);
    assert!(logs.stdout.contains("step 2 of 0/1"), "{logs}");
    let again = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(again.code, Some(0), "{again}");
    assert_eq!(
        home.starts(),
        2,
        "after a finished run the same files start another"
    );
    assert_eq!(
        home.causeway(&["models", "--json"]).json()["models"][0]["revisions"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "the same bytes are the same revision"
    );
    home.assert_verifies();
}

#[test]
fn a_failing_job_keeps_its_exit_code_and_can_be_resumed() {
    let home = Home::new();
    home.task("echo start >> \"$COUNT\"\n[ -e \"$COUNT.fixed\" ] || exit 7\nmkdir -p \"$CAUSEWAY_CHECKPOINTS/last\"\ncp model/* \"$CAUSEWAY_CHECKPOINTS/last/\"\n");
    let run = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stderr.contains("exit code 7"), "{run}");
    home.write("count.fixed", "");
    let resumed = home.causeway(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed}");
    assert_eq!(home.starts(), 2);
    assert_eq!(
        home.stages()
            .iter()
            .filter(|stage| stage.starts_with("train"))
            .count(),
        1
    );
    home.assert_verifies();
}

#[test]
fn stop_ends_the_job_and_resume_goes_on() {
    let home = Home::new();
    home.task("echo start >> \"$COUNT\"\nif [ \"$(wc -l < \"$COUNT\")\" = 1 ]; then exec tail -f /dev/null; fi\nmkdir -p \"$CAUSEWAY_CHECKPOINTS/last\"\ncp model/* \"$CAUSEWAY_CHECKPOINTS/last/\"\n");
    let mut running = home
        .command(&["run", "task.yaml", "--yes", "--site", "johor"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until("the job to start", || home.starts() == 1);
    let status = home.causeway(&["status", "--json"]).json();
    let id = status["runs"][0]["run"]["id"].as_str().unwrap().to_owned();
    assert_eq!(status["runs"][0]["status"], "running");
    let second = home.causeway(&["resume", &id]);
    assert_eq!(second.code, Some(6), "a run has one driver: {second}");
    assert!(second.stderr.contains("is driven by process"), "{second}");
    let stop = home.causeway(&["stop", &id]);
    assert_eq!(stop.code, Some(0), "{stop}");
    assert_eq!(running.wait().unwrap().code(), Some(6));
    let resumed = home.causeway(&["resume", &id]);
    assert_eq!(resumed.code, Some(0), "{resumed}");
    assert_eq!(home.starts(), 2);
    home.assert_verifies();
}

#[test]
fn checkpoints_stream_while_the_job_runs() {
    let home = Home::new();
    home.task("mkdir -p \"$CAUSEWAY_CHECKPOINTS/one\"\ncp model/* \"$CAUSEWAY_CHECKPOINTS/one/\"\necho start >> \"$COUNT\"\nwhile [ ! -e \"$COUNT.go\" ]; do sleep 0.1; done\n");
    let running = home
        .command(&["run", "task.yaml", "--yes", "--site", "johor"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let manifests = home.path(".causeway/store/manifests");
    until("the first checkpoint to be home", || {
        std::fs::read_dir(&manifests).is_ok_and(|mut found| found.next().is_some())
    });
    home.write("count.go", "");
    let run = Run::of(running.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run}");
    home.assert_verifies();
}

#[test]
fn secrets_reach_the_job_and_nothing_else() {
    let home = Home::new();
    let text = std::fs::read_to_string(home.path("task.yaml")).unwrap();
    home.write(
        "task.yaml",
        &text.replace(
            "run: |\n",
            "secrets: {TOKEN: null, OTHER: loud-loud-43}\nrun: |\n  [ ${#TOKEN}${#OTHER} = 1212 ] || exit 9\n",
        ),
    );
    let missing = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(missing.code, Some(2), "{missing}");
    let mut with = home.command(&["run", "task.yaml", "--yes", "--site", "johor"]);
    let run = Run::of(with.env("TOKEN", "hush-hush-42").output().unwrap());
    assert_eq!(run.code, Some(0), "{run}");
    for folder in [".causeway", "site"] {
        for file in crate::answers::walk(&home.path(folder)) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(
                !bytes
                    .windows(12)
                    .any(|window| window == b"hush-hush-42" || window == b"loud-loud-43"),
                "{} holds the secret",
                file.display()
            );
        }
    }
}

#[test]
fn two_nodes_are_two_ranks() {
    let home = Home::new();
    let text = std::fs::read_to_string(home.path("task.yaml")).unwrap();
    let ranked = text.replace("run: |\n", "num_nodes: 2\nrun: |\n  echo \"rank $SKYPILOT_NODE_RANK of $(echo \"$SKYPILOT_NODE_IPS\" | wc -l)\"\n  [ \"$SKYPILOT_NODE_RANK\" = 0 ] || exit 0\n");
    home.write("task.yaml", &ranked);
    home.organisation(&[("memory: 4 GB,", "memory: 4 GB, nodes: 2,")]);
    let run = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(run.code, Some(0), "{run}");
    for rank in ["rank 0 of 2", "rank 1 of 2"] {
        assert!(run.stderr.contains(rank), "{run}");
    }
}

#[test]
fn a_machine_that_says_another_country_stops_the_run() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 2048];
            let length = stream.read(&mut request).unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let body = if text.contains("placement/region") {
                "us-east-1"
            } else if text.contains("availability-zone") {
                "us-east-1a"
            } else {
                "token"
            };
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let home = Home::new();
    home.organisation(&[(
        "encrypted_at_rest: true",
        &format!("encrypted_at_rest: true\n    metadata_url: http://{address}"),
    )]);
    let run = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stderr.contains("aws/us-east-1"), "{run}");
    assert_eq!(home.starts(), 0);
}

#[test]
fn evidence_is_verified_by_a_stranger_with_the_key_alone() {
    let home = Home::new();
    assert_eq!(
        home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"])
            .code,
        Some(0)
    );
    let id = home.causeway(&["status", "--json"]).json()["runs"][0]["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let exported = home.causeway(&["evidence", &id, "-o", "evidence.json", "--json"]);
    assert_eq!(exported.code, Some(0), "{exported}");
    let key = exported.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(
        home.causeway(&["evidence", "evidence.json", "--verify", "--key", &key])
            .code,
        Some(0)
    );
    let text = std::fs::read_to_string(home.path("evidence.json")).unwrap();
    let at = text.len() / 2;
    let changed = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    home.write(
        "evidence.json",
        &format!("{}{changed}{}", &text[..at], &text[at + 1..]),
    );
    assert_ne!(
        home.causeway(&["evidence", "evidence.json", "--verify", "--key", &key])
            .code,
        Some(0)
    );
}

#[test]
fn promote_and_rollback_move_production_and_are_recorded() {
    let home = Home::new();
    assert_eq!(
        home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"])
            .code,
        Some(0)
    );
    std::fs::write(
        home.path("model/model.safetensors"),
        crate::home::safetensors(4000),
    )
    .unwrap();
    assert_eq!(
        home.causeway(&["run", "task.yaml", "--yes", "--site", "johor", "--new"])
            .code,
        Some(0)
    );
    let model = home.causeway(&["models", "--json"]).json()["models"][0].clone();
    let first = model["revisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|revision| revision["commit"].as_str().unwrap())
        .find(|commit| *commit != model["main"])
        .unwrap()
        .to_owned();
    let back = home.causeway(&["rollback", "acme/demo", "--json"]);
    assert_eq!(back.code, Some(0), "{back}");
    assert_eq!(back.json()["move"]["to"], first.as_str());
    assert_eq!(home.causeway(&["promote", "acme/demo"]).code, Some(0));
    assert_eq!(
        home.causeway(&["models", "--json"]).json()["models"][0]["production"],
        model["main"]
    );
    assert_eq!(
        home.entries()
            .iter()
            .filter(|key| key.starts_with("promote/") || key.starts_with("rollback/"))
            .count(),
        2
    );
    home.assert_verifies();
}

#[test]
fn two_runs_at_once_on_one_state_directory_both_end_well() {
    let home = Home::new();
    let start = || {
        home.command(&["run", "task.yaml", "--yes", "--site", "johor", "--new"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start(), start()];
    for running in both {
        let run = Run::of(running.wait_with_output().unwrap());
        assert_eq!(run.code, Some(0), "{run}");
    }
    assert_eq!(home.starts(), 2);
    assert_eq!(home.entries().len(), 14);
    home.assert_verifies();
}
