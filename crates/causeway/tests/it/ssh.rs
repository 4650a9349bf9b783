//! The same path over a real sshd, where there is one (`tests/services/sshd-up`).

use crate::home::Home;

/// The test service's variables, or why there is none.
#[expect(
    clippy::disallowed_methods,
    reason = "the test service announces itself by environment variables"
)]
fn service() -> Option<(String, String)> {
    match (
        std::env::var("CAUSEWAY_TEST_SSH_CONFIG"),
        std::env::var("CAUSEWAY_TEST_SSH_HOST"),
    ) {
        (Ok(config), Ok(host)) => Some((config, host)),
        _ => None,
    }
}

#[test]
fn a_run_over_ssh_brings_the_model_home() {
    let Some((config, host)) = service() else {
        println!(
            "skipped: a_run_over_ssh_brings_the_model_home: no sshd (CAUSEWAY_TEST_SSH_CONFIG is not set)"
        );
        return;
    };
    let home = Home::new();
    let directory = format!("causeway-test-{}", std::process::id());
    home.organisation(&[(
        "engine: {local: {directory: site}}",
        &format!("engine: {{ssh: {{host: {host}, directory: {directory}, config: {config}}}}}"),
    )]);
    // The account at the host can't write into the test's folder.
    let text = std::fs::read_to_string(home.path("task.yaml")).unwrap();
    let text = text
        .lines()
        .map(|line| {
            if line.starts_with("envs:") {
                "envs: {COUNT: /dev/null}"
            } else {
                line
            }
        })
        .collect::<Vec<_>>()
        .join("\n");
    home.write("task.yaml", &text);
    let run = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(
        home.stages(),
        [
            "plan/1", "clear/1", "stage/1", "train/1", "home/1", "admit/1", "deploy/1"
        ]
    );
    home.assert_verifies();

    let id = home.causeway(&["status", "--json"]).json()["runs"][0]["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (source, carrier) in [
        (
            format!("johor:runs/{id}/workdir/checkpoints/step-2"),
            "auto",
        ),
        (
            format!("{host}:{directory}/runs/{id}/workdir/checkpoints/step-2"),
            "ssh",
        ),
    ] {
        let into = format!("pulled-{carrier}");
        let pulled = home.causeway(&[
            "pull",
            &source,
            &into,
            "--carrier",
            carrier,
            "--ssh-config",
            &config,
            "--json",
        ]);
        assert_eq!(pulled.code, Some(0), "{pulled}");
        let summary: serde_json::Value =
            serde_json::from_str(pulled.stdout.lines().last().unwrap()).unwrap();
        assert_eq!(
            summary["raw_bytes"].as_u64().unwrap(),
            std::fs::read_dir(home.path(&into))
                .unwrap()
                .map(|file| file.unwrap().metadata().unwrap().len())
                .sum::<u64>()
        );
        assert_eq!(
            std::fs::read(home.path(&format!("{into}/model.safetensors"))).unwrap(),
            std::fs::read(home.path("model/model.safetensors")).unwrap()
        );
    }
}
