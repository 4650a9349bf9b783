//! Launching once, finding again, stopping, losing, removing.

use std::time::Duration;

use causeway_backends::{
    Backend, BackendError, FAULT_POINTS, JobHandle, JobSpec, JobState, Refusal,
};

use crate::jobs::{exited, output};
use crate::site::{Site, TestEnv, on_every_engine, until};

on_every_engine! {
    however_often_it_is_launched_one_job_runs,
    a_crash_around_the_launch_leaves_one_job,
    one_attempt_at_a_time,
    stop_ends_the_deaf_and_those_who_left_the_group,
    a_polite_job_ends_at_term_and_counts_as_stopped,
    a_stop_that_comes_first_wins,
    a_killed_supervisor_is_lost_and_its_children_do_not_run_on,
    a_recycled_pid_is_not_the_job,
    only_what_is_below_the_site_is_removed,
    a_site_says_what_it_is,
}

const GRACE: Duration = Duration::from_secs(5);

fn refused(error: BackendError) -> Refusal {
    match error {
        BackendError::Refused { refusal, .. } => refusal,
        other => panic!("not a refusal: {other}"),
    }
}

async fn however_often_it_is_launched_one_job_runs(site: &Site) {
    let spec = site.job("echo $$ >> ../started; until [ -e ../go ]; do sleep 0.05; done");
    let another = site.another(TestEnv::default());
    let (a, b, c, d) = tokio::join!(
        site.engine.launch(&spec),
        another.launch(&spec),
        site.engine.launch(&spec),
        another.launch(&spec)
    );
    let handle = a.unwrap();
    for other in [b, c, d] {
        assert_eq!(other.unwrap(), handle);
    }
    site.sh(&format!("touch '{}/go'", spec.directory));
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
    let after = site.engine.launch(&spec).await.unwrap();
    assert_eq!(
        (&after, site.engine.state(&after).await.unwrap()),
        (&handle, exited(0)),
        "a job that ended is not started again"
    );
    assert_eq!(
        site.sh(&format!("cat '{}/started'", spec.directory))
            .lines()
            .count(),
        1
    );
    assert_eq!(
        site.sh(&format!("find '{}' -name 'new.*'", spec.directory)),
        "",
        "the launches that lost left nothing"
    );
}

async fn a_crash_around_the_launch_leaves_one_job(site: &Site) {
    for point in FAULT_POINTS {
        let spec = site.job("echo ran >> ../ran");
        let crashing = site.another(TestEnv {
            crash_at: Some(point),
            ..TestEnv::default()
        });
        let error = crashing.launch(&spec).await.unwrap_err();
        assert!(
            matches!(error, BackendError::Crash(crash) if crash.point == point),
            "{error}"
        );
        let handle = JobHandle::new(
            "somewhere".parse().unwrap(),
            spec.run.clone(),
            1,
            spec.directory.clone(),
        );
        let before = site.engine.state(&handle).await.unwrap();
        assert_eq!(
            before == JobState::NotStarted,
            point == "launch.intent",
            "{point}: {before}"
        );
        let found = site.engine.launch(&spec).await.unwrap();
        assert_eq!(site.engine.wait(&found).await.unwrap(), exited(0));
        assert_eq!(
            site.sh(&format!("cat '{}/ran'", spec.directory)),
            "ran\n",
            "{point}"
        );
    }
}

async fn one_attempt_at_a_time(site: &Site) {
    let first = site.job("sleep 600");
    let handle = site.engine.launch(&first).await.unwrap();
    let second = JobSpec {
        attempt: 2,
        run_script: "echo second".to_owned(),
        ..first.clone()
    };
    assert_eq!(
        refused(site.engine.launch(&second).await.unwrap_err()),
        Refusal::Running
    );
    assert_eq!(
        site.engine.stop(&handle, GRACE).await.unwrap(),
        JobState::Stopped
    );
    let handle = site.engine.launch(&second).await.unwrap();
    assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(0));
}

async fn stop_ends_the_deaf_and_those_who_left_the_group(site: &Site) {
    let spec = site.job("trap '' TERM; setsid sleep 7772 & echo $! > left; sleep 7773 & echo $! >> left; touch up; while :; do sleep 1; done");
    let handle = site.engine.launch(&spec).await.unwrap();
    let work = &spec.workdir;
    until("the job is up", || site.has(&work.join("up"))).await;
    assert_eq!(site.engine.state(&handle).await.unwrap(), JobState::Running);
    assert_eq!(
        site.engine
            .stop(&handle, Duration::from_secs(1))
            .await
            .unwrap(),
        JobState::Stopped
    );
    assert_eq!(site.engine.wait(&handle).await.unwrap(), JobState::Stopped);
    assert_eq!(
        site.sh(&format!(
            "for p in $(cat '{work}/left'); do ps -o stat= -p $p | grep -v Z; done"
        )),
        ""
    );
    assert_eq!(
        site.engine.stop(&handle, GRACE).await.unwrap(),
        JobState::Stopped,
        "twice is the same"
    );
}

async fn a_polite_job_ends_at_term_and_counts_as_stopped(site: &Site) {
    let spec = site.job("trap 'echo saving; exit 0' TERM; touch up; while :; do sleep 0.05; done");
    let handle = site.engine.launch(&spec).await.unwrap();
    until("the job is up", || site.has(&spec.workdir.join("up"))).await;
    assert_eq!(
        site.engine.stop(&handle, GRACE).await.unwrap(),
        JobState::Stopped
    );
    assert!(
        output(&site.engine, &handle).await.contains("saving\n"),
        "it had its time"
    );
    // A job that ended by itself stays what it was.
    let handle = site.engine.launch(&site.job("exit 3")).await.unwrap();
    site.engine.wait(&handle).await.unwrap();
    assert_eq!(site.engine.stop(&handle, GRACE).await.unwrap(), exited(3));
}

async fn a_stop_that_comes_first_wins(site: &Site) {
    let spec = site.job("echo never");
    let handle = JobHandle::new(
        "somewhere".parse().unwrap(),
        spec.run.clone(),
        1,
        spec.directory.clone(),
    );
    assert_eq!(
        site.engine.state(&handle).await.unwrap(),
        JobState::NotStarted
    );
    assert_eq!(
        site.engine.wait(&handle).await.unwrap(),
        JobState::NotStarted
    );
    assert_eq!(
        site.engine
            .logs(&handle, 0, true, |_| panic!("nothing was said"))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        site.engine.stop(&handle, GRACE).await.unwrap(),
        JobState::Stopped
    );
    let launched = site.engine.launch(&spec).await.unwrap();
    assert_eq!(
        (launched.pid, site.engine.state(&launched).await.unwrap()),
        (None, JobState::Stopped)
    );
    assert_eq!(output(&site.engine, &launched).await, "");
}

async fn a_killed_supervisor_is_lost_and_its_children_do_not_run_on(site: &Site) {
    let spec = site.job("echo $$ > pid; while :; do sleep 1; done");
    let handle = site.engine.launch(&spec).await.unwrap();
    let alive = || {
        site.sh(&format!(
            "ps -o stat= -p $(cat '{}/pid') 2>/dev/null | grep -v Z",
            spec.workdir
        ))
    };
    until("the job is up", || !alive().is_empty()).await;
    site.sh(&format!("kill -9 {}", handle.pid.unwrap()));
    let state = site.engine.wait(&handle).await.unwrap();
    assert!(
        matches!(&state, JobState::Lost { why } if why.contains("live on")),
        "{state}"
    );
    assert_ne!(alive(), "", "its child outlived it");
    // Another attempt starts only when nothing of the lost one is left.
    let second = JobSpec {
        attempt: 2,
        run_script: "ps -o stat= -p $(cat pid) | grep -v Z; echo alone".to_owned(),
        ..spec.clone()
    };
    let next = site.engine.launch(&second).await.unwrap();
    assert_eq!(site.engine.wait(&next).await.unwrap(), exited(0));
    assert_eq!(output(&site.engine, &next).await, "alone\n");

    // The whole group killed at once: nothing lives on, and stopping what is lost is no error.
    let handle = site
        .engine
        .launch(&site.job("while :; do sleep 1; done"))
        .await
        .unwrap();
    site.sh(&format!("kill -s KILL -- -{}", handle.pid.unwrap()));
    assert!(matches!(
        site.engine.wait(&handle).await.unwrap(),
        JobState::Lost { .. }
    ));
    assert_eq!(
        site.engine.stop(&handle, GRACE).await.unwrap(),
        JobState::Stopped
    );
}

async fn a_recycled_pid_is_not_the_job(site: &Site) {
    let spec = site.job("while :; do sleep 1; done");
    let handle = site.engine.launch(&spec).await.unwrap();
    let claim = handle.job_directory().join("pid");
    let whole = site.sh(&format!("cat '{claim}'"));
    let words: Vec<&str> = whole.split_whitespace().collect();
    let write = |words: &[&str]| site.sh(&format!("echo '{}' > '{claim}'", words.join(" ")));
    assert_eq!(words.len(), 5, "pid, start, boot, host, instant: {whole}");

    write(&[words[0], "1", words[2], words[3], words[4]]);
    let state = site.engine.state(&handle).await.unwrap();
    assert!(
        matches!(&state, JobState::Lost { .. }),
        "a living process of that pid with another start time: {state}"
    );

    write(&[words[0], words[1], "another-boot", words[3], words[4]]);
    let state = site.engine.state(&handle).await.unwrap();
    assert!(
        matches!(&state, JobState::Lost { why } if why.contains("restarted")),
        "{state}"
    );

    write(&[words[0], words[1], "another-boot", "another-host", words[4]]);
    assert_eq!(
        refused(site.engine.state(&handle).await.unwrap_err()),
        Refusal::Elsewhere
    );
    assert_eq!(
        refused(site.engine.stop(&handle, GRACE).await.unwrap_err()),
        Refusal::Elsewhere
    );
    let second = JobSpec { attempt: 2, ..spec };
    assert_eq!(
        refused(site.engine.launch(&second).await.unwrap_err()),
        Refusal::Elsewhere,
        "never two jobs of a run"
    );

    write(&words);
    assert_eq!(
        site.engine.stop(&handle, GRACE).await.unwrap(),
        JobState::Stopped
    );
}

async fn only_what_is_below_the_site_is_removed(site: &Site) {
    let (root, engine) = (&site.root, &site.engine);
    let made = engine.prepare(&root.join("a/b c")).await.unwrap();
    assert_eq!(made, root.join("a/b c"));
    assert_eq!(
        site.sh(&format!("stat -c %a '{root}/a' '{root}/a/b c'")),
        "700\n700\n"
    );
    site.sh(&format!(
        "mkdir '{root}/../out'; touch '{root}/../out/kept'; ln -s '{root}/../out' '{root}/link'"
    ));
    for outside in [
        root.clone(),
        root.join("../out"),
        root.join("a/.."),
        "/".into(),
        root.parent().unwrap().to_owned(),
        "".into(),
    ] {
        assert!(
            matches!(
                engine.remove(&outside).await,
                Err(BackendError::Outside { .. })
            ),
            "{outside}"
        );
    }
    for outside in [
        root.join("link"),
        "/etc".into(),
        root.parent().unwrap().join("out"),
    ] {
        assert_eq!(
            refused(engine.remove(&outside).await.unwrap_err()),
            Refusal::Outside,
            "{outside}"
        );
    }
    let spec = site.job("while :; do sleep 1; done");
    let handle = engine.launch(&spec).await.unwrap();
    assert_eq!(
        refused(engine.remove(&spec.directory).await.unwrap_err()),
        Refusal::Running
    );
    engine.stop(&handle, GRACE).await.unwrap();
    for _ in 0..2 {
        engine.remove(&spec.directory).await.unwrap();
        engine.remove(&root.join("a")).await.unwrap();
    }
    assert_eq!(
        site.sh(&format!(
            "ls '{root}/runs'; ls '{root}/../out'; [ ! -e '{root}/a' ] && echo gone"
        )),
        "kept\ngone\n"
    );
}

async fn a_site_says_what_it_is(site: &Site) {
    let facts = site.engine.probe().await.unwrap();
    assert_eq!(facts.host, site.sh("uname -n").trim());
    assert_eq!(facts.user, site.sh("id -un").trim());
    assert_eq!(facts.directory, site.root);
    assert_eq!(
        facts.cpus.unwrap(),
        site.sh("getconf _NPROCESSORS_ONLN")
            .trim()
            .parse::<u32>()
            .unwrap()
    );
    assert!(facts.memory.unwrap().get() > 1 << 26 && facts.disk_free.unwrap().get() > 0);
    assert!(facts.has_bash && !facts.home.as_str().is_empty());
}
