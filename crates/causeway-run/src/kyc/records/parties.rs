//! Who takes part and who owns them, and how old the lists and rules were by which that was looked at.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{Kyc, Listing, Organisation, PartyKind};
use causeway_domain::{Date, Digest, Fact, PartyId, Source, Timestamp};
use causeway_law::Packs;
use causeway_parties::kyc::Records;
use causeway_parties::kyc::records::{Dated, Match, Owned, Screened};
use causeway_parties::lists::Finding;
use causeway_parties::names::Band;
use causeway_parties::{Parent, Register, cascade, flagged_holders, ultimate_parent};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::super::lists::Lists;
use super::super::papers::{OnFile, Papers};
use super::course::moved;
use super::{Sources, day_of, typed};

/// A list that the run was cleared by, as the clear entry names it.
#[derive(Debug, Deserialize)]
struct UsedList {
    list: String,
    date: Option<String>,
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
    // What old lists say of a party is a question of rf1; whom they leave out is nothing known.
    let lists = sources.lists.known();
    let facts = lists
        .filter(|lists| lists.faults.is_empty())
        .map(|lists| lists.screened.listed())
        .unwrap_or_default();
    let register = causeway_plan::register(organisation, &facts, day_of(sources.at));
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
    let mut all = screened(organisation, lists);
    all.extend(lists.into_iter().flat_map(named));
    records.screening = Fact::stated(all, file.clone());
    let takes_part: BTreeSet<&str> = std::iter::once(customer.as_str())
        .chain(site.map(|(_, site)| site.operator.as_str()))
        .collect();
    records.ownership = Fact::stated(
        takes_part
            .iter()
            .map(|key| owned(&register, key, sources.kyc))
            .collect(),
        match lists {
            Some(lists) => format!("owners of {file}, {}", lists.source()),
            None => format!("owners and `listed` of {file}"),
        },
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
    let uses = papers.entries.said("clear", "/output/uses");
    records.licences = relied_on(uses.known().copied(), &papers.approvals);
    records.versions = versions(papers, sources.packs, organisation);
    records.changes =
        super::super::changes::between(papers, sources.form, organisation, customer, &top);
}

/// Authorisations that the run rests on, by the clear entry, with the last days that the signed approvals give them.
fn relied_on(
    uses: Option<&Value>,
    approvals: &Fact<BTreeMap<String, OnFile>>,
) -> Fact<Vec<(String, String, Date)>> {
    let Some(uses) = uses.and_then(Value::as_object) else {
        return Fact::unknown("the log has no clear entry of this run");
    };
    if uses.is_empty() {
        return Fact::stated(Vec::new(), "the clear entry of the log");
    }
    let (approvals, source) = match approvals {
        Fact::Known(approvals, source) => (approvals, source),
        Fact::Unknown(why) => return Fact::unknown(why.clone()),
    };
    let mut all = Vec::new();
    for id in uses.keys() {
        let Some(found) = approvals.get(id) else {
            return Fact::unknown(format!("approval `{id}` is not in the log any more"));
        };
        let number = found.number.clone().unwrap_or_else(|| id.clone());
        all.push((found.name.clone(), number, found.to));
    }
    Fact::Known(all, source.clone())
}

/// Every party that screening looks at, with the lists that the file states and the entries that its name is like.
fn screened(organisation: &Organisation, lists: Option<&Lists>) -> Vec<Screened> {
    organisation
        .file
        .parties
        .iter()
        .filter(|(_, party)| party.kind != PartyKind::Dispersed)
        .map(|(id, party)| {
            let stated = organisation.party_fact(id, "listed", |party| party.listed.as_ref());
            let found = lists.and_then(|lists| {
                let findings = &lists.screened.parties.get(id.as_str())?.findings;
                Some((lists, findings))
            });
            let mut matches: Vec<Match> = found
                .iter()
                .flat_map(|(_, findings)| findings.iter().filter_map(of_finding))
                .collect();
            let (on, source) = match stated {
                Fact::Known(on, source) => (on.0, Some(source)),
                Fact::Unknown(why) => match found {
                    // The lists answer in its place.
                    Some(_) => (BTreeSet::new(), None),
                    None => {
                        return Screened {
                            party: party.name.clone(),
                            matches: Fact::unknown(why),
                        };
                    }
                },
            };
            matches.extend(
                on.into_iter()
                    .filter(|list| *list != Listing::None)
                    .map(|list| Match {
                        entry: format!(
                            "`{}`, parties.{id}.listed of {}",
                            list.word(),
                            organisation.source.name
                        ),
                        hit: true,
                        listed_on: None,
                    }),
            );
            let source = match (found, source) {
                (Some((lists, _)), _) => Source::named(lists.source()),
                (None, Some(source)) => source,
                (None, None) => Source::named(organisation.source.name.clone()),
            };
            Screened {
                party: party.name.clone(),
                matches: Fact::Known(matches, source),
            }
        })
        .collect()
}

/// Whom the form names, with the entries that the name is like.
fn named(lists: &Lists) -> Vec<Screened> {
    lists
        .named
        .iter()
        .map(|(who, findings)| Screened {
            party: who.clone(),
            matches: Fact::stated(
                findings.iter().filter_map(of_finding).collect(),
                lists.source(),
            ),
        })
        .collect()
}

fn of_finding(finding: &Finding) -> Option<Match> {
    Some(Match {
        entry: super::super::lists::of_finding(finding),
        hit: raises(finding.same, finding.band)?,
        listed_on: None,
    })
}

/// Whether a finding is a match, and then whether it is a hit: one that a reviewer determined to be another party's is
/// none.
fn raises(same: Option<bool>, band: Band) -> Option<bool> {
    match (same, band) {
        (Some(false), _) => None,
        (Some(true), _) => Some(true),
        (None, band) => Some(band == Band::Hit),
    }
}

fn owned(register: &Register, key: &str, kyc: &Kyc) -> Owned {
    let lists = Listing::ALL.map(Listing::word);
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
    let used: Fact<Vec<UsedList>> = typed(papers.entries.said("clear", "/says/lists"));
    if let Fact::Known(used, source) = used
        && !used.is_empty()
    {
        all.extend(used.into_iter().map(|list| {
            Dated {
                day: list
                    .date
                    .and_then(|date| date.parse::<Timestamp>().ok())
                    .map(|date| Fact::Known(day_of(date), source.clone()))
                    .unwrap_or_else(|| {
                        Fact::unknown(format!("nobody says of which day list `{}` is", list.list))
                    }),
                what: format!("list `{}`", list.list),
                list: true,
            }
        }));
        return Fact::stated(all, papers.from());
    }
    for (id, party) in &organisation.file.parties {
        if party.kind == PartyKind::Dispersed {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_run_rests_on_ends_when_the_approvals_say() {
        let to: Date = "2027-01-31".parse().unwrap();
        let on_file = |name: &str| OnFile {
            name: name.to_owned(),
            number: Some("D1".to_owned()),
            to,
        };
        let approvals = Fact::stated(
            BTreeMap::from([("a".to_owned(), on_file("BIS_LICENCE"))]),
            "approvals in the log",
        );
        let of = |uses: Option<Value>| relied_on(uses.as_ref(), &approvals);
        assert_eq!(
            of(Some(json!({"a": {}}))).known(),
            Some(&vec![("BIS_LICENCE".to_owned(), "D1".to_owned(), to)])
        );
        assert_eq!(of(Some(json!({}))).known(), Some(&Vec::new()));
        assert!(!of(Some(json!({"a": {}, "b": {}}))).is_known());
        assert!(!of(None).is_known());
        let uses = json!({"a": {}});
        assert!(!relied_on(Some(&uses), &Fact::unknown("not in the pack")).is_known());
    }

    #[test]
    fn a_finding_is_a_match_until_a_reviewer_determines_otherwise() {
        assert_eq!(raises(None, Band::Review), Some(false));
        assert_eq!(raises(None, Band::Hit), Some(true));
        assert_eq!(raises(Some(true), Band::Review), Some(true));
        for band in [Band::Review, Band::Hit] {
            assert_eq!(raises(Some(false), band), None);
        }
    }
}
