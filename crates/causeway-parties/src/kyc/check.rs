//! The check as a whole: what a form lacks, how long it is kept, which red flags are up, what to ask.

use causeway_domain::organisation::Kyc;
use causeway_domain::{Date, Digest, Fact};
use serde::Serialize;

use super::flags::{FLAGS, Finding, Weight};
use super::form::{Customer, Provider};
use super::gaps::{Form, Gap, gaps};
use super::observed::Observed;
use super::questionnaire::{IfMissing, Questionnaire, Role};
use super::read::Filed;
use super::records::Records;
use super::retention::{Ends, Retention, retention};

/// What became of the seal of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SealState {
    /// There is none.
    Missing,
    /// It is not over this form.
    Broken {
        /// Why.
        why: String,
    },
    /// It fits, by a key that nobody compared with one that came another way.
    Fits {
        /// The key.
        key: String,
    },
    /// It fits, by the key that was expected.
    Known {
        /// The key.
        key: String,
    },
}

/// What a check answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing is missing and no flag is up or unknown.
    Complete,
    /// Somebody has to ask.
    NeedsReview,
    /// The form is refused as incomplete, before any verdict.
    Refused,
}

impl Answer {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::NeedsReview => "needs_review",
            Self::Refused => "refused",
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// A red flag's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flagged {
    /// `rf1` to `rf24`.
    pub id: &'static str,
    /// What it looks for.
    pub title: &'static str,
    /// Where it stands in the order of questions; decides nothing.
    pub weight: Weight,
    /// What it found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Something to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The row of the questionnaire, or the red flag.
    pub of: String,
    /// What to ask.
    pub ask: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The answer.
    pub answer: Answer,
    /// The day of the check.
    pub day: Date,
    /// Version of the questionnaire.
    pub questionnaire: u32,
    /// What the form lacks.
    pub gaps: Vec<Gap>,
    /// What became of its seal.
    pub seal: SealState,
    /// How long it is kept.
    pub retention: Retention,
    /// The red flags; none are looked at where the form is refused.
    pub flags: Vec<Flagged>,
    /// What to ask, the heaviest first.
    pub questions: Vec<Question>,
}

/// A form that is checked, and what it is checked by.
pub struct Sheet<'a, F> {
    /// The form.
    pub form: &'a Filed<F>,
    /// What became of its seal.
    pub seal: SealState,
    /// The questions.
    pub questions: &'a Questionnaire,
    /// The questionnaire's digest.
    pub digest: &'a str,
    /// What a provider observed.
    pub observed: Option<&'a Observed>,
}

/// Checks a customer's form against a run's records. The records' own copy of the form is set here, so that the two can't
/// differ.
#[must_use]
pub fn check(sheet: Sheet<'_, Customer>, mut records: Records, kyc: &Kyc) -> Checked {
    let form = sheet.form;
    records.form = Fact::stated(form.file.clone(), form.source.name.clone());
    answer(sheet, &records, || red_flags(&records, kyc))
}

/// Checks a provider's form, which the customer asks for in its turn. Of the red flags, the one that looks at nothing else
/// is looked at: whether the declared power carries the declared chips (rf16).
#[must_use]
pub fn check_provider(sheet: Sheet<'_, Provider>, mut records: Records, kyc: &Kyc) -> Checked {
    let form = sheet.form;
    records.provider = Fact::stated(form.file.clone(), form.source.name.clone());
    answer(sheet, &records, || {
        let mut flags = red_flags(&records, kyc);
        flags.retain(|flag| flag.id == "rf16");
        flags
    })
}

fn answer<F: Form>(
    sheet: Sheet<'_, F>,
    records: &Records,
    flags: impl FnOnce() -> Vec<Flagged>,
) -> Checked {
    let Sheet {
        form,
        seal,
        questions,
        digest,
        observed,
    } = sheet;
    let day = records.day;
    let mut lacks = gaps(form, questions, day);
    let mut asked = Vec::new();
    // The row of the signature; the provider's form has none.
    let row = match F::ROLE {
        Role::Customer => "C20",
        Role::Provider => "seal",
    };
    match &seal {
        SealState::Missing => lacks.push(unsealed(
            row,
            "no seal: `causeway kyc sign` writes it",
            None,
            match F::ROLE {
                Role::Customer => IfMissing::Deny,
                Role::Provider => IfMissing::Review,
            },
        )),
        SealState::Broken { why } => {
            lacks.push(unsealed(
                row,
                why,
                Some(form.line("/seal")),
                IfMissing::Deny,
            ));
        }
        SealState::Fits { key } => asked.push(Question {
            of: row.to_owned(),
            ask: format!(
                "whose key is {key}? compare it with one that came another way (`--signer KEY`)"
            ),
        }),
        SealState::Known { .. } => {}
    }
    if form.file.questionnaire() != Some(digest) {
        asked.push(Question {
            of: "form".to_owned(),
            ask: "the form answers another questionnaire than this program's: what does it leave out?"
                .to_owned(),
        });
    }
    let contract = form
        .file
        .contract()
        .and_then(|contract| contract.until)
        .map_or_else(
            || Fact::unknown("the form states no `contract.until`"),
            |day| Fact::stated(day.0, form.source.name.clone()),
        );
    let diversion = observed
        .into_iter()
        .flat_map(|observed| &observed.diversions)
        .map(|one| (one.on.0, one.what.clone()))
        .max();
    let holds = observed.map_or(&[][..], |observed| observed.holds.as_slice());
    let ends = Ends {
        transfer: records.transferred.clone(),
        contract,
        diversion,
    };
    let retention = retention(questions, F::ROLE, &ends, holds);
    let refused = lacks.iter().any(|gap| gap.then == IfMissing::Deny);
    let flags: Vec<Flagged> = if refused { Vec::new() } else { flags() };
    let questions_to_ask = ask(&lacks, asked, &flags);
    let answer = if refused {
        Answer::Refused
    } else if questions_to_ask.is_empty() {
        Answer::Complete
    } else {
        Answer::NeedsReview
    };
    Checked {
        answer,
        day,
        questionnaire: questions.version,
        gaps: lacks,
        seal,
        retention,
        flags,
        questions: questions_to_ask,
    }
}

fn unsealed(row: &str, what: &str, line: Option<usize>, then: IfMissing) -> Gap {
    Gap {
        id: row.to_owned(),
        field: "seal".to_owned(),
        what: what.to_owned(),
        then,
        ask: "the signature over the form as it stands".to_owned(),
        line,
    }
}

/// Every red flag, in the order of the table.
#[must_use]
pub fn red_flags(records: &Records, kyc: &Kyc) -> Vec<Flagged> {
    FLAGS
        .iter()
        .map(|flag| Flagged {
            id: flag.id,
            title: flag.title,
            weight: flag.weight,
            finding: (flag.check)(records, kyc),
        })
        .collect()
}

fn ask(lacks: &[Gap], first: Vec<Question>, flags: &[Flagged]) -> Vec<Question> {
    let of_gap = |gap: &Gap| Question {
        of: gap.id.clone(),
        ask: format!("{}: {}", gap.what, gap.ask),
    };
    let mut all: Vec<Question> = lacks
        .iter()
        .filter(|gap| gap.then == IfMissing::Deny)
        .map(of_gap)
        .collect();
    all.extend(first);
    let mut raised: Vec<&Flagged> = flags.iter().collect();
    raised.sort_by_key(|flag| flag.weight);
    all.extend(raised.iter().filter_map(|flag| match &flag.finding {
        Finding::Raised { question, .. } => Some(Question {
            of: flag.id.to_owned(),
            ask: question.clone(),
        }),
        Finding::Clear { .. } | Finding::Unknown { .. } => None,
    }));
    all.extend(
        lacks
            .iter()
            .filter(|gap| gap.then == IfMissing::Review)
            .map(of_gap),
    );
    all.extend(raised.iter().filter_map(|flag| match &flag.finding {
        Finding::Unknown { missing, .. } => Some(Question {
            of: flag.id.to_owned(),
            ask: format!("{}; missing: {}", flag.title, missing.join("; ")),
        }),
        Finding::Clear { .. } | Finding::Raised { .. } => None,
    }));
    all
}

/// The digest of a questionnaire as the forms name it.
#[must_use]
pub fn questionnaire_digest(sha256: impl Fn(&[u8]) -> Digest) -> String {
    sha256(Questionnaire::builtin_text().as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use causeway_domain::SourceFile;
    use proptest::prelude::*;

    use super::super::read::{customer, provider};
    use super::super::write::{Prefilled, blank_form};
    use super::*;

    const DIGEST: &str = "abababababababababababababababababababababababababababababababab";

    fn day() -> Date {
        "2026-11-24".parse().unwrap()
    }

    fn checked(text: &str, seal: SealState) -> Checked {
        let form = customer(&Arc::new(SourceFile::new("customer.yaml", text))).unwrap();
        let records = Records::unknown(day(), "no run");
        let questions = Questionnaire::builtin().unwrap();
        check(sheet(&form, seal, &questions), records, &Kyc::default())
    }

    fn sheet<'a, F>(
        form: &'a Filed<F>,
        seal: SealState,
        questions: &'a Questionnaire,
    ) -> Sheet<'a, F> {
        Sheet {
            form,
            seal,
            questions,
            digest: DIGEST,
            observed: None,
        }
    }

    #[test]
    fn a_provider_s_form_is_checked_by_its_own_rows() {
        let questions = Questionnaire::builtin().unwrap();
        let mut records = Records::unknown(day(), "no run");
        records.watts = BTreeMap::from([(
            "H100-SXM-80GB".to_owned(),
            Fact::stated(rust_decimal::Decimal::from(700), "table"),
        )]);
        let known = questions
            .provider
            .iter()
            .map(|question| {
                let answer = Prefilled {
                    answer: question.like.clone(),
                    source: "example".to_owned(),
                };
                (question.field.clone(), answer)
            })
            .collect();
        let text = blank_form(Role::Provider, &questions, DIGEST, &known);
        let checked = |text: &str, seal| {
            let form = provider(&Arc::new(SourceFile::new("provider.yaml", text))).unwrap();
            check_provider(
                sheet(&form, seal, &questions),
                records.clone(),
                &Kyc::default(),
            )
        };
        let found = checked(&text, sealed());
        let grounds: Vec<&str> = found.gaps.iter().map(|gap| gap.what.as_str()).collect();
        assert_eq!(grounds, ["no `ground`", "no `ground`"], "{found:#?}");
        assert_eq!(found.flags.len(), 1);
        let grounded = text.replace("ground: ", "ground: contract ");
        assert_eq!(checked(&grounded, sealed()).answer, Answer::Complete);
        let missing = checked(&grounded, SealState::Missing);
        assert_eq!(missing.answer, Answer::NeedsReview, "{missing:#?}");
        let broken = SealState::Broken {
            why: "changed".to_owned(),
        };
        assert_eq!(checked(&grounded, broken).answer, Answer::Refused);
        let weak = grounded.replace("site_mw: \"4\"", "site_mw: 0.5");
        assert_eq!(checked(&weak, sealed()).questions[0].of, "rf16");
    }

    fn sealed() -> SealState {
        SealState::Known {
            key: "key".to_owned(),
        }
    }

    fn some_answers(fields: &[bool]) -> String {
        let questions = Questionnaire::builtin().unwrap();
        let known: BTreeMap<String, Prefilled> = questions
            .customer
            .iter()
            .zip(fields)
            .filter(|(_, given)| **given)
            .map(|(question, _)| {
                let answer = Prefilled {
                    answer: question.like.clone(),
                    source: "example".to_owned(),
                };
                (question.field.clone(), answer)
            })
            .collect();
        blank_form(Role::Customer, &questions, DIGEST, &known)
    }

    #[test]
    fn a_blank_form_is_refused_before_any_flag_is_looked_at() {
        let found = checked(&some_answers(&[false; 20]), SealState::Missing);
        assert_eq!(found.answer, Answer::Refused);
        assert!(found.flags.is_empty());
        let refused: Vec<&str> = found
            .gaps
            .iter()
            .filter(|gap| gap.then == IfMissing::Deny)
            .map(|gap| gap.id.as_str())
            .collect();
        assert_eq!(refused, ["C1", "C9", "C16", "C20", "C20"]);
        assert_eq!(found.questions[0].of, "C1", "what refuses comes first");
    }

    #[test]
    fn a_form_without_a_seal_that_fits_is_refused() {
        let text = some_answers(&[true; 20]);
        assert_eq!(checked(&text, sealed()).answer, Answer::NeedsReview);
        for seal in [
            SealState::Missing,
            SealState::Broken {
                why: "changed".to_owned(),
            },
        ] {
            assert_eq!(checked(&text, seal).answer, Answer::Refused);
        }
        let fits = SealState::Fits {
            key: "key".to_owned(),
        };
        let found = checked(&text, fits);
        assert!(
            found.questions[0].ask.contains("whose key is key?"),
            "{:#?}",
            found.questions
        );
    }

    #[test]
    fn questions_come_in_the_order_of_weight() {
        let found = checked(&some_answers(&[true; 20]), sealed());
        assert_eq!(found.flags.len(), 24);
        let order: Vec<Weight> = found
            .questions
            .iter()
            .filter_map(|question| {
                let flag = found.flags.iter().find(|flag| flag.id == question.of)?;
                Some(flag.weight)
            })
            .collect();
        assert!(order.is_sorted(), "{order:?}");
        assert!(order.len() > 10);
    }

    #[test]
    fn another_questionnaire_is_a_question() {
        let text = some_answers(&[true; 20]).replace(DIGEST, &"cd".repeat(32));
        assert_eq!(checked(&text, sealed()).questions[0].of, "form");
    }

    proptest! {
        #[test]
        fn no_form_with_a_gap_passes(fields in proptest::collection::vec(any::<bool>(), 20)) {
            let found = checked(&some_answers(&fields), sealed());
            prop_assert_ne!(found.answer, Answer::Complete);
            let denied = [0, 8, 15, 19].iter().any(|index: &usize| !fields[*index]);
            prop_assert_eq!(found.answer == Answer::Refused, denied);
        }
    }
}
