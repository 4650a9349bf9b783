//! Bringing the agent to a site and speaking to it. The agent here is a script with the real one's command line.

use std::os::unix::fs::PermissionsExt as _;

use camino::Utf8PathBuf;
use causeway_backends::{AgentOptions, Backend, BackendError, Platform, Refusal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::site::{Site, on_every_engine, until};

on_every_engine! {
    an_agent_is_started_once_and_found_again,
    a_stream_reaches_an_agent_of_its_own,
    an_agent_that_fails_says_why,
    a_program_for_another_platform_is_not_sent,
}

/// Listens to nothing, but takes the words of `causeway agent`.
const AGENT: &str = r#"#!/bin/sh
[ "$1" = agent ] || exit 2
words="$*"
while [ $# -gt 0 ]; do
    case "$1" in
    --ticket-file) ticket=$2 ;;
    --root) root=$2 ;;
    --stdio) stdio=1 ;;
    --fail) echo "GLIBC_9.99 not found" >&2; exit 1 ;;
    esac
    shift
done
if [ -n "$stdio" ]; then
    echo "serving $root"
    echo chatter >&2
    exec tr a-z A-Z
fi
printf '{"words":"%s"}' "$words" >"$ticket"
while :; do sleep 1; done
"#;

fn options(site: &Site) -> AgentOptions {
    let binary = Utf8PathBuf::from_path_buf(site.scratch.path().join("causeway")).unwrap();
    fs_err::write(&binary, AGENT).unwrap();
    fs_err::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    AgentOptions {
        listen: "127.0.0.1:0".to_owned(),
        ..AgentOptions::new("run-1", binary)
    }
}

fn alive(site: &Site, pid: u32) -> bool {
    !site
        .sh(&format!("ps -o stat= -p {pid} | grep -v Z"))
        .is_empty()
}

async fn an_agent_is_started_once_and_found_again(site: &Site) {
    let options = options(site);
    let roots = [site.root.join("a b"), site.root.join("c")];
    let first = site.engine.start_agent(&roots, &options).await.unwrap();
    let ticket = String::from_utf8(first.ticket_json.clone().unwrap()).unwrap();
    assert!(
        ticket.contains(&format!(
            "agent --listen 127.0.0.1:0 --root {} --root {}",
            roots[0], roots[1]
        )),
        "{ticket}"
    );
    assert!(
        !format!("{first:?}").contains("listen"),
        "a ticket is not shown"
    );
    let agent = format!("{}/.causeway/agent-run-1", site.root);
    assert_eq!(site.sh(&format!("stat -c %a '{agent}/ticket'")), "600\n");

    let before = site.sh(&format!("ls -i '{}'", first.binary));
    let again = site.engine.start_agent(&roots, &options).await.unwrap();
    assert_eq!(
        (again.pid, &again.ticket_json),
        (first.pid, &first.ticket_json)
    );
    assert_eq!(
        site.sh(&format!("ls -i '{}'", first.binary)),
        before,
        "the program was not sent twice"
    );
    if site.sshd.is_some() {
        assert!(
            first.binary.starts_with(site.root.join(".causeway/bin")),
            "{}",
            first.binary
        );
    }

    let pid = first.pid.unwrap();
    let other = site
        .engine
        .start_agent(&roots[..1], &options)
        .await
        .unwrap();
    assert_ne!(other.pid, first.pid, "other words, another agent");
    assert!(!alive(site, pid), "one agent a name");
    site.engine.stop_agent("run-1").await.unwrap();
    site.engine.stop_agent("run-1").await.unwrap();
    assert!(!alive(site, other.pid.unwrap()));
    assert_eq!(
        site.sh(&format!("ls '{agent}/ticket' 2>/dev/null")),
        "",
        "its ticket went with it"
    );
}

async fn a_stream_reaches_an_agent_of_its_own(site: &Site) {
    let connection = site
        .engine
        .start_agent(std::slice::from_ref(&site.root), &options(site))
        .await
        .unwrap();
    let mut stream = site.engine.agent_stream(&connection).await.unwrap();
    let mut second = site.engine.agent_stream(&connection).await.unwrap();
    let bytes: Vec<u8> = b"some bytes, more than a pipe holds\n"
        .iter()
        .copied()
        .cycle()
        .take(300_000)
        .collect();
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let mut said = String::new();
    let (sent, received) = tokio::join!(
        async {
            writer.write_all(&bytes).await?;
            writer.shutdown().await
        },
        reader.read_to_string(&mut said)
    );
    sent.unwrap();
    received.unwrap();
    let expected = format!(
        "serving {}\n{}",
        site.root,
        String::from_utf8(bytes).unwrap().to_uppercase()
    );
    assert!(
        said == expected,
        "{} bytes in place of {}",
        said.len(),
        expected.len()
    );

    // A stream that is dropped takes its agent along.
    let mut hello = vec![0; "serving".len()];
    second.read_exact(&mut hello).await.unwrap();
    assert_eq!(hello, b"serving");
    let count = || {
        site.sh("ps ax -o args | grep -c '^tr a-z A-Z'")
            .trim()
            .parse::<u32>()
            .unwrap()
    };
    assert!(count() > 0);
    let with = count();
    drop(second);
    until("the agent of the dropped stream is gone", || count() < with).await;
    site.engine.stop_agent("run-1").await.unwrap();
}

async fn an_agent_that_fails_says_why(site: &Site) {
    let failing = AgentOptions {
        arguments: vec!["--fail".to_owned()],
        ..options(site)
    };
    let error = site.engine.start_agent(&[], &failing).await.unwrap_err();
    assert!(
        matches!(
            error,
            BackendError::Refused {
                refusal: Refusal::Agent,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("GLIBC_9.99 not found"),
        "{error}"
    );
    let bad = AgentOptions {
        name: "../x".to_owned(),
        ..options(site)
    };
    assert!(matches!(
        site.engine.start_agent(&[], &bad).await,
        Err(BackendError::Job { .. })
    ));
}

async fn a_program_for_another_platform_is_not_sent(site: &Site) {
    let foreign = AgentOptions {
        platform: Platform {
            os: "linux".to_owned(),
            arch: "s390x".to_owned(),
        },
        ..options(site)
    };
    let outcome = site.engine.start_agent(&[], &foreign).await;
    if site.sshd.is_some() {
        assert!(matches!(outcome, Err(BackendError::Platform { .. })));
        assert_eq!(
            site.sh(&format!("ls '{}/.causeway/bin' 2>/dev/null", site.root)),
            ""
        );
    } else {
        outcome.unwrap();
        site.engine.stop_agent("run-1").await.unwrap();
    }
}
