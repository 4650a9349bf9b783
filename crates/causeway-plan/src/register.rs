//! From the organisation's file to the register that ownership is computed from.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{
    Listing, Organisation, Owner, Party as PartyFile, PartyKind as KindWord,
};
use causeway_domain::{Country, Date, Fact, PartyId, Percent, Source, Stated};
use causeway_parties::ownership::{Claim, Edge, EdgeKind, Graph, ListEntry, Node, Share};
use causeway_parties::{Certainty, Holding, Listed, Party, PartyKind, Register};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::Screened;

/// Every party of `causeway.yaml` with its holdings of a day, for the law. What is not stated is unknown.
///
/// A holding has one share here. Where the file gives several (other sources, votes beside capital, own shares that change
/// the whole), it becomes the least of them and a block of unknown size: the law's bounds then hold all of them.
///
/// `screened`: what screening found. A list that the file names stays, and `none` in the file outranks no finding.
#[must_use]
pub fn register(organisation: &Organisation, screened: &Screened, day: Date) -> Register {
    let mut register = Register::default();
    for (id, stated) in &organisation.file.parties {
        let mut party = one(organisation, id, stated, day);
        if let Some(found) = screened.parties.get(id.as_str()) {
            let decided = screened.uncovered.iter().filter(|(list, _)| {
                !Listing::ALL
                    .iter()
                    .any(|known| outside(*known) && known.word() == *list)
            });
            party.listed = both(&party.listed, found, decided);
        }
        let field = format!("parties.{id}.listed");
        if let Some(why) = undecided(stated, &organisation.source.name, &field) {
            party.listed = party.listed.others_unknown(&why);
        }
        register.insert(id.as_str(), party);
    }
    register
}

/// What is stated and what was found, together. A statement that leaves something open speaks of what no imported list
/// covers: there it stays open.
fn both<'u>(
    stated: &Listed,
    found: &Listed,
    uncovered: impl IntoIterator<Item = (&'u String, &'u String)>,
) -> Listed {
    let both = found
        .clone()
        .and_on(stated.certain().clone(), stated.source());
    uncovered
        .into_iter()
        .filter(|(list, _)| stated.stands_on(list) == Certainty::Open)
        .fold(both, |both, (list, why)| both.perhaps(list, why))
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

/// The lists in the words of the rule packs.
fn listed(party: &PartyFile, file: &str, field: &str) -> Listed {
    match Stated::fact(party.listed.as_ref(), file, field) {
        Fact::Unknown(why) => Listed::unknown(why),
        Fact::Known(listings, source) => Listed::on(
            listings
                .0
                .iter()
                .filter(|listing| !outside(**listing))
                .map(|listing| listing.word()),
            source,
        ),
    }
}

/// The packs decide on no party of the EU's or the UK's list.
const fn outside(listing: Listing) -> bool {
    matches!(listing, Listing::Eu | Listing::Uk)
}

/// Why a party's status is open whatever screening found and whatever licence is held for another list: it is stated to
/// stand on a list on which no pack decides.
fn undecided(party: &PartyFile, file: &str, field: &str) -> Option<String> {
    let Fact::Known(listings, _) = Stated::fact(party.listed.as_ref(), file, field) else {
        return None;
    };
    let on: Vec<&str> = listings
        .0
        .iter()
        .filter(|listing| outside(**listing))
        .map(|listing| listing.word())
        .collect();
    (!on.is_empty()).then(|| {
        format!(
            "{file} says that `{field}` is {}, and no rule pack decides on that list",
            on.join(", ")
        )
    })
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

/// The lists that are certain and those that are open, once a party is screened.
fn beside_screening(
    stated: &Listed,
    found: &Listed,
    uncovered: &BTreeMap<String, String>,
) -> (Fact<BTreeSet<String>>, BTreeMap<String, String>) {
    let listed = both(stated, found, uncovered);
    if listed.certain().is_empty()
        && Listing::ALL
            .iter()
            .all(|list| listed.stands_on(list.word()) == Certainty::Open)
    {
        return (listed.whole(), BTreeMap::new());
    }
    let why = listed.why_open().unwrap_or_default();
    let open = Listing::ALL
        .iter()
        .map(|list| list.word())
        .filter(|list| listed.stands_on(list) == Certainty::Open)
        .map(|list| (list.to_owned(), why.clone()))
        .collect();
    let certain = Fact::Known(listed.certain().clone(), listed.source().clone());
    (certain, open)
}

/// Every party of `causeway.yaml` with everything that it says of holdings: sources, counts, votes, days, control; and the
/// lists that it names or that screening found.
#[must_use]
pub fn graph(organisation: &Organisation, screened: &Screened) -> Graph {
    let file = &organisation.source.name;
    let mut graph = Graph::default();
    for (id, party) in &organisation.file.parties {
        let field = |name: &str| format!("parties.{id}.{name}");
        let stated = Stated::fact(party.listed.as_ref(), file, &field("listed"));
        let stated = stated.map(|listings| {
            let words = listings.0.into_iter().map(Listing::word);
            words.map(str::to_owned).collect::<BTreeSet<_>>()
        });
        let (listings, open_lists) = match screened.parties.get(id.as_str()) {
            None => (stated, BTreeMap::new()),
            Some(found) => beside_screening(&stated.into(), found, &screened.uncovered),
        };
        let listings = listings.map(|lists| lists.into_iter().map(ListEntry::on).collect());
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
                listings,
                open_lists,
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
        let register = register(&organisation(owners), &Screened::default(), day());
        cascade(&register, Decimal::from(50), |party| party.on_any(&["sdn"])).of("a")
    }

    fn tests(owners: &str) -> Verdict {
        assess(
            &graph(&organisation(owners), &Screened::default()),
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
        let register = register(&organisation, &Screened::default(), day());
        let on = |key: &str, list| register.get(key).unwrap().listed.stands_on(list);
        assert_eq!(on("a", "entity_list"), Certainty::Open);
        assert_eq!(
            on("b", "sdn"),
            Certainty::Yes,
            "what is prohibited stays so, whatever else is open"
        );
        assert_eq!(on("c", "entity_list"), Certainty::Yes);
        assert_eq!(
            on("c", "sdn"),
            Certainty::Open,
            "a licence for one list is none for the other"
        );
    }

    #[test]
    fn what_is_stated_and_what_screening_found_stand_together() {
        let text = "organisation: a\nparties:\n  a: {name: A, listed: none}\n  b: {name: B}\n  c: {name: C, listed: eu}\n  d: {name: D, listed: meu}\nhome: {country: SG}\n";
        let organisation = parse(&Arc::new(SourceFile::new("causeway.yaml", text))).unwrap();
        let clear = || Listed::on(["sdn"; 0], Source::named("imported lists"));
        let found = clear()
            .and_on(["sdn".to_owned()].into(), &Source::named("csl"))
            .perhaps("sdn_7448", "no programmes");
        let screened = Screened {
            parties: BTreeMap::from([
                ("a".to_owned(), found),
                ("b".to_owned(), clear()),
                ("c".to_owned(), clear()),
                ("d".to_owned(), Listed::unknown("csl is too old")),
            ]),
            uncovered: BTreeMap::from([
                ("tw_shtc".to_owned(), "not imported".to_owned()),
                ("eu".to_owned(), "not imported".to_owned()),
            ]),
        };
        let register = register(&organisation, &screened, day());
        let on = |key: &str, list| register.get(key).unwrap().listed.stands_on(list);
        // A list that no import covers is as it is stated; `none` in the file outranks no finding.
        assert_eq!(on("a", "sdn"), Certainty::Yes);
        assert_eq!(on("a", "sdn_7448"), Certainty::Open);
        assert_eq!(on("a", "tw_shtc"), Certainty::No);
        // Where nobody states anything, what no import covers is unknown; the law does not ask for the EU's list.
        assert_eq!(on("b", "sdn"), Certainty::No);
        assert_eq!(on("b", "tw_shtc"), Certainty::Open);
        // A list on which no pack decides stays open although screening found nothing.
        assert_eq!(on("c", "entity_list"), Certainty::Open);
        // What is stated counts although the imported list is too old.
        assert_eq!(on("d", "meu"), Certainty::Yes);
        assert_eq!(on("d", "sdn"), Certainty::Open);

        let graph = graph(&organisation, &screened);
        let node = |key: &str| &graph.parties[key];
        assert_eq!(
            node("a").lists_in_words(day()),
            "on sdn, perhaps on sdn_7448"
        );
        assert_eq!(node("b").lists_in_words(day()), "perhaps on eu, tw_shtc");
        assert_eq!(node("c").lists_in_words(day()), "on eu");
        assert_eq!(
            node("d").lists_in_words(day()),
            "on meu, perhaps on entity_list, eu, sdn, sdn_7448, tw_shtc, uk"
        );
    }

    #[test]
    fn control_has_its_words_and_the_law_sees_it() {
        let file = organisation(
            "{party: n, share: 100 %}, {party: x, share: 0 %, control: appoints the board}",
        );
        let register = register(&file, &Screened::default(), day());
        assert!(
            register
                .get("a")
                .unwrap()
                .owners
                .iter()
                .any(|holding| holding.control)
        );
        let found = assess(
            &graph(&file, &Screened::default()),
            &regimes()[0],
            day(),
            &default_floor(),
        );
        assert_eq!(found.verdict("a"), Verdict::Review);
        assert!(
            found
                .explain(&regimes()[0], "a")
                .contains("x (counts) appoints the board")
        );
    }
}
