//! What comes out.

use causeway_domain::{Date, Digest};
use serde::{Deserialize, Serialize};

use crate::ActKind;

/// The answer. The strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing stands against it, and every fact that the rules ask for is known.
    Allow,
    /// A person must look: a fact is missing, or the law gives no clear answer.
    NeedsReview,
    /// An authorisation, an accepted notice, an assessment or a filing is missing.
    LicenseRequired,
    /// Not to be done.
    Prohibited,
}

impl Outcome {
    /// The word of the case format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NeedsReview => "needs_review",
            Self::LicenseRequired => "license_required",
            Self::Prohibited => "prohibited",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for Outcome {
    type Err = crate::UnknownWord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [
            Self::Allow,
            Self::NeedsReview,
            Self::LicenseRequired,
            Self::Prohibited,
        ]
        .into_iter()
        .find(|known| known.word() == word)
        .ok_or_else(|| crate::UnknownWord {
            word: word.to_owned(),
            what: "an outcome",
        })
    }
}

/// How the authority looks at a request for a licence. The hardest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Granted unless something speaks against it.
    PresumptionOfApproval,
    /// Weighed.
    CaseByCase,
    /// Refused unless something speaks for it.
    PresumptionOfDenial,
}

impl Review {
    /// The word of the case format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PresumptionOfApproval => "presumption_of_approval",
            Self::CaseByCase => "case_by_case",
            Self::PresumptionOfDenial => "presumption_of_denial",
        }
    }
}

impl std::str::FromStr for Review {
    type Err = crate::UnknownWord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [
            Self::PresumptionOfApproval,
            Self::CaseByCase,
            Self::PresumptionOfDenial,
        ]
        .into_iter()
        .find(|known| known.word() == word)
        .ok_or_else(|| crate::UnknownWord {
            word: word.to_owned(),
            what: "a review policy",
        })
    }
}

impl std::fmt::Display for Review {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What a policy does when it fires. The strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Told to people; decides nothing.
    Context,
    /// Changes how the authority looks at a request under other rules.
    ReviewPolicy,
    /// An allow carries obligations.
    Obligation,
    /// Would apply, but is not enforced or is suspended.
    Flag,
    /// Gives `needs_review`.
    NeedsReview,
    /// Gives `license_required`.
    LicenseRequired,
    /// Gives `prohibited`.
    Prohibited,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 7] = [
        Self::Context,
        Self::ReviewPolicy,
        Self::Obligation,
        Self::Flag,
        Self::NeedsReview,
        Self::LicenseRequired,
        Self::Prohibited,
    ];

    /// The word of the annotation `@outcome`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::ReviewPolicy => "review_policy",
            Self::Obligation => "obligation",
            Self::Flag => "flag",
            Self::NeedsReview => "needs_review",
            Self::LicenseRequired => "license_required",
            Self::Prohibited => "prohibited",
        }
    }

    /// The outcome that it leads to.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Context | Self::ReviewPolicy | Self::Obligation | Self::Flag => Outcome::Allow,
            Self::NeedsReview => Outcome::NeedsReview,
            Self::LicenseRequired => Outcome::LicenseRequired,
            Self::Prohibited => Outcome::Prohibited,
        }
    }
}

/// A rule that spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHit {
    /// Its id (`us-acs-hq`).
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it is written.
    pub citation: Vec<String>,
    /// What it does here.
    pub outcome: Effect,
    /// How the authority looks at a request for a licence under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// What must be done, or why it speaks.
    pub says: String,
    /// What of it was seen in a source and what is from memory.
    pub verified: String,
    /// Whether it speaks whatever the unknown facts are. If not, it turns on one of them.
    pub certain: bool,
}

/// A fact that nobody stated and on which the answer turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFact {
    /// Its name: `end_use`, `end_user.parent`, `chip.tpp`.
    pub fact: String,
    /// Why it is unknown.
    pub why: String,
    /// What each value that the rules tell apart would give.
    pub gives: Vec<Given>,
}

/// What one value of an open fact would give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The value, or several that come to the same.
    pub value: String,
    /// The outcome with it, while the other open facts stay open.
    pub outcome: Outcome,
    /// The mildest outcome that is left with it: where the other open facts turn out best.
    pub at_best: Outcome,
}

impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.value, self.outcome)?;
        if self.at_best < self.outcome {
            write!(
                f,
                " while other facts are open, {} at best once they are known",
                self.at_best
            )?;
        }
        Ok(())
    }
}

/// A rule for such acts that did not speak, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The condition that failed, for each of its policies.
    pub why: String,
}

/// A rule that decides, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling<'p> {
    /// Its id.
    pub rule: &'p str,
    /// What it does here.
    pub effect: Effect,
    /// Whether it speaks whatever the unknown facts are.
    pub certain: bool,
}

/// The answer for one act, in short: an [`ActVerdict`] without its words. Names are borrowed from the packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'p> {
    /// The outcome.
    pub outcome: Outcome,
    /// The rules that decide it, in order of weight.
    pub deciding: Vec<Ruling<'p>>,
    /// How the authority looks at a request; the hardest word where several rules ask for a licence.
    pub review: Option<Review>,
    /// What an allow obliges to. Empty unless the outcome is `allow`.
    pub obligations: Vec<&'p str>,
}

/// The answer for one act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActVerdict {
    /// The act.
    pub kind: ActKind,
    /// The act in a line.
    pub about: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The rules that decide it, in order of weight.
    pub deciding: Vec<RuleHit>,
    /// Rules that speak and don't decide.
    pub context: Vec<RuleHit>,
    /// How the authority looks at a request; the hardest word where several rules ask for a licence.
    pub review: Option<Review>,
    /// What an allow obliges to. Empty unless the outcome is `allow`.
    pub obligations: Vec<String>,
    /// Facts on which the answer turns.
    pub open_facts: Vec<OpenFact>,
    /// Authorisations on file without which the outcome would be stricter.
    #[serde(default)]
    pub authorisations_used: Vec<String>,
    /// Rules that the answer leans on although part of them is known from memory only: nobody saw the source.
    #[serde(default)]
    pub from_memory: Vec<String>,
    /// Rules for such acts that did not speak. Filled in by [`crate::judge_in_full`] only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<PassedOver>,
    /// The day for which it was judged (UTC, where the act has an instant).
    pub as_of: Date,
    /// The packs that were used.
    pub packs: Digest,
}
