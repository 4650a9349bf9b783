//! Facts that a document or a reviewer can settle. A fact that says who a party is, or that counts what went before, is not
//! here and can't be: `designated`, `provider_us_person`, `prior_12_months`, `china_share_of_us_shipments`.

use causeway_domain::Date;
use serde::Serialize;

use crate::Packs;

macro_rules! documentable {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A fact of the vocabulary that a document or a reviewer can settle.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Documentable { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl Documentable {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the vocabulary.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

documentable! {
    /// For what it is used.
    EndUse = "end_use",
    /// Whether red flags were seen.
    RedFlags = "red_flags",
    /// Whether the check of the customer is complete.
    Kyc = "kyc",
    /// Whether an authority's letter told the exporter to ask.
    IsInformed = "is_informed",
    /// Whether a sale is meant for export.
    ExportPlanned = "export_planned",
    /// When the provider received its chips.
    ChipsReceived = "chips_received",
    /// Under which licence it received them.
    ChipsLicence = "chips_licence",
    /// The supplier's authorisation for chips presumed made in breach.
    SupplierAuthorisation = "supplier_authorisation",
    /// Malaysia: whether a restricted activity is known or suspected.
    RestrictedActivity = "restricted_activity",
    /// The kind of agreement with the recipient of data.
    Relation = "relation",
    /// The security requirements for restricted transactions.
    SecurityRequirements = "cisa_security_requirements",
    /// The programme for restricted transactions.
    ComplianceProgramme = "data_compliance_programme",
    /// The clause against passing data on.
    OnwardClause = "onward_clause",
    /// Whether the recipient is certified under the Data Privacy Framework.
    PrivacyFramework = "dpf",
    /// Whether standard contractual clauses are signed.
    StandardClauses = "scc",
    /// What the transfer impact assessment found.
    ImpactAssessment = "tia",
    /// China: whether the data were collected abroad.
    CollectedAbroad = "collected_abroad",
    /// China: whether data from China were added.
    DomesticAdded = "domestic_added",
    /// China: whether the filing of a generative service is done.
    GenerativeFiling = "genai_filing",
}

impl Documentable {
    /// Stated of chips: of other chips nobody said it.
    pub(super) const OF_CHIPS: &'static [Self] = &[
        Self::ChipsReceived,
        Self::ChipsLicence,
        Self::SupplierAuthorisation,
        Self::IsInformed,
    ];
    /// Stated of a place: of another place nobody said it.
    pub(super) const OF_PLACES: &'static [Self] =
        &[Self::ImpactAssessment, Self::SecurityRequirements];
}

/// A value with which a fact may be settled.
struct Settled {
    fact: Documentable,
    value: &'static str,
    /// Values that a reviewer may close; a document states only what nobody knows.
    over: &'static [&'static str],
    says: &'static str,
}

/// What settles a doubt about a party is for a reviewer to determine, never for anybody to state.
const SETTLED: &[Settled] = &[
    settled(
        Documentable::EndUse,
        "civil",
        "document that the end use is civil",
    ),
    settled(
        Documentable::RedFlags,
        "none",
        "document that no red flag was seen",
    ),
    Settled {
        fact: Documentable::RedFlags,
        value: "resolved",
        over: &["open"],
        says: "have a reviewer determine, signed and on file, that every red flag is resolved",
    },
    Settled {
        fact: Documentable::Kyc,
        value: "complete",
        over: &["incomplete"],
        says: "complete the check of the customer (KYC), and have a reviewer determine, signed and on file, that it is complete",
    },
    settled(
        Documentable::IsInformed,
        "no",
        "ask the maker, and document that no letter of the authority covers this",
    ),
    settled(
        Documentable::ExportPlanned,
        "false",
        "document that no export is planned",
    ),
    settled(
        Documentable::ChipsLicence,
        "shown",
        "have the provider show the licence under which it received the chips",
    ),
    settled(
        Documentable::ChipsLicence,
        "none_needed",
        "have the provider show that its chips needed no licence",
    ),
    settled(
        Documentable::SupplierAuthorisation,
        "shown",
        "have the supplier show its authorisation",
    ),
    settled(
        Documentable::RestrictedActivity,
        "none",
        "document that no restricted activity is known or suspected",
    ),
    settled(
        Documentable::Relation,
        "vendor",
        "document that the agreement is a vendor agreement",
    ),
    settled(
        Documentable::Relation,
        "employment",
        "document that the agreement is an employment agreement",
    ),
    settled(
        Documentable::Relation,
        "investment",
        "document that the agreement is an investment agreement",
    ),
    settled(
        Documentable::SecurityRequirements,
        "in_place",
        "document that the CISA security requirements are in place",
    ),
    settled(
        Documentable::ComplianceProgramme,
        "in_place",
        "document that the data compliance programme is in place",
    ),
    settled(
        Documentable::OnwardClause,
        "present",
        "document that the contract forbids passing the data on",
    ),
    settled(
        Documentable::PrivacyFramework,
        "certified",
        "document that the recipient is certified under the Data Privacy Framework",
    ),
    settled(
        Documentable::StandardClauses,
        "signed",
        "document that standard contractual clauses are signed with the recipient",
    ),
    settled(
        Documentable::ImpactAssessment,
        "sound",
        "document a transfer impact assessment that finds the transfer sound",
    ),
    settled(
        Documentable::CollectedAbroad,
        "true",
        "document that the data were collected abroad",
    ),
    settled(
        Documentable::DomesticAdded,
        "false",
        "document that no data from China were added",
    ),
    settled(
        Documentable::GenerativeFiling,
        "done",
        "document that the security assessment and the algorithm filing are done",
    ),
];

const fn settled(fact: Documentable, value: &'static str, says: &'static str) -> Settled {
    Settled {
        fact,
        value,
        over: &[],
        says,
    }
}

/// A fact that would be documented or determined, with the value: if it is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    fact: Documentable,
    value: String,
}

impl Document {
    /// A fact with a value that settles it; none where no document may say so.
    #[must_use]
    pub fn new(fact: Documentable, value: &str) -> Option<Self> {
        let day = fact == Documentable::ChipsReceived && value.parse::<Date>().is_ok();
        (day || row(fact, value).is_some()).then(|| Self {
            fact,
            value: value.to_owned(),
        })
    }

    /// Every document that could settle a fact, in a fixed order. Days are those before a day that a policy compares with.
    pub(super) fn all(packs: &Packs) -> Vec<Self> {
        let mut all: Vec<Self> = SETTLED
            .iter()
            .map(|row| Self {
                fact: row.fact,
                value: row.value.to_owned(),
            })
            .collect();
        let mut days: Vec<Date> = packs
            .rules
            .iter()
            .filter_map(|rule| rule.mentions.get("facts.chips_received"))
            .flat_map(|mention| &mention.numbers)
            .filter_map(|number| before(*number))
            .collect();
        days.sort_unstable();
        days.dedup();
        all.extend(days.into_iter().map(|day| Self {
            fact: Documentable::ChipsReceived,
            value: day.to_string(),
        }));
        all
    }

    /// The fact.
    #[must_use]
    pub const fn fact(&self) -> Documentable {
        self.fact
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The values that it closes.
    pub(super) fn over(&self) -> &'static [&'static str] {
        row(self.fact, &self.value).map_or(&[], |row| row.over)
    }

    /// Whether a reviewer must determine it.
    #[must_use]
    pub fn is_determined(&self) -> bool {
        !self.over().is_empty()
    }

    pub(super) fn says(&self) -> String {
        let what = row(self.fact, &self.value).map_or_else(
            || {
                format!(
                    "have the provider show that it received its chips on or before {}",
                    self.value
                )
            },
            |row| row.says.to_owned(),
        );
        format!("{what}, if it is so")
    }
}

fn row(fact: Documentable, value: &str) -> Option<&'static Settled> {
    SETTLED
        .iter()
        .find(|row| row.fact == fact && row.value == value)
}

/// The day before a day as policies write it (`20231117`).
fn before(number: i64) -> Option<Date> {
    let part = |value: i64| i8::try_from(value).ok();
    Date::new(
        i16::try_from(number / 10_000).ok()?,
        part(number / 100 % 100)?,
        part(number % 100)?,
    )
    .ok()?
    .yesterday()
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_who_a_party_is_cannot_be_documented() {
        let names: Vec<&str> = Documentable::ALL.iter().map(|fact| fact.name()).collect();
        for never in [
            "designated",
            "provider_us_person",
            "prior_12_months",
            "china_share_of_us_shipments",
        ] {
            assert!(!names.contains(&never), "{never}");
        }
        assert!(Document::new(Documentable::EndUse, "military").is_none());
        assert!(Document::new(Documentable::ChipsReceived, "shown").is_none());
    }

    #[test]
    fn a_doubt_about_a_party_is_determined_by_a_reviewer() {
        for (fact, value) in [
            (Documentable::RedFlags, "resolved"),
            (Documentable::Kyc, "complete"),
        ] {
            let document = Document::new(fact, value).unwrap();
            assert!(document.is_determined());
            assert!(document.says().contains("have a reviewer determine"));
        }
        assert!(
            SETTLED
                .iter()
                .all(|row| row.over.is_empty() || row.says.contains("reviewer"))
        );
    }

    #[test]
    fn every_name_and_value_is_of_the_vocabulary() {
        let packs = Packs::builtin().unwrap();
        for row in SETTLED {
            let spec = packs.vocabulary.facts.get(row.fact.name()).unwrap();
            assert!(
                spec.takes(&crate::FactValue::from(row.value)),
                "{} {}",
                row.fact.name(),
                row.value
            );
        }
        let days: Vec<Document> = Document::all(&packs)
            .into_iter()
            .filter(|one| one.fact == Documentable::ChipsReceived)
            .collect();
        assert!(days.iter().any(|one| one.value == "2023-11-16"), "{days:?}");
    }
}
