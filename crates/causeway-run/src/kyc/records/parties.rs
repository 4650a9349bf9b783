//! Who takes part and who owns them, and how old the lists and rules were by which that was looked at.

use std::collections::BTreeSet;

use causeway_domain::organisation::{Kyc, Listing, Organisation};
use causeway_domain::{Digest, Fact, PartyId};
use causeway_law::Packs;
use causeway_parties::kyc::Records;
use causeway_parties::kyc::records::{Dated, Match, Owned, Screened};
use causeway_parties::{Parent, Register, cascade, flagged_holders, ultimate_parent};
use rust_decimal::Decimal;

use super::super::papers::Papers;
use super::course::moved;
use super::{Sources, typed};

/// Words of every list of the organisation's file.
fn every_list() -> Vec<&'static str> {
    [
        Listing::EntityList,
        Listing::Meu,
        Listing::Sdn,
        Listing::Sdn7448,
        Listing::TwShtc,
    ]
    .map(Listing::word)
    .to_vec()
}

/// Who takes part and who owns them, as the organisation's file states it.
pub(super) fn of_parties(
    records: &mut Records,
    sources: &Sources<'_>,
    papers: &Papers,
    organisation: &Organisation,
    customer: &PartyId,
) {
    let file = organisation.source.name.clone();
    let register = causeway_plan::register(
        organisation,
        &causeway_plan::Screened::default(),
        jiff::tz::TimeZone::UTC.to_datetime(sources.at).date(),
    );
    let site = papers
        .entries
        .said("plan", "/output/site")
        .known()
        .and_then(|site| site.as_str().map(str::to_owned));
    let site = organisation
        .file
        .sites
        .iter()
        .find(|(id, _)| Some(id.as_str()) == site.as_deref());
    records.screening = Fact::stated(screened(organisation, &register), file.clone());
    let takes_part: BTreeSet<&str> = std::iter::once(customer.as_str())
        .chain(site.map(|(_, site)| site.operator.as_str()))
        .collect();
    records.ownership = Fact::stated(
        takes_part
            .iter()
            .map(|key| owned(&register, key, sources.kyc))
            .collect(),
        format!("owners and lists of {file}"),
    );
    let party = register.get(customer.as_str());
    if let Some(party) = party {
        records.headquarters = party.headquarters.clone();
        // A place of incorporation is written only where it is another than the headquarters.
        records.entity = party
            .incorporated
            .clone()
            .unwrap_or_else(|| party.headquarters.clone());
    }
    let top = ultimate_parent(&register, customer.as_str(), sources.kyc.stake.get());
    records.parent = match (top.country(), &top) {
        (Some(country), _) => Fact::stated(country, format!("owners in {file}")),
        (None, Parent::Unclear { why, .. }) => Fact::unknown(why.clone()),
        (None, Parent::Known { .. }) => Fact::unknown("the ultimate parent is unclear"),
    };
    records.moved = moved(papers, organisation);
    // The log names what was used; the last days stand in the approvals.
    records.licences = match papers.entries.said("clear", "/output/uses").known() {
        Some(uses) if uses.as_object().is_some_and(serde_json::Map::is_empty) => {
            Fact::stated(Vec::new(), "the clear entry of the log")
        }
        Some(_) => Fact::unknown(
            "the run rests on approvals: `causeway approvals list` shows their last days",
        ),
        None => Fact::unknown("the log has no clear entry of this run"),
    };
    records.versions = versions(papers, sources.packs, organisation);
    records.changes =
        super::super::changes::between(papers, sources.form, organisation, customer, &top);
}

fn screened(organisation: &Organisation, register: &Register) -> Vec<Screened> {
    register
        .parties
        .iter()
        .filter(|(_, party)| party.kind != causeway_parties::PartyKind::Dispersed)
        .map(|(key, party)| Screened {
            party: party.name.clone(),
            matches: party.listed.whole().map(|lists| {
                lists
                    .into_iter()
                    .map(|list| Match {
                        entry: format!(
                            "`{list}`, parties.{key}.listed of {}",
                            organisation.source.name
                        ),
                        hit: true,
                        listed_on: None,
                    })
                    .collect()
            }),
        })
        .collect()
}

fn owned(register: &Register, key: &str, kyc: &Kyc) -> Owned {
    let lists = every_list();
    let on_a_list = |party: &causeway_parties::Party| party.on_any(&lists);
    let holders = flagged_holders(register, key, kyc.stake.get(), on_a_list);
    let name = |key: &str| {
        register
            .get(key)
            .map_or_else(|| key.to_owned(), |party| party.name.clone())
    };
    Owned {
        party: name(key),
        regime: "50 % of listed parties in sum".to_owned(),
        caught: cascade(register, Decimal::from(50), on_a_list).of(key),
        holders: holders.certain.iter().map(|key| name(key)).collect(),
        possible: holders.possible,
    }
}

/// The rules that the run was cleared by, and the screening of each party.
fn versions(papers: &Papers, packs: &Packs, organisation: &Organisation) -> Fact<Vec<Dated>> {
    let used: Fact<Digest> = typed(papers.entries.said("clear", "/output/packs"));
    let rules = match used {
        Fact::Known(digest, source) if digest == packs.digest() => {
            Fact::Known(packs.horizon(), source)
        }
        Fact::Known(digest, _) => Fact::unknown(format!(
            "the run was cleared by packs {}, which are not those of this program",
            digest.short()
        )),
        Fact::Unknown(why) => Fact::Unknown(why),
    };
    let mut all = vec![Dated {
        what: "rule packs, checked up to".to_owned(),
        list: false,
        day: rules,
    }];
    for (id, party) in &organisation.file.parties {
        if party.kind == causeway_domain::organisation::PartyKind::Dispersed {
            continue;
        }
        let listed = organisation.party_fact(id, "listed", |party| party.listed.as_ref());
        let day = match listed {
            Fact::Known(_, source) => source.on.map_or_else(
                || {
                    Fact::unknown(format!(
                        "parties.{id}.listed states no day: write `{{value: none, by: WHO, on: DAY}}`"
                    ))
                },
                |on| Fact::Known(on, source.clone()),
            ),
            Fact::Unknown(why) => Fact::Unknown(why),
        };
        all.push(Dated {
            what: format!("screening of {}", party.name),
            list: true,
            day,
        });
    }
    Fact::stated(all, papers.from())
}
