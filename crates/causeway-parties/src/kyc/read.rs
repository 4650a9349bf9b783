//! Forms from their files, with the place of every word, and what no form may hold.

use std::sync::Arc;

use causeway_domain::yaml::{Content, Dialect, Node, read};
use causeway_domain::{Digest, Problem, SourceFile, schema};
use schemars::Schema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::form::{Amount, Customer, Provider};
use super::observed::Observed;
use super::questionnaire::Role;

/// A file of one of the formats of this room, read and checked.
#[derive(Debug, Clone)]
pub struct Filed<T> {
    /// What it says.
    pub file: T,
    /// The text.
    pub source: Arc<SourceFile>,
    root: Node,
}

impl<T> Filed<T> {
    /// The answer of a field of a form as plain JSON; nothing where it is not given.
    #[must_use]
    pub fn answer(&self, field: &str) -> Value {
        self.root
            .get(field)
            .and_then(|item| item.get("answer"))
            .map(Node::to_json)
            .unwrap_or_default()
    }

    /// What is signed: everything but the seal, as JSON. Comments, order and layout of the file don't count.
    #[must_use]
    pub fn signed(&self) -> Value {
        let mut value = self.root.to_json();
        if let Value::Object(map) = &mut value {
            map.shift_remove("seal");
        }
        value
    }

    /// The text without its seal.
    #[must_use]
    pub fn unsealed(&self) -> String {
        let text = &self.source.text;
        let Some(place) = self.root.key_place("seal") else {
            return text.clone();
        };
        let (before, rest) = text.split_at_checked(place.offset).unwrap_or((text, ""));
        // The seal ends where the next line begins that is not indented.
        let mut end = rest.len();
        let mut at = 0;
        for (number, line) in rest.split_inclusive('\n').enumerate() {
            if number > 0 && !line.starts_with([' ', '\t', '}']) && !line.trim().is_empty() {
                end = at;
                break;
            }
            at += line.len();
        }
        let after = rest.get(end..).unwrap_or_default();
        format!("{before}{after}")
    }

    /// A remark about the value at a JSON pointer.
    #[must_use]
    pub fn problem_at(&self, pointer: &str, message: impl Into<String>) -> Problem {
        Problem::error(&self.source, self.root.at(pointer).place, message)
    }

    /// The line of the value at a JSON pointer, from 1.
    #[must_use]
    pub fn line(&self, pointer: &str) -> usize {
        self.source
            .line_column(self.root.at(pointer).place.offset)
            .0
    }
}

/// The JSON Schema of `customer.yaml`, as committed for editors.
#[must_use]
pub fn customer_schema() -> Schema {
    schemars::schema_for!(Customer)
}

/// The JSON Schema of `provider.yaml`, as committed for editors.
#[must_use]
pub fn provider_schema() -> Schema {
    schemars::schema_for!(Provider)
}

/// The JSON Schema of `observed.yaml`, as committed for editors.
#[must_use]
pub fn observed_schema() -> Schema {
    schemars::schema_for!(Observed)
}

/// Reads a customer's form. A blank form is read, too: what it lacks is [`gaps`](super::gaps)' matter.
///
/// # Errors
/// Every problem of the file, at its place; among them what must not be collected.
pub fn customer(source: &Arc<SourceFile>) -> Result<Filed<Customer>, Vec<Problem>> {
    filed(source, &customer_schema(), &CUSTOMER)
}

/// Reads a provider's form.
///
/// # Errors
/// As [`customer`].
pub fn provider(source: &Arc<SourceFile>) -> Result<Filed<Provider>, Vec<Problem>> {
    filed(source, &provider_schema(), &PROVIDER)
}

/// Reads what a provider observed.
///
/// # Errors
/// As [`customer`].
pub fn observed(source: &Arc<SourceFile>) -> Result<Filed<Observed>, Vec<Problem>> {
    filed(source, &observed_schema(), &OBSERVED)
}

/// A kind of file, as its `form` names it.
struct Kind {
    /// What `form` begins with.
    word: &'static str,
    /// For people.
    name: &'static str,
    /// How to come by one.
    help: &'static str,
}

const CUSTOMER: Kind = Kind {
    word: "causeway-kyc/customer/",
    name: "a customer's form",
    help: "`causeway kyc questionnaire -o customer.yaml` writes one to fill",
};
const PROVIDER: Kind = Kind {
    word: "causeway-kyc/provider/",
    name: "a provider's form",
    help: "`causeway kyc questionnaire --role provider -o provider.yaml` writes one to fill",
};
const OBSERVED: Kind = Kind {
    word: "causeway-kyc/observed/",
    name: "a file of what was observed",
    help: "it begins with `form: causeway-kyc/observed/1`; docs/formats/kyc.md has its members",
};

/// What a file says it is.
fn form_word(root: &Node) -> Option<(&Node, &str)> {
    let node = root.get("form")?;
    match &node.content {
        Content::Scalar(Value::String(text)) => Some((node, text)),
        Content::Scalar(_) | Content::Map(_) | Content::List(_) => None,
    }
}

/// Whose form a file is, as its `form` says; `None` for every other file.
#[must_use]
pub fn role_of(source: &Arc<SourceFile>) -> Option<Role> {
    let documents = read(source, Dialect::Core).ok()?;
    let (_, word) = form_word(documents.first()?)?;
    [(&CUSTOMER, Role::Customer), (&PROVIDER, Role::Provider)]
        .into_iter()
        .find(|(kind, _)| word.starts_with(kind.word))
        .map(|(_, role)| role)
}

/// One word on a file that is of another kind, in place of one on each of its fields.
fn another_kind(source: &Arc<SourceFile>, root: &Node, wanted: &Kind) -> Option<Problem> {
    let other = form_word(root).map(|(node, word)| {
        let kind = [&CUSTOMER, &PROVIDER, &OBSERVED]
            .into_iter()
            .find(|kind| word.starts_with(kind.word));
        (node, kind)
    });
    let (place, message) = match other {
        Some((_, Some(kind))) if kind.word == wanted.word => return None,
        Some((node, Some(kind))) => (
            node.place,
            format!("this is {}; here belongs {}", kind.name, wanted.name),
        ),
        Some((node, None)) => (node.place, format!("this is not {}", wanted.name)),
        None => (
            root.place,
            format!("this is not {}: it lacks `form`", wanted.name),
        ),
    };
    Some(Problem::error(source, place, message).help(wanted.help))
}

fn filed<T: DeserializeOwned>(
    source: &Arc<SourceFile>,
    schema: &Schema,
    kind: &Kind,
) -> Result<Filed<T>, Vec<Problem>> {
    let mut documents = read(source, Dialect::Core).map_err(|problem| vec![problem])?;
    if let Some(second) = documents.get(1) {
        return Err(vec![
            Problem::error(source, second.place, "a form has one document")
                .help("remove the `---` and what is below it"),
        ]);
    }
    let Some(root) = documents.pop() else {
        return Err(Vec::new());
    };
    if let Some(problem) = another_kind(source, &root, kind) {
        return Err(vec![problem]);
    }
    let mut problems = schema::check(source, &root, schema);
    values(source, &root, "", &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    match serde_json::from_value(root.to_json()) {
        Ok(file) => Ok(Filed {
            file,
            source: Arc::clone(source),
            root,
        }),
        Err(error) => Err(vec![Problem::error(
            source,
            root.place,
            format!("this form can't be read: {error}"),
        )]),
    }
}

/// Fields that hold exact numbers.
const AMOUNTS: [&str; 8] = [
    "parameters",
    "tokens",
    "flop",
    "hours",
    "chip_hours",
    "site_mw",
    "cooling_mw",
    "utilisation_percent",
];
/// Fields whose digits are an authority's or a register's numbers, never a card's.
const NUMBERS: [&str; 5] = ["number", "sha256", "key", "signature", "questionnaire"];
/// What a reference to a picture of a document ends with.
const PICTURES: [&str; 7] = [".jpg", ".jpeg", ".png", ".heic", ".tif", ".tiff", ".webp"];
/// Longest text of an answer; longer ones are documents. Unit: characters.
const LONGEST: usize = 4000;

/// What the schema can't say: exact numbers, digests, and what must not be collected.
fn values(source: &Arc<SourceFile>, node: &Node, key: &str, problems: &mut Vec<Problem>) {
    match &node.content {
        Content::Map(entries) => {
            for (key, node) in entries {
                values(source, node, &key.text, problems);
            }
        }
        Content::List(items) => {
            for node in items {
                values(source, node, key, problems);
            }
        }
        Content::Scalar(Value::Null) => {}
        Content::Scalar(value) => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            if let Some((message, help)) = wrong(key, &text, value.is_string()) {
                problems.push(Problem::error(source, node.place, message).help(help));
            }
        }
    }
}

fn wrong(key: &str, text: &str, is_text: bool) -> Option<(String, &'static str)> {
    // What is no number at all is the schema's matter.
    let number = text.replace('_', "").parse::<f64>().is_ok();
    if AMOUNTS.contains(&key) && number && Amount::parse(text).is_none() {
        return Some((
            format!("`{text}` is not an exact number of at most 7.9e28"),
            "write for example `7e9` or `1036.5`",
        ));
    }
    if key == "sha256" && text.parse::<Digest>().is_err() {
        return Some((
            format!("`{text}` is not a SHA-256"),
            "write its 64 hex digits, as `sha256sum FILE` prints them",
        ));
    }
    if !is_text {
        return None;
    }
    if text.chars().count() > LONGEST || text.starts_with("data:") {
        return Some((
            "this is a document, not a reference to one".to_owned(),
            "write where it can be asked for under `reference`, and its SHA-256 under `sha256`",
        ));
    }
    let lower = text.to_lowercase();
    if ["reference", "id_check"].contains(&key)
        && PICTURES.iter().any(|ending| lower.ends_with(ending))
    {
        return Some((
            format!("`{text}` names a picture: pictures of documents are not collected"),
            "write the reference of the check and its result",
        ));
    }
    if !NUMBERS.contains(&key) && holds_card_number(text) {
        return Some((
            "this looks like the number of a payment card: such numbers are not collected"
                .to_owned(),
            "write the means of payment and the reference of an invoice",
        ));
    }
    None
}

/// Whether a text holds 13 to 19 digits, blanks and hyphens between them left out, that pass the check of card numbers
/// (ISO/IEC 7812-1, annex B).
fn holds_card_number(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || c == ' ' || c == '-'))
        .any(|run| {
            let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
            let sum: u32 = digits
                .iter()
                .rev()
                .enumerate()
                .map(|(index, digit)| match (index % 2, digit * 2) {
                    (0, _) => *digit,
                    (_, twice) if twice > 9 => twice - 9,
                    (_, twice) => twice,
                })
                .sum();
            (13..=19).contains(&digits.len()) && sum > 0 && sum.is_multiple_of(10)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile::new("customer.yaml", text))
    }

    fn problems(text: &str) -> Vec<String> {
        customer(&file(text))
            .unwrap_err()
            .iter()
            .map(|problem| format!("{problem} | {}", problem.help.clone().unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_slip_points_at_its_line() {
        let found = problems(
            "form: causeway-kyc/customer/1\nnames:\n  answer: {legel: Acme}\nplaces:\n  answer: {headquarters: Singapore}\nsize:\n  answer: {flop: 1e40, hours: soon}\n",
        );
        assert!(
            found[0].starts_with("customer.yaml:3:12: error: unknown field `legel`"),
            "{found:#?}"
        );
        assert!(found[0].ends_with("did you mean `legal`?"), "{found:#?}");
        assert!(found.iter().any(|one| one.starts_with("customer.yaml:5:26")
            && one.ends_with("write `SG` for Singapore")));
        assert!(
            found
                .iter()
                .any(|one| one.starts_with("customer.yaml:7:18") && one.contains("1e+40")),
            "{found:#?}"
        );
    }

    #[test]
    fn another_format_is_refused() {
        let found = problems("form: causeway-kyc/customer/2\n");
        assert!(found[0].starts_with("customer.yaml:1:7"), "{found:#?}");
        assert!(problems("names: {}\n")[0].contains("lacks `form`"));
    }

    #[test]
    fn a_file_of_another_kind_gives_one_remark() {
        let form = "form: causeway-kyc/provider/1\nidentity: {answer: }\nsite: {answer: }\n";
        let found = problems(form);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with(
                "customer.yaml:1:7: error: this is a provider's form; here belongs a customer's form"
            ),
            "{found:#?}"
        );
        for text in [
            "",
            "just text\n",
            "name: demo\nrun: echo\n",
            "form: [1]\nx: 1\n",
        ] {
            let found = problems(text);
            assert_eq!(found.len(), 1, "{text}: {found:#?}");
            assert!(
                found[0].contains("this is not a customer's form"),
                "{found:#?}"
            );
            assert!(
                found[0].contains("causeway kyc questionnaire"),
                "{found:#?}"
            );
        }
        let task = problems("form: v1\nrun: echo\n");
        assert!(
            task.len() == 1 && task[0].starts_with("customer.yaml:1:7"),
            "{task:#?}"
        );
        assert_eq!(role_of(&file(form)), Some(Role::Provider));
        assert_eq!(role_of(&file("names: x # causeway-kyc/provider/1\n")), None);
    }

    #[test]
    fn what_was_counted_is_an_exact_number_at_its_place() {
        let text = "form: causeway-kyc/observed/1\nsource: s\ntelemetry: {chip_hours: 1e40}\n";
        let found = observed(&file(text)).unwrap_err();
        assert!(
            found[0].to_string().starts_with("customer.yaml:3:25"),
            "{}",
            found[0]
        );
    }

    #[test]
    fn what_must_not_be_collected_is_refused_at_its_place() {
        let head = "form: causeway-kyc/customer/1\n";
        let officer = format!("{head}officers:\n  answer: [{{id_check: scans/passport.JPG}}]\n");
        assert!(
            problems(&officer)[0]
                .contains("customer.yaml:3:23: error: `scans/passport.JPG` names a picture")
        );
        let card =
            format!("{head}payer:\n  answer: {{name: \"Acme, card 4111 1111 1111 1111\"}}\n");
        assert!(problems(&card)[0].contains("payment card"));
        let scan = format!(
            "{head}purpose:\n  answer: {{text: \"{}\"}}\n",
            "A".repeat(5000)
        );
        assert!(problems(&scan)[0].contains("a document"));
        // A register's number may have as many digits.
        let number = format!("{head}registration:\n  answer: {{number: \"4111111111111111\"}}\n");
        assert!(customer(&file(&number)).is_ok());
    }

    #[test]
    fn card_numbers_are_told_from_other_digits() {
        assert!(holds_card_number("4111-1111-1111-1111"));
        assert!(!holds_card_number("4111-1111-1111-1112"));
        assert!(!holds_card_number("2026-11-24 2026-11-25"));
        assert!(!holds_card_number("0000000000000000"));
        assert!(!holds_card_number("+65 6123 4567"));
    }

    #[test]
    fn a_seal_is_cut_out_wherever_it_stands() {
        let head = "form: causeway-kyc/customer/1\n";
        let tail = "names: {answer: {legal: Acme}}\n";
        for seal in [
            "seal: {key: k, signature: s}\n",
            "seal:\n  key: k\n\n  signature: s\n",
            "seal: {key: k,\n  signature: s\n}\n",
        ] {
            for text in [format!("{head}{seal}{tail}"), format!("{head}{tail}{seal}")] {
                let form = customer(&file(&text)).unwrap();
                assert_eq!(form.unsealed(), format!("{head}{tail}"), "{text}");
                let bare = customer(&file(&form.unsealed())).unwrap();
                assert_eq!(bare.signed(), form.signed());
                assert!(bare.file.seal.is_none() && form.file.seal.is_some());
            }
        }
    }
}
