//! SIGKILL at every fault point there is; then `resume`, and the same end: one job, one entry a stage, a log that verifies.

use crate::home::{Home, until};

/// One site, so that no other place is judged again at every start.
const RUN: [&str; 5] = ["run", "task.yaml", "--yes", "--site", "johor"];

/// The run ends as it would have ended without the kill.
fn assert_whole(home: &Home, what: &str) {
    assert_eq!(
        home.stages(),
        [
            "plan/1", "clear/1", "stage/1", "train/1", "home/1", "admit/1", "deploy/1"
        ],
        "{what}"
    );
    home.assert_verifies();
    let models = home.causeway(&["models", "--json"]).json();
    assert_eq!(
        models["models"][0]["revisions"].as_array().unwrap().len(),
        1,
        "{what}"
    );
    assert_eq!(
        models["models"][0]["production"], models["models"][0]["main"],
        "{what}"
    );
}

fn kill_at(point: &str) {
    let home = Home::new();
    let killed = home.with_fault(point, &RUN);
    assert_eq!(
        killed.signal,
        Some(9),
        "`{point}` was not reached: {killed}"
    );
    // Before the run exists there is nothing to resume: running the same files again must do.
    let words: &[&str] = if home.causeway(&["status", "--json"]).json()["runs"]
        .as_array()
        .unwrap()
        .is_empty()
    {
        &RUN
    } else {
        &["resume"]
    };
    let resumed = home.causeway(words);
    assert_eq!(
        resumed.code,
        Some(0),
        "after a kill at `{point}`: {resumed}"
    );
    assert_eq!(home.starts(), 1, "one job, after a kill at `{point}`");
    assert_whole(&home, point);
}

/// Several tests, so that they run beside each other.
fn every(points: impl IntoIterator<Item = &'static str>) {
    for point in points {
        kill_at(point);
    }
}

#[test]
fn plan_and_clear() {
    every(causeway_run::STAGE_FAULTS.into_iter().take(2).flatten());
}

#[test]
fn stage() {
    every(
        causeway_run::STAGE_FAULTS
            .into_iter()
            .skip(2)
            .take(1)
            .flatten()
            .chain(["stage.gate", "stage.shipped"]),
    );
}

#[test]
fn train() {
    every(
        causeway_run::STAGE_FAULTS
            .into_iter()
            .skip(3)
            .take(1)
            .flatten()
            .chain(["train.launched"])
            .chain(causeway_backends::FAULT_POINTS),
    );
}

#[test]
fn home_and_admit() {
    every(
        causeway_run::STAGE_FAULTS
            .into_iter()
            .skip(4)
            .take(2)
            .flatten(),
    );
}

#[test]
fn deploy_and_registry() {
    every(
        causeway_run::STAGE_FAULTS
            .into_iter()
            .skip(6)
            .flatten()
            .chain(causeway_registry::FAULT_POINTS.iter().copied()),
    );
}

#[test]
fn inside_the_log() {
    every([
        "ledger.envelope",
        "ledger.entries",
        "ledger.tiles",
        "ledger.checkpoint",
        "ledger.checkpoint:4",
    ]);
}

/// What the way home passes; placing beside the store is `pull`'s alone.
#[test]
fn inside_the_transfer() {
    every(causeway_transfer::FAULT_POINTS.into_iter().filter(|point| {
        point.starts_with("transfer.")
            && !["transfer.placing", "transfer.placed", "transfer.published"].contains(point)
    }));
}

/// An agent that dies at each point of its work, again and again, keeps nothing from ending well once it lives.
#[test]
fn inside_the_agent() {
    for point in causeway_transfer::FAULT_POINTS
        .into_iter()
        .filter(|point| point.starts_with("agent."))
    {
        let home = Home::new();
        let mut running = home
            .command(&RUN)
            .env("CAUSEWAY_FAULT", point)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The agent leaves its pid behind; its death is the fault.
        let pid = home.path("site/.causeway");
        until("an agent to die", || {
            let died = agents(&pid)
                .iter()
                .any(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists());
            died || running.try_wait().unwrap().is_some()
        });
        let _ = running.kill();
        running.wait().unwrap();
        let resumed = home.causeway(&["resume"]);
        assert_eq!(
            resumed.code,
            Some(0),
            "after agents died at `{point}`: {resumed}"
        );
        assert_eq!(home.starts(), 1, "{point}");
        assert_whole(&home, point);
    }
}

/// Pids of the agents that a site has had.
fn agents(folder: &std::path::Path) -> Vec<String> {
    let Ok(found) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    found
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path().join("pid")).ok())
        .filter_map(|text| text.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn a_killed_job_is_started_again_and_ends_the_same() {
    let home = Home::new();
    home.task("echo start >> \"$COUNT\"\nif [ \"$(wc -l < \"$COUNT\")\" = 1 ]; then echo $$ > \"$COUNT.pid\"; exec tail -f /dev/null; fi\nmkdir -p \"$CAUSEWAY_CHECKPOINTS/last\"\ncp model/* \"$CAUSEWAY_CHECKPOINTS/last/\"\n");
    let running = home
        .command(&RUN)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until("the job to start", || {
        home.path("count.pid").exists()
            && std::fs::read_to_string(home.path("count.pid"))
                .unwrap()
                .ends_with('\n')
    });
    // The whole job: its supervisor and everything below it.
    let pid = std::fs::read_to_string(home.path("count.pid")).unwrap();
    let group = std::process::Command::new("ps")
        .args(["-o", "sid=", "-p", pid.trim()])
        .output()
        .unwrap();
    let session = String::from_utf8(group.stdout).unwrap();
    assert!(
        std::process::Command::new("pkill")
            .args(["-KILL", "-s", session.trim()])
            .status()
            .unwrap()
            .success()
    );
    let run = crate::home::Run::of(running.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stderr.contains("the job was lost"), "{run}");
    assert_eq!(home.starts(), 2);
    assert_whole(&home, "a killed job");
}

#[test]
fn a_killed_agent_costs_nothing_but_time() {
    let home = Home::new();
    home.task("mkdir -p \"$CAUSEWAY_CHECKPOINTS/one.tmp\"\ncp model/* \"$CAUSEWAY_CHECKPOINTS/one.tmp/\"\necho start >> \"$COUNT\"\nwhile [ ! -e \"$COUNT.go\" ]; do sleep 0.1; done\nmv \"$CAUSEWAY_CHECKPOINTS/one.tmp\" \"$CAUSEWAY_CHECKPOINTS/one\"\n");
    let running = home
        .command(&RUN)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until("the job to start", || home.starts() == 1);
    let pattern = format!("agent --listen .*{}", home.dir.path().display());
    until("an agent to be killed", || {
        std::process::Command::new("pkill")
            .args(["-KILL", "-f", &pattern])
            .status()
            .unwrap()
            .success()
    });
    home.write("count.go", "");
    let run = crate::home::Run::of(running.wait_with_output().unwrap());
    assert_eq!(run.code, Some(0), "{run}");
    assert_whole(&home, "a killed agent");
}

#[test]
fn a_lost_journal_is_rebuilt_from_the_log() {
    let home = Home::new();
    let killed = home.with_fault("home.logged", &RUN);
    assert_eq!(killed.signal, Some(9), "{killed}");
    let id = home.causeway(&["status", "--json"]).json()["runs"][0]["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"] {
        let _ = std::fs::remove_file(home.path(&format!(".causeway/{name}")));
    }
    let resumed = home.causeway(&["resume", &id]);
    assert_eq!(resumed.code, Some(0), "{resumed}");
    assert_eq!(home.starts(), 1);
    assert_whole(&home, "a lost journal");
}
