//! One side of a comparison: packs, read on a day.

use causeway_domain::{Date, PackId};

use crate::packs::{Rule, Status};
use crate::{Act, ActVerdict, Effect, LawError, Packs, Posture, Settings, When, judge};

/// Packs as they are read on a day, with what-ifs and a posture. Everything that is not said here is a default: nothing is
/// confirmed, and the posture is `enforced`.
#[derive(Debug, Clone)]
pub struct Side {
    pub(super) name: String,
    pub(super) packs: Packs,
    pub(super) settings: Settings,
    pub(super) day: Date,
}

impl Side {
    /// Packs on a day. The name is for people: `builtin on 2026-01-15`.
    #[must_use]
    pub fn new(name: impl Into<String>, packs: Packs, day: Date) -> Self {
        Self {
            name: name.into(),
            packs,
            settings: Settings::default(),
            day,
        }
    }

    /// Switches a hypothetical pack on.
    ///
    /// # Errors
    /// [`LawError::Packs`] when there is no such pack.
    pub fn with_pack(mut self, pack: PackId) -> Result<Self, LawError> {
        if !self.packs.packs.contains(&pack) {
            let near =
                causeway_domain::near(pack.as_str(), self.packs.packs.iter().map(PackId::as_str));
            return Err(LawError::packs(
                format!("there is no pack `{pack}`"),
                near.map_or_else(
                    || "`causeway rules list` shows the pack of each rule".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                ),
            ));
        }
        self.settings.packs.insert(pack);
        Ok(self)
    }

    /// Reads rules that stand in the books and are not enforced in another way.
    #[must_use]
    pub const fn with_posture(mut self, posture: Posture) -> Self {
        self.settings.posture = posture;
        self
    }

    /// For people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The day.
    #[must_use]
    pub const fn day(&self) -> Date {
        self.day
    }

    /// The packs.
    #[must_use]
    pub const fn packs(&self) -> &Packs {
        &self.packs
    }

    /// Posture and packs.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Judges an act as if it were done on this side's day.
    #[must_use]
    pub fn judge(&self, act: &Act) -> ActVerdict {
        let act = Act {
            date: When::Day(self.day),
            ..act.clone()
        };
        judge(&self.packs, &self.settings, &act)
    }

    /// What a policy does on this side; none: nothing. The twin of what [`judge`] does for an act of this day: a test
    /// holds them together.
    pub(super) fn effect(&self, rule: &Rule) -> Option<Effect> {
        let on = self.settings.packs.contains(&rule.info.pack)
            && rule.info.from.is_none_or(|from| from <= self.day)
            && rule.info.to.is_none_or(|to| self.day <= to)
            && rule.compliance_from.is_none_or(|from| from <= self.day)
            && rule
                .posture
                .is_none_or(|posture| posture == self.settings.posture);
        let effect = rule.effect.unwrap_or(Effect::Context);
        on.then(|| match rule.info.status {
            Status::OnBooksNotEnforced
                if self.settings.posture == Posture::Enforced && rule.posture.is_none() =>
            {
                effect.min(Effect::Flag)
            }
            Status::ScheduledUnconfirmed
                if !self.settings.pack_confirms.contains(&rule.info.id)
                    && effect > Effect::NeedsReview =>
            {
                Effect::NeedsReview
            }
            _ => effect,
        })
    }

    /// The policies that do something on this side, in their order.
    pub(super) fn in_force(&self) -> impl Iterator<Item = (&Rule, Effect)> {
        self.packs
            .rules
            .iter()
            .filter_map(|rule| Some((rule, self.effect(rule)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    /// Every rule that speaks in a verdict is in force here with the effect that it has there.
    #[test]
    fn what_speaks_in_a_verdict_is_in_force_here() {
        let packs = Packs::builtin().unwrap();
        let mut seen = 0;
        let text = include_str!("../../../../rules/cases/visible.yaml");
        for case in cases::parse(text).unwrap() {
            let Some(act) = case.act else { continue };
            let side = Side {
                name: String::new(),
                packs: packs.clone(),
                settings: case.settings,
                day: act.date.day(),
            };
            let verdict = side.judge(&act);
            for hit in verdict.deciding.iter().chain(&verdict.context) {
                if hit.id.starts_with("base-") {
                    continue;
                }
                seen += 1;
                assert!(
                    side.in_force()
                        .any(|(rule, effect)| rule.info.id == hit.id && effect == hit.outcome),
                    "{}: {} is not in force with {:?}",
                    case.id,
                    hit.id,
                    hit.outcome
                );
            }
        }
        assert!(seen > 100);
    }
}
