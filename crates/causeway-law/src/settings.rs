//! How the law is read.

use std::collections::BTreeSet;

use causeway_domain::PackId;
use serde::{Deserialize, Serialize};

/// Towards rules that stand in the books and are not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posture {
    /// As the authority says it enforces: such rules are flagged.
    #[default]
    Enforced,
    /// As written: such rules apply.
    Books,
}

impl Posture {
    /// The word of the case format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Books => "books",
        }
    }
}

/// How the law is read: chosen, recorded and printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Towards rules that are not enforced.
    pub posture: Posture,
    /// The packs that are on.
    pub packs: BTreeSet<PackId>,
    /// Ids of scheduled rules that somebody confirmed in the official journal.
    pub pack_confirms: BTreeSet<String>,
    /// Days past a pack's verified horizon from which on an allow that rests on it is a review; none: never, the allow then
    /// obliges to check the pack again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pack_age_days: Option<u32>,
}

impl Default for Settings {
    /// Posture `enforced`, the default pack alone, nothing confirmed.
    fn default() -> Self {
        Self {
            posture: Posture::Enforced,
            packs: "default".parse().into_iter().collect(),
            pack_confirms: BTreeSet::new(),
            max_pack_age_days: None,
        }
    }
}
