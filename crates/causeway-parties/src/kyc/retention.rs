//! How long answers are kept.

use causeway_domain::{Date, Fact};
use serde::Serialize;

use super::observed::Hold;
use super::questionnaire::{Question, Questionnaire, Role};

/// From which days the terms run: the last of them counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ends {
    /// The last transfer of weights.
    pub transfer: Fact<Date>,
    /// The end of the contract.
    pub contract: Fact<Date>,
    /// Diversions that became known, the last of them. No diversion known is a fact, too.
    pub diversion: Option<(Date, String)>,
}

/// How long one answer is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The question.
    pub id: String,
    /// Its field.
    pub field: String,
    /// Years.
    pub years: u16,
    /// The last day; unknown while an end is.
    pub until: Fact<Date>,
    /// Whether it is data of persons.
    pub personal: bool,
}

/// How long a form is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// Answer by answer.
    pub items: Vec<Kept>,
    /// What the terms cover.
    pub ground: String,
    /// Where that is written.
    pub source: String,
    /// The day from which the terms run, and which end it is.
    pub runs_from: Fact<Date>,
    /// Requests that freeze deletion: nothing is deleted while one is open.
    pub frozen_by: Vec<String>,
    /// What a request does, with its source.
    pub freeze: String,
}

/// Computes until when each answer of a form is kept.
#[must_use]
pub fn retention(questions: &Questionnaire, role: Role, ends: &Ends, holds: &[Hold]) -> Retention {
    let runs_from = runs_from(ends);
    let items = questions
        .of(role)
        .iter()
        .map(|question| kept(questions, question, &runs_from))
        .collect();
    let frozen_by = holds
        .iter()
        .filter(|hold| hold.released.is_none())
        .map(|hold| format!("{}, {}, {}", hold.authority, hold.reference, hold.on.0))
        .collect();
    Retention {
        items,
        ground: questions.keep.ground.clone(),
        source: questions.keep.source.clone(),
        runs_from,
        frozen_by,
        freeze: questions.keep.freeze.clone(),
    }
}

fn kept(questions: &Questionnaire, question: &Question, from: &Fact<Date>) -> Kept {
    let years = questions.years(question);
    let until = match from {
        Fact::Known(day, source) => {
            match day.checked_add(jiff::Span::new().years(i64::from(years))) {
                Ok(last) => Fact::Known(last, source.clone()),
                Err(_) => Fact::unknown(format!("{years} years after {day} are past the calendar")),
            }
        }
        Fact::Unknown(why) => Fact::unknown(why.clone()),
    };
    Kept {
        id: question.id.clone(),
        field: question.field.clone(),
        years,
        until,
        personal: question.personal,
    }
}

/// The last of the ends. An end that nobody knows may be the last one, so that the term has not begun.
fn runs_from(ends: &Ends) -> Fact<Date> {
    match (&ends.transfer, &ends.contract) {
        (Fact::Unknown(why), _) => Fact::unknown(format!("the last transfer of weights: {why}")),
        (_, Fact::Unknown(why)) => Fact::unknown(format!("the end of the contract: {why}")),
        (Fact::Known(transfer, _), Fact::Known(contract, _)) => {
            let all = [
                (*transfer, "the last transfer of weights".to_owned()),
                (*contract, "the end of the contract".to_owned()),
            ];
            let diversion = ends
                .diversion
                .iter()
                .map(|(day, what)| (*day, format!("a diversion that became known: {what}")));
            all.into_iter().chain(diversion).max().map_or_else(
                || Fact::unknown("no end"),
                |(day, by)| Fact::stated(day, by),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Day;
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn until(ends: &Ends) -> Option<Date> {
        let all = retention(
            &Questionnaire::builtin().unwrap(),
            Role::Customer,
            ends,
            &[],
        );
        assert_eq!(all.items.len(), 20);
        let first = all.items.first().unwrap().until.known().copied();
        assert!(
            all.items
                .iter()
                .all(|item| item.until.known().copied() == first)
        );
        first
    }

    #[test]
    fn the_term_runs_from_the_last_end() {
        let mut ends = Ends {
            transfer: Fact::stated(day("2026-11-24"), "log"),
            contract: Fact::stated(day("2026-06-30"), "form"),
            diversion: None,
        };
        assert_eq!(until(&ends), Some(day("2036-11-24")));
        ends.contract = Fact::stated(day("2028-02-29"), "form");
        assert_eq!(until(&ends), Some(day("2038-02-28")));
        ends.diversion = Some((day("2030-01-01"), "sold on".to_owned()));
        assert_eq!(until(&ends), Some(day("2040-01-01")));
        ends.contract = Fact::unknown("not stated");
        assert_eq!(until(&ends), None, "it may end later");
    }

    #[test]
    fn a_request_freezes_until_it_is_released() {
        let ends = Ends {
            transfer: Fact::stated(day("2026-11-24"), "log"),
            contract: Fact::stated(day("2026-06-30"), "form"),
            diversion: None,
        };
        let mut hold = Hold {
            authority: "BIS".to_owned(),
            reference: "2027/1".to_owned(),
            on: Day(day("2027-01-05")),
            released: None,
        };
        let questions = Questionnaire::builtin().unwrap();
        let frozen = |hold: &Hold| {
            retention(
                &questions,
                Role::Customer,
                &ends,
                std::slice::from_ref(hold),
            )
            .frozen_by
        };
        assert_eq!(frozen(&hold), ["BIS, 2027/1, 2027-01-05"]);
        hold.released = Some(Day(day("2027-06-01")));
        assert!(frozen(&hold).is_empty());
    }
}
