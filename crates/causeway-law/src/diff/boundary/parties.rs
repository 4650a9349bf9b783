//! Parties on each side of what classes of parties ask for.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::axes::{Axis, Frame, PARTED, score};
use super::draft::Edit;
use super::holds::{self, Person};
use super::items::number;
use crate::Role;
use crate::definitions::{Condition, Field};
use crate::diff::expression::Asked;

/// Whether a role belongs to a group of roles that policies ask for. Chooses what is varied, decides nothing.
pub(super) fn in_group(role: Role, group: &str) -> bool {
    let recipient = matches!(role, Role::Purchaser | Role::Consignee | Role::EndUser);
    match group {
        "any" => true,
        "recipient" => recipient,
        "shipper" => matches!(role, Role::Exporter | Role::Seller),
        "holder" => matches!(role, Role::Provider | Role::Operator | Role::Owner),
        "user" => recipient || matches!(role, Role::Customer | Role::Owner | Role::Operator),
        "sender" => matches!(role, Role::Controller | Role::UsPerson),
        "receiver" => recipient || matches!(role, Role::Provider | Role::Customer | Role::Operator),
        _ => false,
    }
}

const fn field(word: &str) -> Option<Field> {
    match word.as_bytes() {
        b"located" => Some(Field::Located),
        b"hq" => Some(Field::Headquarters),
        b"parent" => Some(Field::Parent),
        b"home" => Some(Field::Home),
        _ => None,
    }
}

/// A holder that a test of owners asks for: its list or its country; and shares on each side of the test's line.
struct Owners {
    lists: BTreeSet<String>,
    tokens: BTreeSet<String>,
    shares: BTreeSet<Decimal>,
}

/// The party of a role, varied.
pub(super) fn axis(frame: &Frame<'_>, role: Role, own: &BTreeMap<String, Asked>) -> Option<Axis> {
    let nothing = Asked::default();
    let of = |field: &str| own.get(field).unwrap_or(&nothing);
    let classes = of("class").words();
    let (mut tokens, mut lists) = (BTreeSet::new(), of("listed").words());
    for word in ["located", "hq", "parent", "home"] {
        tokens.extend(of(word).words());
    }
    let mut ciio = false;
    let mut owners = Owners {
        lists: BTreeSet::new(),
        tokens: BTreeSet::new(),
        shares: BTreeSet::new(),
    };
    let cent = Decimal::new(1, 2);
    frame.conditions(false, &classes, &mut |condition| match condition {
        Condition::Country { tokens: more, .. } => tokens.extend(more.iter().cloned()),
        Condition::Listed(more) => lists.extend(more.iter().cloned()),
        Condition::Ciio => ciio = true,
        Condition::OwnedBy {
            by, at_least: line, ..
        }
        | Condition::Holder { by, from: line, .. } => {
            owners.shares.extend(
                [*line, *line - cent]
                    .into_iter()
                    .filter(|share| *share > Decimal::ZERO),
            );
            by.visit(&mut |part| match part {
                Condition::Listed(more) => owners.lists.extend(more.iter().cloned()),
                Condition::Country { tokens, .. } => owners.tokens.extend(tokens.iter().cloned()),
                _ => {}
            });
        }
        _ => {}
    });
    let people = people(frame, &tokens, &lists, ciio, &owners);
    let score_of = |person: &Person| {
        let mut total = 0;
        for (word, asked) in own {
            total += match (word.as_str(), field(word)) {
                ("class", _) => score(asked, |name| {
                    frame
                        .sides
                        .iter()
                        .any(|side| holds::party(frame.meanings, *side, name, person))
                }),
                ("listed", _) => score(asked, |list| person.listed.as_deref() == Some(list)),
                (_, Some(field)) => score(asked, |token| {
                    frame.sides.iter().any(|(which, _)| {
                        holds::field(frame.meanings, *which, field, token, person)
                    })
                }),
                (_, None) => 0,
            };
        }
        total
    };
    // One party, or two, for each set of classes that hold on each side.
    let mut seen: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    let mut values: Vec<(i64, Edit)> = vec![(0, Edit::Nothing)];
    for person in people {
        let [on_a, on_b] =
            frame.sides.map(|side| {
                let mut seen: Vec<bool> = classes
                    .iter()
                    .map(|name| holds::party(frame.meanings, side, name, &person))
                    .collect();
                for (word, asked) in own {
                    if let Some(field) = field(word) {
                        seen.extend(asked.words().iter().map(|token| {
                            holds::field(frame.meanings, side.0, field, token, &person)
                        }));
                    }
                }
                seen
            });
        let parted = if on_a == on_b { 0 } else { PARTED };
        let mut signature = [on_a, on_b].concat();
        let list = person.listed.as_ref();
        signature.extend(lists.iter().map(|known| list == Some(known)));
        let count = seen.entry(signature).or_default();
        *count += 1;
        if *count <= 2 {
            values.push((
                parted + score_of(&person),
                Edit::Party(role, fields(&person)),
            ));
        }
    }
    Axis::ranked(role.word(), values)
}

fn people(
    frame: &Frame<'_>,
    tokens: &BTreeSet<String>,
    lists: &BTreeSet<String>,
    ciio: bool,
    owners: &Owners,
) -> Vec<Person> {
    let calm = frame.base.1.to_owned();
    let base = Person {
        located: Some(calm.clone()),
        headquarters: Some(calm.clone()),
        ..Person::default()
    };
    let countries = frame.countries(tokens);
    let mut seats = vec![base.clone()];
    for code in &countries {
        let code = Some(code.clone());
        seats.push(Person {
            located: code.clone(),
            headquarters: code.clone(),
            ..base.clone()
        });
        seats.push(Person {
            headquarters: code.clone(),
            ..base.clone()
        });
        seats.push(Person {
            parent: code.clone(),
            ..base.clone()
        });
        seats.push(Person {
            located: code.clone(),
            ..base.clone()
        });
        seats.push(Person {
            incorporated: code.clone(),
            ..base.clone()
        });
    }
    let mut all = seats.clone();
    if ciio {
        all.extend(seats.iter().map(|seat| Person {
            ciio: true,
            ..seat.clone()
        }));
    }
    let mut attached: Vec<Person> = lists
        .iter()
        .map(|list| Person {
            listed: Some(list.clone()),
            ..base.clone()
        })
        .collect();
    let mut holders: Vec<Person> = owners
        .lists
        .iter()
        .map(|list| Person {
            listed: Some(list.clone()),
            ..base.clone()
        })
        .collect();
    holders.extend(
        frame
            .countries(&owners.tokens)
            .into_iter()
            .filter(|_| !owners.tokens.is_empty())
            .map(|code| Person {
                located: Some(code.clone()),
                headquarters: Some(code),
                ..base.clone()
            }),
    );
    for holder in holders {
        attached.extend(owners.shares.iter().map(|share| Person {
            owner: Some((Box::new(holder.clone()), *share)),
            ..base.clone()
        }));
    }
    all.extend(attached.iter().cloned());
    // A holder or a list together with another seat: exceptions ask where an affiliate sits.
    for seat in seats.iter().skip(1) {
        all.extend(attached.iter().map(|one| Person {
            listed: one.listed.clone(),
            owner: one.owner.clone(),
            ..seat.clone()
        }));
    }
    all
}

fn fields(person: &Person) -> Map<String, Value> {
    let mut map = Map::new();
    let mut put = |key: &str, value: &Option<String>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    };
    put("in", &person.located);
    put("hq", &person.headquarters);
    put("parent", &person.parent);
    put("incorporated", &person.incorporated);
    put("listed", &person.listed);
    if person.ciio {
        map.insert("ciio".to_owned(), json!(true));
    }
    if let Some((owner, share)) = &person.owner {
        let mut holder = fields(owner);
        holder.remove("in");
        holder.insert("name".to_owned(), json!("Holder"));
        holder.insert("pct".to_owned(), number(*share));
        map.insert("owners".to_owned(), json!([holder]));
    }
    map
}
