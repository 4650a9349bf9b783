//! An act in the case format, before it is judged: a base on which no rule turns, and edits of it.

use causeway_domain::Date;
use serde_json::{Map, Value, json};

use crate::{ActKind, Role};

/// A change of the base.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edit {
    /// As the base is.
    Nothing,
    To(String),
    From(String),
    /// Parts of the item, by key.
    Item(Map<String, Value>),
    /// Fields of the party in a role.
    Party(Role, Map<String, Value>),
    /// Nobody is named in a role.
    Without(Role),
    Authorisations(Vec<String>),
    Fact(String, Value),
    /// Whoever receives sits in another country than the destination.
    ReceivedElsewhere(String),
}

/// Who takes part by default, and whether at the start of the way or at its end.
pub(super) const fn roles(kind: ActKind) -> &'static [(Role, bool)] {
    match kind {
        ActKind::Export | ActKind::Reexport => &[(Role::Exporter, true), (Role::EndUser, false)],
        ActKind::ExportAndDataset => &[
            (Role::Exporter, true),
            (Role::Controller, true),
            (Role::EndUser, false),
        ],
        ActKind::DomesticSale => &[(Role::Seller, false), (Role::Purchaser, false)],
        ActKind::RentIaas | ActKind::UseChip => &[(Role::Provider, false), (Role::Customer, true)],
        ActKind::RentAndDataset => &[
            (Role::Provider, false),
            (Role::Customer, true),
            (Role::Controller, true),
        ],
        ActKind::TransferDataset => &[(Role::Controller, true), (Role::Provider, false)],
        ActKind::TransferWeights | ActKind::TransferTechnology => {
            &[(Role::Owner, true), (Role::EndUser, false)]
        }
        ActKind::EvidenceTransfer => &[(Role::Owner, true)],
        ActKind::PublicLaunch | ActKind::PlaceOnMarket => &[(Role::Operator, false)],
    }
}

/// Whether something is sent from somewhere.
pub(super) const fn is_sent(kind: ActKind) -> bool {
    matches!(
        kind,
        ActKind::Export
            | ActKind::Reexport
            | ActKind::ExportAndDataset
            | ActKind::TransferDataset
            | ActKind::TransferWeights
            | ActKind::TransferTechnology
            | ActKind::EvidenceTransfer
    )
}

/// The item on which the least turns.
pub(super) fn plain_item(kind: ActKind) -> Value {
    match kind {
        ActKind::Export
        | ActKind::Reexport
        | ActKind::DomesticSale
        | ActKind::RentIaas
        | ActKind::UseChip => json!({"other": "machines without a controlled chip"}),
        ActKind::ExportAndDataset | ActKind::RentAndDataset => {
            json!({"other": "machines without a controlled chip", "dataset": {}})
        }
        ActKind::TransferDataset => json!({"dataset": {}}),
        ActKind::TransferWeights => {
            json!({"weights": {"closed": false, "published": true, "train_ops": 1}})
        }
        ActKind::TransferTechnology => {
            json!({"technology": {"entry": "free", "text": "training code"}})
        }
        ActKind::EvidenceTransfer => {
            json!({"evidence": {"stored_in": "NO", "requested_by": "own_auditor", "text": "records"}})
        }
        ActKind::PublicLaunch => json!({"service": {"public": true, "text": "a service"}}),
        ActKind::PlaceOnMarket => json!({"model": {"gpai": false, "train_ops": 1}}),
    }
}

/// A case, as JSON in the words of the case format.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    case: Map<String, Value>,
}

impl Draft {
    /// The base of a kind of act between two countries, with edits.
    pub(super) fn new(kind: ActKind, day: Date, base: (&str, &str), edits: &[&Edit]) -> Self {
        let (mut from, mut to, mut seat) = (base.0.to_owned(), base.1.to_owned(), None);
        for edit in edits {
            match edit {
                Edit::From(country) => from.clone_from(country),
                Edit::To(country) => to.clone_from(country),
                Edit::ReceivedElsewhere(country) => seat = Some(country.clone()),
                _ => {}
            }
        }
        let mut item = plain_item(kind);
        let mut parties: Vec<(Role, Map<String, Value>)> = roles(kind)
            .iter()
            .map(|(role, at_start)| {
                let place = if *at_start {
                    from.clone()
                } else {
                    seat.clone().unwrap_or_else(|| to.clone())
                };
                let mut party = Map::new();
                party.insert("role".to_owned(), json!(role));
                party.insert("in".to_owned(), json!(place));
                party.insert("hq".to_owned(), json!(place));
                (*role, party)
            })
            .collect();
        let mut facts = Map::new();
        let mut authorisations = Vec::new();
        for edit in edits {
            match edit {
                Edit::Item(parts) => {
                    if let Some(item) = item.as_object_mut() {
                        if parts.keys().any(|key| key.ends_with("chip")) {
                            item.remove("other");
                        }
                        for (key, part) in parts {
                            item.insert(key.clone(), part.clone());
                        }
                    }
                }
                Edit::Party(role, fields) => {
                    for (_, party) in parties.iter_mut().filter(|(known, _)| known == role) {
                        for (key, field) in fields {
                            party.insert(key.clone(), field.clone());
                        }
                    }
                }
                Edit::Without(role) => parties.retain(|(known, _)| known != role),
                Edit::Authorisations(names) => authorisations.extend(names.iter().cloned()),
                Edit::Fact(name, value) => {
                    facts.insert(name.clone(), value.clone());
                }
                Edit::Nothing | Edit::To(_) | Edit::From(_) | Edit::ReceivedElsewhere(_) => {}
            }
        }
        let mut case = Map::new();
        let mut put = |key: &str, value: Value| {
            case.insert(key.to_owned(), value);
        };
        put("date", json!(day.to_string()));
        put("act", json!(kind));
        if is_sent(kind) {
            put("from", json!(from));
        }
        put("to", json!(to));
        put("item", item);
        let parties: Vec<Map<String, Value>> =
            parties.into_iter().map(|(_, party)| party).collect();
        put("parties", json!(parties));
        if !authorisations.is_empty() {
            put("authorisations", json!(authorisations));
        }
        if !facts.is_empty() {
            put("facts", Value::Object(facts));
        }
        Self { case }
    }

    /// The keys and values of the case.
    pub(super) const fn fields(&self) -> &Map<String, Value> {
        &self.case
    }

    /// A file of this one case, to be read as any other.
    pub(super) fn text(&self) -> String {
        let mut case = self.case.clone();
        case.insert("id".to_owned(), json!("boundary"));
        json!({ "cases": [case] }).to_string()
    }
}
