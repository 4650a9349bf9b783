//! From a case's YAML to an act: its frame. What it is done with, who takes part and what is known stand beside.

use std::sync::Arc;

use causeway_domain::yaml::{Content, Node};
use causeway_domain::{Country, Date, Fact, SourceFile};
use causeway_parties::Register;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::Case;
use crate::definitions::decimal;
use crate::{Act, ActKind, LawError, Posture, Settings};

const CASE_KEYS: [&str; 20] = [
    "id",
    "date",
    "act",
    "from",
    "to",
    "item",
    "parties",
    "posture",
    "packs",
    "pack_confirms",
    "authorisations",
    "facts",
    "expect",
    "review",
    "obligations",
    "rules",
    "context",
    "why",
    "sure",
    "note",
];

pub(super) struct Reader<'a> {
    pub(super) file: &'a Arc<SourceFile>,
    pub(super) unknown: Vec<String>,
}

pub(super) fn text(node: &Node) -> Option<String> {
    match &node.content {
        Content::Scalar(Value::String(text)) => Some(text.clone()),
        Content::Scalar(Value::Number(number)) => Some(number.to_string()),
        Content::Scalar(Value::Bool(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

pub(super) fn entries(node: &Node) -> &[(causeway_domain::yaml::Key, Node)] {
    match &node.content {
        Content::Map(entries) => entries,
        _ => &[],
    }
}

pub(super) fn items(node: &Node) -> &[Node] {
    match &node.content {
        Content::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

pub(super) fn words(node: Option<&Node>) -> Vec<String> {
    node.map(items)
        .unwrap_or_default()
        .iter()
        .filter_map(text)
        .collect()
}

pub(super) const BY: &str = "the case";
pub(super) const WRITTEN: &str = "written `unknown` in the case";

pub(super) fn default<T>(value: T) -> Fact<T> {
    Fact::stated(value, "default of case files")
}

impl Reader<'_> {
    pub(super) fn odd(&mut self, what: impl Into<String>) {
        self.unknown.push(what.into());
    }

    pub(super) fn keys(&mut self, node: &Node, what: &str, known: &[&str]) {
        for (key, _) in entries(node) {
            if !known.contains(&key.text.as_str()) {
                self.odd(format!("{what}.{}", key.text));
            }
        }
    }

    pub(super) fn country(&mut self, what: &str, node: &Node) -> Fact<Country> {
        let word = text(node).unwrap_or_default();
        if word == "unknown" {
            return Fact::unknown(WRITTEN);
        }
        match word.parse() {
            Ok(country) => Fact::stated(country, BY),
            Err(_) => {
                self.odd(format!("{what}: {word}"));
                Fact::unknown(format!("`{word}` is not a country code"))
            }
        }
    }

    pub(super) fn flag(&mut self, what: &str, node: &Node) -> Fact<bool> {
        match text(node).as_deref() {
            Some("true") => Fact::stated(true, BY),
            Some("false") => Fact::stated(false, BY),
            Some("unknown") => Fact::unknown(WRITTEN),
            other => {
                self.odd(format!("{what}: {}", other.unwrap_or("?")));
                Fact::unknown("neither true nor false")
            }
        }
    }

    pub(super) fn number(&mut self, what: &str, node: &Node) -> Fact<Decimal> {
        let value = match &node.content {
            Content::Scalar(value) => decimal(value),
            _ => None,
        };
        match (value, text(node).as_deref()) {
            (Some(value), _) => Fact::stated(value, BY),
            (None, Some("unknown")) => Fact::unknown(WRITTEN),
            (None, other) => {
                self.odd(format!("{what}: {}", other.unwrap_or("?")));
                Fact::unknown("not a number")
            }
        }
    }

    pub(super) fn persons(&mut self, what: &str, node: &Node) -> Fact<u64> {
        match self.number(what, node) {
            Fact::Unknown(why) => Fact::Unknown(why),
            Fact::Known(value, source) => match value
                .to_u64()
                .filter(|whole| Decimal::from(*whole) == value)
            {
                Some(whole) => Fact::Known(whole, source),
                None => {
                    self.odd(format!("{what}: {value}"));
                    Fact::unknown("not a number of persons")
                }
            },
        }
    }

    pub(super) fn case(mut self, node: &Node) -> Result<Case, LawError> {
        let fail = |place, message: &str| LawError::at(self.file, place, message);
        let need = |key: &str| {
            node.get(key)
                .ok_or_else(|| fail(node.place, &format!("a case needs `{key}`")))
        };
        let id = text(need("id")?).ok_or_else(|| fail(node.place, "`id` is text"))?;
        let date_node = need("date")?;
        let date: Date = text(date_node)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| fail(date_node.place, "`date` is a day, `2026-11-24`"))?;
        let act_word = text(need("act")?).unwrap_or_default();
        let expect = match node.get("expect").and_then(text) {
            None => None,
            Some(word) => Some(
                word.parse()
                    .map_err(|_| fail(node.place, &format!("`{word}` is not an outcome")))?,
            ),
        };
        let review = match node.get("review").and_then(text) {
            None => None,
            Some(word) => Some(
                word.parse()
                    .map_err(|_| fail(node.place, &format!("`{word}` is not a review policy")))?,
            ),
        };
        self.keys(node, "case", &CASE_KEYS);
        let mut settings = Settings::default();
        match node.get("posture").and_then(text).as_deref() {
            None | Some("enforced") => {}
            Some("books") => settings.posture = Posture::Books,
            Some(other) => self.odd(format!("posture: {other}")),
        }
        if node.get("packs").is_some() {
            settings.packs = words(node.get("packs"))
                .iter()
                .filter_map(|word| word.parse().ok())
                .collect();
        }
        settings.pack_confirms = words(node.get("pack_confirms")).into_iter().collect();
        let act = match act_word.parse::<ActKind>() {
            Ok(kind) => Some(self.act(node, kind, date)),
            Err(_) => {
                self.odd(format!("act: {act_word}"));
                None
            }
        };
        Ok(Case {
            id,
            act,
            settings,
            expect,
            review,
            obligations: words(node.get("obligations")),
            rules: words(node.get("rules")),
            context: words(node.get("context")),
            why: node.get("why").and_then(text).unwrap_or_default(),
            sure: node.get("sure").and_then(text),
            unknown: self.unknown,
        })
    }

    fn act(&mut self, node: &Node, kind: ActKind, date: Date) -> Act {
        let to = node.get("to").map_or_else(
            || Fact::unknown("the case names no place"),
            |to| self.country("to", to),
        );
        let mut act = Act::new(kind, date, to);
        act.from = node
            .get("from")
            .and_then(|from| self.country("from", from).known().copied());
        act.authorisations = words(node.get("authorisations")).into_iter().collect();
        if let Some(item) = node.get("item") {
            act.item = self.item(item);
        }
        let mut register = Register::default();
        for (index, party) in node
            .get("parties")
            .map(items)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            if let Some(party) = self.party(index, party, &mut register) {
                act.parties.push(party);
            }
        }
        act.register = Arc::new(register);
        self.facts(node, &mut act);
        act
    }
}
