//! From the organisation's file to the register that ownership is computed from.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{Organisation, Party as PartyFile, PartyKind as KindWord};
use causeway_domain::{Country, Fact, PartyId, Stated};
use causeway_parties::{Holding, Party, PartyKind, Register};

/// Every party of `causeway.yaml`, with what is not stated as unknown, and with what screening found: a list that the file
/// names stays, and `none` in the file outranks no finding.
#[must_use]
pub fn register(
    organisation: &Organisation,
    screened: &BTreeMap<String, Fact<BTreeSet<String>>>,
) -> Register {
    let mut register = Register::default();
    for (id, party) in &organisation.file.parties {
        let mut party = one(organisation, id, party);
        if let Some(found) = screened.get(id.as_str()) {
            party.listed = both(party.listed, found);
        }
        register.insert(id.as_str(), party);
    }
    register
}

/// What is stated and what was found, together. Who stands on a list stands on it, whoever says so.
fn both(stated: Fact<BTreeSet<String>>, found: &Fact<BTreeSet<String>>) -> Fact<BTreeSet<String>> {
    match (stated, found) {
        (Fact::Known(mut lists, source), Fact::Known(more, screening)) => {
            let source = if lists.is_empty() {
                screening.clone()
            } else {
                source
            };
            lists.extend(more.iter().cloned());
            Fact::Known(lists, source)
        }
        // It may stand on another list, too.
        (Fact::Known(lists, _), Fact::Unknown(why)) if !lists.is_empty() => {
            let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
            Fact::unknown(format!("stated: {}; {why}", lists.join(" ")))
        }
        (_, found) => found.clone(),
    }
}

fn one(organisation: &Organisation, id: &PartyId, party: &PartyFile) -> Party {
    let file = &organisation.source.name;
    let field = |name: &str| format!("parties.{id}.{name}");
    let kind = match party.kind {
        KindWord::Company => PartyKind::Company,
        KindWord::Person => PartyKind::Person,
        KindWord::State => PartyKind::State,
        KindWord::Dispersed => PartyKind::Dispersed,
    };
    let owners = party
        .owners
        .iter()
        .flatten()
        .enumerate()
        .map(|(index, owner)| Holding {
            holder: owner.party.to_string(),
            share: Stated::fact(
                owner.share.as_ref(),
                file,
                &field(&format!("owners.{index}.share")),
            ),
            control: owner.control,
        })
        .collect();
    Party {
        name: party.name.clone(),
        kind,
        headquarters: Stated::fact(party.headquarters.as_ref(), file, &field("headquarters")),
        incorporated: party
            .incorporated
            .as_ref()
            .map(|stated| Stated::fact(Some(stated), file, &field("incorporated"))),
        listed: Stated::fact(party.listed.as_ref(), file, &field("listed")).map(|listings| {
            listings
                .0
                .into_iter()
                .map(|listing| listing.word().to_owned())
                .collect()
        }),
        owners,
        // A register of which nothing is written down is an open one: absence of data is never `clear`.
        owners_complete: party.owners_complete && party.owners.is_some(),
        parent: None,
    }
}

/// The headquarters of a party, for people: code, name, or why it is unknown.
#[must_use]
pub fn place_in_words(place: &Fact<Country>) -> String {
    match place {
        Fact::Known(country, _) => format!("{} ({country})", country.name()),
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_outranks_a_finding() {
        let known = |lists: &[&str]| {
            Fact::stated(
                lists
                    .iter()
                    .map(|list| (*list).to_owned())
                    .collect::<BTreeSet<_>>(),
                "test",
            )
        };
        let unknown = || Fact::unknown("a name is like an entry's");
        let lists = |fact: Fact<BTreeSet<String>>| {
            fact.known()
                .map(|lists| lists.iter().cloned().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(
            lists(both(known(&[]), &known(&["sdn"]))).as_deref(),
            Some("sdn")
        );
        assert_eq!(
            lists(both(known(&["meu"]), &known(&["sdn"]))).as_deref(),
            Some("meu sdn")
        );
        assert_eq!(lists(both(known(&["meu"]), &unknown())), None);
        assert_eq!(lists(both(known(&[]), &unknown())), None);
        assert_eq!(lists(both(unknown(), &known(&[]))).as_deref(), Some(""));
    }
}
