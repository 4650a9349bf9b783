//! Lists and registers as a [`Register`]: parties with their holders and the lists they stand on, for a day.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Fact, Percent, Source};
use rust_decimal::Decimal;

use super::words::words_of;
use super::{
    Certainty, Edge, EdgeKind, Entry, Judging, Kind, ListedWords, Listing, Lists, Record,
    Relationship, Screened, Share, known_list,
};
use crate::{Holding, Listed, Party, PartyKind, Register};

/// Parties of lists and registers, for a day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// The parties with their holders.
    pub register: Register,
    /// On which lists of the rule packs each stands, with the entries.
    pub listed: BTreeMap<String, ListedWords>,
    /// Entries on lists that the rule packs have no word for, each with what it means for a run.
    pub other_listings: BTreeMap<String, Vec<(Entry, Listing)>>,
    /// Directors and links that are no ownership, by the party they lead to: shared directors are a red flag.
    pub links: BTreeMap<String, Vec<(String, Edge)>>,
    /// What a person should know of a party: exceptions, weak evidence, doubts.
    pub notes: BTreeMap<String, Vec<String>>,
}

/// What sources say of one holder's stake in one party.
#[derive(Default)]
struct Claims {
    stated: Vec<(Share, Source)>,
    /// A claim that may not hold on the day.
    dated_openly: bool,
    control: bool,
    why: BTreeSet<String>,
}

impl Lists {
    /// The parties of all lists with their holders, for a day; with `only`, these keys (see [`Lists::key`]) and all above
    /// them.
    ///
    /// `screen` gives the entries that may be the same party as a record by name; what it finds leaves the lists of that
    /// entry open for the party, as do lists that are missing, old or have rows that can't be read.
    /// [`Lists::same_names`] is the least that it must find.
    ///
    /// Shares: what sources agree on is known; where they differ, and for ranges, the least is known and the rest a second
    /// holding of the same holder with an unknown share. Consolidation and control give `control` and an unknown share;
    /// an indirect stake gives an unknown share; directors and links give no holding. A register of holders is never taken
    /// as complete.
    #[must_use]
    pub fn graph(
        &self,
        judging: &Judging,
        only: Option<&BTreeSet<String>>,
        screen: &dyn Fn(&Entry) -> Vec<Screened>,
    ) -> Graph {
        let mut graph = Graph::default();
        let claims = self.claims(judging, &mut graph);
        let wanted = only.map(|keys| above(keys, &claims));
        let mut members: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for (name, list) in self.lists() {
            for record in list.records.values() {
                let entry = Entry::new(name, &record.id);
                let key = self.key(&entry);
                if record.kind != Kind::Address
                    && wanted.as_ref().is_none_or(|wanted| wanted.contains(&key))
                {
                    members.entry(key).or_default().push(entry);
                }
            }
        }
        graph.links.retain(|key, _| members.contains_key(key));
        let open = self.open_words(judging);
        for (key, entries) in members {
            let records: Vec<(&Entry, &Record)> = entries
                .iter()
                .filter_map(|entry| Some((entry, self.get(entry)?)))
                .collect();
            let listed = self.words(judging, &records, &open, screen, &key, &mut graph);
            let holdings = claims.get(&key).map(holdings).unwrap_or_default();
            let party = party(&records, listed.listed(), holdings);
            let notes = notes(&records);
            if !notes.is_empty() {
                graph.notes.insert(key.clone(), notes);
            }
            graph.listed.insert(key.clone(), listed);
            graph.register.insert(key, party);
        }
        graph
    }

    /// What every source says about who holds what, by owned party and holder.
    fn claims(
        &self,
        judging: &Judging,
        graph: &mut Graph,
    ) -> BTreeMap<String, BTreeMap<String, Claims>> {
        let mut claims: BTreeMap<String, BTreeMap<String, Claims>> = BTreeMap::new();
        for (name, list) in self.lists() {
            let key = |id: &str| self.key(&Entry::new(name, list.current(id)));
            for relationship in list.relationships.values() {
                // A chain that is there link by link is not added a second time as its sum.
                let summed = relationship
                    .sums_up
                    .iter()
                    .any(|part| list.relationships.contains_key(part));
                if summed {
                    continue;
                }
                for edge in &relationship.edges {
                    let holds = edge.holds(judging.day, relationship.asserted_on);
                    if holds == Certainty::No {
                        continue;
                    }
                    let (owner, owned) = (key(&edge.owner), key(&edge.owned));
                    if matches!(edge.kind, EdgeKind::Director | EdgeKind::Link) {
                        graph
                            .links
                            .entry(owned)
                            .or_default()
                            .push((owner, edge.clone()));
                        continue;
                    }
                    claims
                        .entry(owned)
                        .or_default()
                        .entry(owner)
                        .or_default()
                        .add(name, relationship, edge, holds);
                }
            }
        }
        claims
    }

    /// On which lists a party stands, by its own records, by records that may be it, and by what no list can say.
    fn words(
        &self,
        judging: &Judging,
        records: &[(&Entry, &Record)],
        open: &BTreeMap<String, String>,
        screen: &dyn Fn(&Entry) -> Vec<Screened>,
        key: &str,
        graph: &mut Graph,
    ) -> ListedWords {
        let mut words = ListedWords::default();
        let mut others = Vec::new();
        for (entry, record) in records {
            for listing in &record.listings {
                let holds = listing.holds(judging.day);
                if holds > Certainty::No
                    && known_list(&listing.list).is_none_or(|known| known.pack_word.is_none())
                {
                    others.push(((*entry).clone(), listing.clone()));
                }
            }
            words_of(judging, entry, record, None, &mut words);
            let rivals = self.rivals(entry).into_iter().map(|(entry, why)| Screened {
                why: format!("{entry} shares an identifier with it, and {why}"),
                entry,
            });
            for found in screen(entry).into_iter().chain(rivals) {
                if records.iter().any(|(own, _)| **own == found.entry) {
                    continue;
                }
                if let Some(other) = self.get(&found.entry) {
                    words_of(judging, &found.entry, other, Some(&found.why), &mut words);
                }
            }
        }
        for (word, why) in open {
            words
                .perhaps
                .entry(word.clone())
                .or_default()
                .insert(why.clone());
        }
        // A party in doubt is never clear. One that is listed for certain is not cleared anyway.
        if words.certain.is_empty() {
            for (entry, record) in records {
                for (word, doubt) in judging
                    .words
                    .iter()
                    .flat_map(|word| record.doubts.iter().map(move |doubt| (word, doubt)))
                {
                    let why = format!("{entry} is in doubt: {}", doubt.why);
                    words.perhaps.entry(word.clone()).or_default().insert(why);
                }
            }
        }
        words.certain.retain(|word, _| judging.words.contains(word));
        words.perhaps.retain(|word, _| judging.words.contains(word));
        if !others.is_empty() {
            graph.other_listings.insert(key.to_owned(), others);
        }
        words
    }
}

/// Keys and all that stand above them.
fn above(
    keys: &BTreeSet<String>,
    claims: &BTreeMap<String, BTreeMap<String, Claims>>,
) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut next: Vec<&String> = keys.iter().collect();
    while let Some(key) = next.pop() {
        if all.insert(key.clone())
            && let Some(holders) = claims.get(key)
        {
            next.extend(holders.keys());
        }
    }
    all
}

impl Claims {
    fn add(&mut self, list: &str, relationship: &Relationship, edge: &Edge, holds: Certainty) {
        let at = format!("{list}:{}", relationship.id);
        let mut share = edge.share.clone();
        let mut doubt = |why: String| {
            share = Share::Unstated;
            why
        };
        let mut why = Vec::new();
        if let Some(weak) = &edge.weak {
            why.push(doubt(format!("{at}: weak evidence, {weak}")));
        }
        if edge.direct == Some(false) {
            why.push(doubt(format!(
                "{at} states {} held through others",
                edge.share
            )));
        }
        match edge.kind {
            EdgeKind::Share | EdgeKind::Votes => {}
            EdgeKind::Control | EdgeKind::Consolidation => {
                self.control = true;
                let word = edge.role.as_deref().unwrap_or("control");
                why.push(doubt(format!("{at} states `{word}`, which is no share")));
            }
            EdgeKind::Unknown | EdgeKind::Director | EdgeKind::Link => {
                self.control |= edge.beneficial;
                why.push(doubt(format!("{at} does not say what the interest is")));
            }
        }
        if holds == Certainty::Open {
            self.dated_openly = true;
            why.push(format!("{at} may not hold on that day"));
        }
        if share == Share::Unstated && why.is_empty() {
            why.push(match edge.shares {
                Some(count) => format!("{at} states {count} shares of an unstated total"),
                None => format!("{at} states no share"),
            });
        }
        self.why.extend(why);
        if share != Share::Unstated {
            let source = Source {
                by: list.to_owned(),
                evidence: Some(format!(
                    "{}, line {}",
                    relationship.id, relationship.origin.line
                )),
                on: relationship.asserted_on,
            };
            self.stated.push((share, source));
        }
    }
}

/// The holdings that claims give: one where they agree on a figure, else what is certain and what is open.
fn holdings(claims: &BTreeMap<String, Claims>) -> Vec<Holding> {
    let mut all = Vec::new();
    for (holder, claims) in claims {
        let mut push = |share, control| {
            all.push(Holding {
                holder: holder.clone(),
                share,
                control,
            });
        };
        let reasons = || claims.why.iter().cloned().collect::<Vec<_>>().join("; ");
        let Some((first, source)) = claims.stated.first() else {
            push(Fact::unknown(reasons()), claims.control);
            continue;
        };
        let agree = claims.stated.iter().all(|(share, _)| share == first);
        if let (Share::Exact(share), true, false) = (first, agree, claims.dated_openly) {
            push(Fact::Known(*share, source.clone()), claims.control);
            continue;
        }
        let least = claims
            .stated
            .iter()
            .map(|(share, _)| share.least())
            .min()
            .filter(|_| !claims.dated_openly)
            .unwrap_or_default();
        let said: Vec<String> = claims
            .stated
            .iter()
            .map(|(share, source)| format!("{share} ({source})"))
            .collect();
        let why = format!("sources say: {}", said.join(", "));
        if least > Decimal::ZERO {
            let source = Source {
                evidence: Some(format!("at least this much; {why}")),
                ..source.clone()
            };
            push(Fact::Known(Percent::new(least), source), claims.control);
        }
        let rest = if claims.why.is_empty() {
            why
        } else {
            format!("{why}; {}", reasons())
        };
        push(Fact::unknown(rest), claims.control);
    }
    all
}

fn party(records: &[(&Entry, &Record)], listed: Listed, owners: Vec<Holding>) -> Party {
    let kinds: BTreeSet<PartyKind> = records
        .iter()
        .filter_map(|(_, record)| match record.kind {
            Kind::Person => Some(PartyKind::Person),
            Kind::State => Some(PartyKind::State),
            Kind::Entity => Some(PartyKind::Company),
            _ => None,
        })
        .collect();
    let kind = match kinds.iter().next() {
        Some(kind) if kinds.len() == 1 => *kind,
        // Where it is not clear, it is what ownership can catch.
        _ => PartyKind::Company,
    };
    let headquarters = place(records, "headquarters", |record| record.headquarters);
    let incorporated = place(records, "jurisdiction", |record| record.jurisdiction);
    let same = headquarters.known().is_some() && headquarters.known() == incorporated.known();
    Party {
        name: records
            .first()
            .map_or_else(String::new, |(_, record)| record.label.clone()),
        kind,
        incorporated: (!same).then_some(incorporated),
        headquarters,
        listed,
        owners,
        owners_complete: false,
        parent: None,
    }
}

/// A place that records state. Weak evidence and disagreement leave it unknown, with what was said.
fn place(
    records: &[(&Entry, &Record)],
    what: &str,
    get: impl Fn(&Record) -> Option<Country>,
) -> Fact<Country> {
    let said: Vec<(Country, &Entry, &Record)> = records
        .iter()
        .filter_map(|(entry, record)| Some((get(record)?, *entry, *record)))
        .collect();
    let Some((first, entry, record)) = said.first() else {
        return Fact::unknown(format!("no list or register states its {what}"));
    };
    if let Some((other, at, _)) = said.iter().find(|(country, ..)| country != first) {
        return Fact::unknown(format!("{entry} says {first}, {at} says {other}"));
    }
    let Some((_, entry, record)) = said.iter().find(|(.., record)| record.weak.is_empty()) else {
        let weak = record.weak.join("; ");
        return Fact::unknown(format!("{entry} says {first}, on weak evidence: {weak}"));
    };
    Fact::Known(
        *first,
        Source {
            by: entry.list.clone(),
            evidence: Some(format!("{}, line {}", entry.id, record.origin.line)),
            on: record.asserted_on,
        },
    )
}

fn notes(records: &[(&Entry, &Record)]) -> Vec<String> {
    let mut notes = Vec::new();
    for (entry, record) in records {
        for exception in &record.exceptions {
            notes.push(format!(
                "{entry} names nobody as {}: {}",
                exception.category, exception.reason
            ));
        }
        for weak in &record.weak {
            notes.push(format!("{entry}: weak evidence, {weak}"));
        }
        for doubt in &record.doubts {
            notes.push(format!("{entry}: {}", doubt.why));
        }
    }
    notes
}
