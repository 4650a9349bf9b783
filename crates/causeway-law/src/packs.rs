//! Rule packs: policies and dated data, read from texts.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Date, Digest, PackId, Problem, Severity};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Serialize;

pub(crate) use crate::chips::ChipRow;
pub(crate) use crate::rule::Rule;
pub use crate::rule::{RuleInfo, Status, Verified};

use crate::cedar::{self, Compiled};
use crate::definitions::Definitions;
use crate::groups::Groups;
use crate::horizon::Speaking;
use crate::law::Law;
use crate::vocabulary::Vocabulary;
use crate::{LawError, When, builtin, dangling, load};

/// A file of a pack: its path in the folder of rules (`us/acs.cedar`) and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFile {
    /// Path with `/`, from the folder of rules.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// One jurisdiction's pack: which it is, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackVersion {
    /// Its folder: `us`.
    pub jurisdiction: String,
    /// Its name: `United States`.
    pub name: String,
    /// Raised by whoever changes it; empty where it says none.
    pub version: String,
    /// BLAKE3 over `causeway-pack/1\n`, then path and text of each of its files, sorted by path, each after its length.
    pub digest: Digest,
    /// The last day up to which it was checked against sources; none where its content does not age.
    pub horizon: Option<Date>,
}

/// Rule packs, compiled.
#[derive(Debug, Clone)]
pub struct Packs {
    pub(crate) digest: Digest,
    pub(crate) horizon: Date,
    pub(crate) infos: BTreeMap<String, RuleInfo>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) compiled: Compiled,
    pub(crate) law: Law,
    pub(crate) groups: Groups,
    pub(crate) definitions: Definitions,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) chips: BTreeMap<String, ChipRow>,
    pub(crate) zones: BTreeMap<String, TimeZone>,
    pub(crate) packs: BTreeSet<PackId>,
    pub(crate) versions: BTreeMap<String, PackVersion>,
    pub(crate) speaking: Speaking,
}

impl Packs {
    /// The packs that are built in.
    ///
    /// # Errors
    /// [`LawError`]: never for a build whose tests passed.
    pub fn builtin() -> Result<Self, LawError> {
        Self::from_files(Vec::new())
    }

    /// The built-in packs with a folder of the user's own: a file with the path of a built-in one replaces it, others add.
    /// Files below `cases/` and `facts/` and those that are neither `.cedar` nor `.yaml` nor `.json` are passed over.
    ///
    /// # Errors
    /// [`LawError`]: the first thing that is wrong. [`Packs::check`] has them all.
    pub fn from_files(files: Vec<PackFile>) -> Result<Self, LawError> {
        let (packs, problems) = load::load(&laid_over(files));
        let error = problems
            .into_iter()
            .find(|problem| problem.severity == Severity::Error);
        match (packs, error) {
            (_, Some(problem)) => Err(problem.into()),
            (Some(packs), None) => Ok(packs),
            (None, None) => Err(LawError::packs(
                "nothing was read",
                "this is a fault of the program",
            )),
        }
    }

    /// Everything that is wrong with a folder of packs laid over the built-in ones, and what looks like a slip although
    /// packs can be made of it: by file and line.
    #[must_use]
    pub fn check(files: Vec<PackFile>) -> Vec<Problem> {
        let (packs, mut problems) = load::load(&laid_over(files));
        if let Some(packs) = packs {
            problems.extend(dangling::unused(&packs));
            problems.extend(dangling::overlaps(&packs));
        }
        problems.sort_by(|a, b| {
            (&a.file.name, a.place, &a.message).cmp(&(&b.file.name, b.place, &b.message))
        });
        problems.dedup();
        problems
    }

    /// Gathers the rules by id: what the first policy of each says.
    pub(crate) fn of(mut packs: Self) -> Self {
        for rule in packs.rules.iter().filter(|rule| rule.effect.is_some()) {
            packs
                .infos
                .entry(rule.info.id.clone())
                .or_insert_with(|| rule.info.clone());
        }
        packs
    }

    /// BLAKE3 over the canonical content: every file's path and text, sorted by path, each after its length.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Every rule, sorted by id.
    pub fn rules(&self) -> impl Iterator<Item = &RuleInfo> {
        self.infos.values()
    }

    /// Each jurisdiction's pack with its version and content hash, sorted by folder.
    pub fn versions(&self) -> impl Iterator<Item = &PackVersion> {
        self.versions.values()
    }

    /// Whether a rule belongs to a pack.
    #[must_use]
    pub fn has_pack(&self, pack: &PackId) -> bool {
        self.packs.contains(pack)
    }

    /// The last day up to which every jurisdiction was checked against sources.
    #[must_use]
    pub const fn horizon(&self) -> Date {
        self.horizon
    }

    /// The name of a chip of the table.
    #[must_use]
    pub fn chip_name(&self, id: &str) -> Option<&str> {
        self.chips.get(id).map(|row| row.name.as_str())
    }

    /// The chip's TPP, the maximum over its widths, unrounded.
    #[must_use]
    pub fn chip_tpp(&self, id: &str) -> Option<Decimal> {
        self.chips.get(id).and_then(|row| row.tpp)
    }

    /// Ids of the chip table.
    pub fn chips(&self) -> impl Iterator<Item = &str> {
        self.chips.keys().map(String::as_str)
    }

    /// The Cedar schema of acts: the attributes that a policy can ask for.
    #[must_use]
    pub fn schema(&self) -> String {
        cedar::schema_text(&self.vocabulary)
    }

    /// The day of an act in a jurisdiction's own place.
    pub(crate) fn day(&self, jurisdiction: &str, when: When) -> Date {
        match (when, self.zones.get(jurisdiction)) {
            (When::Instant(at), Some(zone)) => zone.to_datetime(at).date(),
            (when, _) => when.day(),
        }
    }
}

/// The built-in files with others laid over them.
fn laid_over(files: Vec<PackFile>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = builtin::FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    all.extend(files.into_iter().map(|file| (file.path, file.text)));
    all
}
