//! What a job sees, says and leaves.

use std::collections::BTreeMap;

use causeway_backends::{Backend, Engine, JobHandle, JobSpec, JobState, Phase};
use causeway_domain::{Bytes, Secret};

use crate::site::{Site, on_every_engine, until};

on_every_engine! {
    a_job_sees_skypilots_words_and_leaves_its_code,
    setup_that_fails_keeps_run_from_starting,
    logs_are_live_and_go_on_at_an_offset,
    no_text_of_the_user_is_taken_for_shell,
    secrets_are_seen_by_the_job_alone,
    nodes_stand_in_and_fall_together,
    ranks_share_out_the_gpus,
    what_a_job_leaves_behind_is_ended,
}

pub(crate) async fn output(engine: &Engine, handle: &JobHandle) -> String {
    let mut bytes = Vec::new();
    let end = engine
        .logs(handle, 0, false, |piece| bytes.extend_from_slice(piece))
        .await
        .unwrap();
    assert_eq!(end, u64::try_from(bytes.len()).unwrap());
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn exited(code: i32) -> JobState {
    JobState::Exited {
        code,
        phase: Phase::Run,
    }
}

async fn a_job_sees_skypilots_words_and_leaves_its_code(site: &Site) {
    let spec = JobSpec {
        setup: Some("echo setup $SKYPILOT_SETUP_NODE_RANK $SKYPILOT_SETUP_NODE_IPS $SKYPILOT_SETUP_NUM_GPUS_PER_NODE".to_owned()),
        user: Some("ada".to_owned()),
        gpus_per_node: 2,
        envs: BTreeMap::from([("STEPS".to_owned(), "12".to_owned())]),
        ..site.job(
            "echo run $SKYPILOT_NODE_RANK $SKYPILOT_NODE_IPS $SKYPILOT_NUM_NODES $SKYPILOT_NUM_GPUS_PER_NODE $SKYPILOT_USER $STEPS\n\
             echo $SKYPILOT_TASK_ID; [ -n \"$HOME\" ] && [ -n \"$BASH_VERSION\" ] && pwd; echo to stderr >&2; exit 7",
        )
    };
    let handle = site.engine.launch(&spec).await.unwrap();
    assert!(handle.pid.is_some());
    assert_eq!(handle.directory, spec.directory);
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(7));
    let said = output(&site.engine, &handle).await;
    let expected = format!(
        "setup 0 127.0.0.1 2\nrun 0 127.0.0.1 1 2 ada 12\n{}\n{}\nto stderr\n",
        spec.task_id(),
        spec.workdir
    );
    assert_eq!(said, expected);
    let report = site.engine.report(&handle).await.unwrap();
    assert_eq!(
        (report.state, report.log),
        (exited(7), Bytes::new(u64::try_from(said.len()).unwrap()))
    );
    assert!(report.started.unwrap() <= report.ended.unwrap());
}

async fn setup_that_fails_keeps_run_from_starting(site: &Site) {
    let spec = JobSpec {
        setup: Some("echo preparing; exit 4".to_owned()),
        ..site.job("echo never")
    };
    let handle = site.engine.launch(&spec).await.unwrap();
    assert_eq!(
        site.engine.wait(&handle).await.unwrap(),
        JobState::Exited {
            code: 4,
            phase: Phase::Setup
        }
    );
    assert_eq!(output(&site.engine, &handle).await, "preparing\n");
}

async fn logs_are_live_and_go_on_at_an_offset(site: &Site) {
    let spec = site.job("echo one; until [ -e ../go ]; do sleep 0.05; done; printf 'two\\nthree'");
    let handle = site.engine.launch(&spec).await.unwrap();
    let mut seen = Vec::new();
    let mut told = false;
    let end = site
        .engine
        .logs(&handle, 0, true, |piece| {
            seen.extend_from_slice(piece);
            // The job goes on only when its first line has been seen here: a log that is not live never ends.
            if !told && seen.starts_with(b"one\n") {
                told = true;
                site.sh(&format!("touch '{}/go'", spec.directory));
            }
        })
        .await
        .unwrap();
    assert_eq!(seen, b"one\ntwo\nthree");
    let mut rest = Vec::new();
    assert_eq!(
        site.engine
            .logs(&handle, 4, false, |piece| rest.extend_from_slice(piece))
            .await
            .unwrap(),
        end
    );
    assert_eq!(rest, b"two\nthree");
    assert_eq!(
        site.engine
            .logs(&handle, end, true, |_| panic!("there is no more"))
            .await
            .unwrap(),
        end
    );
}

async fn no_text_of_the_user_is_taken_for_shell(site: &Site) {
    let hostile = "it's $(touch hacked) `id` \"x\" \\ *\n; exit 9 #é";
    let spec = JobSpec {
        workdir: site.root.join("a 'dir' $(x); \"y\""),
        envs: BTreeMap::from([
            ("HOSTILE".to_owned(), hostile.to_owned()),
            // The supervisor's own words: a user's variables must not reach them.
            ("job".to_owned(), "/".to_owned()),
            ("spec".to_owned(), "/".to_owned()),
            ("shell".to_owned(), "false".to_owned()),
            ("workdir".to_owned(), "/".to_owned()),
            ("code".to_owned(), "9".to_owned()),
            ("PATH".to_owned(), "/bin:/usr/bin".to_owned()),
            ("IFS".to_owned(), "x".to_owned()),
        ]),
        secrets: BTreeMap::from([("ALSO".to_owned(), Secret::new(hostile))]),
        ..site.job("printf '%s|%s|%s' \"$HOSTILE\" \"$ALSO\" \"$PWD\"; [ ! -e hacked ]")
    };
    let handle = site.engine.launch(&spec).await.unwrap();
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
    assert_eq!(
        output(&site.engine, &handle).await,
        format!("{hostile}|{hostile}|{}", spec.workdir)
    );
}

async fn secrets_are_seen_by_the_job_alone(site: &Site) {
    let secret = "hush-4f1c9b-never-shown";
    let spec = JobSpec {
        secrets: BTreeMap::from([("TOKEN".to_owned(), Secret::new(secret))]),
        ..site.job("echo ${#TOKEN} $(umask); ps axww -o args > ../ps; until [ -e ../go ]; do sleep 0.05; done")
    };
    let handle = site.engine.launch(&spec).await.unwrap();
    until("the job has looked at the processes", || {
        site.has(&spec.directory.join("ps"))
    })
    .await;
    let directory = &spec.directory;
    let ps = site.sh(&format!("ps axww -o args; cat '{directory}/ps'"));
    assert!(ps.contains("job.sh") && !ps.contains(secret), "{ps}");
    // Nothing on the site's disk holds it any more, and all that is there is the owner's alone.
    assert_eq!(
        site.sh(&format!("grep -rlF '{secret}' '{}'", site.root)),
        ""
    );
    assert_eq!(
        site.sh(&format!("find '{directory}/.causeway' -perm /077")),
        ""
    );
    assert_eq!(
        site.sh(&format!(
            "find '{directory}/.causeway' -name 'secrets*' -o -name 'new.*'"
        )),
        ""
    );
    site.sh(&format!("touch '{directory}/go'"));
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
    let usual = site.sh("umask");
    assert_eq!(
        output(&site.engine, &handle).await,
        format!("{} {usual}", secret.len()),
        "the job has the account's umask, not ours"
    );
}

async fn nodes_stand_in_and_fall_together(site: &Site) {
    let all = JobSpec { nodes: 3, ..site.job("echo $SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES; echo \"$SKYPILOT_NODE_IPS\" | wc -l | tr -d ' '") };
    let handle = site.engine.launch(&all).await.unwrap();
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
    let said = output(&site.engine, &handle).await;
    let mut lines: Vec<&str> = said.lines().collect();
    assert!(
        lines
            .remove(0)
            .contains("3 nodes are processes of one machine"),
        "{said}"
    );
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "(rank 0) 0/3",
            "(rank 0) 3",
            "(rank 1) 1/3",
            "(rank 1) 3",
            "(rank 2) 2/3",
            "(rank 2) 3"
        ]
    );

    // Rank 1 fails when all are up; the others, one of them deaf to TERM, would run for ever.
    let one_fails = JobSpec {
        nodes: 3,
        grace_seconds: 1,
        ..site.job(
            "touch up-$SKYPILOT_NODE_RANK; [ $SKYPILOT_NODE_RANK != 2 ] || trap '' TERM\n\
             until [ -e up-0 ] && [ -e up-1 ] && [ -e up-2 ]; do sleep 0.05; done\n\
             [ $SKYPILOT_NODE_RANK = 1 ] && exit 9; while :; do sleep 1; done",
        )
    };
    let handle = site.engine.launch(&one_fails).await.unwrap();
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(9));
    assert!(
        output(&site.engine, &handle)
            .await
            .contains("rank 1 ended with exit code 9")
    );
    assert_eq!(
        site.sh(&format!(
            "grep -lsF 'CAUSEWAY_JOB={}' /proc/[0-9]*/environ",
            one_fails.directory
        )),
        ""
    );
}

async fn ranks_share_out_the_gpus(site: &Site) {
    let spec = JobSpec {
        nodes: 2,
        gpus_per_node: 2,
        ..site.job("echo $CUDA_VISIBLE_DEVICES")
    };
    let handle = site.engine.launch(&spec).await.unwrap();
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
    let said = output(&site.engine, &handle).await;
    assert!(
        said.contains("(rank 0) 0,1\n") && said.contains("(rank 1) 2,3\n"),
        "{said}"
    );
}

async fn what_a_job_leaves_behind_is_ended(site: &Site) {
    let spec = JobSpec {
        setup: Some("setsid sleep 7771 & echo $! > pid".to_owned()),
        ..site.job("kill -0 $(cat pid) && echo it serves run")
    };
    let handle = site.engine.launch(&spec).await.unwrap();
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
    assert_eq!(output(&site.engine, &handle).await, "it serves run\n");
    assert_eq!(
        site.sh(&format!(
            "ps -o stat= -p $(cat '{}/pid') | grep -v Z",
            spec.workdir
        )),
        ""
    );
}
