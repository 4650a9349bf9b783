//! Where `main` and `production` point, and every move that brought them there.

use causeway_domain::{RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sealed::Sealed;

/// A name that can mean another revision tomorrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pointer {
    /// The newest admitted revision.
    Main,
    /// The revision that was promoted.
    Production,
}

/// Why a pointer moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// A revision was admitted.
    Admit,
    /// Somebody promoted a revision.
    Promote,
    /// Somebody took a promotion back.
    Rollback,
}

/// One move of one pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointerMove {
    /// Which pointer.
    pub pointer: Pointer,
    /// Why.
    pub cause: Cause,
    /// The commit before; none at the first move.
    pub from: Option<String>,
    /// The commit after.
    pub to: String,
    /// When.
    pub at: Timestamp,
    /// The run that admitted, for [`Cause::Admit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// A model's pointers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointers {
    /// Commit of the newest admitted revision.
    pub main: Option<String>,
    /// Commit in production.
    pub production: Option<String>,
    /// Every move, oldest first. INVARIANT: replaying it gives `main` and `production`.
    pub history: Vec<PointerMove>,
}

impl Sealed for Pointers {
    const FORMAT: &'static str = "causeway-pointers/1";
}

impl Pointers {
    /// Records that a revision was admitted; `main` follows unless this run's admission of it is already on record.
    ///
    /// A run that repeats its last stage after a crash must not take `main` back from a revision admitted since.
    pub(crate) fn admit(&mut self, commit: &str, run: Option<&RunId>, at: Timestamp) -> bool {
        let repeated = run.is_some()
            && self.history.iter().any(|past| {
                past.cause == Cause::Admit && past.to == commit && past.run.as_ref() == run
            });
        if repeated || self.main.as_deref() == Some(commit) {
            return false;
        }
        self.record(Pointer::Main, Cause::Admit, commit, at, run.cloned());
        true
    }

    /// Points production at a commit. Repeating it changes nothing and gives the move on record.
    pub(crate) fn promote(&mut self, commit: &str, at: Timestamp) -> (PointerMove, bool) {
        if self.production.as_deref() == Some(commit)
            && let Some(last) = self
                .history
                .iter()
                .rev()
                .find(|past| past.pointer == Pointer::Production)
        {
            return (last.clone(), false);
        }
        (
            self.record(Pointer::Production, Cause::Promote, commit, at, None),
            true,
        )
    }

    /// Points production at what was there before the newest promotion that still stands.
    ///
    /// A second rollback goes one further back, never forward again.
    pub(crate) fn rollback(&mut self, at: Timestamp) -> Result<PointerMove, &'static str> {
        let standing = self.standing();
        match standing.as_slice() {
            [.., before, _] => {
                let before = (*before).to_owned();
                Ok(self.record(Pointer::Production, Cause::Rollback, &before, at, None))
            }
            [_] => Err("nothing was in production before this revision"),
            [] => Err("it was never promoted"),
        }
    }

    /// The commits that were promoted and not rolled back, oldest first; the last one is in production.
    fn standing(&self) -> Vec<&str> {
        let mut standing = Vec::new();
        for past in self
            .history
            .iter()
            .filter(|past| past.pointer == Pointer::Production)
        {
            match past.cause {
                Cause::Rollback => drop(standing.pop()),
                Cause::Promote | Cause::Admit => standing.push(past.to.as_str()),
            }
        }
        standing
    }

    fn record(
        &mut self,
        pointer: Pointer,
        cause: Cause,
        to: &str,
        at: Timestamp,
        run: Option<RunId>,
    ) -> PointerMove {
        let place = match pointer {
            Pointer::Main => &mut self.main,
            Pointer::Production => &mut self.production,
        };
        let from = place.replace(to.to_owned());
        let record = PointerMove {
            pointer,
            cause,
            from,
            to: to.to_owned(),
            at,
            run,
        };
        self.history.push(record.clone());
        record
    }

    /// Says what contradicts itself.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let last = |pointer| {
            self.history
                .iter()
                .rev()
                .find(|past| past.pointer == pointer)
                .map(|past| past.to.as_str())
        };
        if last(Pointer::Main) != self.main.as_deref()
            || last(Pointer::Production) != self.production.as_deref()
        {
            return Err("its history does not lead to its pointers");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(1_790_000_000 + second, 0).unwrap()
    }

    #[test]
    fn rollback_goes_back_one_promotion_at_a_time() {
        let mut pointers = Pointers::default();
        assert_eq!(pointers.rollback(at(0)), Err("it was never promoted"));
        for (second, commit) in ["a", "b", "c"].into_iter().enumerate() {
            assert!(pointers.promote(commit, at(second as i64)).1);
        }
        let back = pointers.rollback(at(4)).unwrap();
        assert_eq!(
            (back.from.as_deref(), back.to.as_str(), back.cause),
            (Some("c"), "b", Cause::Rollback)
        );
        assert_eq!(pointers.rollback(at(5)).unwrap().to, "a");
        assert_eq!(
            pointers.rollback(at(6)),
            Err("nothing was in production before this revision")
        );
        pointers.promote("d", at(7));
        assert_eq!(
            pointers.rollback(at(8)).unwrap().to,
            "a",
            "what was rolled back does not come back"
        );
    }

    #[test]
    fn a_repeated_promotion_is_the_one_on_record() {
        let mut pointers = Pointers::default();
        let (first, _) = pointers.promote("a", at(0));
        let (again, moved) = pointers.promote("a", at(9));
        assert_eq!((again, moved), (first, false));
        assert_eq!(pointers.history.len(), 1);
    }

    #[test]
    fn a_late_repeat_of_a_run_does_not_take_main_back() {
        let (early, late) = (RunId::new(at(0), 1), RunId::new(at(1), 2));
        let mut pointers = Pointers::default();
        assert!(pointers.admit("a", Some(&early), at(0)));
        assert!(pointers.admit("b", Some(&late), at(1)));
        assert!(!pointers.admit("a", Some(&early), at(2)));
        assert_eq!(pointers.main.as_deref(), Some("b"));
        assert!(
            pointers.admit("a", Some(&RunId::new(at(3), 3)), at(3)),
            "a new run with the old result is the newest"
        );
        assert_eq!(pointers.main.as_deref(), Some("a"));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Admit(u8),
        Promote(u8),
        Rollback,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u8..4).prop_map(Step::Admit),
            (0u8..4).prop_map(Step::Promote),
            Just(Step::Rollback)
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn production_is_what_a_stack_of_promotions_says(steps in steps()) {
            let mut pointers = Pointers::default();
            let mut model: Vec<String> = Vec::new();
            for (second, step) in steps.into_iter().enumerate() {
                let now = at(second as i64);
                match step {
                    Step::Admit(commit) => {
                        pointers.admit(&commit.to_string(), None, now);
                        prop_assert_eq!(pointers.main.clone(), Some(commit.to_string()));
                    }
                    Step::Promote(commit) => {
                        pointers.promote(&commit.to_string(), now);
                        if model.last() != Some(&commit.to_string()) {
                            model.push(commit.to_string());
                        }
                    }
                    Step::Rollback => {
                        let possible = model.len() > 1;
                        prop_assert_eq!(pointers.rollback(now).is_ok(), possible);
                        if possible {
                            model.pop();
                        }
                    }
                }
                prop_assert_eq!(pointers.production.as_ref(), model.last());
                prop_assert_eq!(pointers.check(), Ok(()));
            }
        }
    }
}
