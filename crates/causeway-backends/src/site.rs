//! The scripts that run at a site, and how one gets there.
//!
//! Nothing is installed. Each call starts `sh` at the site with a constant command line and sends the script by standard
//! input, so that no text of the user, least of all a secret, is ever on a command line; what follows the script on
//! standard input is data for it. The login shell at the site sees only the constant and may be any shell.

use std::fmt::Write as _;

use crate::quote::quote;

/// Functions of both scripts.
pub(crate) const COMMON: &str = include_str!("../site/common.sh");
/// The supervisor of a job.
pub(crate) const JOB: &str = include_str!("../site/job.sh");
/// What becomes the agent.
pub(crate) const AGENT: &str = include_str!("../site/agent.sh");
const CONTROL: &str = include_str!("../site/control.sh");

/// A script that calls one verb of `control.sh`.
///
/// The braces make the shell read all of it before it does anything: half a script is a syntax error.
pub(crate) fn script(verb: &str, arguments: &[&str]) -> String {
    let mut text = String::from("{\n");
    for line in COMMON
        .lines()
        .chain(CONTROL.lines())
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(verb);
    for argument in arguments {
        let _ = write!(text, " {}", quote(argument));
    }
    text.push_str("\nexit 0\n}\n");
    text
}

/// The program of `sh -c` that reads a script of `length` bytes from standard input and not one byte more.
pub(crate) fn reader(length: usize) -> String {
    format!("eval \"$(dd bs=1 count={length} 2>/dev/null)\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn run(shell: &str, sent: &[u8], length: usize) -> std::process::Output {
        let mut child = Command::new(shell)
            .args(["-c", &reader(length)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(sent).unwrap();
        child.wait_with_output().unwrap()
    }

    #[test]
    fn a_script_reads_its_arguments_as_they_are_and_leaves_what_follows() {
        let hostile = "a'b $(id) `id` \"\\ \u{e9}";
        let script = script("place", &[&format!("/{hostile}")]);
        let output = run("sh", script.as_bytes(), script.len());
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            format!("/{hostile}\n")
        );

        let script = "{\ncat\nexit 0\n}\n";
        let output = run(
            "sh",
            format!("{script}what follows").as_bytes(),
            script.len(),
        );
        assert_eq!(output.stdout, b"what follows");
    }

    #[test]
    fn half_a_script_does_nothing() {
        let whole = "{\necho one\necho two\nexit 0\n}\n";
        for length in 1..whole.len() - 2 {
            let output = run("sh", whole.get(..length).unwrap().as_bytes(), whole.len());
            assert!(output.stdout.is_empty(), "{length}");
        }
    }
}
