//! From a case's YAML to an act.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::yaml::{Content, Node};
use causeway_domain::{Country, Date, Fact, Percent, SourceFile};
use causeway_parties::{Holding, Party, PartyKind, Register};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::Case;
use crate::definitions::decimal;
use crate::{
    Act, ActKind, ActParty, Chip, Dataset, Evidence, FactValue, Figures, Item, LawError, Model,
    Posture, Role, Service, Settings, Technology, Weights,
};

const CASE_KEYS: [&str; 19] = [
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
    "why",
    "sure",
    "note",
];

pub(super) struct Reader<'a> {
    pub(super) file: &'a Arc<SourceFile>,
    pub(super) unknown: Vec<String>,
}

fn text(node: &Node) -> Option<String> {
    match &node.content {
        Content::Scalar(Value::String(text)) => Some(text.clone()),
        Content::Scalar(Value::Number(number)) => Some(number.to_string()),
        Content::Scalar(Value::Bool(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

fn entries(node: &Node) -> &[(causeway_domain::yaml::Key, Node)] {
    match &node.content {
        Content::Map(entries) => entries,
        _ => &[],
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.content {
        Content::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn words(node: Option<&Node>) -> Vec<String> {
    node.map(items)
        .unwrap_or_default()
        .iter()
        .filter_map(text)
        .collect()
}

const BY: &str = "the case";
const WRITTEN: &str = "written `unknown` in the case";

fn default<T>(value: T) -> Fact<T> {
    Fact::stated(value, "default of case files")
}

impl Reader<'_> {
    fn odd(&mut self, what: impl Into<String>) {
        self.unknown.push(what.into());
    }

    fn keys(&mut self, node: &Node, what: &str, known: &[&str]) {
        for (key, _) in entries(node) {
            if !known.contains(&key.text.as_str()) {
                self.odd(format!("{what}.{}", key.text));
            }
        }
    }

    fn country(&mut self, what: &str, node: &Node) -> Fact<Country> {
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

    fn flag(&mut self, what: &str, node: &Node) -> Fact<bool> {
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

    fn number(&mut self, what: &str, node: &Node) -> Fact<Decimal> {
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

    fn persons(&mut self, what: &str, node: &Node) -> Fact<u64> {
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

    // Items.

    fn item(&mut self, node: &Node) -> Item {
        let mut item = Item::default();
        let count = node
            .get("count")
            .and_then(text)
            .and_then(|text| text.parse().ok())
            .unwrap_or(1);
        for (key, part) in entries(node) {
            match key.text.as_str() {
                "count" => {}
                "chip" => match text(part).as_deref() {
                    Some("unknown") => {
                        item.chip = Some(Chip {
                            id: None,
                            count,
                            figures: None,
                        })
                    }
                    Some(id) => item.chip = Some(Chip::listed(id, count)),
                    None => self.odd("item.chip"),
                },
                "custom_chip" => {
                    item.chip = Some(Chip {
                        id: None,
                        count,
                        figures: Some(self.figures(part)),
                    })
                }
                "other" => item.other = Some(text(part).unwrap_or_default()),
                "dataset" => item.dataset = Some(self.dataset(part)),
                "weights" => item.weights = Some(self.weights(part)),
                "model" => {
                    self.keys(part, "model", &["train_ops", "gpai", "text"]);
                    item.model = Some(Model {
                        gpai: part
                            .get("gpai")
                            .map_or_else(|| default(false), |gpai| self.flag("model.gpai", gpai)),
                        train_ops: part.get("train_ops").map_or_else(
                            || Fact::unknown("not in the case"),
                            |ops| self.number("model.train_ops", ops),
                        ),
                    });
                }
                "technology" => {
                    self.keys(part, "technology", &["entry", "text"]);
                    let entry = part
                        .get("entry")
                        .and_then(text)
                        .unwrap_or_else(|| "unclassified".to_owned());
                    let entry = if entry == "unknown" {
                        Fact::unknown(WRITTEN)
                    } else {
                        Fact::stated(entry, BY)
                    };
                    item.technology = Some(Technology {
                        entry,
                        text: part.get("text").and_then(text).unwrap_or_default(),
                    });
                }
                "service" => {
                    self.keys(part, "service", &["public", "text"]);
                    let public = part.get("public").map_or_else(
                        || Fact::unknown("not in the case"),
                        |public| self.flag("service.public", public),
                    );
                    item.service = Some(Service {
                        public,
                        text: part.get("text").and_then(text).unwrap_or_default(),
                    });
                }
                "evidence" => {
                    self.keys(part, "evidence", &["stored_in", "requested_by", "text"]);
                    let stored_in = part.get("stored_in").map_or_else(
                        || Fact::unknown("not in the case"),
                        |place| self.country("evidence.stored_in", place),
                    );
                    let requested_by = match part.get("requested_by").and_then(text) {
                        Some(by) if by != "unknown" => Fact::stated(by, BY),
                        _ => Fact::unknown(WRITTEN),
                    };
                    item.evidence = Some(Evidence {
                        stored_in,
                        requested_by,
                        text: part.get("text").and_then(text).unwrap_or_default(),
                    });
                }
                other => {
                    item.unknown.insert(other.to_owned());
                }
            }
        }
        item
    }

    fn figures(&mut self, node: &Node) -> Figures {
        self.keys(
            node,
            "custom_chip",
            &[
                "tpp",
                "performance_density",
                "datacenter",
                "io_total",
                "dram_bandwidth",
            ],
        );
        let mut figure = |key: &str| {
            node.get(key).map_or_else(
                || Fact::unknown("not in the case"),
                |value| self.number(&format!("custom_chip.{key}"), value),
            )
        };
        let (tpp, performance_density, io_total, dram_bandwidth) = (
            figure("tpp"),
            figure("performance_density"),
            figure("io_total"),
            figure("dram_bandwidth"),
        );
        let datacenter = node.get("datacenter").map_or_else(
            || Fact::unknown("not in the case"),
            |value| self.flag("custom_chip.datacenter", value),
        );
        Figures {
            tpp,
            performance_density,
            datacenter,
            io_total,
            dram_bandwidth,
        }
    }

    fn dataset(&mut self, node: &Node) -> Dataset {
        let mut dataset = Dataset {
            important: Some(default(false)),
            ..Dataset::default()
        };
        for (key, value) in entries(node) {
            if key.text == "important" {
                dataset.important = Some(self.flag("dataset.important", value));
            } else if key.text != "text" {
                let persons = self.persons(&format!("dataset.{}", key.text), value);
                dataset.persons.insert(key.text.clone(), persons);
            }
        }
        dataset
    }

    /// Closed and published exclude each other: where one is written the other follows.
    fn weights(&mut self, node: &Node) -> Weights {
        self.keys(
            node,
            "weights",
            &["closed", "published", "train_ops", "text"],
        );
        let closed = node
            .get("closed")
            .map(|closed| self.flag("weights.closed", closed));
        let published = node
            .get("published")
            .map(|published| self.flag("weights.published", published));
        let other = |fact: &Option<Fact<bool>>, otherwise: bool| {
            fact.clone()
                .map_or_else(|| default(otherwise), |fact| fact.map(|flag| !flag))
        };
        Weights {
            closed: closed.clone().unwrap_or_else(|| other(&published, true)),
            published: published.unwrap_or_else(|| other(&closed, false)),
            train_ops: node.get("train_ops").map_or_else(
                || Fact::unknown("not in the case"),
                |ops| self.number("weights.train_ops", ops),
            ),
        }
    }

    // Parties.

    fn party(&mut self, index: usize, node: &Node, register: &mut Register) -> Option<ActParty> {
        let keys = [
            "role",
            "in",
            "hq",
            "parent",
            "incorporated",
            "listed",
            "owners",
            "owners_complete",
            "ciio",
            "name",
        ];
        self.keys(node, "party", &keys);
        let role_word = node.get("role").and_then(text).unwrap_or_default();
        let Ok(role) = role_word.parse::<Role>() else {
            self.odd(format!("role: {role_word}"));
            return None;
        };
        let key = format!("{role} {}", index + 1);
        let name = node
            .get("name")
            .and_then(text)
            .unwrap_or_else(|| key.clone());
        let headquarters = node.get("hq").map(|hq| self.country("hq", hq));
        let located = match node.get("in") {
            Some(place) => self.country("in", place),
            None => headquarters
                .clone()
                .unwrap_or_else(|| Fact::unknown("not in the case")),
        };
        let party = self.registered(
            name,
            headquarters.unwrap_or_else(|| located.clone()),
            node,
            register,
        );
        register.insert(key.clone(), party);
        let ciio = node
            .get("ciio")
            .map_or_else(|| default(false), |ciio| self.flag("ciio", ciio));
        Some(ActParty {
            role,
            id: key,
            located,
            ciio,
        })
    }

    fn registered(
        &mut self,
        name: String,
        headquarters: Fact<Country>,
        node: &Node,
        register: &mut Register,
    ) -> Party {
        let listed = match words(node.get("listed")) {
            lists if lists.iter().any(|list| list == "unknown") => Fact::unknown(WRITTEN),
            lists => Fact::stated(
                lists
                    .into_iter()
                    .filter(|list| list != "none")
                    .collect::<BTreeSet<_>>(),
                BY,
            ),
        };
        let owners = match node.get("owners") {
            Some(list) if matches!(list.content, Content::List(_)) => items(list)
                .iter()
                .map(|owner| self.owner(owner, register))
                .collect(),
            _ => Vec::new(),
        };
        let complete = match node.get("owners_complete").and_then(text).as_deref() {
            None => node.get("owners").and_then(text).as_deref() != Some("unknown"),
            Some(word) => word == "true",
        };
        Party {
            name,
            kind: PartyKind::Company,
            headquarters,
            incorporated: node
                .get("incorporated")
                .map(|place| self.country("incorporated", place)),
            listed,
            owners,
            owners_complete: complete,
            parent: node
                .get("parent")
                .map(|parent| self.country("parent", parent)),
        }
    }

    /// A holder, with holders of its own. One name is one holder, wherever it stands.
    fn owner(&mut self, node: &Node, register: &mut Register) -> Holding {
        let keys = [
            "name",
            "pct",
            "hq",
            "listed",
            "owners",
            "owners_complete",
            "parent",
            "incorporated",
            "control",
            "in",
        ];
        self.keys(node, "owner", &keys);
        let name = node
            .get("name")
            .and_then(text)
            .unwrap_or_else(|| format!("holder {}", register.parties.len() + 1));
        let share = node
            .get("pct")
            .map_or_else(
                || Fact::unknown("not in the case"),
                |share| self.number("owner.pct", share),
            )
            .map(Percent::new);
        let control = node.get("control").and_then(text).as_deref() == Some("true");
        let key = format!("holder {name}");
        if name == "dispersed" {
            register.insert(
                key.clone(),
                Party {
                    kind: PartyKind::Dispersed,
                    ..Party::company(name)
                },
            );
            return Holding {
                holder: key,
                share,
                control: false,
            };
        }
        let headquarters = match node.get("hq") {
            Some(hq) if text(hq).as_deref() == Some("various") => Fact::unknown("various"),
            Some(hq) => self.country("owner.hq", hq),
            None => Fact::unknown("not in the case"),
        };
        let mut party = self.registered(name, headquarters, node, register);
        if let Some(known) = register.parties.remove(&key) {
            // Named before: what either place says counts.
            if party.owners.is_empty() {
                party.owners = known.owners;
            }
            if let (Fact::Known(lists, _), Fact::Known(more, _)) =
                (&mut party.listed, &known.listed)
            {
                lists.extend(more.iter().cloned());
            }
            if !party.headquarters.is_known() {
                party.headquarters = known.headquarters;
            }
        }
        register.insert(key.clone(), party);
        Holding {
            holder: key,
            share,
            control,
        }
    }

    // Facts.

    fn facts(&mut self, node: &Node, act: &mut Act) {
        let mut facts: BTreeMap<String, Fact<FactValue>> = CASE_DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), default(FactValue::from(*value))))
            .collect();
        // True when the provider is in or headquartered in the US.
        let us = |fact: &Fact<Country>| fact.known().is_some_and(|country| country.code() == "US");
        let provider = act
            .parties
            .iter()
            .filter(|party| party.role == Role::Provider)
            .any(|party| {
                us(&party.located)
                    || act
                        .register
                        .get(&party.id)
                        .is_some_and(|known| us(&known.headquarters))
            });
        facts.insert(
            "provider_us_person".to_owned(),
            default(FactValue::Flag(provider)),
        );
        for name in UNKNOWN_BY_DEFAULT {
            facts.insert(name.to_owned(), Fact::unknown("not written in the case"));
        }
        for (key, value) in node.get("facts").map(entries).unwrap_or_default() {
            let fact = match (&value.content, text(value)) {
                (_, Some(word)) if word == "unknown" => Fact::unknown(WRITTEN),
                (Content::Map(classes), _) => {
                    let counts: BTreeMap<String, Fact<u64>> = classes
                        .iter()
                        .map(|(class, count)| {
                            (
                                class.text.clone(),
                                self.persons(&format!("{}.{}", key.text, class.text), count),
                            )
                        })
                        .collect();
                    if counts.values().all(Fact::is_known) {
                        let known = counts
                            .iter()
                            .filter_map(|(class, count)| Some((class.clone(), *count.known()?)))
                            .collect();
                        Fact::stated(FactValue::Persons(known), BY)
                    } else {
                        Fact::unknown(WRITTEN)
                    }
                }
                (Content::Scalar(number @ Value::Number(_)), _) => match decimal(number) {
                    Some(number) => Fact::stated(FactValue::Number(number), BY),
                    None => Fact::unknown("not a number"),
                },
                (_, Some(word)) => Fact::stated(FactValue::from(yes_or_no(&key.text, &word)), BY),
                (_, None) => {
                    self.odd(format!("facts.{}", key.text));
                    Fact::unknown("neither a word nor a number")
                }
            };
            facts.insert(key.text.clone(), fact);
        }
        act.facts = facts;
    }
}

/// `is_informed: no` is a word of the vocabulary, and `true` and `false` mean the same.
fn yes_or_no<'a>(name: &str, word: &'a str) -> &'a str {
    match (name, word) {
        ("is_informed", "true") => "yes",
        ("is_informed", "false") => "no",
        _ => word,
    }
}

/// Facts that a case file need not write (the facts table of the case format).
const CASE_DEFAULTS: [(&str, &str); 18] = [
    ("end_use", "civil"),
    ("red_flags", "none"),
    ("kyc", "complete"),
    ("is_informed", "no"),
    ("export_planned", "false"),
    ("chips_licence", "shown"),
    ("supplier_authorisation", "absent"),
    ("jan2026_certifications", "absent"),
    ("restricted_activity", "none"),
    ("relation", "vendor"),
    ("data_compliance_programme", "in_place"),
    ("designated", "false"),
    ("prior_12_months", "none"),
    ("scc", "none"),
    ("encrypted", "false"),
    ("deidentified", "false"),
    ("collected_abroad", "false"),
    ("genai_filing", "absent"),
];

/// Facts that are unknown in a case file that does not write them.
const UNKNOWN_BY_DEFAULT: [&str; 7] = [
    "china_share_of_us_shipments",
    "cisa_security_requirements",
    "onward_clause",
    "dpf",
    "tia",
    "domestic_added",
    "chips_received",
];
