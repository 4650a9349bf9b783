//! The two forms: what their files may hold. Doc comments here are the descriptions in the JSON Schemas and in messages.
//!
//! What is not here can't be written: there is no field for a picture of a document, a card's number or a log of persons.

use causeway_domain::organisation::DataClass;
use causeway_domain::{Country, Date, Percent};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A day in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String", extend("format" = "date"))]
pub struct Day(pub Date);

/// An exact number: `7e9`, `1036`, `0.38`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String", extend("type" = ["string", "number"], "format" = "amount"))]
pub struct Amount(pub Decimal);

impl Amount {
    /// Reads digits, a point and an exponent; nothing is rounded. `None` for other text and for what is larger than 7.9e28.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.replace('_', "");
        if text.contains(['e', 'E']) {
            Decimal::from_scientific(&text).ok().map(Self)
        } else {
            text.parse().ok().map(Self)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(serde::de::Error::custom("an amount is a number")),
        };
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an exact number")))
    }
}

/// An answer, with its evidence.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item<T> {
    /// The answer; nothing while it is not known
    pub answer: Option<T>,
    /// What proves it: references and hashes, never the document
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Where the answer was read, where it was not the signatory who wrote it
    pub source: Option<String>,
    /// Where it speaks of natural persons: the legal ground for keeping it, as the one who keeps it states it
    pub ground: Option<String>,
}

/// A reference to a document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What it is
    pub kind: EvidenceKind,
    /// Where it can be asked for: a file number, a register's transaction
    pub reference: Option<String>,
    /// SHA-256 of the document
    pub sha256: Option<String>,
    /// The day on which it was made
    pub issued: Option<Day>,
    /// What the one who looked at it found
    pub result: Option<String>,
}

/// What a document is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Extract of a company register.
    RegistryExtract,
    /// Record of a legal entity identifier.
    LeiRecord,
    /// Lease of the premises.
    Lease,
    /// Letter of a tax authority.
    TaxLetter,
    /// Register of shareholders.
    ShareRegister,
    /// Beneficial ownership data, BODS.
    Bods,
    /// GLEIF level 2: who owns whom.
    #[serde(rename = "gleif_level_2")]
    GleifLevel2,
    /// Chart of owners, signed.
    SignedChart,
    /// Statement, signed.
    SignedStatement,
    /// Reference of a check of an identity document; not the document.
    IdCheck,
    /// Part of a contract.
    ContractExtract,
    /// Plan that Causeway computed.
    PlanFile,
    /// Hash of a document.
    DocumentHash,
    /// Text of a licence.
    LicenceText,
    /// Manifest of data.
    DataManifest,
    /// List of people.
    Roster,
    /// Export of a single sign-on.
    SsoExport,
    /// Invoice.
    Invoice,
    /// Letter of a bank.
    BankLetter,
    /// Clause of a contract.
    ContractClause,
}

impl EvidenceKind {
    /// For people: the form's word with blanks.
    #[must_use]
    pub fn words(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(|word| word.replace('_', " ")))
            .unwrap_or_default()
    }
}

/// The contract that the form belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Its number
    pub reference: Option<String>,
    /// First day
    pub from: Option<Day>,
    /// Last day: answers are kept so many years after it
    pub until: Option<Day>,
}

/// The key and its signature over the form in canonical form; `causeway kyc sign` writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Public key
    pub key: String,
    /// Ed25519 signature, base64
    pub signature: String,
}

/// Names of a company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Full legal name
    pub legal: Option<String>,
    /// Former names; `[]` says that there are none
    pub former: Option<Vec<String>>,
    /// Names in the scripts of the place; `[]` says that there are none
    pub local_script: Option<Vec<String>>,
}

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The register
    pub registry: Option<String>,
    /// The number in it
    pub number: Option<String>,
    /// Legal entity identifier
    pub lei: Option<String>,
}

/// What stands at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Premises {
    /// Rooms of the company.
    Office,
    /// Works, a data centre.
    Industrial,
    /// Somebody's home.
    Residential,
    /// A service that takes mail for many.
    Virtual,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// As it is written
    pub text: Option<String>,
    /// Its country
    pub country: Option<Country>,
    /// What stands there
    pub kind: Option<Premises>,
}

/// Where a company is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// Registered address
    pub registered: Option<Address>,
    /// Place of business
    pub business: Option<Address>,
    /// Country of the headquarters
    pub headquarters: Option<Country>,
    /// Telephone numbers
    pub phones: Option<Vec<String>>,
    /// Internet domains
    pub domains: Option<Vec<String>>,
}

/// What a holder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A company.
    Company,
    /// A natural person.
    Person,
    /// A state or a body of one.
    State,
    /// Many small holders.
    Dispersed,
}

/// A share in a company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shareholding {
    /// Who holds
    pub owner: Option<String>,
    /// In which company
    pub of: Option<String>,
    /// Share of the capital
    pub share: Option<Percent>,
    /// Share of the votes
    pub votes: Option<Percent>,
    /// What the holder is
    pub kind: Option<HolderKind>,
    /// The holder's headquarters or residence
    pub country: Option<Country>,
    /// Since
    pub from: Option<Day>,
    /// Until
    pub to: Option<Day>,
}

/// The party at the top.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopParent {
    /// Its name
    pub name: Option<String>,
    /// Country of its headquarters
    pub headquarters: Option<Country>,
}

/// Owners up to the top.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// Every share of the chain
    pub holdings: Option<Vec<Shareholding>>,
    /// Whether they name every holder
    pub complete: Option<bool>,
    /// The party at the top of the chain
    pub ultimate_parent: Option<TopParent>,
}

/// Control without shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlMeans {
    /// Rights to name directors.
    BoardRights,
    /// A variable interest entity.
    Vie,
    /// A nominee.
    Nominee,
    /// A trust.
    Trust,
    /// Covenants of a loan.
    LoanCovenant,
    /// Another means.
    Other,
}

/// Somebody who controls without shares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// Who
    pub name: Option<String>,
    /// Over which company
    pub over: Option<String>,
    /// How
    pub means: Option<ControlMeans>,
}

/// A director or signatory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Name
    pub name: Option<String>,
    /// `director`, `signatory`
    pub role: Option<String>,
    /// Country of residence
    pub residence: Option<Country>,
    /// Reference of the check of the identity document; not the document
    pub id_check: Option<String>,
}

/// Ties to states and armed forces.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Military {
    /// Whether there are ties to a state or to armed forces
    pub ties: Option<bool>,
    /// Whether it supplies military or intelligence end users
    pub supplies: Option<bool>,
    /// Which
    pub text: Option<String>,
}

/// As what the customer signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractingAs {
    /// Uses the model itself.
    EndUser,
    /// Belongs to the group of the end user.
    Affiliate,
    /// Forwards.
    Forwarder,
    /// Sells on.
    Reseller,
    /// Brings parties together.
    Broker,
}

/// The part of somebody for whom the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalRole {
    /// Ordered it.
    Principal,
    /// Uses it.
    EndUser,
    /// Belongs to the customer's group.
    Affiliate,
    /// The customer's customer.
    CustomersCustomer,
    /// Another part.
    Other,
}

/// Somebody for whom the work is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Name
    pub name: Option<String>,
    /// Part
    pub role: Option<PrincipalRole>,
    /// Country
    pub country: Option<Country>,
}

/// For whom the work is done.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Principals {
    /// As what the customer signs
    pub contracting_as: Option<ContractingAs>,
    /// For whom
    pub work_for: Option<Vec<Principal>>,
}

/// Field of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Text.
    Language,
    /// Program code.
    Code,
    /// Pictures and films.
    Vision,
    /// Speech and sound.
    Speech,
    /// Several of these.
    Multimodal,
    /// Natural science.
    Science,
    /// Medicine.
    Medicine,
    /// Machines that move.
    Robotics,
    /// Forecasts and recommendations.
    Forecasting,
    /// Another field: a question.
    Other,
}

/// What the model is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// In words
    pub text: Option<String>,
    /// Field
    pub domain: Option<Domain>,
    /// Intended users
    pub users: Option<String>,
    /// Countries where it is deployed
    pub deployed_in: Option<Vec<Country>>,
}

/// How large the model and its training are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Parameters
    pub parameters: Option<Amount>,
    /// Tokens
    pub tokens: Option<Amount>,
    /// Planned floating-point operations
    pub flop: Option<Amount>,
    /// Name of the chip; nothing for machines without accelerators
    pub chip: Option<String>,
    /// Chips; 0 for machines without accelerators
    pub chips: Option<u64>,
    /// Hours
    pub hours: Option<Amount>,
}

/// What becomes of weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightsAfter {
    /// Published.
    Open,
    /// Kept.
    Closed,
}

/// What training starts from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaseModel {
    /// Whether there is no base model
    pub from_scratch: Option<bool>,
    /// Its name
    pub name: Option<String>,
    /// Who made it, where
    pub origin: Option<String>,
    /// Its licence
    pub licence: Option<String>,
    /// SHA-256 of its weights or of their manifest
    pub sha256: Option<String>,
    /// What becomes of the trained weights
    pub weights_after: Option<WeightsAfter>,
}

/// A set of training data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name, as causeway.yaml has it
    pub name: Option<String>,
    /// Classes; `[none]` for no personal data
    pub classes: Option<Vec<DataClass>>,
    /// Records
    pub records: Option<u64>,
    /// Countries of the persons; `[]` for none
    pub persons_countries: Option<Vec<Country>>,
    /// Whether it is related to a government
    pub government_related: Option<bool>,
    /// Where it comes from
    pub origin: Option<String>,
    /// Its licence
    pub licence: Option<String>,
}

/// Somebody who has access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Name, or the account that the roster resolves
    pub name: Option<String>,
    /// Country of residence
    pub residence: Option<Country>,
    /// Employer
    pub employer: Option<String>,
    /// How: `ssh`, `console`
    pub method: Option<String>,
}

/// Who has access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// People
    pub people: Option<Vec<Person>>,
    /// Fixed ranges of addresses, in CIDR; `[]` says that there are none
    pub networks: Option<Vec<String>>,
}

/// How is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// From a bank account.
    BankTransfer,
    /// By card. Its number is not asked for.
    Card,
    /// In a virtual currency.
    Crypto,
    /// Set off, prepaid, in kind.
    Other,
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// Name
    pub name: Option<String>,
    /// Whether the payer is the customer
    pub is_customer: Option<bool>,
    /// Country of the bank
    pub bank_country: Option<Country>,
    /// How
    pub means: Option<Means>,
}

/// What goes somewhere.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Goods {
    /// Trained weights.
    Weights,
    /// Checkpoints on the way.
    Checkpoints,
    /// What the job prints, and metrics.
    Logs,
}

impl Goods {
    /// The form's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Checkpoints => "checkpoints",
            Self::Logs => "logs",
        }
    }
}

/// Where something goes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// What
    pub what: Option<Goods>,
    /// Place: a site, a host, `home`
    pub place: Option<String>,
    /// Its country
    pub country: Option<Country>,
    /// Who receives it
    pub receiver: Option<String>,
}

/// A licence, exception or other authorisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorisation {
    /// Name
    pub name: Option<String>,
    /// Number
    pub number: Option<String>,
    /// Conditions
    pub conditions: Option<String>,
    /// First day
    pub from: Option<Day>,
    /// Last day
    pub until: Option<Day>,
    /// SHA-256 of the document
    pub sha256: Option<String>,
}

/// What was before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Refused by a provider or an authority
    pub refusals: Option<bool>,
    /// Disclosed a violation
    pub disclosures: Option<bool>,
    /// Was punished
    pub penalties: Option<bool>,
    /// Which
    pub text: Option<String>,
}

/// What the customer agrees to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consents {
    /// Audit
    pub audit: Option<bool>,
    /// Checks of the end user
    pub end_user_checks: Option<bool>,
    /// Stop of work on a hit
    pub stop_work: Option<bool>,
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signatory {
    /// Name
    pub name: Option<String>,
    /// Role
    pub role: Option<String>,
    /// Day
    pub date: Option<Day>,
    /// Days within which a change is reported
    pub report_changes_within_days: Option<u32>,
}

/// The word of the customer's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum CustomerFormat {
    /// Version 1.
    #[serde(rename = "causeway-kyc/customer/1")]
    V1,
}

/// The word of the provider's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ProviderFormat {
    /// Version 1.
    #[serde(rename = "causeway-kyc/provider/1")]
    V1,
}

/// Who the customer is, filled and signed by the renter.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "customer.yaml")]
pub struct Customer {
    /// The format: `causeway-kyc/customer/1`
    pub form: CustomerFormat,
    /// SHA-256 of the questionnaire that was answered
    pub questionnaire: Option<String>,
    /// The contract
    pub contract: Option<Contract>,
    /// C1: names
    pub names: Option<Item<Names>>,
    /// C2: registration
    pub registration: Option<Item<Registration>>,
    /// C3: addresses and headquarters
    pub places: Option<Item<Places>>,
    /// C4: day of incorporation
    pub incorporated: Option<Item<Day>>,
    /// C5: owners
    pub owners: Option<Item<Ownership>>,
    /// C6: control without shares
    pub controllers: Option<Item<Vec<Controller>>>,
    /// C7: directors and signatory
    pub officers: Option<Item<Vec<Officer>>>,
    /// C8: state and military ties
    pub military: Option<Item<Military>>,
    /// C9: for whom the work is done
    pub principals: Option<Item<Principals>>,
    /// C10: purpose
    pub purpose: Option<Item<Purpose>>,
    /// C11: size of model and training
    pub size: Option<Item<Size>>,
    /// C12: base model
    pub base_model: Option<Item<BaseModel>>,
    /// C13: training data
    pub data: Option<Item<Vec<DataSet>>>,
    /// C14: who has access
    pub access: Option<Item<Access>>,
    /// C15: payer
    pub payer: Option<Item<Payer>>,
    /// C16: where weights, checkpoints and logs go
    pub destinations: Option<Item<Vec<Destination>>>,
    /// C17: authorisations relied on
    pub authorisations: Option<Item<Vec<Authorisation>>>,
    /// C18: refusals, disclosures, penalties
    pub history: Option<Item<History>>,
    /// C19: consents
    pub consents: Option<Item<Consents>>,
    /// C20: who signs
    pub signature: Option<Item<Signatory>>,
    /// The signature itself; `causeway kyc sign` writes it
    pub seal: Option<Seal>,
}

/// Who a provider is, in law.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Full legal name
    pub legal: Option<String>,
    /// Jurisdiction
    pub jurisdiction: Option<Country>,
    /// Every share of the chain
    pub holdings: Option<Vec<Shareholding>>,
    /// Whether they name every holder
    pub complete: Option<bool>,
}

/// A provider's site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteAnswer {
    /// Address
    pub address: Option<Address>,
    /// Who operates it
    pub operator: Option<String>,
    /// Who owns the chips
    pub chip_owner: Option<String>,
}

/// Chips of one model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chips {
    /// Model
    pub model: Option<String>,
    /// Count
    pub count: Option<u64>,
    /// ECCN as the seller states it
    pub eccn: Option<String>,
    /// Licence or exception under which they were received
    pub received_under: Option<String>,
    /// When
    pub received_on: Option<Day>,
}

/// Power of a site.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Power for machines, MW
    pub site_mw: Option<Amount>,
    /// Cooling, MW
    pub cooling_mw: Option<Amount>,
}

/// Somebody who takes part on the provider's side.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subcontractor {
    /// Name
    pub name: Option<String>,
    /// `subcontractor`, `reseller`
    pub role: Option<String>,
    /// Country
    pub country: Option<Country>,
}

/// How long logs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogRetention {
    /// Days
    pub days: Option<u32>,
    /// Which logs
    pub what: Option<String>,
}

/// Somebody with administrative access.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    /// Name
    pub name: Option<String>,
    /// Employer
    pub employer: Option<String>,
    /// Country from which
    pub country: Option<Country>,
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentContact {
    /// Name
    pub name: Option<String>,
    /// How
    pub reach: Option<String>,
}

/// Who the provider is, filled and signed by the owner or operator of the machines.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "provider.yaml")]
pub struct Provider {
    /// The format: `causeway-kyc/provider/1`
    pub form: ProviderFormat,
    /// SHA-256 of the questionnaire that was answered
    pub questionnaire: Option<String>,
    /// The contract
    pub contract: Option<Contract>,
    /// P1: legal name, owners, jurisdiction
    pub identity: Option<Item<Identity>>,
    /// P2: site
    pub site: Option<Item<SiteAnswer>>,
    /// P3: chips
    pub chips: Option<Item<Vec<Chips>>>,
    /// P4: power and cooling
    pub power: Option<Item<Power>>,
    /// P5: subcontractors and resellers
    pub subcontractors: Option<Item<Vec<Subcontractor>>>,
    /// P6: how long logs are kept
    pub log_retention: Option<Item<LogRetention>>,
    /// P7: who has administrative access
    pub administrators: Option<Item<Vec<Administrator>>>,
    /// P8: contact for incidents
    pub incident_contact: Option<Item<IncidentContact>>,
    /// The signature; `causeway kyc sign` writes it
    pub seal: Option<Seal>,
}

impl<T> Item<T> {
    /// The answer of an item that may not be there.
    #[must_use]
    pub fn of(item: Option<&Self>) -> Option<&T> {
        item?.answer.as_ref()
    }
}
