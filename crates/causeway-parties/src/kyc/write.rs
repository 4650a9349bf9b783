//! A form to fill: every question with what it asks, why and how long it is kept, and what is known already.

use std::collections::BTreeMap;

use serde_json::Value;

use super::questionnaire::{IfMissing, Question, Questionnaire, Role};
use super::read::{customer_schema, provider_schema};

/// An answer that is known already.
#[derive(Debug, Clone, PartialEq)]
pub struct Prefilled {
    /// The answer, in the shape of the form; parts that are not known are `null`.
    pub answer: Value,
    /// Where it was read.
    pub source: String,
}

/// A blank form as YAML, with what is known filled in. `digest` is that of the questionnaire. Nothing is invented: what is
/// not known is left blank and marked.
#[must_use]
pub fn blank_form(
    role: Role,
    questions: &Questionnaire,
    digest: &str,
    known: &BTreeMap<String, Prefilled>,
) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    let keep = &questions.keep;
    line(&format!(
        "# {role}.yaml, questionnaire of {}",
        questions.dated
    ));
    match role {
        Role::Customer => line(
            "# Who the customer is. The renter fills and signs it (`causeway kyc sign`); the provider checks it (`causeway kyc check`).",
        ),
        Role::Provider => line(
            "# Who the provider is. The owner or operator of the machines fills and signs it (`causeway kyc sign`).",
        ),
    }
    line(
        "# A blank answer is missing; `[]` says that there is none. Evidence is a reference or a SHA-256, never the document.",
    );
    line("# Never write: pictures of identity documents, card numbers, logs of persons.");
    line(&format!(
        "# Kept {} years after the last of transfer of weights, end of contract, known diversion:",
        keep.years
    ));
    line(&format!("# {}.", keep.ground));
    line(&format!("form: causeway-kyc/{role}/1"));
    line(&format!("questionnaire: {digest}"));
    line("contract:");
    line("  reference:                # its number");
    line("  from:                     # first day");
    line("  until:                    # last day");
    let schema = match role {
        Role::Customer => customer_schema(),
        Role::Provider => provider_schema(),
    }
    .to_value();
    for question in questions.of(role) {
        line("");
        for text in asked(questions, question, &schema) {
            line(&format!("# {text}"));
        }
        line(&format!("{}:", question.field));
        let prefilled = known.get(&question.field);
        let answer = answer(question, prefilled.map(|known| &known.answer));
        for text in block("answer", &answer, 2) {
            line(&text);
        }
        if let Some(known) = prefilled {
            line(&format!(
                "  source: {}",
                scalar(&Value::String(known.source.clone()))
            ));
        }
        if !question.accepts.is_empty() {
            line("  evidence: []");
        }
        if question.personal {
            line("  ground:                   # on which legal ground this is kept");
        }
    }
    out
}

/// What is asked, as comment lines.
fn asked(questions: &Questionnaire, question: &Question, schema: &Value) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", question.id, question.title)];
    let mut about = vec![question.kind.clone()];
    if !question.why.is_empty() {
        about.push(format!("why: {}", question.why));
    }
    about.push(match question.if_missing {
        IfMissing::Deny => "if missing: the form is refused".to_owned(),
        IfMissing::Review => "if missing: review".to_owned(),
    });
    about.push(format!("kept {} years", questions.years(question)));
    lines.push(format!("    {}", about.join("; ")));
    if !question.accepts.is_empty() {
        let kinds: Vec<String> = question
            .accepts
            .iter()
            .filter_map(|kind| serde_json::to_value(kind).ok())
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        lines.push(format!("    evidence: {}", question.evidence));
        lines.push(format!(
            "      - {{kind: {}, reference: , sha256: , issued: }}",
            kinds.join(" | ")
        ));
    }
    lines.push(format!("    for example: {}", flow(&question.like)));
    let answer = schema
        .pointer(&format!("/properties/{}", question.field))
        .map(|field| parts(schema, field))
        .and_then(|parts| parts.get("answer").copied());
    let mut words = Vec::new();
    if let Some(answer) = answer {
        choices(schema, answer, "", &mut words);
    }
    lines.extend(
        words
            .into_iter()
            .map(|(part, words)| format!("    {part}: {}", words.join(" | "))),
    );
    lines
}

/// A schema behind its references and beside `null`.
fn behind<'a>(schema: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = node.get("$ref").and_then(Value::as_str) {
        let target = name.strip_prefix('#').and_then(|at| schema.pointer(at));
        return target.map_or_else(Vec::new, |target| behind(schema, target));
    }
    match node.get("anyOf").and_then(Value::as_array) {
        Some(any) => any.iter().flat_map(|one| behind(schema, one)).collect(),
        None => vec![node],
    }
}

/// The members of a mapping in a schema.
fn parts<'a>(schema: &'a Value, node: &'a Value) -> BTreeMap<&'a str, &'a Value> {
    behind(schema, node)
        .into_iter()
        .filter_map(|node| node.get("properties").and_then(Value::as_object))
        .flatten()
        .map(|(name, part)| (name.as_str(), part))
        .collect()
}

/// The parts of an answer that take one of a few words, with the words: nobody has to look for them in the schema.
fn choices(schema: &Value, node: &Value, part: &str, found: &mut Vec<(String, Vec<String>)>) {
    for node in behind(schema, node) {
        let one_of = node.get("oneOf").and_then(Value::as_array);
        let words: Vec<String> = one_of
            .into_iter()
            .flatten()
            .flat_map(|one| {
                let several = one.get("enum").and_then(Value::as_array);
                several.into_iter().flatten().chain(one.get("const"))
            })
            .chain(
                node.get("enum")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten(),
            )
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        if !words.is_empty() && !found.iter().any(|(other, _)| other == part) {
            found.push((part.to_owned(), words));
        }
        if let Some(items) = node.get("items") {
            choices(schema, items, part, found);
        }
        for (name, below) in parts(schema, node) {
            choices(schema, below, name, found);
        }
    }
}

/// The known answer laid over the shape of the example, with everything else blank.
fn answer(question: &Question, known: Option<&Value>) -> Value {
    fn over(shape: &Value, known: Option<&Value>) -> Value {
        match (shape, known) {
            (Value::Object(shape), known @ (None | Some(Value::Null | Value::Object(_)))) => {
                Value::Object(
                    shape
                        .iter()
                        .map(|(key, part)| {
                            let known = known.and_then(|known| known.get(key));
                            (key.clone(), over(part, known))
                        })
                        .collect(),
                )
            }
            (_, Some(known)) => known.clone(),
            (_, None) => Value::Null,
        }
    }
    over(&question.like, known)
}

const BLANK: &str = "# blank: not known";

/// A key and its value in block style.
fn block(key: &str, value: &Value, indent: usize) -> Vec<String> {
    let head = format!("{}{key}:", " ".repeat(indent));
    match value {
        Value::Null => vec![format!("{head:<27} {BLANK}")],
        Value::Object(map) if !map.is_empty() => {
            let parts = map
                .iter()
                .flat_map(|(key, value)| block(key, value, indent + 2));
            std::iter::once(head).chain(parts).collect()
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let items = items.iter().map(|item| {
                let gap = if holds_null(item) {
                    format!("   {BLANK}, where null")
                } else {
                    String::new()
                };
                format!("{}- {}{gap}", " ".repeat(indent + 2), flow(item))
            });
            std::iter::once(head).chain(items).collect()
        }
        other => vec![format!("{head} {}", flow(other))],
    }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(map) => map.values().any(holds_null),
        _ => false,
    }
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let parts: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        other => scalar(other),
    }
}

/// A scalar: plain where that reads back as the same text, else quoted as JSON, which YAML reads.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else {
        // 7e9, as people write it, and not 7000000000.0.
        return match value.as_f64() {
            Some(number) if value.is_f64() && number.abs() >= 1e6 => format!("{number:e}"),
            _ => value.to_string(),
        };
    };
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " ._/()-".contains(c))
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    if word {
        text.clone()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_domain::SourceFile;
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::gaps::gaps;
    use super::super::read::{customer, provider};
    use super::*;

    fn blank(role: Role, known: &BTreeMap<String, Prefilled>) -> Arc<SourceFile> {
        let questions = Questionnaire::builtin().unwrap();
        let text = blank_form(role, &questions, &"ab".repeat(32), known);
        Arc::new(SourceFile::new(format!("{role}.yaml"), text))
    }

    #[test]
    fn a_blank_form_can_be_read_and_answers_nothing() {
        let questions = Questionnaire::builtin().unwrap();
        let day = "2026-11-24".parse().unwrap();
        let form = customer(&blank(Role::Customer, &BTreeMap::new())).unwrap();
        let found = gaps(&form, &questions, day);
        assert_eq!(found.len(), 20, "{found:#?}");
        assert!(found.iter().all(|gap| gap.line.is_some()));
        let form = provider(&blank(Role::Provider, &BTreeMap::new())).unwrap();
        assert_eq!(gaps(&form, &questions, day).len(), 8);
    }

    /// Every example of the questionnaire is an answer: of the right shape, and with all its parts.
    #[test]
    fn the_examples_are_answers() {
        let questions = Questionnaire::builtin().unwrap();
        let day = "2026-11-24".parse().unwrap();
        for role in [Role::Customer, Role::Provider] {
            let known = questions
                .of(role)
                .iter()
                .map(|question| {
                    let known = Prefilled {
                        answer: question.like.clone(),
                        source: "the example".to_owned(),
                    };
                    (question.field.clone(), known)
                })
                .collect();
            let source = blank(role, &known);
            let found = match role {
                Role::Customer => gaps(&customer(&source).unwrap(), &questions, day),
                Role::Provider => gaps(&provider(&source).unwrap(), &questions, day),
            };
            let answers: Vec<_> = found
                .iter()
                .filter(|gap| !gap.what.contains("evidence") && !gap.what.contains("ground"))
                .collect();
            assert!(answers.is_empty(), "{answers:#?}");
        }
    }

    #[test]
    fn what_is_known_is_written_with_its_source_and_the_rest_is_marked() {
        let known = BTreeMap::from([(
            "names".to_owned(),
            Prefilled {
                answer: json!({"legal": "Acme: \"Research\" #1"}),
                source: "causeway.yaml, parties.acme.name".to_owned(),
            },
        )]);
        let source = blank(Role::Customer, &known);
        assert!(
            source
                .text
                .contains("\n  source: \"causeway.yaml, parties.acme.name\"\n")
        );
        assert!(
            source
                .text
                .contains("    former:                 # blank: not known\n")
        );
        let form = customer(&source).unwrap();
        assert_eq!(
            form.answer("names"),
            json!({"legal": "Acme: \"Research\" #1", "former": null, "local_script": null})
        );
    }

    #[test]
    fn the_words_of_a_choice_stand_beside_the_question() {
        let text = &blank(Role::Customer, &BTreeMap::new()).text;
        for line in [
            "#     contracting_as: end_user | affiliate | forwarder | reseller | broker\n",
            "#     role: principal | end_user | affiliate | customers_customer | other\n",
            "#     weights_after: open | closed\n",
            "#     means: bank_transfer | card | crypto | other\n",
            "#     what: weights | checkpoints | logs\n",
            "#     kind: office | industrial | residential | virtual\n",
            "#     kind: company | person | state | dispersed\n",
            "#     for example: {parameters: 7e9, tokens: 2e12, flop: 8.4e22, chip: H100, chips: 64, hours: 1036}\n",
        ] {
            assert!(text.contains(line), "`{line}`: {text}");
        }
    }

    proptest! {
        #[test]
        fn any_name_reads_back(name in "\\PC{0,40}") {
            let known = BTreeMap::from([(
                "names".to_owned(),
                Prefilled { answer: json!({"legal": name}), source: name.clone() },
            )]);
            let form = customer(&blank(Role::Customer, &known));
            // Some texts are refused on purpose: what looks like a card's number.
            if let Ok(form) = form {
                prop_assert_eq!(form.answer("names")["legal"].clone(), json!(name));
            } else {
                prop_assert!(name.chars().filter(char::is_ascii_digit).count() >= 13 || name.starts_with("data:"));
            }
        }
    }
}
