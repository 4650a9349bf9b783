//! Mechanisms under which data move: contracts, filings and safeguards that are not there yet and could be.

use causeway_domain::Country;
use serde::Serialize;

use super::documents::Documentable;

/// Another mechanism for the data of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// EU: standard contractual clauses, with an impact assessment that finds the transfer sound.
    StandardClauses,
    /// EU to the US: the recipient certifies itself under the Data Privacy Framework.
    PrivacyFramework,
    /// China: the standard contract is filed.
    ChinaContract,
    /// China: the transfer is certified.
    ChinaCertification,
    /// China: the security assessment is passed.
    ChinaAssessment,
    /// US bulk data: the CISA security requirements are put in place.
    SecurityRequirements,
    /// US bulk data: the compliance programme is put in place.
    ComplianceProgramme,
    /// US bulk data: the contract forbids passing the data on.
    OnwardClause,
    /// China: the assessment and the filing of a generative service are made.
    GenerativeFiling,
    /// The weights go home to another country.
    Home(Country),
}

/// A fact, the value that the mechanism gives it, and the known values that it may replace.
type Given = (Documentable, &'static str, &'static [&'static str]);

impl Mechanism {
    /// Those that are an authorisation of the vocabulary.
    pub(super) const FILINGS: &'static [Self] = &[
        Self::ChinaContract,
        Self::ChinaCertification,
        Self::ChinaAssessment,
    ];

    /// Those that change facts: offered where it is known that they are not there. Where nobody knows, the fact is open, and
    /// documenting it is the change.
    pub(super) const SAFEGUARDS: &'static [Self] = &[
        Self::StandardClauses,
        Self::PrivacyFramework,
        Self::SecurityRequirements,
        Self::ComplianceProgramme,
        Self::OnwardClause,
        Self::GenerativeFiling,
    ];

    /// The authorisation of the vocabulary that it is.
    pub(super) const fn held(&self) -> Option<&'static str> {
        match self {
            Self::ChinaContract => Some("CN_SCC_FILED"),
            Self::ChinaCertification => Some("CN_CERTIFIED"),
            Self::ChinaAssessment => Some("CN_ASSESSED"),
            _ => None,
        }
    }

    /// The first fact is the one that must be known and wanting. An assessment that found the transfer unsound stays.
    pub(super) const fn facts(&self) -> &'static [Given] {
        match self {
            Self::StandardClauses => &[
                (Documentable::StandardClauses, "signed", &["none"]),
                (Documentable::ImpactAssessment, "sound", &[]),
            ],
            Self::PrivacyFramework => &[(
                Documentable::PrivacyFramework,
                "certified",
                &["not_certified"],
            )],
            Self::SecurityRequirements => {
                &[(Documentable::SecurityRequirements, "in_place", &["absent"])]
            }
            Self::ComplianceProgramme => {
                &[(Documentable::ComplianceProgramme, "in_place", &["absent"])]
            }
            Self::OnwardClause => &[(Documentable::OnwardClause, "present", &["absent"])],
            Self::GenerativeFiling => &[(Documentable::GenerativeFiling, "done", &["absent"])],
            Self::ChinaContract
            | Self::ChinaCertification
            | Self::ChinaAssessment
            | Self::Home(_) => &[],
        }
    }

    pub(super) fn says(&self) -> String {
        match self {
            Self::StandardClauses => "sign standard contractual clauses with the recipient, with a transfer impact assessment, if it finds the transfer sound".to_owned(),
            Self::PrivacyFramework => "send the data only after the recipient has certified itself under the Data Privacy Framework, if it can".to_owned(),
            Self::ChinaContract => "file the standard contract (CN_SCC_FILED)".to_owned(),
            Self::ChinaCertification => "have the transfer certified (CN_CERTIFIED)".to_owned(),
            Self::ChinaAssessment => "pass the security assessment first (CN_ASSESSED)".to_owned(),
            Self::SecurityRequirements => "put the CISA security requirements in place".to_owned(),
            Self::ComplianceProgramme => "put the data compliance programme in place".to_owned(),
            Self::OnwardClause => "put a clause into the contract that forbids passing the data on".to_owned(),
            Self::GenerativeFiling => "make the security assessment and the algorithm filing before the launch".to_owned(),
            Self::Home(country) => format!("bring the weights home to {} ({country}) instead", country.name()),
        }
    }
}
