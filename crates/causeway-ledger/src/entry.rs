//! What the log keeps of one statement. Pure.

use std::fmt;

use causeway_domain::{Digest, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::canonical;
use crate::error::LedgerError;
use crate::merkle::{Hash, leaf_hash};
use crate::statement::Envelope;

/// Version of [`Record`].
const VERSION: u32 = 1;

/// What an entry is about. The log refuses a second entry with the same key, so that saying something twice is safe.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey(String);

impl EntryKey {
    /// One attempt at one stage of a run: `run/20261124T131500Z-7k3m9q/train/1`.
    ///
    /// Any stage name can be given: what is no letter, digit, `-`, `_` or `.` is percent-encoded.
    #[must_use]
    pub fn stage(run: &RunId, stage: &str, attempt: u32) -> Self {
        let mut encoded = String::new();
        for byte in stage.bytes() {
            let c = char::from(byte);
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                encoded.push(c);
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        Self(format!("run/{run}/{encoded}/{attempt}"))
    }

    /// Something that is no stage of a run: `promote/acme/tiny/3`.
    ///
    /// # Errors
    /// [`LedgerError::BadEntryKey`] for blanks, control characters, more than 512 bytes, and for what starts with `run/`.
    pub fn named(text: impl Into<String>) -> Result<Self, LedgerError> {
        let text = text.into();
        if is_key(&text) && !text.starts_with("run/") {
            Ok(Self(text))
        } else {
            Err(LedgerError::BadEntryKey {
                key: text.chars().take(600).collect(),
            })
        }
    }

    /// Refuses what could not be read back: a stage's name may be too long.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        match Self::read(&self.0) {
            Some(_) => Ok(()),
            None => Err(LedgerError::BadEntryKey {
                key: self.0.chars().take(600).collect(),
            }),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let key = Self(text.to_owned());
        let known = !text.starts_with("run/") || key.run().is_some();
        (is_key(text) && known).then_some(key)
    }

    /// The key as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The run, for a stage of one.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        let mut parts = self.0.strip_prefix("run/")?.split('/');
        let (run, _stage, attempt) = (parts.next()?, parts.next()?, parts.next()?);
        let _: u32 = attempt.parse().ok()?;
        parts.next().is_none().then(|| run.parse().ok()).flatten()
    }
}

fn is_key(text: &str) -> bool {
    (1..=512).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryKey({})", self.0)
    }
}

/// A statement in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub key: EntryKey,
    /// When it was appended, UTC. Never before the entry ahead of it.
    pub at: Timestamp,
    /// The signed statement.
    pub envelope: Envelope,
}

/// What stands in an entry bundle: small, so that any statement fits beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) key: EntryKey,
    pub(crate) at: Timestamp,
    /// SHA-256 of the envelope's JSON.
    pub(crate) envelope: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordWire {
    at: Timestamp,
    envelope_sha256: Digest,
    key: String,
    v: u32,
}

impl Record {
    pub(crate) fn to_text(&self) -> String {
        canonical::text(&json!({
            "at": self.at.to_string(),
            "envelope_sha256": self.envelope.to_string(),
            "key": self.key.0,
            "v": VERSION,
        }))
    }

    /// Reads what [`Record::to_text`] wrote, and nothing that differs from it in a byte.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        // Comparing the text it would be written as is all the strictness needed, and a log has many records.
        let wire: RecordWire = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if wire.v != VERSION {
            return Err(format!(
                "it has format {}, and only {VERSION} is known",
                wire.v
            ));
        }
        let key = EntryKey::read(&wire.key)
            .ok_or_else(|| format!("`{}` is no key of an entry", wire.key))?;
        let record = Self {
            key,
            at: wire.at,
            envelope: wire.envelope_sha256,
        };
        if record.to_text() != text {
            return Err("its JSON or its instant is not in canonical form".to_owned());
        }
        Ok(record)
    }

    pub(crate) fn leaf(&self) -> Hash {
        leaf_hash(self.to_text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run() -> RunId {
        "20261124T131500Z-7k3m9q".parse().unwrap()
    }

    fn record() -> Record {
        Record {
            key: EntryKey::stage(&run(), "train", 2),
            at: "2026-11-24T13:15:00.5Z".parse().unwrap(),
            envelope: Digest::new([7; 32]),
        }
    }

    #[test]
    fn keys_of_stages_and_other_keys_never_meet() {
        let key = EntryKey::stage(&run(), "bring home/1", 1);
        assert_eq!(
            key.as_str(),
            "run/20261124T131500Z-7k3m9q/bring%20home%2F1/1"
        );
        assert_eq!(key.run(), Some(run()));
        assert_eq!(EntryKey::named("promote/acme/tiny/3").unwrap().run(), None);
        for bad in ["", "run/x", "two words", "a\nb", &"x".repeat(513)] {
            assert!(EntryKey::named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_record_has_one_text() {
        let text = record().to_text();
        assert_eq!(
            text,
            format!(
                r#"{{"at":"2026-11-24T13:15:00.5Z","envelope_sha256":"{}","key":"run/20261124T131500Z-7k3m9q/train/2","v":1}}"#,
                "07".repeat(32)
            )
        );
        assert_eq!(Record::read(text.as_bytes()).unwrap(), record());
        for bad in [
            text.replace(".5Z", ".50Z"),
            text.replace(".5Z", ".5+00:00"),
            text.replace("\"v\":1", "\"v\":2"),
            text.replace("train/2", "train/x"),
            text.replace("07", "0A"),
            format!("{text}\n"),
            text.replacen("\"v\":1", "\"v\":1,\"v\":1", 1),
            text.replacen(':', ": ", 1),
        ] {
            assert!(Record::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Record::read(&bytes);
        }

        #[test]
        fn every_record_reads_back(seconds in -62_135_596_800i64..253_402_207_200, nanos in 0i32..1_000_000_000,
                                   stage in ".{0,30}", attempt: u32, digest: [u8; 32]) {
            let record = Record {
                key: EntryKey::stage(&run(), &stage, attempt),
                at: Timestamp::new(seconds, nanos).unwrap(),
                envelope: Digest::new(digest),
            };
            prop_assert_eq!(Record::read(record.to_text().as_bytes()).unwrap(), record);
        }
    }
}
