//! The shape of `causeway.yaml`. Doc comments here are the descriptions in the JSON Schema and in error messages.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::party::DateText;
use super::{Party, Stated, WorkKind};
use crate::{
    AccountId, Bytes, Country, DatasetId, Date, ModelName, PackId, PartyId, RateLimit, SiteId, Usd,
};

/// One organisation: who it is, where it may train, with what data, and what comes home.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "causeway.yaml")]
pub struct File {
    /// The party that this file belongs to: a key of `parties`
    pub organisation: PartyId,
    /// Every party that takes part or owns one that does, up to the ultimate parents
    pub parties: BTreeMap<PartyId, Party>,
    /// Which legal entity holds which account at which provider and site
    #[serde(default)]
    pub presences: Vec<Presence>,
    /// Places where a task can run, and how to reach them
    #[serde(default)]
    pub sites: BTreeMap<SiteId, Site>,
    /// Data that tasks use. What is not declared here is not sent anywhere
    #[serde(default)]
    pub datasets: BTreeMap<DatasetId, Dataset>,
    /// People by the country where they work, for the talent factor
    #[serde(default)]
    pub team: BTreeMap<Country, u32>,
    /// Where weights come home to
    pub home: Home,
    /// How bytes move
    #[serde(default)]
    pub transfer: Transfer,
    /// What may be spent
    #[serde(default)]
    pub budget: Budget,
    /// How much each of the five factors counts
    #[serde(default)]
    pub weights: Weights,
    /// What is trained, by task name
    #[serde(default)]
    pub workloads: BTreeMap<String, Workload>,
    /// Facts that the law asks for, in its own words (`relation: vendor`, `scc: signed`)
    #[serde(default)]
    pub facts: BTreeMap<String, Stated<FactText>>,
    /// Posture and packs
    #[serde(default)]
    pub law: Law,
    /// People whose signed determinations and authorisations count
    #[serde(default)]
    pub reviewers: Vec<Reviewer>,
    /// How approvals are given
    #[serde(default)]
    pub approvals: ApprovalPolicy,
    /// Lists that every party is screened against
    pub screening: Option<Screening>,
    /// The form that providers get, and the lines of the red-flag checks
    #[serde(default)]
    pub kyc: super::Kyc,
}

/// Lists that every party is screened against. Without it what `listed` says counts as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Screening {
    /// The lists, as `causeway parties import` named them. One that is missing or too old leaves every party unscreened
    pub lists: BTreeSet<String>,
    /// Age past which a list does not count for a launch, hours
    #[serde(default = "a_day")]
    pub max_age_hours: u32,
}

const fn a_day() -> u32 {
    24
}

/// How approvals are given.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalPolicy {
    /// Two reviewers sign each approval
    pub four_eyes: bool,
}

/// A value of a legal fact: text, true or false, a number or a day. Kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "PlainValue")]
pub struct FactText(pub String);

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(untagged)]
enum PlainValue {
    Text(String),
    Flag(bool),
    Number(f64),
}

impl<'de> Deserialize<'de> for FactText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            other @ (Value::Bool(_) | Value::Number(_)) => Ok(Self(other.to_string())),
            _ => Err(serde::de::Error::custom(
                "a fact is text, a number, or true or false",
            )),
        }
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// Several.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    /// As a list.
    #[must_use]
    pub fn items(self) -> Vec<T> {
        match self {
            Self::One(item) => vec![item],
            Self::More(items) => items,
        }
    }
}

/// A legal entity's account at a provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// The legal entity that holds the account and rents: a key of `parties`
    pub entity: PartyId,
    /// The provider: a key of `parties`
    pub provider: PartyId,
    /// The account, as the provider names it
    pub account: AccountId,
    /// The site that it opens: a key of `sites`
    pub site: Option<SiteId>,
    /// The cloud whose price list it opens, as SkyPilot names it (`nebius`)
    pub cloud: Option<String>,
}

/// A place where tasks can run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The jurisdiction: where the machines stand
    pub country: Stated<Country>,
    /// The provider's own name of the region
    pub region: Option<String>,
    /// Where on the map, in degrees. Where it is left out and no table has the region, the country's principal cities stand for it
    pub coordinates: Option<Degrees>,
    /// The party that runs it: a key of `parties`
    pub operator: PartyId,
    /// How to reach it
    pub engine: Engine,
    /// Says that this is a stand-in, and for what: shown in the plan, the output and the record
    pub stands_in_for: Option<String>,
    /// What can be rented there
    #[serde(default)]
    pub offers: Vec<SiteOffer>,
    /// Price of data leaving the site, US dollars per GB
    pub egress_per_gb: Option<Usd>,
    /// Price of a GB kept there for a month, US dollars
    pub storage_per_gb_month: Option<Usd>,
    /// Rate of the link home, in Mbit/s
    pub link_mbit: Option<f64>,
    /// Address that tells the machine's region, where it is not a cloud that Causeway knows
    pub metadata_url: Option<String>,
    /// Whether its disks are encrypted
    pub encrypted_at_rest: Option<Stated<bool>>,
}

/// A place on the map.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Degrees {
    /// Degrees north of the equator; south is negative
    #[schemars(range(min = -90.0, max = 90.0))]
    pub latitude: f64,
    /// Degrees east of Greenwich; west is negative
    #[schemars(range(min = -180.0, max = 180.0))]
    pub longitude: f64,
}

/// How a site is reached: one of `local` and `ssh`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Engine {
    /// A process group on this machine.
    Local(LocalEngine),
    /// A host reached with the system's ssh.
    Ssh(SshEngine),
}

/// A process group on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalEngine {
    /// The site's own directory, relative to this file
    pub directory: String,
}

/// A host reached with the system's ssh and the user's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshEngine {
    /// Any destination that `ssh` knows: `user@host`, or a `Host` of its configuration
    pub host: String,
    /// The site's own directory on that host; relative paths start at the login directory
    pub directory: String,
    /// Another configuration file for ssh, relative to this file
    pub config: Option<String>,
}

/// What a site rents out: one kind of node.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteOffer {
    /// Name of the kind of node
    pub instance: Option<String>,
    /// The accelerator, as SkyPilot names it; none for CPU nodes
    pub accelerator: Option<String>,
    /// Accelerators in a node
    #[serde(default)]
    pub accelerators_per_node: u32,
    /// Nodes that can be had
    #[serde(default = "one")]
    pub nodes: u32,
    /// Virtual CPUs in a node
    pub cpus: Option<f64>,
    /// Memory of a node
    #[schemars(with = "Option<SizeText>")]
    #[serde(default, deserialize_with = "size")]
    pub memory: Option<Bytes>,
    /// US dollars per node and hour; `0` for machines of one's own
    pub price_per_hour: Option<Stated<Usd>>,
    /// Throughput measured there with this workload, tokens per second and node: what the time is computed from where no chip is
    pub tokens_per_second: Option<f64>,
    /// When the operator received the accelerators
    #[schemars(with = "Option<DateText>")]
    pub chips_received: Option<Date>,
    /// Under which licence: `shown`, `none_needed`, `absent`
    pub chips_licence: Option<Stated<FactText>>,
    /// Proof of the supplier's authorisation: `shown`, `absent`
    pub supplier_authorisation: Option<Stated<FactText>>,
}

const fn one() -> u32 {
    1
}

#[derive(JsonSchema)]
#[schemars(extend("format" = "size"))]
#[expect(dead_code, reason = "only its schema is used")]
struct SizeText(String);

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}

/// A class of data that some rule counts persons of (`dataset` of the case format).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// No personal data and nothing that a rule names.
    None,
    /// China: ordinary personal information.
    CnOrdinary,
    /// China: sensitive personal information.
    CnSensitive,
    /// United States, 28 CFR 202: human genomic data.
    UsHumanGenomic,
    /// 28 CFR 202: other human omic data.
    UsHumanOmic,
    /// 28 CFR 202: biometric identifiers.
    UsBiometric,
    /// 28 CFR 202: precise geolocation.
    UsPreciseGeolocation,
    /// 28 CFR 202: personal health data.
    UsPersonalHealth,
    /// 28 CFR 202: personal financial data.
    UsPersonalFinancial,
    /// 28 CFR 202: covered personal identifiers.
    UsCoveredIdentifiers,
    /// 28 CFR 202: government-related data.
    UsGovernmentRelated,
    /// Personal data under the GDPR.
    EuPersonal,
}

impl DataClass {
    /// The word of the case format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::CnOrdinary => "cn_ordinary",
            Self::CnSensitive => "cn_sensitive",
            Self::UsHumanGenomic => "us_human_genomic",
            Self::UsHumanOmic => "us_human_omic",
            Self::UsBiometric => "us_biometric",
            Self::UsPreciseGeolocation => "us_precise_geolocation",
            Self::UsPersonalHealth => "us_personal_health",
            Self::UsPersonalFinancial => "us_personal_financial",
            Self::UsCoveredIdentifiers => "us_covered_identifiers",
            Self::UsGovernmentRelated => "us_government_related",
            Self::EuPersonal => "eu_personal",
        }
    }
}

/// One class, or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "OneOrMore<DataClass>")]
pub struct Classes(pub BTreeSet<DataClass>);

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OneOrMore::deserialize(deserializer).map(|list| {
            Self(
                list.items()
                    .into_iter()
                    .filter(|class| *class != DataClass::None)
                    .collect(),
            )
        })
    }
}

/// Data that tasks use.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// A file or folder, relative to this file
    pub path: String,
    /// What it holds: `none` for no personal data, else its classes
    pub class: Option<Stated<Classes>>,
    /// Number of records
    pub records: Option<Stated<u64>>,
    /// Number of persons it speaks of, by class; one number where there is one class
    pub persons: Option<Stated<Persons>>,
    /// China: whether an authority or a catalogue calls it important data
    pub important: Option<Stated<bool>>,
    /// Where it is now
    pub origin: Option<Stated<Country>>,
    /// The party that controls it: a key of `parties`; the organisation where left out
    pub controller: Option<PartyId>,
}

/// Person counts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Persons {
    /// One number for the only class.
    All(u64),
    /// A number a class.
    ByClass(BTreeMap<DataClass, u64>),
}

/// Where weights come home to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Home {
    /// The country of the machine that this file is used on
    pub country: Stated<Country>,
    /// Where tasks write checkpoints, relative to the workdir at the site. Causeway tells it to the task as `CAUSEWAY_CHECKPOINTS`
    #[serde(default = "checkpoints")]
    pub checkpoints: String,
    /// A checkpoint counts as finished when nothing in it changed for this many seconds
    #[serde(default = "settle")]
    pub settle_seconds: f64,
    /// Files of a checkpoint that only training needs: kept at home, not part of the model. `*` stands for any text
    #[serde(default = "training_state")]
    pub training_state: Vec<String>,
}

fn checkpoints() -> String {
    "checkpoints".to_owned()
}

const fn settle() -> f64 {
    10.0
}

fn training_state() -> Vec<String> {
    [
        "optimizer*",
        "trainer_state*",
        "training_args*",
        "rng_state*",
        "scheduler*",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// How bytes move between sites and home.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Most that a transfer takes of the line: a rate (`50Mbit/s`), or rates by the time of day here (`08:00-18:00=20Mbit/s, 100Mbit/s`); `0` pauses, `off` is no limit
    pub limit: Option<RateLimit>,
    /// What of a run's checkpoints stays at the site: `optimizer`, all that only going on with the training needs
    #[serde(default)]
    pub leave: Vec<Left>,
}

/// A part of a checkpoint that need not come home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Left {
    /// States of optimizer, schedule, gradient scaler and random numbers
    Optimizer,
}

/// What may be spent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// US dollars for one run
    pub total: Option<Usd>,
    /// US dollars per hour
    pub per_hour: Option<Usd>,
}

/// How much each factor counts; only the proportions matter.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Hardware access
    #[schemars(range(min = 0.0))]
    pub hardware: f64,
    /// Operating cost
    #[schemars(range(min = 0.0))]
    pub cost: f64,
    /// Geopolitical risk
    #[schemars(range(min = 0.0))]
    pub risk: f64,
    /// Talent
    #[schemars(range(min = 0.0))]
    pub talent: f64,
    /// Security and data
    #[schemars(range(min = 0.0))]
    pub data: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            hardware: 1.0,
            cost: 1.0,
            risk: 1.0,
            talent: 1.0,
            data: 1.0,
        }
    }
}

/// What is trained.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// The model's name in the registry at home: `org/name`
    pub model: ModelName,
    /// What is done with the model
    #[serde(default)]
    pub kind: WorkKind,
    /// Operations that the model's training took before this run, where it does not begin from the start: rules count all of a model's training
    #[schemars(with = "Option<AmountText>")]
    #[serde(default, deserialize_with = "amount")]
    pub base_train_ops: Option<f64>,
    /// A config.json of Hugging Face, relative to this file: what memory and arithmetic are computed from
    pub config: Option<String>,
    /// Number of parameters, where there is no config.json
    #[schemars(with = "Option<AmountText>")]
    #[serde(default, deserialize_with = "amount")]
    pub parameters: Option<f64>,
    /// Tokens to train on
    #[schemars(with = "Option<AmountText>")]
    #[serde(default, deserialize_with = "amount")]
    pub tokens: Option<f64>,
    /// Sequence length, tokens
    #[schemars(range(min = 1))]
    pub sequence_length: Option<u32>,
    /// Sequences in a global batch
    #[schemars(range(min = 1))]
    pub batch: Option<u32>,
    /// Number format of the training
    pub precision: Option<PrecisionWord>,
    /// People who watch the run, in full-time equivalents: their pay, the mean of `team`, is part of what the run costs
    #[schemars(range(min = 0.0))]
    pub people: Option<f64>,
    /// What the model is for: `civil`, `military`, `wmd`, `military_intelligence`
    pub end_use: Option<Stated<EndUse>>,
    /// Whether the weights stay closed
    pub closed: Option<Stated<bool>>,
    /// Mounted files and folders that are code and hold no dataset, relative to this file. The workdir always counts as code
    #[serde(default)]
    pub code: Vec<String>,
    /// Where the code is written
    pub code_from: Option<Stated<Country>>,
    /// China's technology catalogue: the entry under which the owner classified the code, `free` or `unclassified`
    pub code_entry: Option<Stated<FactText>>,
}

#[derive(JsonSchema)]
#[schemars(extend("type" = ["string", "number"], "format" = "amount"))]
#[expect(dead_code, reason = "only its schema is used")]
struct AmountText(String);

fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(Value::String(text)) => text
            .replace('_', "")
            .parse()
            .map(Some)
            .map_err(serde::de::Error::custom),
        Some(_) => Err(serde::de::Error::custom("an amount is a number")),
    }
}

/// Number formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionWord {
    /// bfloat16 with 32-bit masters.
    Bf16,
    /// float16 with 32-bit masters.
    Fp16,
    /// float8.
    Fp8,
    /// float32.
    Fp32,
}

/// What a model is for (15 CFR 744).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndUse {
    /// Civil.
    Civil,
    /// Military.
    Military,
    /// Weapons of mass destruction.
    Wmd,
    /// Military intelligence.
    MilitaryIntelligence,
}

impl EndUse {
    /// The word of the case format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Civil => "civil",
            Self::Military => "military",
            Self::Wmd => "wmd",
            Self::MilitaryIntelligence => "military_intelligence",
        }
    }
}

/// How the law is read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Law {
    /// `enforced`: as the authority says it enforces; `books`: every rule that stands in the books
    pub posture: PostureWord,
    /// Packs beside `default`, for what-ifs
    pub packs: Vec<PackId>,
    /// Scheduled rules that somebody confirmed in the official journal
    pub confirms: Vec<String>,
    /// Days past a rule pack's verified horizon; an allow that rests on an older pack is a review. Left out: no limit
    pub max_pack_age_days: Option<u32>,
}

/// Posture towards rules that are on the books and not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PostureWord {
    /// As enforced; such rules are flagged.
    #[default]
    Enforced,
    /// As written.
    Books,
}

/// A person whose signed determinations count.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// The person's name
    pub name: String,
    /// The public key, as ssh writes it: `ssh-ed25519 AAAA...`
    pub public_key: String,
}
