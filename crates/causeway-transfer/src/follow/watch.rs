//! Which checkpoint to take next: pure.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_domain::Digest;

use crate::path::unfinished;
use crate::protocol::message::Entry;

/// What is known about each name of the watched directory.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    settle: Duration,
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Clone)]
struct Seen {
    stamp: Digest,
    modified: u64,
    /// When this stamp was seen first.
    since: Duration,
    whole: bool,
    present: bool,
    /// The stamp that was taken.
    taken: Option<Digest>,
    /// The stamp with which it could not be.
    passed: Option<Digest>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Bring this one home.
    Take(String),
    /// Look again later.
    Wait,
    /// The job has ended, and what can be taken is taken.
    Over,
}

impl Watch {
    pub(crate) const fn new(settle: Duration) -> Self {
        Self {
            settle,
            seen: BTreeMap::new(),
        }
    }

    /// A listing came. `now` is counted from any fixed instant.
    pub(crate) fn saw(&mut self, now: Duration, entries: &[Entry]) {
        for seen in self.seen.values_mut() {
            seen.present = false;
        }
        for entry in entries
            .iter()
            .filter(|entry| entry.directory && entry.files > 0 && !unfinished(&entry.name))
        {
            let new = Seen {
                stamp: entry.stamp,
                modified: entry.modified,
                since: now,
                whole: entry.incomplete.is_none(),
                present: true,
                taken: None,
                passed: None,
            };
            match self.seen.get_mut(&entry.name) {
                Some(seen) if seen.stamp == entry.stamp => {
                    (seen.present, seen.whole) = (true, new.whole)
                }
                Some(seen) => {
                    *seen = Seen {
                        taken: seen.taken,
                        passed: seen.passed,
                        ..new
                    }
                }
                None => {
                    self.seen.insert(entry.name.clone(), new);
                }
            }
        }
    }

    /// The newest finished checkpoint that is not home, or, once the job has `ended`, the last one only: an ended job writes no
    /// more, so nothing has to settle, and what it left in the middle is passed over.
    pub(crate) fn next(&self, now: Duration, ended: bool) -> Next {
        let whole = self
            .seen
            .iter()
            .filter(|(_, seen)| seen.present && seen.whole && seen.passed != Some(seen.stamp));
        if ended {
            return match whole.max_by_key(|(name, seen)| (seen.modified, natural(name))) {
                Some((name, seen)) if seen.taken != Some(seen.stamp) => Next::Take(name.clone()),
                _ => Next::Over,
            };
        }
        whole
            .filter(|(_, seen)| {
                seen.taken != Some(seen.stamp) && now.saturating_sub(seen.since) >= self.settle
            })
            .max_by_key(|(name, seen)| (seen.modified, natural(name)))
            .map_or(Next::Wait, |(name, _)| Next::Take(name.clone()))
    }

    /// A key that puts the newest name last; one that was never seen comes first.
    pub(crate) fn age(&self, name: &str) -> Option<(u64, Vec<(u128, String)>)> {
        self.seen
            .get(name)
            .map(|seen| (seen.modified, natural(name)))
    }

    /// Whether nothing newer than `name` was seen.
    pub(crate) fn is_newest(&self, name: &str) -> bool {
        let order = |(name, seen): (&String, &Seen)| (seen.modified, natural(name));
        let own = self.seen.get_key_value(name).map(order);
        self.seen
            .iter()
            .filter(|(_, seen)| seen.present)
            .map(order)
            .max()
            <= own
    }

    /// The stamp with which `name` was last seen.
    pub(crate) fn stamp(&self, name: &str) -> Option<Digest> {
        self.seen.get(name).map(|seen| seen.stamp)
    }

    /// It is home as it was with this stamp.
    pub(crate) fn took(&mut self, name: &str, stamp: Digest) {
        if let Some(seen) = self.seen.get_mut(name) {
            seen.taken = Some(stamp);
        }
    }

    /// It changed while it was taken: it has to settle again.
    pub(crate) fn changed(&mut self, now: Duration, name: &str) {
        if let Some(seen) = self.seen.get_mut(name) {
            seen.since = now;
        }
    }

    /// It can't be taken as it is now.
    pub(crate) fn pass_over(&mut self, name: &str) {
        if let Some(seen) = self.seen.get_mut(name) {
            seen.passed = Some(seen.stamp);
        }
    }
}

/// A key that puts `step-9` before `step-10`.
fn natural(name: &str) -> Vec<(u128, String)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text_end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(text_end);
        let digits_end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (digits, after) = after.split_at(digits_end);
        key.push((0, text.to_owned()));
        key.push((
            digits.parse().unwrap_or(u128::from(!digits.is_empty())),
            String::new(),
        ));
        rest = after;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, modified: u64, version: u8) -> Entry {
        Entry {
            name: name.to_owned(),
            directory: true,
            files: 1,
            bytes: 1,
            modified,
            stamp: Digest::new([version; 32]),
            incomplete: None,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn take(name: &str) -> Next {
        Next::Take(name.to_owned())
    }

    #[test]
    fn what_is_still_written_waits_and_the_newest_goes_first() {
        let mut watch = Watch::new(at(3));
        watch.saw(at(0), &[entry("step-9", 5, 1), entry("step-10", 5, 1)]);
        assert_eq!(watch.next(at(2), false), Next::Wait);
        watch.saw(at(2), &[entry("step-9", 5, 1), entry("step-10", 6, 2)]);
        assert_eq!(
            watch.next(at(3), false),
            take("step-9"),
            "the other one changed a second ago"
        );
        assert_eq!(watch.next(at(5), false), take("step-10"));
        watch.took("step-10", Digest::new([2; 32]));
        assert_eq!(watch.next(at(5), false), take("step-9"));
        watch.took("step-9", Digest::new([1; 32]));
        assert_eq!(watch.next(at(5), false), Next::Wait);
        watch.saw(at(6), &[entry("step-9", 7, 9), entry("step-10", 6, 2)]);
        assert_eq!(
            watch.next(at(9), false),
            take("step-9"),
            "written anew, it is taken anew"
        );
    }

    #[test]
    fn hidden_temporary_broken_and_empty_names_are_not_taken() {
        let mut watch = Watch::new(at(0));
        let mut short = entry("step-4", 4, 1);
        short.incomplete = Some("`model.safetensors` is short".to_owned());
        let (mut file, mut empty) = (entry("log.txt", 4, 1), entry("step-5", 5, 1));
        (file.directory, empty.files) = (false, 0);
        watch.saw(
            at(0),
            &[
                entry(".step-1", 1, 1),
                entry("step-2.tmp", 2, 1),
                entry("step-3.incomplete", 3, 1),
                short,
                file,
                empty,
            ],
        );
        assert_eq!(watch.next(at(9), false), Next::Wait);
        assert_eq!(watch.next(at(9), true), Next::Over);
    }

    #[test]
    fn an_ended_job_gives_its_last_whole_checkpoint_and_no_other() {
        let mut watch = Watch::new(at(60));
        let mut broken = entry("step-3", 30, 1);
        broken.incomplete = Some("short".to_owned());
        watch.saw(
            at(0),
            &[entry("step-1", 10, 1), entry("step-2", 20, 1), broken],
        );
        assert_eq!(watch.next(at(0), true), take("step-2"));
        watch.took("step-2", Digest::new([1; 32]));
        assert_eq!(watch.next(at(0), true), Next::Over);
        watch.pass_over("step-2");
        watch.saw(at(1), &[entry("step-1", 10, 1), entry("step-2", 20, 1)]);
        assert_eq!(
            watch.next(at(1), true),
            take("step-1"),
            "what was passed over stays so while it does not change"
        );
    }

    #[test]
    fn what_is_gone_is_not_asked_for() {
        let mut watch = Watch::new(at(0));
        watch.saw(at(0), &[entry("a", 1, 1), entry("b", 2, 1)]);
        assert!(watch.is_newest("b") && !watch.is_newest("a"));
        watch.saw(at(1), &[entry("a", 1, 1)]);
        assert_eq!(watch.next(at(1), false), take("a"));
        assert!(watch.is_newest("a"));
    }
}
