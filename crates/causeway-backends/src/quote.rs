//! Quoting for POSIX shells: the one way by which anybody's text gets into a command.

/// A word that a POSIX shell reads as exactly `text`: single quotes around everything, a quote inside written `'\''`.
///
/// NUL has no place in a shell word: callers refuse it before ([`fits`]).
#[must_use]
pub fn quote(text: &str) -> String {
    let mut word = String::with_capacity(text.len() + 2);
    word.push('\'');
    for c in text.chars() {
        if c == '\'' {
            word.push_str("'\\''");
        } else {
            word.push(c);
        }
    }
    word.push('\'');
    word
}

/// Whether a shell word can carry this text at all.
#[must_use]
pub fn fits(text: &str) -> bool {
    !text.contains('\0')
}

/// Whether `text` is a name that `export` takes.
#[must_use]
pub(crate) fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shell_reads(shell: &str, text: &str) -> Vec<u8> {
        let script = format!("printf %s {}", quote(text));
        std::process::Command::new(shell)
            .arg("-c")
            .arg(script)
            .output()
            .unwrap()
            .stdout
    }

    #[test]
    fn quotes_what_shells_love() {
        assert_eq!(quote(""), "''");
        assert_eq!(quote("it's"), "'it'\\''s'");
        for text in [
            "$(reboot)",
            "`id`",
            "a'b\"c",
            "\\",
            "!x",
            "a\nb",
            "~",
            "*",
            "é', ;&|",
            "'",
            "''",
            "-n",
        ] {
            assert_eq!(shell_reads("sh", text), text.as_bytes(), "{text}");
        }
    }

    #[test]
    fn variables_are_identifiers() {
        assert!(is_variable("HF_TOKEN") && is_variable("_x1"));
        assert!(
            !is_variable("")
                && !is_variable("1A")
                && !is_variable("A-B")
                && !is_variable("A=B")
                && !is_variable("Ä")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_back_any_text(text in "[^\0]{0,40}") {
            prop_assert!(fits(&text));
            prop_assert_eq!(shell_reads("sh", &text), text.as_bytes());
        }
    }
}
