//! Who owns, controls or directs whom, as a source states it.

use causeway_domain::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Certainty, Day, Doubt, Origin, Share, holds};

/// What an edge is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// Shares in the capital.
    Share,
    /// Votes.
    Votes,
    /// Control by other means than shares or votes: appointment of the board, a trust, a contract, a branch.
    Control,
    /// Consolidation in the owner's accounts (GLEIF): control with an unknown share, never 100 %.
    Consolidation,
    /// A seat on the board or a senior office. No ownership.
    Director,
    /// A link that the source does not call ownership: family, membership, representation, one left unspecified.
    Link,
    /// An interest of an unknown kind: it may be ownership.
    Unknown,
}

/// One claim of one source about an owner and what it owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// The owner: an id within the list. It need not have a record there.
    pub owner: String,
    /// What is owned: an id within the list.
    pub owned: String,
    /// What the claim is about.
    pub kind: EdgeKind,
    /// How much.
    #[serde(default, skip_serializing_if = "unstated")]
    pub share: Share,
    /// Number of shares, where the source counts them in place of a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Decimal>,
    /// Whether the owner holds it itself (`false`: through others); left out where the source does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<bool>,
    /// Whether the source calls the owner a beneficial owner or one in control.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beneficial: bool,
    /// The source's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Day>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Day>,
    /// The source says that it is over, whatever the days say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// Why the evidence is weak: supplied by the party alone, a registration that lapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak: Option<String>,
}

fn unstated(share: &Share) -> bool {
    *share == Share::Unstated
}

impl Edge {
    /// An edge of which nothing is known but its ends and kind.
    #[must_use]
    pub fn new(owner: impl Into<String>, owned: impl Into<String>, kind: EdgeKind) -> Self {
        Self {
            owner: owner.into(),
            owned: owned.into(),
            kind,
            share: Share::Unstated,
            shares: None,
            direct: None,
            beneficial: false,
            role: None,
            start: None,
            end: None,
            ended: false,
            weak: None,
        }
    }

    /// Whether it holds on a day. One that is over without a last day held until some day that nobody states.
    #[must_use]
    pub fn holds(&self, day: Date, asserted_on: Option<Date>) -> Certainty {
        let dated = holds(self.start.as_ref(), self.end.as_ref(), day);
        match (self.ended, &self.end, asserted_on) {
            (true, None, Some(asserted)) if asserted <= day => Certainty::No,
            (true, None, _) => dated.min(Certainty::Open),
            _ => dated,
        }
    }
}

/// One record about a relationship: its edges stand and fall together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relationship {
    /// Its id within the list.
    pub id: String,
    /// What it states.
    pub edges: Vec<Edge>,
    /// Whether it is a link of an indirect chain that another record sums up (BODS `isComponent`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub component: bool,
    /// The records of the chain that this one sums up. Where they are present, this one adds no share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums_up: Vec<String>,
    /// When the source stated it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asserted_on: Option<Date>,
    /// Whether a later statement with this id takes the place of this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// What is in doubt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Where it stands.
    pub origin: Origin,
}
