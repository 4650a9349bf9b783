//! From the organisation's file to the register that ownership is computed from.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{
    Listing, Organisation, Owner, Party as PartyFile, PartyKind as KindWord,
};
use causeway_domain::{Country, Date, Fact, PartyId, Percent, Source, Stated};
use causeway_parties::ownership::{Claim, Edge, EdgeKind, Graph, ListEntry, Node, Share};
use causeway_parties::{Holding, Party, PartyKind, Register};
use rust_decimal::{Decimal, RoundingStrategy};

/// Every party of `causeway.yaml` with its holdings of a day, for the law. What is not stated is unknown.
///
/// A holding has one share here. Where the file gives several (other sources, votes beside capital, own shares that change
/// the whole), it becomes the least of them and a block of unknown size: the law's bounds then hold all of them.
///
/// `screened`: what screening found. A list that the file names stays, and `none` in the file outranks no finding.
#[must_use]
pub fn register(
    organisation: &Organisation,
    screened: &BTreeMap<String, Fact<BTreeSet<String>>>,
    day: Date,
) -> Register {
    let mut register = Register::default();
    for (id, party) in &organisation.file.parties {
        let mut party = one(organisation, id, party, day);
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

const fn kind(word: KindWord) -> PartyKind {
    match word {
        KindWord::Company => PartyKind::Company,
        KindWord::Person => PartyKind::Person,
        KindWord::State => PartyKind::State,
        KindWord::Dispersed => PartyKind::Dispersed,
    }
}

fn one(organisation: &Organisation, id: &PartyId, party: &PartyFile, day: Date) -> Party {
    let file = &organisation.source.name;
    let field = |name: &str| format!("parties.{id}.{name}");
    let owners: Vec<(usize, &Owner)> = party
        .owners
        .iter()
        .flatten()
        .enumerate()
        .filter(|(_, owner)| owner.holds(day))
        .collect();
    // Percentages of the shares that others hold are larger than those that are stated: by how much, the tests of
    // `parties owners` say; here the share is open upwards.
    let own = owners.iter().any(|(_, owner)| owner.party == *id);
    let mut holdings = Vec::new();
    for (index, owner) in owners {
        if owner.party != *id {
            let field = field(&format!("owners.{index}.share"));
            holdings.extend(holding(owner, file, &field, own));
        }
    }
    Party {
        name: party.name.clone(),
        kind: kind(party.kind),
        headquarters: Stated::fact(party.headquarters.as_ref(), file, &field("headquarters")),
        incorporated: party
            .incorporated
            .as_ref()
            .map(|stated| Stated::fact(Some(stated), file, &field("incorporated"))),
        listed: listed(party, file, &field("listed")),
        owners: holdings,
        // A register of which nothing is written down is an open one: absence of data is never `clear`.
        owners_complete: party.owners_complete && party.owners.is_some(),
        parent: None,
    }
}

/// The lists in the words of the rule packs. The packs decide on no party of the EU's or the UK's list, so a party that
/// stands on such a list has an open status there: it is looked at, never cleared, whatever licence is held for another
/// list. Only a blocked person of the US stays what it is: that is prohibited already.
fn listed(party: &PartyFile, file: &str, field: &str) -> Fact<std::collections::BTreeSet<String>> {
    let fact = Stated::fact(party.listed.as_ref(), file, field);
    let Fact::Known(listings, source) = fact else {
        return fact.map(|_| std::collections::BTreeSet::new());
    };
    let beside = |listing: &Listing| matches!(listing, Listing::Eu | Listing::Uk);
    let words: std::collections::BTreeSet<String> = listings
        .0
        .iter()
        .filter(|listing| !beside(listing))
        .map(|listing| listing.word().to_owned())
        .collect();
    let blocked = ["sdn", "sdn_7448"].iter().any(|word| words.contains(*word));
    if !blocked && listings.0.iter().any(beside) {
        let on: Vec<&str> = listings.0.iter().map(|listing| listing.word()).collect();
        return Fact::unknown(format!(
            "{file} says that `{field}` is {}, and no rule pack decides on that list",
            on.join(", ")
        ));
    }
    Fact::Known(words, source)
}

/// Least and most of one entry, with who says so. `None`: nobody says.
fn bounds(owner: &Owner) -> Option<(Decimal, Decimal, Option<Source>)> {
    let stated = owner.share.iter().chain(&owner.claims);
    let mut known: Vec<(Decimal, Decimal, Option<Source>)> = stated
        .filter_map(|share| match share {
            Stated::Value(share, source) => Some((share.get(), share.get(), source.clone())),
            Stated::Unknown => None,
        })
        .collect();
    if let Some(Stated::Value(count, source)) = &owner.count {
        let part = Decimal::ONE_HUNDRED * Decimal::from(count.held);
        if let Some(share) = part.checked_div(Decimal::from(count.of)) {
            // A third is no decimal: the bounds are the decimals beside it.
            let low = share.round_dp_with_strategy(12, RoundingStrategy::ToZero);
            let high = share.round_dp_with_strategy(12, RoundingStrategy::AwayFromZero);
            known.push((low, high, source.clone()));
        }
    }
    if let Some(Stated::Value(votes, source)) = &owner.votes
        && !known.is_empty()
    {
        known.push((votes.get(), votes.get(), source.clone()));
    }
    known
        .into_iter()
        .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1), one.2.or(other.2)))
}

fn holding(owner: &Owner, file: &str, field: &str, open: bool) -> Vec<Holding> {
    let block = |share: Fact<Percent>| Holding {
        control: owner.control.0.is_some(),
        ..Holding::new(owner.party.to_string(), share)
    };
    let Some((low, high, source)) = bounds(owner) else {
        return vec![block(Stated::fact(owner.share.as_ref(), file, field))];
    };
    let source = source.unwrap_or_else(|| Source::named(file));
    let mut blocks = vec![block(Fact::Known(Percent::new(low), source))];
    if high > low {
        blocks.push(block(Fact::unknown(format!(
            "{file} gives more than one figure for `{field}`"
        ))));
    } else if matches!(owner.votes, Some(Stated::Unknown)) {
        blocks.push(block(Fact::unknown(format!(
            "{file} says that the votes of `{field}` are unknown"
        ))));
    } else if open && high > Decimal::ZERO {
        blocks.push(block(Fact::unknown(format!(
            "`{field}` is a share of a whole that holds shares in itself"
        ))));
    }
    blocks
}

/// Every party of `causeway.yaml` with everything that it says of holdings: sources, counts, votes, days, control.
#[must_use]
pub fn graph(organisation: &Organisation) -> Graph {
    let file = &organisation.source.name;
    let mut graph = Graph::default();
    for (id, party) in &organisation.file.parties {
        let field = |name: &str| format!("parties.{id}.{name}");
        graph.parties.insert(
            id.to_string(),
            Node {
                name: party.name.clone(),
                kind: kind(party.kind),
                headquarters: Stated::fact(
                    party.headquarters.as_ref(),
                    file,
                    &field("headquarters"),
                ),
                incorporated: party
                    .incorporated
                    .as_ref()
                    .map(|stated| Stated::fact(Some(stated), file, &field("incorporated"))),
                listings: Stated::fact(party.listed.as_ref(), file, &field("listed")).map(
                    |listings| {
                        let listings = listings.0.into_iter();
                        listings
                            .map(|listing| ListEntry::on(listing.word()))
                            .collect()
                    },
                ),
                owners_complete: party.owners_complete && party.owners.is_some(),
            },
        );
        for owner in party.owners.iter().flatten() {
            graph.edges.extend(edges(owner, id, file));
        }
    }
    graph
}

fn edges(owner: &Owner, owned: &PartyId, file: &str) -> Vec<Edge> {
    let edge = |kind, claims| Edge {
        owner: owner.party.to_string(),
        owned: owned.to_string(),
        kind,
        claims,
        how: None,
        from: owner.from,
        to: owner.to,
    };
    let claim = |share: Share, source: &Option<Source>| Claim {
        share,
        source: source.clone().unwrap_or_else(|| Source::named(file)),
    };
    let percent = |share: &Percent, source: &Option<Source>| {
        claim(
            share.get().to_string().parse().unwrap_or(Share::Unknown),
            source,
        )
    };
    let mut claims: Vec<Claim> = Vec::new();
    for share in owner.share.iter().chain(&owner.claims) {
        if let Stated::Value(share, source) = share {
            claims.push(percent(share, source));
        }
    }
    if let Some(Stated::Value(count, source)) = &owner.count {
        let share = Share::counted(count.held.into(), count.of.into());
        claims.push(claim(share.unwrap_or(Share::Unknown), source));
    }
    if claims.is_empty() {
        claims.push(claim(Share::Unknown, &None));
    }
    let mut edges = vec![edge(EdgeKind::Share, claims)];
    match &owner.votes {
        Some(Stated::Value(votes, source)) => {
            edges.push(edge(EdgeKind::Votes, vec![percent(votes, source)]));
        }
        Some(Stated::Unknown) => {
            edges.push(edge(EdgeKind::Votes, vec![claim(Share::Unknown, &None)]));
        }
        None => {}
    }
    if let Some(how) = &owner.control.0 {
        edges.push(Edge {
            how: Some(how.clone()),
            ..edge(EdgeKind::Control, vec![claim(Share::Unknown, &None)])
        });
    }
    edges
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
    use std::sync::Arc;

    use causeway_domain::SourceFile;
    use causeway_domain::organisation::parse;
    use causeway_parties::ownership::{Verdict, assess, default_floor, regimes};
    use causeway_parties::{Certainty, cascade};

    use super::*;

    /// `owners` of the party `a`; `x` is an SDN, `n` is on no list.
    fn organisation(owners: &str) -> Organisation {
        let text = format!(
            "organisation: a\nparties:\n  a: {{name: A, headquarters: SG, listed: none, owners: [{owners}], owners_complete: true}}\n  x: {{name: X, kind: person, headquarters: SG, listed: sdn}}\n  n: {{name: N, kind: person, headquarters: SG, listed: none}}\nhome: {{country: SG}}\n"
        );
        parse(&Arc::new(SourceFile::new("causeway.yaml", text)))
            .unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    fn day() -> Date {
        "2026-11-24".parse().unwrap()
    }

    fn law(owners: &str) -> Certainty {
        let register = register(&organisation(owners), &BTreeMap::new(), day());
        cascade(&register, Decimal::from(50), |party| party.on_any(&["sdn"])).of("a")
    }

    fn tests(owners: &str) -> Verdict {
        assess(
            &graph(&organisation(owners)),
            &regimes()[0],
            day(),
            &default_floor(),
        )
        .verdict("a")
    }

    #[test]
    fn the_law_is_never_surer_or_milder_than_the_tests() {
        for (owners, expected, in_law) in [
            (
                "{party: x, share: 50 %}, {party: n, share: 50 %}",
                Verdict::Caught,
                Certainty::Yes,
            ),
            (
                "{party: x, share: 49.99 %}, {party: n, share: 50.01 %}",
                Verdict::Review,
                Certainty::No,
            ),
            ("{party: n, share: 100 %}", Verdict::Clear, Certainty::No),
            // Counts, exactly.
            (
                "{party: x, count: {held: 1, of: 3}}, {party: x, count: {held: 1, of: 6}}, {party: n, share: 50 %}",
                Verdict::Caught,
                Certainty::Open,
            ),
            (
                "{party: x, count: {held: 1, of: 2}}, {party: n, share: 50 %}",
                Verdict::Caught,
                Certainty::Yes,
            ),
            // Votes beside capital.
            (
                "{party: x, share: 30 %, votes: 60 %}, {party: n, share: 70 %, votes: 40 %}",
                Verdict::Caught,
                Certainty::Open,
            ),
            (
                "{party: x, share: 60 %, votes: 70 %}, {party: n, share: 40 %, votes: 30 %}",
                Verdict::Caught,
                Certainty::Yes,
            ),
            // Sources that disagree.
            (
                "{party: x, share: 49 %, claims: [{value: 51 %, by: annual report}]}, {party: n, share: 49 %}",
                Verdict::Review,
                Certainty::Open,
            ),
            // Own shares.
            (
                "{party: x, share: 42 %}, {party: n, share: 38 %}, {party: a, share: 20 %}",
                Verdict::Review,
                Certainty::Open,
            ),
            (
                "{party: x, share: 5 %}, {party: n, share: 85 %}, {party: a, share: 10 %}",
                Verdict::Clear,
                Certainty::No,
            ),
            (
                "{party: x, share: 30 %, votes: unknown}, {party: n, share: 70 %, votes: 30 %}",
                Verdict::Review,
                Certainty::Open,
            ),
            // Days.
            (
                "{party: x, share: 60 %, to: 2026-11-23}, {party: n, share: 60 %, from: 2026-11-24}, {party: n, share: 40 %}",
                Verdict::Clear,
                Certainty::No,
            ),
            (
                "{party: x, share: 60 %, to: 2026-11-24}, {party: n, share: 40 %}",
                Verdict::Caught,
                Certainty::Yes,
            ),
            (
                "{party: x}, {party: n, share: 50 %}",
                Verdict::Review,
                Certainty::Open,
            ),
        ] {
            assert_eq!(tests(owners), expected, "{owners}");
            assert_eq!(law(owners), in_law, "{owners}");
        }
    }

    #[test]
    fn a_list_that_no_pack_decides_on_leaves_the_status_open() {
        let text = "organisation: a\nparties:\n  a: {name: A, listed: [eu, uk]}\n  b: {name: B, listed: [eu, sdn]}\n  c: {name: C, listed: [entity_list, uk]}\nhome: {country: SG}\n";
        let organisation = parse(&Arc::new(SourceFile::new("causeway.yaml", text))).unwrap();
        let register = register(&organisation, &BTreeMap::new(), day());
        let on = |key: &str| register.get(key).unwrap().on_any(&["entity_list"]);
        assert_eq!(on("a"), Certainty::Open);
        assert_eq!(on("b"), Certainty::No);
        assert_eq!(
            on("c"),
            Certainty::Open,
            "a licence for one list is none for the other"
        );
        let listed: Option<&BTreeSet<String>> = register.get("b").unwrap().listed.known();
        assert_eq!(listed.unwrap().iter().collect::<Vec<_>>(), ["sdn"]);
    }

    #[test]
    fn control_has_its_words_and_the_law_sees_it() {
        let file = organisation(
            "{party: n, share: 100 %}, {party: x, share: 0 %, control: appoints the board}",
        );
        let register = register(&file, &BTreeMap::new(), day());
        assert!(
            register
                .get("a")
                .unwrap()
                .owners
                .iter()
                .any(|holding| holding.control)
        );
        let found = assess(&graph(&file), &regimes()[0], day(), &default_floor());
        assert_eq!(found.verdict("a"), Verdict::Review);
        assert!(
            found
                .explain(&regimes()[0], "a")
                .contains("x (counts) appoints the board")
        );
    }

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
