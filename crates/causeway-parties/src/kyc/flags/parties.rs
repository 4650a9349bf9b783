//! rf1 to rf7: who the parties are.

use std::collections::BTreeSet;

use causeway_domain::organisation::Kyc;
use causeway_domain::{Country, Date};

use super::{FORM, Finding, Look, plain};
use crate::Certainty;
use crate::kyc::form::{Places, Premises};
use crate::kyc::records::Records;

/// The last day before the day of the first controls: 87 FR 62186 was released on 2022-10-07.
const CONTROLS: Date = Date::constant(2022, 10, 7);

pub(super) fn listed(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    screened_against(&mut look, records);
    if let Some((parties, _)) = look.take("screening", &records.screening) {
        if parties.is_empty() {
            look.lack("screening: no party was screened");
        }
        for party in parties {
            let name = &party.party;
            if let Some((matches, source)) =
                look.take(&format!("screening of {name}"), &party.matches)
            {
                for found in matches {
                    let band = if found.hit { "a hit" } else { "for review" };
                    look.raise(format!("{name} matches {} ({band})", found.entry), &source);
                }
            }
        }
    }
    look.end(
        "is the party the one on the list? compare registration, address, date of birth or incorporation with the entry",
        format!(
            "no name is like an entry's, or a reviewer determined that they are not one; {}",
            in_words(records)
        ),
    )
}

/// Lists, without which nobody is known to stand on none.
fn screened_against(look: &mut Look, records: &Records) {
    if let Some((lists, _)) = look.take("imported lists", &records.lists)
        && lists.is_empty()
    {
        look.lack("imported lists: none");
    }
}

fn in_words(records: &Records) -> String {
    let lists = records.lists.known().map(|lists| lists.join(", "));
    format!("screened against {}", lists.unwrap_or_default())
}

pub(super) fn owned(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    screened_against(&mut look, records);
    if let Some((parties, source)) = look.take("ownership", &records.ownership) {
        if parties.is_empty() {
            look.lack("ownership: no party was looked at");
        }
        for party in parties {
            match party.caught {
                Certainty::Yes => look.raise(
                    format!(
                        "{} is owned at the line or above by listed parties ({})",
                        party.party, party.regime
                    ),
                    &source,
                ),
                Certainty::Open => look.raise(
                    format!(
                        "{} may be owned at the line or above by listed parties ({}): its known owners leave that open",
                        party.party, party.regime
                    ),
                    &source,
                ),
                Certainty::No => {}
            }
        }
    }
    look.end(
        "who holds each share up to the top, on what evidence?",
        format!(
            "listed parties hold less than the line in every party, whatever the unknown shares are; {}",
            in_words(records)
        ),
    )
}

pub(super) fn minority(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    screened_against(&mut look, records);
    if let Some((parties, source)) = look.take("ownership", &records.ownership) {
        if parties.is_empty() {
            look.lack("ownership: no party was looked at");
        }
        for party in parties {
            for holder in &party.holders {
                look.raise(
                    format!(
                        "{holder} is listed and holds a share of {} ({}; from {} up, or unknown)",
                        party.party, party.regime, kyc.stake
                    ),
                    &source,
                );
            }
            for why in &party.possible {
                look.lack(format!("owners of {}: {why}", party.party));
            }
        }
    }
    look.end(
        "what share, which rights and which influence has the listed holder, and who benefits?",
        format!(
            "no listed party holds {} or more; {}",
            kyc.stake,
            in_words(records)
        ),
    )
}

pub(super) fn headquarters(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    let question =
        "who decides over the model and who uses it, at the headquarters and at the parent?";
    let group = look.take("countries of D:5, and Macau", &records.embargoed);
    let entity = look.take("the contracting entity's country", &records.entity);
    let (Some((group, _)), Some((entity, source))) = (group, entity) else {
        return look.end(question, "");
    };
    look.see(format!("the contracting entity sits in {entity}"), source);
    if group.contains(entity) {
        return look.end(
            question,
            "the contracting entity itself sits in D:5 or Macau: nothing lies between it and the headquarters test",
        );
    }
    for (name, fact) in [
        ("headquarters", &records.headquarters),
        ("the ultimate parent", &records.parent),
    ] {
        if let Some((country, source)) = look.take(&format!("{name}: country"), fact) {
            let text = format!("{name}: {country}");
            if group.contains(country) {
                look.raise(text, source);
            } else {
                look.see(text, source);
            }
        }
    }
    look.end(
        question,
        "neither headquarters nor ultimate parent are in D:5 or Macau",
    )
}

pub(super) fn young(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    let question = "who founded the company, with whose money, and what did its people do before?";
    let Some((chips, source)) = look.take("chips ordered", &records.planned.chips) else {
        return look.end(question, "");
    };
    look.see(format!("{chips} chips ordered"), source);
    if *chips <= kyc.order_chips {
        return look.end(
            question,
            format!("the order is not over {} chips", kyc.order_chips),
        );
    }
    let founded = look
        .answer(records, "C4", |form| form.incorporated.as_ref())
        .map(|day| day.0);
    if let Some(day) = founded {
        if day > CONTROLS {
            look.raise(format!("incorporated on {day}, after {CONTROLS}"), FORM);
        } else {
            look.see(format!("incorporated on {day}"), FORM);
        }
    }
    screened_against(&mut look, records);
    if let Some((parties, _)) = look.take("listings of related parties", &records.screening) {
        for party in parties {
            let Some((matches, source)) =
                look.take(&format!("screening of {}", party.party), &party.matches)
            else {
                continue;
            };
            for found in matches {
                match (found.listed_on, founded) {
                    (None, _) => look.lack(format!("since when {} is listed", found.entry)),
                    (Some(listed), Some(day)) if day > listed => look.raise(
                        format!(
                            "incorporated on {day}, after {} was listed on {listed}",
                            found.entry
                        ),
                        &source,
                    ),
                    (Some(_), _) => {}
                }
            }
        }
    }
    look.end(
        question,
        "founded before the controls and before any listing of a related party",
    )
}

pub(super) fn contacts(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    let mut own: Vec<(&str, String)> = Vec::new();
    if let Some(places) = look.answer(records, "C3", |form| form.places.as_ref()) {
        for (name, address) in [
            ("registered", &places.registered),
            ("business", &places.business),
        ] {
            let text = address.as_ref().and_then(|address| address.text.as_ref());
            if let Some(text) = look.part(&format!("C3 {name} address"), text) {
                own.push(("address", text.clone()));
            }
        }
        for (name, kind, list) in [
            ("C3 phones", "telephone", &places.phones),
            ("C3 domains", "domain", &places.domains),
        ] {
            if let Some(list) = look.part(name, list.as_ref()) {
                own.extend(list.iter().map(|one| (kind, one.clone())));
            }
        }
    }
    if let Some(officers) = look.answer(records, "C7", |form| form.officers.as_ref()) {
        for officer in officers {
            if let Some(name) = look.part("C7 name", officer.name.as_ref()) {
                own.push(("director", name.clone()));
            }
        }
    }
    if let Some(payer) = look.answer(records, "C15", |form| form.payer.as_ref())
        && let Some(name) = look.part("C15 payer", payer.name.as_ref())
    {
        own.push(("payer", name.clone()));
    }
    for (name, contacts) in [
        ("addresses of listed parties", &records.listed_addresses),
        ("contacts of listed and refused parties", &records.watched),
    ] {
        let Some((contacts, source)) = look.take(name, contacts) else {
            continue;
        };
        for party in contacts {
            for (kind, list) in [
                ("address", &party.addresses),
                ("telephone", &party.phones),
                ("domain", &party.domains),
                ("director", &party.directors),
                ("payer", &party.payers),
            ] {
                let theirs: BTreeSet<String> = list.iter().map(|one| plain(one)).collect();
                let shared = |text: &str| {
                    theirs.iter().any(|other| {
                        if kind == "address" {
                            same_place(other, &plain(text))
                        } else {
                            *other == plain(text)
                        }
                    })
                };
                for (_, text) in own
                    .iter()
                    .filter(|(own, text)| *own == kind && shared(text))
                {
                    look.raise(
                        format!("{kind} `{text}` is also that of {}", party.party),
                        &source,
                    );
                }
            }
        }
    }
    look.end(
        "what connects the customer with that party?",
        "no contact of the customer is one of a listed or refused party",
    )
}

/// Shortest text that says where something is. Unit: letters and digits.
const PLACE: usize = 12;

/// Whether two addresses, as [`plain`] writes them, name one place: the same, or one goes on where the other ends, with a
/// postcode or a country.
fn same_place(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    !short.is_empty()
        && (short == long || (short.chars().count() >= PLACE && long.starts_with(short)))
}

fn premises(places: &Places) -> [(&'static str, Option<Premises>); 2] {
    let kind = |address: &Option<crate::kyc::form::Address>| {
        address.as_ref().and_then(|address| address.kind)
    };
    [
        ("registered address", kind(&places.registered)),
        ("place of business", kind(&places.business)),
    ]
}

pub(super) fn address(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some(places) = look.answer(records, "C3", |form| form.places.as_ref()) {
        for (name, kind) in premises(places) {
            match kind {
                Some(Premises::Residential) => {
                    look.raise(format!("the {name} is residential"), FORM)
                }
                Some(Premises::Virtual) => {
                    look.raise(format!("the {name} is a virtual office"), FORM)
                }
                Some(Premises::Office | Premises::Industrial) => {}
                None => look.lack(format!("C3 kind of the {name} is not answered")),
            }
        }
    }
    if let Some((count, source)) = look.take(
        "other parties of the register at the address",
        &records.at_address,
    ) {
        let text = format!("{count} other parties of the register at the address");
        if *count > kyc.neighbours {
            look.raise(text, source);
        } else {
            look.see(text, source);
        }
    }
    look.end(
        "where do the people work who run the model? a lease, a visit, or a call to a published number",
        format!("business premises, shared with {} others at most", kyc.neighbours),
    )
}

/// Countries that the form declares for the company.
pub(super) fn declared(places: &Places) -> BTreeSet<Country> {
    [&places.registered, &places.business]
        .into_iter()
        .filter_map(|address| address.as_ref()?.country)
        .chain(places.headquarters)
        .collect()
}
