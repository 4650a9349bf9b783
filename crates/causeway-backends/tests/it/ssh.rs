//! What only SSH has: cuts, keys, logins, one shared connection.

use std::process::Command;
use std::sync::Arc;

use camino::Utf8PathBuf;
use causeway_backends::{Backend, BackendError, Ground, Ssh, SshOptions};

use crate::jobs::exited;
use crate::site::{Site, Sshd, TestEnv, block_on, options, sshd};

/// The sockets of shared connections.
fn masters(site: &Site) -> Vec<Utf8PathBuf> {
    let connections = fs_err::read_dir(site.scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().path().join("master"));
    connections
        .filter(|socket| socket.exists())
        .map(|socket| Utf8PathBuf::from_path_buf(socket).unwrap())
        .collect()
}

/// Ends the shared connection under whoever uses it.
fn cut(site: &Site) {
    for socket in masters(site) {
        let status = Command::new("ssh")
            .args(["-S", socket.as_str(), "-O", "exit", "none"])
            .output()
            .unwrap()
            .status;
        assert!(status.success());
    }
}

#[test]
fn a_cut_connection_is_made_again_and_no_byte_comes_twice() {
    let Some(sshd) = sshd("ssh::a_cut_connection_is_made_again_and_no_byte_comes_twice") else {
        return;
    };
    let site = Site::ssh(sshd);
    block_on(async {
        let spec = site.job("for i in 1 2 3 4; do echo line $i; until [ -e ../go-$i ]; do sleep 0.05; done; done; exit 6");
        let handle = site.engine.launch(&spec).await.unwrap();
        let mut seen = String::new();
        let mut cuts = 0;
        let follow = site.engine.logs(&handle, 0, true, |piece| {
            seen.push_str(std::str::from_utf8(piece).unwrap());
            // After each line the connection is cut, then the job goes on.
            while cuts < seen.lines().count() {
                cuts += 1;
                cut(&site);
                site.sh(&format!("touch '{}/go-{cuts}'", spec.directory));
            }
        });
        let (end, state) = tokio::join!(follow, site.engine.wait(&handle));
        assert_eq!(state.unwrap(), exited(6));
        assert_eq!(seen, "line 1\nline 2\nline 3\nline 4\n");
        assert_eq!((end.unwrap(), cuts), (28, 4));
    });
}

#[test]
fn all_calls_share_one_connection() {
    let Some(sshd) = sshd("ssh::all_calls_share_one_connection") else {
        return;
    };
    let site = Site::ssh(sshd);
    block_on(async {
        let (a, b, c) = tokio::join!(
            site.engine.probe(),
            site.engine.probe(),
            site.engine.probe()
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        site.engine.prepare(&site.root.join("x")).await.unwrap();
    });
    assert_eq!(masters(&site).len(), 1);
}

/// An engine whose configuration is that of the sshd with some lines changed.
fn with_config(site: &Site, sshd: &Sshd, edit: impl Fn(&str) -> String) -> Ssh {
    let config = Utf8PathBuf::from_path_buf(site.scratch.path().join("config")).unwrap();
    let text = fs_err::read_to_string(&sshd.config).unwrap();
    fs_err::write(
        &config,
        text.lines()
            .map(|line| edit(line) + "\n")
            .collect::<String>(),
    )
    .unwrap();
    // With the usual patience of ten minutes: a host that was never reached is not waited for.
    let ground = Ground::new(
        "somewhere".parse().unwrap(),
        site.root.clone(),
        Arc::new(TestEnv::default()),
    );
    Ssh::new(
        ground,
        SshOptions {
            config: Some(config),
            ..options(sshd, &site.scratch)
        },
    )
}

fn change(line: &str, word: &str, value: &str) -> String {
    if line.trim_start().starts_with(word) {
        format!("  {word} {value}")
    } else {
        line.to_owned()
    }
}

#[test]
fn each_failure_says_what_to_do() {
    let Some(sshd) = sshd("ssh::each_failure_says_what_to_do") else {
        return;
    };
    let site = Site::ssh(sshd.clone());
    let fails = |ssh: Ssh| block_on(ssh.probe()).unwrap_err();

    let error = fails(with_config(&site, &sshd, |line| {
        change(line, "UserKnownHostsFile", "/dev/null")
    }));
    assert!(
        matches!(
            &error,
            BackendError::HostKey {
                problem: "is not known",
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        miette::Diagnostic::help(&error)
            .unwrap()
            .to_string()
            .contains(&format!("ssh {}", sshd.host))
    );

    let other_key = site.scratch.path().join("other");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&other_key)
        .status()
        .unwrap();
    assert!(made.success());
    let key = other_key.to_str().unwrap();
    let error = fails(with_config(&site, &sshd, |line| {
        change(line, "IdentityFile", key)
    }));
    assert!(
        matches!(&error, BackendError::Login { said, .. } if said.contains("Permission denied")),
        "{error:?}"
    );

    // The known key is another one.
    let known = site.scratch.path().join("known");
    let public = fs_err::read_to_string(format!("{key}.pub")).unwrap();
    let words: Vec<&str> = public.split_whitespace().collect();
    let address = Command::new("ssh")
        .args(["-F", sshd.config.as_str(), "-G", &sshd.host])
        .output()
        .unwrap()
        .stdout;
    let address = String::from_utf8(address).unwrap();
    let value = |key: &str| {
        address
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap()
            .trim()
            .to_owned()
    };
    fs_err::write(
        &known,
        format!(
            "[{}]:{} {} {}\n",
            value("hostname "),
            value("port "),
            words[0],
            words[1]
        ),
    )
    .unwrap();
    let error = fails(with_config(&site, &sshd, |line| {
        change(line, "UserKnownHostsFile", known.to_str().unwrap())
    }));
    assert!(
        matches!(
            &error,
            BackendError::HostKey {
                problem: "has changed",
                ..
            }
        ),
        "{error:?}"
    );

    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let error = fails(with_config(&site, &sshd, |line| {
        change(line, "Port", &closed)
    }));
    assert!(
        matches!(&error, BackendError::Unreachable { said, .. } if said.contains("refused")),
        "{error:?}"
    );
    assert!(error.may_pass());

    let error = fails(with_config(&site, &sshd, |line| {
        change(line, "HostName", "no-such-host.invalid")
    }));
    assert!(
        matches!(&error, BackendError::Destination { .. }),
        "{error:?}"
    );
    let error = fails(with_config(&site, &sshd, |line| {
        change(line, "HostName", "x\n  NoSuchWord yes")
    }));
    assert!(
        matches!(&error, BackendError::Destination { said, .. } if said.contains("bad configuration")),
        "{error:?}"
    );
}

#[test]
fn the_users_word_on_new_host_keys_holds() {
    let Some(sshd) = sshd("ssh::the_users_word_on_new_host_keys_holds") else {
        return;
    };
    let site = Site::ssh(sshd.clone());
    let known = site.scratch.path().join("fresh");
    let ssh = with_config(&site, &sshd, |line| {
        let line = change(line, "UserKnownHostsFile", known.to_str().unwrap());
        change(&line, "StrictHostKeyChecking", "accept-new")
    });
    block_on(ssh.probe()).unwrap();
    assert!(fs_err::read_to_string(&known).unwrap().contains("ed25519"));
}
