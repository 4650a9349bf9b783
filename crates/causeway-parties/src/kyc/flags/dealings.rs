//! rf10, rf12 to rf14, rf17, rf18, rf22: what was said, and what was done beside it.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;
use causeway_domain::organisation::{DataClass, Kyc};

use super::{FORM, Finding, Look, plain, silent};
use crate::kyc::form::{
    ContractingAs, Customer, DataSet, Destination, Domain, Item, PrincipalRole,
};
use crate::kyc::records::Records;

pub(super) fn access(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    let roster = look.answer(records, "C14", |form| form.access.as_ref());
    let people = roster.and_then(|access| look.part("C14 people", access.people.as_ref()));
    if let Some((uses, source)) = look.take("the access log", &records.access)
        && let Some(people) = people
    {
        let names: BTreeSet<String> = people
            .iter()
            .filter_map(|person| person.name.as_deref().map(plain))
            .collect();
        let countries: BTreeSet<Country> = people
            .iter()
            .filter_map(|person| person.residence)
            .collect();
        for one in uses {
            let when = one
                .at
                .map_or_else(String::new, |at| format!(" at {}", at.0));
            match &one.person {
                Some(person) if !names.contains(&plain(person)) => {
                    look.raise(format!("`{person}`{when} is not on the roster"), &source);
                }
                Some(_) => {}
                None => look.lack(format!("who had access{when}")),
            }
            match one.country {
                Some(country) if !countries.contains(&country) => look.raise(
                    format!("access{when} from {country}, where nobody of the roster lives"),
                    &source,
                ),
                Some(_) => {}
                None => look.lack(format!("from where access{when} came")),
            }
            match one.anonymiser {
                Some(true) => look.raise(format!("access{when} by way of an anonymiser"), &source),
                Some(false) => {}
                None => look.lack(format!("whether access{when} came by way of an anonymiser")),
            }
        }
        look.see(format!("{} uses of access", uses.len()), source);
    }
    look.end(
        "who had access, from where, and on whose behalf?",
        "every access was by a person of the roster, from a country of the roster",
    )
}

fn declared(list: &[Destination], what: &str) -> BTreeSet<Country> {
    list.iter()
        .filter(|one| one.what.is_some_and(|goods| goods.word() == what))
        .filter_map(|one| one.country)
        .collect()
}

pub(super) fn destinations(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    let list = look.answer(records, "C16", |form| form.destinations.as_ref());
    if let Some((sent, source)) = look.take("the transfers of the log", &records.sent)
        && let Some(list) = list
    {
        for one in sent {
            let what = one.what.word();
            if let Some((country, _)) = look.take(
                &format!("where the {what} of {} went", one.at),
                &one.country,
            ) {
                let text = format!("{what} to {country} at {}", one.at);
                if declared(list, what).contains(country) {
                    look.see(text, &source);
                } else {
                    look.raise(
                        format!("{text}: C16 declares no {what} to {country}"),
                        &source,
                    );
                }
            }
        }
    }
    if let Some((endpoints, source)) = look.take("the site's own egress log", &records.egress)
        && let Some(list) = list
    {
        let places: BTreeSet<String> = list
            .iter()
            .filter_map(|one| one.place.as_deref().map(plain))
            .collect();
        for one in endpoints {
            if !places.contains(&plain(&one.to)) {
                let since = one
                    .since
                    .map_or_else(String::new, |at| format!(" since {}", at.0));
                look.raise(
                    format!(
                        "the site sends to `{}`{since}: C16 does not name it",
                        one.to
                    ),
                    &source,
                );
            }
        }
    }
    look.end(
        "what was sent there, and who receives it?",
        "everything went where C16 says",
    )
}

fn classes(set: &DataSet) -> Option<BTreeSet<DataClass>> {
    set.classes.as_ref().map(|classes| {
        classes
            .iter()
            .copied()
            .filter(|class| *class != DataClass::None)
            .collect()
    })
}

fn in_words(classes: &BTreeSet<DataClass>) -> String {
    if classes.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<&str> = classes.iter().map(|class| class.word()).collect();
    words.join(", ")
}

pub(super) fn data(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    let manifest = look.answer(records, "C13", |form| form.data.as_ref());
    if let Some((moved, source)) = look.take("what was put at the site", &records.moved)
        && let Some(manifest) = manifest
    {
        let sets: BTreeMap<&str, &DataSet> = manifest
            .iter()
            .filter_map(|set| Some((set.name.as_deref()?, set)))
            .collect();
        for one in moved {
            let name = &one.dataset;
            let Some(set) = sets.get(name.as_str()) else {
                look.raise(format!("`{name}` was moved; C13 does not name it"), &source);
                continue;
            };
            let found = look.take(&format!("classes of `{name}`"), &one.classes);
            let said = classes(set);
            let said = look.part(&format!("C13 classes of `{name}`"), said.as_ref());
            if let (Some((found, source)), Some(said)) = (found, said) {
                let text = format!(
                    "`{name}`: moved {}, C13 says {}",
                    in_words(found),
                    in_words(said)
                );
                if found == said {
                    look.see(text, source);
                } else {
                    look.raise(text, source);
                }
            }
            let found = look.take(&format!("records of `{name}`"), &one.records);
            let said = look.part(&format!("C13 records of `{name}`"), set.records.as_ref());
            if let (Some((found, source)), Some(said)) = (found, said) {
                let text = format!("`{name}`: {found} records moved, C13 says {said}");
                if found == said {
                    look.see(text, source);
                } else {
                    look.raise(text, source);
                }
            }
        }
    }
    look.end(
        "which data are at the site, of whom, and how many?",
        "the datasets that were moved are those of C13, with its classes and counts",
    )
}

pub(super) fn changes(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some((changes, source)) =
        look.take("changes between clearance and end", &records.changes)
    {
        for change in changes {
            look.raise(change, &source);
        }
    }
    look.end(
        "when did it change, why, and does the clearance still rest on what is true?",
        "parties, owners, directors and end users are the same from clearance to end",
    )
}

pub(super) fn end_user(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some(answer) = look.answer(records, "C9", |form| form.principals.as_ref())
        && let Some(contracting) = look.part("C9 contracting_as", answer.contracting_as.as_ref())
    {
        let named = answer
            .work_for
            .iter()
            .flatten()
            .any(|one| one.role == Some(PrincipalRole::EndUser) && !silent(one.name.as_ref()));
        match contracting {
            ContractingAs::Forwarder | ContractingAs::Reseller | ContractingAs::Broker
                if !named =>
            {
                look.raise(
                    format!("the customer signs as {contracting:?} and names no end user")
                        .to_lowercase(),
                    FORM,
                );
            }
            _ => look.see(
                format!("signs as {contracting:?}; end user named: {named}").to_lowercase(),
                FORM,
            ),
        }
    }
    look.end(
        "who uses the model in the end?",
        "the customer is no intermediary, or names the end user",
    )
}

/// Words by which an answer is refused.
const REFUSED: [&str; 9] = [
    "refused",
    "declined",
    "confidential",
    "na",
    "notapplicable",
    "nocomment",
    "tbd",
    "secret",
    "other",
];

pub(super) fn silence(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some((form, source)) = look.take("the customer's form", &records.form) {
        for (id, what) in unsaid(form) {
            look.raise(format!("{id}: {what}"), &source);
        }
    }
    look.end(
        "what is the answer? a blank, a refusal and `other` are none",
        "C8, C9, C10 and C16 are answered",
    )
}

fn unsaid(form: &Customer) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut text = |id, name: &str, text: Option<&String>| {
        if silent(text) {
            found.push((id, format!("`{name}` is blank")));
        } else if let Some(text) = text.filter(|text| REFUSED.contains(&plain(text).as_str())) {
            found.push((id, format!("`{name}` says `{text}`")));
        }
    };
    if let Some(military) = Item::of(form.military.as_ref())
        && (military.ties != Some(false) || military.supplies != Some(false))
    {
        text("C8", "text", military.text.as_ref());
    }
    if let Some(purpose) = Item::of(form.purpose.as_ref()) {
        text("C10", "text", purpose.text.as_ref());
        text("C10", "users", purpose.users.as_ref());
    }
    for one in Item::of(form.principals.as_ref())
        .and_then(|principals| principals.work_for.as_ref())
        .into_iter()
        .flatten()
    {
        text("C9", "name", one.name.as_ref());
    }
    for one in Item::of(form.destinations.as_ref()).into_iter().flatten() {
        text("C16", "place", one.place.as_ref());
        text("C16", "receiver", one.receiver.as_ref());
    }
    let military = Item::of(form.military.as_ref());
    if military.is_none_or(|answer| answer.ties.is_none() || answer.supplies.is_none()) {
        found.push(("C8", "yes or no is blank".to_owned()));
    }
    let principals = Item::of(form.principals.as_ref());
    let work_for = principals.and_then(|answer| answer.work_for.as_ref());
    if work_for.is_none_or(Vec::is_empty) {
        found.push(("C9", "nobody is named".to_owned()));
    }
    for one in work_for.into_iter().flatten() {
        match one.role {
            None => found.push(("C9", "`role` is blank".to_owned())),
            Some(PrincipalRole::Other) => found.push(("C9", "`role` says `other`".to_owned())),
            Some(_) => {}
        }
    }
    let purpose = Item::of(form.purpose.as_ref());
    match purpose.and_then(|purpose| purpose.domain) {
        None => found.push(("C10", "`domain` is blank".to_owned())),
        Some(Domain::Other) => found.push(("C10", "`domain` says `other`".to_owned())),
        Some(_) => {}
    }
    if purpose
        .and_then(|purpose| purpose.deployed_in.as_ref())
        .is_none_or(Vec::is_empty)
    {
        found.push(("C10", "`deployed_in` is blank".to_owned()));
    }
    let destinations = Item::of(form.destinations.as_ref());
    if destinations.is_none_or(|list| {
        list.is_empty()
            || list
                .iter()
                .any(|one| one.what.is_none() || one.country.is_none())
    }) {
        found.push(("C16", "a destination is blank".to_owned()));
    }
    found.sort();
    found.dedup();
    found
}

pub(super) fn provenance(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some(base) = look.answer(records, "C12", |form| form.base_model.as_ref()) {
        match look.part("C12 from_scratch", base.from_scratch.as_ref()) {
            Some(true) => look.see("no base model", FORM),
            Some(false) => {
                for (name, text) in [("origin", &base.origin), ("licence", &base.licence)] {
                    if silent(text.as_ref()) {
                        look.raise(format!("the base model's {name} is unknown"), FORM);
                    }
                }
            }
            None => {}
        }
    }
    if let Some(sets) = look.answer(records, "C13", |form| form.data.as_ref()) {
        for set in sets {
            let name = set.name.as_deref().unwrap_or("without a name");
            for (what, text) in [("origin", &set.origin), ("licence", &set.licence)] {
                if silent(text.as_ref()) {
                    look.raise(format!("dataset `{name}`: {what} unknown"), FORM);
                }
            }
        }
    }
    look.end(
        "where does it come from, and under which licence?",
        "origin and licence of base model and data are stated",
    )
}
