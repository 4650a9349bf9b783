//! Only what is lawful in whole can be launched: [`Cleared`] is made here and nowhere else.

use causeway_domain::{Digest, Timestamp};
use serde::Serialize;

use crate::{Act, ActVerdict, Outcome, Packs, Settings, disclosure, judge};

/// A thing that consists of acts.
pub trait Subject {
    /// Its acts, as they would be done at this instant. A thing without acts is never cleared.
    fn acts(&self, at: Timestamp) -> Vec<Act>;
}

/// What a thing was judged by: packs, facts, instant, and the verdict of each act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clearance {
    /// The packs.
    pub packs: Digest,
    /// BLAKE3 of the acts and the settings in canonical JSON: every fact that was looked at.
    pub facts: Digest,
    /// When.
    pub at: Timestamp,
    /// The verdicts, in the order of the acts.
    pub verdicts: Vec<ActVerdict>,
}

impl Clearance {
    /// The strictest outcome. Without acts: `needs_review`.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.verdicts
            .iter()
            .map(|verdict| verdict.outcome)
            .max()
            .unwrap_or(Outcome::NeedsReview)
    }

    /// The obligations of all acts, each once, in order.
    #[must_use]
    pub fn obligations(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for obligation in self
            .verdicts
            .iter()
            .flat_map(|verdict| &verdict.obligations)
        {
            if !all.contains(obligation) {
                all.push(obligation.clone());
            }
        }
        all
    }
}

/// Something that the packs in force at an instant permit. Only [`clear`] makes one.
///
/// It dies when a pack, a list or a fact changes: ask [`Cleared::still_holds`] just before the first effect of each act.
#[derive(Debug)]
pub struct Cleared<T> {
    inner: T,
    clearance: Clearance,
}

/// The answer for a thing that consists of acts; the strictest act decides.
#[must_use]
#[derive(Debug)]
pub enum Verdict<T> {
    /// Every act is allowed; the obligations are in the clearance.
    Launchable(Cleared<T>),
    /// A fact is missing, or the law gives no clear answer.
    NeedsReview(T, Clearance),
    /// An authorisation is missing.
    LicenseRequired(T, Clearance),
    /// Not to be done.
    Prohibited(T, Clearance),
}

impl<T> Verdict<T> {
    /// What it was judged by.
    pub const fn clearance(&self) -> &Clearance {
        match self {
            Self::Launchable(cleared) => &cleared.clearance,
            Self::NeedsReview(_, clearance)
            | Self::LicenseRequired(_, clearance)
            | Self::Prohibited(_, clearance) => clearance,
        }
    }

    /// The thing.
    pub const fn subject(&self) -> &T {
        match self {
            Self::Launchable(cleared) => &cleared.inner,
            Self::NeedsReview(inner, _)
            | Self::LicenseRequired(inner, _)
            | Self::Prohibited(inner, _) => inner,
        }
    }
}

/// Judges every act of a thing at an instant.
pub fn clear<T: Subject>(
    subject: T,
    packs: &Packs,
    settings: &Settings,
    at: Timestamp,
) -> Verdict<T> {
    let clearance = examine(&subject, packs, settings, at);
    match clearance.outcome() {
        Outcome::Allow => Verdict::Launchable(Cleared {
            inner: subject,
            clearance,
        }),
        Outcome::NeedsReview => Verdict::NeedsReview(subject, clearance),
        Outcome::LicenseRequired => Verdict::LicenseRequired(subject, clearance),
        Outcome::Prohibited => Verdict::Prohibited(subject, clearance),
    }
}

fn examine<T: Subject>(
    subject: &T,
    packs: &Packs,
    settings: &Settings,
    at: Timestamp,
) -> Clearance {
    let acts = subject.acts(at);
    let verdicts = acts
        .iter()
        .map(|act| disclosure::require(act, judge(packs, settings, act)))
        .collect();
    Clearance {
        packs: packs.digest(),
        facts: facts(&acts, settings),
        at,
        verdicts,
    }
}

/// BLAKE3 over the canonical JSON of settings and acts. Every map in them is ordered and no float is, so equal facts have
/// equal bytes. Text that could not be written would hash as its error, which equals nothing that was cleared before.
fn facts(acts: &[Act], settings: &Settings) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"causeway-facts/1\n");
    match serde_json::to_vec(&(settings, acts)) {
        Ok(bytes) => hasher.update(&bytes),
        Err(error) => hasher.update(error.to_string().as_bytes()),
    };
    Digest::new(*hasher.finalize().as_bytes())
}

impl<T> Cleared<T> {
    /// The thing.
    pub const fn get(&self) -> &T {
        &self.inner
    }

    /// What it was judged by.
    pub const fn clearance(&self) -> &Clearance {
        &self.clearance
    }

    /// What the allow obliges to.
    #[must_use]
    pub fn obligations(&self) -> Vec<String> {
        self.clearance.obligations()
    }

    /// Takes it apart: the thing is not cleared any more.
    pub fn into_parts(self) -> (T, Clearance) {
        (self.inner, self.clearance)
    }
}

impl<T: Subject> Cleared<T> {
    /// Judges again, now: law, lists and days move on between planning and the first effect of an act.
    ///
    /// # Errors
    /// The new clearance, when it allows no more. Another set of obligations is not an error: take the new ones from
    /// [`Cleared::renew`].
    pub fn still_holds(
        &self,
        packs: &Packs,
        settings: &Settings,
        at: Timestamp,
    ) -> Result<(), Box<Clearance>> {
        let now = examine(&self.inner, packs, settings, at);
        if now.outcome() == Outcome::Allow {
            Ok(())
        } else {
            Err(Box::new(now))
        }
    }

    /// Judges again, and carries the new clearance.
    pub fn renew(self, packs: &Packs, settings: &Settings, at: Timestamp) -> Verdict<T> {
        clear(self.inner, packs, settings, at)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_domain::Fact;
    use causeway_parties::{Party, Register};

    use super::*;
    use crate::{ActKind, ActParty, Chip, FactValue, Role, When};

    /// An export of chips to a party with a parent.
    struct Plan {
        parent: Option<&'static str>,
        acts: usize,
    }

    impl Subject for Plan {
        fn acts(&self, at: Timestamp) -> Vec<Act> {
            let country = |code: &str| Fact::stated(code.parse().unwrap(), "test");
            let mut register = Register::default();
            let mut party = Party::company("customer")
                .based("SG".parse().unwrap())
                .on_lists([])
                .owned([]);
            party.parent = Some(
                self.parent
                    .map_or_else(|| Fact::unknown("not found"), country),
            );
            register.insert("customer", party);
            let mut act = Act::new(ActKind::Export, When::Instant(at), country("SG"))
                .with(ActParty::new(Role::EndUser, "customer", country("SG")));
            act.from = Some("US".parse().unwrap());
            act.item.chip = Some(Chip::listed("h100-sxm", 8));
            act.register = Arc::new(register);
            for (name, value) in [
                ("end_use", "civil"),
                ("red_flags", "none"),
                ("is_informed", "no"),
            ] {
                act.facts.insert(
                    name.to_owned(),
                    Fact::stated(FactValue::from(value), "test"),
                );
            }
            vec![act; self.acts]
        }
    }

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn only_what_is_allowed_in_whole_is_cleared() {
        let packs = Packs::builtin().unwrap();
        let settings = Settings::default();
        let ask = |parent, acts, day| clear(Plan { parent, acts }, &packs, &settings, at(day));
        let Verdict::Launchable(cleared) = ask(Some("SG"), 2, "2026-11-24") else {
            panic!("nothing stands against it")
        };
        assert_eq!(cleared.clearance().verdicts.len(), 2);
        assert_eq!(cleared.clearance().packs, packs.digest());
        assert!(
            cleared
                .still_holds(&packs, &settings, at("2026-11-25"))
                .is_ok()
        );
        assert!(matches!(
            ask(Some("CN"), 1, "2026-11-24"),
            Verdict::LicenseRequired(..)
        ));
        assert!(matches!(
            ask(None, 1, "2026-11-24"),
            Verdict::NeedsReview(..)
        ));
        let Verdict::NeedsReview(_, clearance) = ask(Some("SG"), 0, "2026-11-24") else {
            panic!("no acts, no clearance")
        };
        assert!(clearance.verdicts.is_empty());
    }

    #[test]
    fn a_clearance_dies_when_the_law_changes() {
        let packs = Packs::builtin().unwrap();
        let settings = Settings::default();
        // The day before the headquarters test.
        let Verdict::Launchable(cleared) = clear(
            Plan {
                parent: Some("CN"),
                acts: 1,
            },
            &packs,
            &settings,
            at("2023-11-16"),
        ) else {
            panic!("allowed on that day")
        };
        let now = cleared
            .still_holds(&packs, &settings, at("2023-11-17"))
            .unwrap_err();
        assert_eq!(now.outcome(), Outcome::LicenseRequired);
        assert_ne!(now.facts, cleared.clearance().facts);
        assert!(matches!(
            cleared.renew(&packs, &settings, at("2023-11-17")),
            Verdict::LicenseRequired(..)
        ));
    }
}
