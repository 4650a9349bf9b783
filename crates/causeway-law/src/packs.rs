//! Rule packs: policies and dated data, read from texts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::yaml::{Dialect, read};
use causeway_domain::{Date, Digest, PackId, SourceFile};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cedar::{self, Compiled, Mention};
use crate::definitions::{Definitions, decimal};
use crate::groups::{GroupFile, Groups};
use crate::law::Law;
use crate::vocabulary::Vocabulary;
use crate::{ActKind, Effect, LawError, Posture, Review, When, builtin};

/// A file of a pack: its path in the folder of rules (`us/acs.cedar`) and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFile {
    /// Path with `/`, from the folder of rules.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Whether and how a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Applies.
    InForce,
    /// Replaced by another: applies on its days.
    Replaced,
    /// Ended: applies on its days.
    Expired,
    /// Lifted for a time.
    Suspended,
    /// Stands in the books; the authority says that it will not enforce it: a flag, unless the posture is `books`.
    OnBooksNotEnforced,
    /// Starts after the verified horizon: a review, until somebody confirms it.
    ScheduledUnconfirmed,
    /// Proposed: only in a pack of its own.
    Proposed,
    /// A bill: only in a pack of its own.
    Bill,
    /// Adopted, not yet seen in the official journal.
    Adopted,
    /// Starts in steps.
    Phased,
    /// Known from reports only.
    Reported,
}

/// A rule, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleInfo {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whose rule: the folder that it stands in (`us`, `eu`).
    pub jurisdiction: String,
    /// Where it is written.
    pub citation: Vec<String>,
    /// First day.
    pub from: Option<Date>,
    /// Last day, included.
    pub to: Option<Date>,
    /// Whether and how it applies.
    pub status: Status,
    /// The pack that it belongs to.
    pub pack: PackId,
    /// What of it was seen in a source and what is from memory.
    pub verified: String,
    /// What a person must do.
    pub says: String,
}

/// One policy of a rule. A rule has one policy for each thing that it does.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) info: RuleInfo,
    /// `None`: a permit of the base pack.
    pub(crate) effect: Option<Effect>,
    pub(crate) review: Option<Review>,
    pub(crate) obligations: Vec<String>,
    /// The rules whose review this one changes.
    pub(crate) reviews: Vec<String>,
    /// Only in this posture, and then whatever the status.
    pub(crate) posture: Option<Posture>,
    pub(crate) compliance_from: Option<Date>,
    pub(crate) kinds: BTreeSet<ActKind>,
    pub(crate) mentions: BTreeMap<String, Mention>,
}

/// A chip of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChipRow {
    pub(crate) name: String,
    pub(crate) tpp: Option<Decimal>,
    pub(crate) die_area: Option<Decimal>,
    pub(crate) io_total: Option<Decimal>,
    pub(crate) dram_bandwidth: Option<Decimal>,
    pub(crate) datacenter: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jurisdiction {
    /// IANA zone of the days of its rules.
    zone: String,
    verified_horizon: Option<Date>,
    #[serde(rename = "name")]
    _name: String,
}

/// Rule packs, compiled.
#[derive(Debug, Clone)]
pub struct Packs {
    digest: Digest,
    horizon: Date,
    infos: BTreeMap<String, RuleInfo>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) compiled: Compiled,
    pub(crate) law: Law,
    pub(crate) groups: Groups,
    pub(crate) definitions: Definitions,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) chips: BTreeMap<String, ChipRow>,
    zones: BTreeMap<String, TimeZone>,
    pub(crate) packs: BTreeSet<PackId>,
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
    /// Files below `cases/` and those that are neither `.cedar` nor `.yaml` nor `.json` are passed over.
    ///
    /// # Errors
    /// [`LawError`], at the first file that is not a pack's.
    pub fn from_files(files: Vec<PackFile>) -> Result<Self, LawError> {
        let mut all: BTreeMap<String, String> = builtin::FILES
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        all.extend(files.into_iter().map(|file| (file.path, file.text)));
        Self::only(&all)
    }

    fn only(files: &BTreeMap<String, String>) -> Result<Self, LawError> {
        let mut loader = Loader::default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"causeway-packs/1\n");
        for (path, text) in files {
            let Some((jurisdiction, name)) = path.split_once('/') else {
                continue;
            };
            if jurisdiction == "cases" {
                continue;
            }
            match name.rsplit_once('.').map(|(_, kind)| kind) {
                Some("cedar") => loader.policies(jurisdiction, path, text)?,
                Some("yaml" | "json") => loader.data(jurisdiction, path, name, text)?,
                _ => continue,
            }
            for part in [path.as_bytes(), text.as_bytes()] {
                hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
                hasher.update(part);
            }
        }
        loader.finish(Digest::new(*hasher.finalize().as_bytes()))
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

#[derive(Default)]
struct Loader {
    sources: Vec<(String, String, cedar::Source)>,
    groups: Groups,
    definitions: Definitions,
    vocabulary: Option<Vocabulary>,
    chips: BTreeMap<String, ChipRow>,
    zones: BTreeMap<String, TimeZone>,
    horizons: Vec<Date>,
}

fn typed<T: serde::de::DeserializeOwned>(
    file: &Arc<SourceFile>,
    value: Value,
) -> Result<T, LawError> {
    serde_json::from_value(value)
        .map_err(|error| LawError::at(file, causeway_domain::Place::default(), error.to_string()))
}

impl Loader {
    fn policies(&mut self, jurisdiction: &str, path: &str, text: &str) -> Result<(), LawError> {
        for source in cedar::read(path, text)? {
            self.sources
                .push((jurisdiction.to_owned(), path.to_owned(), source));
        }
        Ok(())
    }

    fn data(
        &mut self,
        jurisdiction: &str,
        path: &str,
        name: &str,
        text: &str,
    ) -> Result<(), LawError> {
        let file = Arc::new(SourceFile::new(path, text));
        let value = if name.ends_with(".json") {
            serde_json::from_str(text).map_err(|error| {
                LawError::at(&file, causeway_domain::Place::default(), error.to_string())
            })?
        } else {
            read(&file, Dialect::Core)?
                .first()
                .map_or(Value::Null, causeway_domain::yaml::Node::to_json)
        };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        match stem {
            "jurisdiction" => {
                let own: Jurisdiction = typed(&file, value)?;
                let zone = TimeZone::get(&own.zone).map_err(|_| {
                    LawError::at(
                        &file,
                        causeway_domain::Place::default(),
                        format!("`{}` is not a time zone", own.zone),
                    )
                })?;
                self.zones.insert(jurisdiction.to_owned(), zone);
                self.horizons.extend(own.verified_horizon);
            }
            "vocabulary" => self.vocabulary = Some(typed(&file, value)?),
            _ if stem.starts_with("country_groups") => self
                .groups
                .add(jurisdiction, typed::<GroupFile>(&file, value)?),
            _ if stem.starts_with("definitions") => self
                .definitions
                .add(jurisdiction, &value)
                .map_err(|message| {
                    LawError::at(&file, causeway_domain::Place::default(), message)
                })?,
            _ if stem.starts_with("chips") => {
                for row in value
                    .get("chips")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let (id, row) = chip(row).map_err(|message| {
                        LawError::at(&file, causeway_domain::Place::default(), message)
                    })?;
                    self.chips.insert(id, row);
                }
            }
            other => {
                let message = format!("`{other}` is not the name of a data file of a pack");
                let problem = causeway_domain::Problem::error(
                    &file,
                    causeway_domain::Place::default(),
                    message,
                );
                return Err(problem
                    .help(
                        "name it jurisdiction, vocabulary, country_groups*, definitions* or chips*",
                    )
                    .into());
            }
        }
        Ok(())
    }

    fn finish(self, digest: Digest) -> Result<Packs, LawError> {
        let vocabulary = self.vocabulary.ok_or_else(|| {
            LawError::packs("there is no base/vocabulary.yaml", "keep the built-in one")
        })?;
        self.definitions.check().map_err(|message| {
            LawError::packs(message, "see the files `definitions*` of each jurisdiction")
        })?;
        let mut rules: Vec<Rule> = Vec::new();
        let mut sources = Vec::new();
        for (jurisdiction, path, source) in self.sources {
            let first = rules
                .iter()
                .find(|rule| Some(&rule.info.id) == source.annotations.get("id"));
            let rule = rule(&jurisdiction, &source, first)
                .map_err(|message| LawError::policy(&path, message))?;
            rules.push(rule);
            sources.push(source);
        }
        let compiled = Compiled::new(&vocabulary, &sources)?;
        let law = Law::new(
            &vocabulary,
            &self.definitions,
            &self.groups,
            &rules,
            &sources,
        )?;
        let mut packs = Packs {
            digest,
            horizon: self.horizons.iter().copied().min().unwrap_or(Date::MIN),
            infos: BTreeMap::new(),
            packs: rules.iter().map(|rule| rule.info.pack.clone()).collect(),
            rules,
            compiled,
            law,
            groups: self.groups,
            definitions: self.definitions,
            vocabulary,
            chips: self.chips,
            zones: self.zones,
        };
        for rule in packs.rules.iter().filter(|rule| rule.effect.is_some()) {
            let info = packs
                .infos
                .entry(rule.info.id.clone())
                .or_insert_with(|| rule.info.clone());
            info.from = info.from.min(rule.info.from);
            info.to = info.to.zip(rule.info.to).map(|(one, other)| one.max(other));
        }
        dangling(&packs)?;
        Ok(packs)
    }
}

/// A word that a policy compares with and that nothing can give is a slip, and a rule that never fires.
fn dangling(packs: &Packs) -> Result<(), LawError> {
    let groups = packs.groups.names();
    let place =
        |word: &str| groups.contains(word) || word.parse::<causeway_domain::Country>().is_ok();
    for rule in &packs.rules {
        for (path, mention) in &rule.mentions {
            let field = path
                .rsplit_once('.')
                .map_or(path.as_str(), |(_, field)| field);
            for word in &mention.words {
                let known = match (path.as_str(), field) {
                    ("to" | "from" | "data_from" | "item.stored_in", _)
                    | (_, "located" | "hq" | "parent" | "home") => place(word),
                    ("item.class", _) => packs.definitions.items.contains_key(word),
                    (_, "class") => packs.definitions.parties.contains_key(word),
                    (_, "listed") => packs.vocabulary.lists.contains(word),
                    ("item.chip", _) => packs.chips.contains_key(word),
                    ("authorisations", _) => packs.vocabulary.authorisations.contains_key(word),
                    ("roles", _) => word.parse::<crate::Role>().is_ok(),
                    _ if path.starts_with("facts.") => packs
                        .vocabulary
                        .facts
                        .get(field)
                        .is_some_and(|fact| fact.values.contains(word)),
                    _ => true,
                };
                if !known {
                    return Err(LawError::packs(
                        format!(
                            "rule `{}` compares `context.{path}` with `{word}`, which nothing can give",
                            rule.info.id
                        ),
                        "check the spelling, or add the group, class or value to the data",
                    ));
                }
            }
        }
    }
    Ok(())
}

fn rule(jurisdiction: &str, source: &cedar::Source, first: Option<&Rule>) -> Result<Rule, String> {
    let own = |key: &str| source.annotations.get(key).map(String::as_str);
    const KEYS: [&str; 17] = [
        "id",
        "title",
        "citation",
        "from",
        "to",
        "status",
        "outcome",
        "review",
        "obligations",
        "verified",
        "says",
        "pack",
        "posture",
        "compliance_from",
        "reviews",
        "note",
        "source",
    ];
    let id = own("id").ok_or("a policy needs `@id`")?.to_owned();
    let fail = |message: String| format!("`{id}`: {message}");
    if let Some(key) = source
        .annotations
        .keys()
        .find(|key| !KEYS.contains(&key.as_str()))
    {
        return Err(fail(format!("`@{key}` is not an annotation of rules")));
    }
    let need = |key: &str| own(key).ok_or_else(|| fail(format!("its first policy needs `@{key}`")));
    let day = |key: &str, inherited: Option<Date>| match own(key) {
        None => Ok(inherited),
        Some("") => Ok(None),
        Some(text) => text
            .parse::<Date>()
            .map(Some)
            .map_err(|_| fail(format!("`@{key}(\"{text}\")` is not a day"))),
    };
    let word = |key: &str, text: &str| fail(format!("`@{key}(\"{text}\")` is not a word of it"));
    let list = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let status = |text: &str| {
        serde_json::from_value::<Status>(Value::String(text.to_owned()))
            .map_err(|_| word("status", text))
    };
    let pack = |text: &str| {
        text.parse::<PackId>()
            .map_err(|error| fail(error.to_string()))
    };
    let base = match first {
        Some(first) => first.info.clone(),
        None => RuleInfo {
            id: id.clone(),
            title: need("title")?.to_owned(),
            jurisdiction: jurisdiction.to_owned(),
            citation: Vec::new(),
            from: None,
            to: None,
            status: status(need("status")?)?,
            pack: pack("default")?,
            verified: need("verified")?.to_owned(),
            says: String::new(),
        },
    };
    let info = RuleInfo {
        title: own("title").map_or(base.title, str::to_owned),
        citation: own("citation").map_or(base.citation, |text| {
            text.split(';')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect()
        }),
        from: day("from", base.from)?,
        to: day("to", base.to)?,
        status: own("status").map_or(Ok(base.status), status)?,
        pack: own("pack").map_or(Ok(base.pack), pack)?,
        verified: own("verified").map_or(base.verified, str::to_owned),
        says: own("says").map_or(base.says, str::to_owned),
        id: base.id,
        jurisdiction: jurisdiction.to_owned(),
    };
    if info.from.zip(info.to).is_some_and(|(from, to)| from > to) {
        return Err(fail("it ends before it begins".to_owned()));
    }
    let effect = match (source.forbids, own("outcome")) {
        (false, _) => None,
        (true, None) => return Err(fail("a forbid needs `@outcome`".to_owned())),
        (true, Some(text)) => Some(
            Effect::ALL
                .into_iter()
                .find(|effect| effect.word() == text)
                .ok_or_else(|| word("outcome", text))?,
        ),
    };
    Ok(Rule {
        effect,
        review: own("review")
            .map(|text| text.parse().map_err(|_| word("review", text)))
            .transpose()?,
        obligations: own("obligations").map(list).unwrap_or_default(),
        reviews: own("reviews").map(list).unwrap_or_default(),
        posture: match own("posture") {
            None => None,
            Some("enforced") => Some(Posture::Enforced),
            Some("books") => Some(Posture::Books),
            Some(text) => return Err(word("posture", text)),
        },
        compliance_from: day(
            "compliance_from",
            first.and_then(|first| first.compliance_from),
        )?,
        kinds: source.kinds.clone(),
        mentions: source.mentions.clone(),
        info,
    })
}

fn chip(row: &Value) -> Result<(String, ChipRow), String> {
    let id = row
        .get("id")
        .and_then(Value::as_str)
        .ok_or("a chip needs `id`")?
        .to_owned();
    let figure = |key: &str| row.get(key).and_then(decimal);
    // The unrounded maximum over widths outranks the printed figure.
    let widths = row
        .get("tpp_by_bits")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(decimal)
        .max();
    let figures = ChipRow {
        name: row
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or(&id)
            .to_owned(),
        tpp: widths.or_else(|| figure("tpp")),
        die_area: figure("die_area_mm2").filter(|area| *area > Decimal::ZERO),
        io_total: figure("io_total_gb_s"),
        dram_bandwidth: figure("memory_bandwidth_gb_s"),
        datacenter: row.get("datacenter_marketed").and_then(Value::as_bool),
    };
    Ok((id, figures))
}
