//! What changed about the parties between clearance and end.

use std::sync::Arc;

use causeway_domain::organisation::Organisation;
use causeway_domain::yaml::{Dialect, Node, read};
use causeway_domain::{Country, Fact, PartyId, SourceFile};
use causeway_parties::Parent;
use causeway_parties::kyc::Filed;
use causeway_parties::kyc::form::{Customer, Item};
use serde_json::Value;

use super::papers::Papers;

/// Sections of causeway.yaml that say who takes part.
const SECTIONS: [&str; 3] = ["organisation", "parties", "presences"];

/// Differences between the file that the run was cleared by and the file of now, and between file and form. Without the
/// file of now, an empty list would be a guess: then it is unknown.
pub(super) fn between(
    papers: &Papers,
    form: Option<&Filed<Customer>>,
    organisation: &Organisation,
    customer: &PartyId,
    top: &Parent,
) -> Fact<Vec<String>> {
    let mut found = form.map_or_else(Vec::new, |form| {
        against_form(form, organisation, customer, top)
    });
    match &papers.now {
        Fact::Known(now, source) => {
            let (before, after) = (sections(&organisation.source), sections(now));
            let mut places = Vec::new();
            differences(&before, &after, "", &mut places);
            found.extend(places.into_iter().map(|place| {
                format!(
                    "`{place}` differs in {} from the file of the launch",
                    now.name
                )
            }));
            Fact::Known(found, source.clone())
        }
        Fact::Unknown(why) if found.is_empty() => Fact::unknown(why.clone()),
        Fact::Unknown(_) => Fact::stated(found, "the form beside the organisation's file"),
    }
}

fn sections(source: &Arc<SourceFile>) -> Value {
    let root = read(source, Dialect::Core)
        .ok()
        .and_then(|documents| documents.first().map(Node::to_json))
        .unwrap_or_default();
    let kept = SECTIONS.iter().map(|name| {
        (
            (*name).to_owned(),
            root.get(*name).cloned().unwrap_or_default(),
        )
    });
    Value::Object(kept.collect())
}

/// Fields in which two values differ, as a person would name them.
fn differences(a: &Value, b: &Value, place: &str, found: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let place = if place.is_empty() {
                    key.clone()
                } else {
                    format!("{place}.{key}")
                };
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => differences(left, right, &place, found),
                    _ => found.push(place),
                }
            }
        }
        (a, b) if a == b => {}
        _ => found.push(place.to_owned()),
    }
}

fn against_form(
    form: &Filed<Customer>,
    organisation: &Organisation,
    customer: &PartyId,
    top: &Parent,
) -> Vec<String> {
    let file = &organisation.source.name;
    let mut found = Vec::new();
    let mut compare = |what: &str, said: Option<Country>, other: Option<Country>| {
        if let (Some(said), Some(other)) = (said, other)
            && said != other
        {
            found.push(format!("{what}: the form says {said}, {file} says {other}"));
        }
    };
    let headquarters = organisation.party_fact(customer, "headquarters", |party| {
        party.headquarters.as_ref()
    });
    let places = Item::of(form.file.places.as_ref());
    compare(
        "headquarters",
        places.and_then(|places| places.headquarters),
        headquarters.known().copied(),
    );
    let owners = Item::of(form.file.owners.as_ref());
    compare(
        "headquarters of the ultimate parent",
        owners.and_then(|owners| owners.ultimate_parent.as_ref()?.headquarters),
        top.country(),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_who_takes_part_are_named_by_field() {
        let of = |text: &str| sections(&Arc::new(SourceFile::new("causeway.yaml", text)));
        let before = of(
            "organisation: a\nparties: {a: {name: A, owners: [{party: b, share: 60 %}]}}\nhome: {country: SG}\n",
        );
        let after = of(
            "organisation: a\nparties: {a: {name: A, owners: [{party: b, share: 40 %}], listed: none}}\nhome: {country: MY}\n",
        );
        let mut found = Vec::new();
        differences(&before, &after, "", &mut found);
        assert_eq!(found, ["parties.a.listed", "parties.a.owners"]);
        found.clear();
        differences(&before, &before, "", &mut found);
        assert!(found.is_empty());
    }
}
