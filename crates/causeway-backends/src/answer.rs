//! Answers of the control script: `key=value` lines that end with `end=1`.

use causeway_domain::SiteId;

use crate::{BackendError, Refusal};

/// One answer, with what is needed to complain about it.
#[derive(Debug)]
pub(crate) struct Answer {
    site: SiteId,
    doing: &'static str,
    lines: Vec<(String, String)>,
    rest: Vec<u8>,
}

impl Answer {
    /// Reads the lines up to `end=1`; what follows it is kept as bytes.
    ///
    /// # Errors
    /// [`BackendError::Answer`] when a line is no `key=value` or the end is missing.
    pub(crate) fn read(
        site: &SiteId,
        doing: &'static str,
        mut bytes: &[u8],
    ) -> Result<Self, BackendError> {
        let mut lines = Vec::new();
        let wrong = |what: String| BackendError::Answer {
            site: site.clone(),
            doing,
            what,
        };
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            bytes = rest.get(1..).unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            if line == "end=1" {
                return Ok(Self {
                    site: site.clone(),
                    doing,
                    lines,
                    rest: bytes.to_vec(),
                });
            }
            let shown: String = line.chars().take(80).collect();
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| wrong(format!("`{shown}` is not `key=value`")))?;
            lines.push((key.to_owned(), value.to_owned()));
        }
        Err(wrong("it is cut short".to_owned()))
    }

    /// The first value of a key, when it is there and not empty.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.lines
            .iter()
            .find(|(known, value)| known == key && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a key that is not empty.
    pub(crate) fn all(&self, key: &'static str) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter(move |(known, value)| known == key && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A value that must be there.
    pub(crate) fn need(&self, key: &str) -> Result<&str, BackendError> {
        self.get(key)
            .ok_or_else(|| self.wrong(format!("`{key}` is missing")))
    }

    /// A number, when it is there.
    pub(crate) fn number<N: std::str::FromStr>(
        &self,
        key: &str,
    ) -> Result<Option<N>, BackendError> {
        self.get(key)
            .map(|text| {
                text.parse()
                    .map_err(|_| self.wrong(format!("`{key}={text}` is not a number")))
            })
            .transpose()
    }

    /// Whether a flag is set.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key) == Some("1")
    }

    /// The bytes behind the last line.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.rest
    }

    /// The job that it speaks of belongs to another machine.
    pub(crate) fn elsewhere(&self) -> BackendError {
        let host = self.get("host").unwrap_or("another machine");
        BackendError::Refused {
            site: self.site.clone(),
            doing: self.doing,
            refusal: Refusal::Elsewhere,
            said: format!(
                "the job was started on `{host}`, which shares this directory, and only that machine can tell whether it lives"
            ),
            help: Refusal::Elsewhere.help(),
        }
    }

    /// An error about this answer.
    pub(crate) fn wrong(&self, what: String) -> BackendError {
        BackendError::Answer {
            site: self.site.clone(),
            doing: self.doing,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Answer, BackendError> {
        Answer::read(&"s".parse().unwrap(), "a test", text.as_bytes())
    }

    #[test]
    fn an_answer_has_an_end_and_may_have_a_rest() {
        let answer = read("a=1\nb=x=y\ngpu=A\ngpu=B\nempty=\nend=1\n{\"rest\":\n1}").unwrap();
        assert_eq!(answer.need("b").unwrap(), "x=y");
        assert_eq!(answer.all("gpu").collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(answer.number::<u32>("a").unwrap(), Some(1));
        assert!(answer.get("empty").is_none() && answer.flag("a") && !answer.flag("b"));
        assert!(answer.number::<u32>("b").is_err() && answer.need("c").is_err());
        assert_eq!(answer.into_rest(), b"{\"rest\":\n1}");
    }

    #[test]
    fn what_is_cut_or_noisy_is_refused() {
        for bad in [
            "",
            "a=1\n",
            "a=1\nend=1",
            "Welcome to the cluster!\na=1\nend=1\n",
        ] {
            assert!(
                matches!(read(bad), Err(BackendError::Answer { .. })),
                "{bad}"
            );
        }
    }
}
