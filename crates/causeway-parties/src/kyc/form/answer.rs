//! What every answer is made of: the answer itself, its evidence, the contract and the seal.

use causeway_domain::Date;
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

impl<T> Item<T> {
    /// The answer of an item that may not be there.
    #[must_use]
    pub fn of(item: Option<&Self>) -> Option<&T> {
        item?.answer.as_ref()
    }
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
