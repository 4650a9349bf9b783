//! Which list it was: its date, its hash, its age.

use causeway_domain::{Digest, Timestamp};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Counts, FileReport, Format};

/// A list as it was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVersion {
    /// Its name: what it is stored under.
    pub list: String,
    /// The family of its files.
    pub format: Format,
    /// When its publisher made it; left out where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    /// Who says so: the one who imported it, or its newest record.
    pub dated_by: String,
    /// When it was imported.
    pub imported: Timestamp,
    /// Its files, each with its hash.
    pub files: Vec<ListFile>,
    /// What came out.
    pub counts: Counts,
}

/// A file of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Its size, bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
}

/// Whether a list is young enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Young enough.
    Fresh {
        /// Its age.
        age: SignedDuration,
    },
    /// Too old: whatever it says needs a review.
    Old {
        /// Its age.
        age: SignedDuration,
    },
    /// Nobody says how old it is, or its date lies in the future: the same.
    Unknown,
}

impl ListVersion {
    /// A version from what its files gave. `date` as the one who imports it states it; else the start of the newest day that
    /// a record names, unless that lies after `now`.
    #[must_use]
    pub fn of(
        list: impl Into<String>,
        format: Format,
        date: Option<Timestamp>,
        now: Timestamp,
        reports: Vec<FileReport>,
    ) -> Self {
        let newest = reports
            .iter()
            .filter_map(|report| report.newest)
            .max()
            .and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok())
            .filter(|start| *start <= now);
        let (date, dated_by) = match (date, newest) {
            (Some(date), _) => (Some(date), "stated at import"),
            (None, Some(newest)) => (Some(newest), "newest record"),
            (None, None) => (None, "nobody"),
        };
        let mut counts = Counts::default();
        let mut files = Vec::new();
        for report in reports {
            files.push(ListFile {
                name: report.file,
                sha256: report.sha256,
                bytes: report.bytes,
                rows: report.counts.rows,
            });
            counts.add(report.counts);
        }
        Self {
            list: list.into(),
            format,
            date,
            dated_by: dated_by.to_owned(),
            imported: now,
            files,
            counts,
        }
    }

    /// One hash for the list: that of its one file; of several, SHA-256 of the lines that `sha256sum` prints for them,
    /// sorted.
    #[must_use]
    pub fn hash(&self) -> Digest {
        if let [file] = self.files.as_slice() {
            return file.sha256;
        }
        let mut lines: Vec<String> = self
            .files
            .iter()
            .map(|file| format!("{}  {}\n", file.sha256, file.name))
            .collect();
        lines.sort_unstable();
        let digest: [u8; 32] = Sha256::digest(lines.concat()).into();
        digest.into()
    }

    /// Whether the list is young enough at `now`. Lists expire: the usual limit for a launch is
    /// [`ListVersion::USUAL_AGE`], and a policy may set another.
    #[must_use]
    pub fn freshness(&self, now: Timestamp, limit: SignedDuration) -> Freshness {
        match self.date {
            None => Freshness::Unknown,
            Some(date) if date > now => Freshness::Unknown,
            Some(date) => {
                let age = now.duration_since(date);
                if age <= limit {
                    Freshness::Fresh { age }
                } else {
                    Freshness::Old { age }
                }
            }
        }
    }

    /// The usual limit of age for a launch decision: 24 hours.
    pub const USUAL_AGE: SignedDuration = SignedDuration::from_hours(24);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::Part;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn report(name: &str, newest: Option<&str>) -> FileReport {
        FileReport {
            file: name.to_owned(),
            part: Part::FtmLines,
            sha256: [7; 32].into(),
            bytes: 1,
            counts: Counts::default(),
            newest: newest.map(|day| day.parse().unwrap()),
        }
    }

    #[test]
    fn lists_expire() {
        let now = at("2026-11-24T12:00:00Z");
        let version = |date| ListVersion::of("x", Format::Ftm, date, now, vec![report("a", None)]);
        let fresh = |date| version(date).freshness(now, ListVersion::USUAL_AGE);
        let age = SignedDuration::from_hours(24);
        assert_eq!(
            fresh(Some(at("2026-11-23T12:00:00Z"))),
            Freshness::Fresh { age }
        );
        assert!(matches!(
            fresh(Some(at("2026-11-23T11:59:59Z"))),
            Freshness::Old { .. }
        ));
        assert_eq!(fresh(None), Freshness::Unknown);
        assert_eq!(
            fresh(Some(at("2026-11-25T00:00:00Z"))),
            Freshness::Unknown,
            "a date in the future makes nothing young"
        );
    }

    #[test]
    fn the_date_is_the_stated_one_else_that_of_the_newest_record() {
        let now = at("2026-11-24T12:00:00Z");
        let of =
            |newest, date| ListVersion::of("x", Format::Ftm, date, now, vec![report("a", newest)]);
        assert_eq!(
            of(Some("2026-11-20"), None).date,
            Some(at("2026-11-20T00:00:00Z"))
        );
        assert_eq!(of(Some("2099-01-01"), None).date, None);
        assert_eq!(
            of(Some("2026-11-20"), Some(now)).dated_by,
            "stated at import"
        );
    }

    #[test]
    fn the_hash_of_several_files_does_not_depend_on_their_order() {
        let now = at("2026-11-24T12:00:00Z");
        let of = |names: [&str; 2]| {
            ListVersion::of(
                "x",
                Format::Ftm,
                None,
                now,
                names.iter().map(|name| report(name, None)).collect(),
            )
            .hash()
        };
        assert_eq!(of(["a", "b"]), of(["b", "a"]));
        assert_ne!(of(["a", "b"]), of(["a", "c"]));
    }
}
