//! From the organisation's file to the register that ownership is computed from.

use causeway_domain::organisation::{Organisation, Party as PartyFile, PartyKind as KindWord};
use causeway_domain::{Country, Fact, PartyId, Stated};
use causeway_parties::{Holding, Party, PartyKind, Register};

/// Every party of `causeway.yaml`, with what is not stated as unknown.
#[must_use]
pub fn register(organisation: &Organisation) -> Register {
    let mut register = Register::default();
    for (id, party) in &organisation.file.parties {
        register.insert(id.as_str(), one(organisation, id, party));
    }
    register
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
