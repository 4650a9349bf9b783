//! What a form lacks: answers, evidence, and evidence that grew too old.

use std::sync::Arc;

use causeway_domain::{Date, Problem, SourceFile};
use serde::Serialize;
use serde_json::Value;

use super::form::{Contract, Customer, Evidence, EvidenceKind, Item, Provider, Seal};
use super::questionnaire::{IfMissing, Question, Questionnaire, Role};
use super::read::{Filed, customer, provider};

/// Something that a form lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The question.
    pub id: String,
    /// Its field.
    pub field: String,
    /// What is missing, in words.
    pub what: String,
    /// What that does.
    pub then: IfMissing,
    /// What to ask.
    pub ask: String,
    /// The line of the form where it belongs, from 1; nothing where the form has no such field.
    pub line: Option<usize>,
}

/// A form whose fields can be walked.
pub trait Form: Sized {
    /// Whose it is.
    const ROLE: Role;

    /// Reads one.
    ///
    /// # Errors
    /// Every problem of the file, at its place.
    fn read(source: &Arc<SourceFile>) -> Result<Filed<Self>, Vec<Problem>>;

    /// Its seal.
    fn seal(&self) -> Option<&Seal>;

    /// The contract that it belongs to.
    fn contract(&self) -> Option<&Contract>;

    /// Evidence and legal ground of a field; `None` where the form lacks the field.
    fn papers(&self, field: &str) -> Option<(&[Evidence], Option<&str>)>;

    /// SHA-256 of the questionnaire that was answered, as the form says.
    fn questionnaire(&self) -> Option<&str>;
}

fn of<T>(item: Option<&Item<T>>) -> Option<(&[Evidence], Option<&str>)> {
    item.map(|item| (item.evidence.as_slice(), item.ground.as_deref()))
}

impl Form for Customer {
    const ROLE: Role = Role::Customer;

    fn read(source: &Arc<SourceFile>) -> Result<Filed<Self>, Vec<Problem>> {
        customer(source)
    }

    fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref()
    }

    fn papers(&self, field: &str) -> Option<(&[Evidence], Option<&str>)> {
        match field {
            "names" => of(self.names.as_ref()),
            "registration" => of(self.registration.as_ref()),
            "places" => of(self.places.as_ref()),
            "incorporated" => of(self.incorporated.as_ref()),
            "owners" => of(self.owners.as_ref()),
            "controllers" => of(self.controllers.as_ref()),
            "officers" => of(self.officers.as_ref()),
            "military" => of(self.military.as_ref()),
            "principals" => of(self.principals.as_ref()),
            "purpose" => of(self.purpose.as_ref()),
            "size" => of(self.size.as_ref()),
            "base_model" => of(self.base_model.as_ref()),
            "data" => of(self.data.as_ref()),
            "access" => of(self.access.as_ref()),
            "payer" => of(self.payer.as_ref()),
            "destinations" => of(self.destinations.as_ref()),
            "authorisations" => of(self.authorisations.as_ref()),
            "history" => of(self.history.as_ref()),
            "consents" => of(self.consents.as_ref()),
            "signature" => of(self.signature.as_ref()),
            _ => None,
        }
    }

    fn questionnaire(&self) -> Option<&str> {
        self.questionnaire.as_deref()
    }
}

impl Form for Provider {
    const ROLE: Role = Role::Provider;

    fn read(source: &Arc<SourceFile>) -> Result<Filed<Self>, Vec<Problem>> {
        provider(source)
    }

    fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref()
    }

    fn papers(&self, field: &str) -> Option<(&[Evidence], Option<&str>)> {
        match field {
            "identity" => of(self.identity.as_ref()),
            "site" => of(self.site.as_ref()),
            "chips" => of(self.chips.as_ref()),
            "power" => of(self.power.as_ref()),
            "subcontractors" => of(self.subcontractors.as_ref()),
            "log_retention" => of(self.log_retention.as_ref()),
            "administrators" => of(self.administrators.as_ref()),
            "incident_contact" => of(self.incident_contact.as_ref()),
            _ => None,
        }
    }

    fn questionnaire(&self) -> Option<&str> {
        self.questionnaire.as_deref()
    }
}

/// Everything that a form lacks on a day, in the order of the questions. The seal is not looked at here.
#[must_use]
pub fn gaps<F: Form>(form: &Filed<F>, questions: &Questionnaire, day: Date) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for question in questions.of(F::ROLE) {
        let papers = form.file.papers(&question.field);
        let line = papers.map(|_| form.line(&format!("/{}", question.field)));
        let mut add = |what: String, then: IfMissing, ask: String| {
            gaps.push(Gap {
                id: question.id.clone(),
                field: question.field.clone(),
                what,
                then,
                ask,
                line,
            });
        };
        let missing = missing(question, &form.answer(&question.field));
        if !missing.is_empty() {
            let what = match missing.as_slice() {
                [whole] if whole.is_empty() => "no answer".to_owned(),
                parts => format!("no {}", parts.join(", ")),
            };
            add(
                what,
                question.if_missing,
                format!("{} ({})", question.title, question.why_in_words()),
            );
            continue;
        }
        let (evidence, ground) = papers.unwrap_or_default();
        for what in unproved(question, evidence, day) {
            let ask = format!("evidence of: {} ({})", question.title, question.evidence);
            add(what, IfMissing::Review, ask);
        }
        if question.personal && ground.is_none_or(|ground| ground.trim().is_empty()) {
            add(
                "no `ground`".to_owned(),
                IfMissing::Review,
                format!(
                    "on which legal ground may data of persons be kept for {} years?",
                    questions.years(question)
                ),
            );
        }
    }
    gaps
}

impl Question {
    fn why_in_words(&self) -> &str {
        if self.why.is_empty() {
            "asked of the provider"
        } else {
            &self.why
        }
    }
}

/// Whether nothing is said: nothing, blank text, or a word that says as much.
fn blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => {
            let text = text.trim();
            text.is_empty() || ["unknown", "?", "-"].contains(&text.to_lowercase().as_str())
        }
        Some(Value::Object(map)) => map.is_empty(),
        Some(_) => false,
    }
}

/// The parts of an answer that are not given; the empty name is the whole answer.
fn missing(question: &Question, answer: &Value) -> Vec<String> {
    let part = |value: &Value, path: &str| value.pointer(&format!("/{path}")).cloned();
    let is_empty = |value: Option<&Value>| {
        blank(value) || value.and_then(Value::as_array).is_some_and(Vec::is_empty)
    };
    if blank(Some(answer)) || (question.some && is_empty(Some(answer))) {
        return vec![String::new()];
    }
    let mut missing = Vec::new();
    for path in &question.needs {
        let value = part(answer, path);
        let empty = question.some_of.contains(path) && is_empty(value.as_ref());
        if empty || blank(value.as_ref()) {
            missing.push(path.clone());
        }
    }
    for (condition, paths, wanted) in question
        .needs_when
        .iter()
        .map(|(condition, paths)| (condition, paths, true))
        .chain(
            question
                .needs_unless
                .iter()
                .map(|(condition, paths)| (condition, paths, false)),
        )
    {
        if part(answer, condition) == Some(Value::Bool(wanted)) {
            missing.extend(
                paths
                    .iter()
                    .filter(|path| blank(part(answer, path).as_ref()))
                    .cloned(),
            );
        }
    }
    for (list, paths) in &question.each {
        let items = if list.is_empty() {
            Some(answer.clone())
        } else {
            part(answer, list)
        };
        for (index, item) in items
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .enumerate()
        {
            for path in paths {
                if blank(item.pointer(&format!("/{path}"))) {
                    let list = if list.is_empty() { "item" } else { list };
                    missing.push(format!("{path} of {list} {}", index + 1));
                }
            }
        }
    }
    missing.dedup();
    missing
}

/// Why a given answer is not proved.
fn unproved(question: &Question, evidence: &[Evidence], day: Date) -> Vec<String> {
    if question.accepts.is_empty() {
        return Vec::new();
    }
    let accepted: Vec<&Evidence> = evidence
        .iter()
        .filter(|one| question.accepts.contains(&one.kind))
        .collect();
    if accepted.is_empty() {
        let kinds: Vec<String> = question.accepts.iter().map(|kind| kind.words()).collect();
        return vec![format!("no evidence: {}", kinds.join(" or "))];
    }
    let weak: Vec<Option<String>> = accepted
        .iter()
        .map(|one| weakness(question, one, day))
        .collect();
    // One good piece is enough; without one, each says what is wrong with it.
    if weak.iter().any(Option::is_none) {
        return Vec::new();
    }
    weak.into_iter().flatten().collect()
}

fn weakness(question: &Question, evidence: &Evidence, day: Date) -> Option<String> {
    let kind = evidence.kind.words();
    let named = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    if !named(&evidence.reference) && !named(&evidence.sha256) {
        return Some(format!("the {kind} has neither `reference` nor `sha256`"));
    }
    let limit = question
        .max_age_days
        .filter(|_| evidence.kind == EvidenceKind::RegistryExtract)?;
    let Some(issued) = evidence.issued else {
        return Some(format!("the {kind} has no `issued`"));
    };
    if issued.0 > day {
        return Some(format!("the {kind} is dated {}, after today", issued.0));
    }
    let age = days_between(issued.0, day);
    (age >= i64::from(limit))
        .then(|| format!("the {kind} is {age} days old; it must be younger than {limit}"))
}

/// Days from one day to another; negative where the second comes first.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(text: &str, day: &str) -> Vec<(String, String, IfMissing)> {
        let source = Arc::new(SourceFile::new(
            "customer.yaml",
            format!("form: causeway-kyc/customer/1\n{text}"),
        ));
        let form = customer(&source).unwrap();
        gaps(
            &form,
            &Questionnaire::builtin().unwrap(),
            day.parse().unwrap(),
        )
        .into_iter()
        .map(|gap| (gap.id, gap.what, gap.then))
        .collect()
    }

    fn of(text: &str, day: &str, id: &str) -> Vec<String> {
        lacks(text, day)
            .into_iter()
            .filter(|(found, ..)| found == id)
            .map(|(_, what, _)| what)
            .collect()
    }

    #[test]
    fn an_empty_form_lacks_every_answer_and_four_of_them_refuse_it() {
        let all = lacks("", "2026-11-24");
        assert_eq!(all.len(), 20);
        assert!(all.iter().all(|(_, what, _)| what == "no answer"));
        let denied: Vec<&str> = all
            .iter()
            .filter(|(.., then)| *then == IfMissing::Deny)
            .map(|(id, ..)| id.as_str())
            .collect();
        assert_eq!(denied, ["C1", "C9", "C16", "C20"]);
    }

    #[test]
    fn an_extract_is_younger_than_ninety_days_on_the_day_of_the_check() {
        let names = "names:\n  answer: {legal: Acme, former: [], local_script: []}\n  evidence: [{kind: registry_extract, reference: 'ACRA 1', issued: 2026-08-26}]\n";
        assert_eq!(of(names, "2026-11-23", "C1"), Vec::<String>::new());
        assert_eq!(
            of(names, "2026-11-24", "C1"),
            ["the registry extract is 90 days old; it must be younger than 90"]
        );
        assert_eq!(
            of(names, "2026-08-25", "C1"),
            ["the registry extract is dated 2026-08-26, after today"]
        );
        let undated = names.replace(", issued: 2026-08-26", "");
        assert_eq!(
            of(&undated, "2026-11-24", "C1"),
            ["the registry extract has no `issued`"]
        );
        let nameless = names.replace(", reference: 'ACRA 1'", "");
        assert_eq!(
            of(&nameless, "2026-11-23", "C1"),
            ["the registry extract has neither `reference` nor `sha256`"]
        );
        let other = names.replace("registry_extract", "lease");
        assert_eq!(
            of(&other, "2026-11-23", "C1"),
            ["no evidence: registry extract"]
        );
        // One good piece is enough.
        let two = names.replace(
            "evidence: [",
            "evidence: [{kind: registry_extract, reference: 'ACRA 2', issued: 2026-11-20}, ",
        );
        assert_eq!(of(&two, "2026-11-24", "C1"), Vec::<String>::new());
    }

    #[test]
    fn parts_are_named_and_depend_on_one_another() {
        let day = "2026-11-24";
        assert_eq!(
            of("names: {answer: {legal: Acme}}\n", day, "C1"),
            ["no former, local_script"]
        );
        assert_eq!(
            of(
                "military: {answer: {ties: true, supplies: false}}\n",
                day,
                "C8"
            ),
            ["no text"]
        );
        let scratch = "base_model: {answer: {from_scratch: true, weights_after: closed}}\n";
        assert_eq!(
            of(scratch, day, "C12"),
            ["no evidence: document hash or licence text"]
        );
        let based = scratch.replace("true", "false");
        assert_eq!(of(&based, day, "C12"), ["no name, origin, licence"]);
        assert_eq!(
            of(
                "principals: {answer: {contracting_as: end_user, work_for: []}}\n",
                day,
                "C9"
            ),
            ["no work_for"]
        );
        assert_eq!(
            of(
                "destinations: {answer: [{what: weights, country: SG}]}\n",
                day,
                "C16"
            ),
            ["no place of item 1, receiver of item 1"]
        );
        // `[]` says that there is nobody; nothing says nothing.
        assert!(of("controllers: {answer: []}\n", day, "C6")[0].starts_with("no evidence"));
        assert_eq!(of("controllers: {answer: }\n", day, "C6"), ["no answer"]);
        assert_eq!(
            of("destinations: {answer: []}\n", day, "C16"),
            ["no answer"]
        );
        assert_eq!(
            of(
                "names: {answer: {legal: unknown, former: [], local_script: []}}\n",
                day,
                "C1"
            ),
            ["no legal"]
        );
    }

    #[test]
    fn persons_are_kept_on_a_ground_that_is_stored() {
        let officers = "officers:\n  answer: [{name: A, role: director, residence: SG}]\n  evidence: [{kind: id_check, reference: 'check 7'}]\n";
        assert_eq!(of(officers, "2026-11-24", "C7"), ["no `ground`"]);
        let grounded = format!("{officers}  ground: contract\n");
        assert_eq!(of(&grounded, "2026-11-24", "C7"), Vec::<String>::new());
    }
}
