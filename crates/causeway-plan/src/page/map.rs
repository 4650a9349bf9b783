//! What moves: the countries of the candidates, and what the best one sends and brings home.

use std::collections::BTreeMap;

use causeway_domain::Country;
use causeway_law::{ActKind, Described};
use causeway_market::Coordinates;

use super::chart::{self, Moved, Sheet};
use super::standing::Standing;
use super::world::{Place, World};
use super::{Cell, Picture, Section, Table, View, words};
use crate::candidate::Candidate;

/// What a candidate moves, as the law sees it.
fn moves(view: &View<'_>, candidate: &Candidate) -> Vec<Moved> {
    candidate
        .bare(view.page.comparison.at)
        .into_iter()
        .zip(&candidate.clearance.verdicts)
        .filter_map(|(Described { act, items }, verdict)| {
            let items: Vec<String> = items.into_iter().collect();
            let what = match act.kind {
                ActKind::TransferDataset => words::listed(&items),
                ActKind::TransferTechnology => "code".to_owned(),
                ActKind::TransferWeights => "weights".to_owned(),
                _ => return None,
            };
            Some(Moved {
                kind: act.kind,
                what,
                from: act.from,
                to: act.to.known().copied(),
                standing: verdict.outcome.into(),
            })
        })
        .collect()
}

pub(super) fn section(view: &View<'_>) -> Section {
    let world = World::builtin();
    let place = |country: Option<Country>| {
        country.map_or_else(
            || "not stated".to_owned(),
            |country| country.name().to_owned(),
        )
    };
    let rows = view
        .shown
        .iter()
        .flat_map(|candidate| {
            moves(view, candidate).into_iter().map(|moved| {
                vec![
                    Cell::text(candidate.name()),
                    Cell::text(moved.what.clone()),
                    Cell::text(place(moved.from)),
                    Cell::text(place(moved.to)),
                    Cell::text(match moved.crosses() {
                        Some(true) => "yes",
                        Some(false) => "no",
                        None => "not known",
                    }),
                    Cell::standing(moved.standing),
                ]
            })
        })
        .collect();
    let mut notes = Vec::new();
    if let Some(world) = &world {
        let missing: Vec<String> = countries(view)
            .into_keys()
            .filter(|country| world.point(*country).is_none())
            .map(|country| country.name().to_owned())
            .collect();
        if !missing.is_empty() {
            notes.push(format!(
                "Without a point on this map: {}.",
                missing.join(", ")
            ));
        }
    }
    Section {
        id: "moves",
        question: "What moves?",
        finding: finding(view),
        pictures: world
            .and_then(|world| picture(view, &world))
            .into_iter()
            .collect(),
        tables: vec![Table {
            caption: "What the best candidates send and bring home".to_owned(),
            head: vec!["offer", "what", "from", "to", "crosses a border", "stands"],
            rows,
        }],
        notes,
    }
}

fn finding(view: &View<'_>) -> String {
    let Some(best) = view.shown.first() else {
        return "Nothing moves: there is no candidate.".to_owned();
    };
    let all = moves(view, best);
    let with = |crosses: Option<bool>| -> Vec<String> {
        all.iter()
            .filter(|moved| moved.crosses() == crosses)
            .map(|moved| match (moved.kind, moved.from, moved.to) {
                (ActKind::TransferWeights, Some(from), Some(to)) if crosses == Some(true) => {
                    format!(
                        "the weights from {} to {}",
                        words::in_country(from),
                        words::in_country(to)
                    )
                }
                (_, Some(from), Some(to)) if crosses == Some(true) => {
                    format!(
                        "{} from {} to {}",
                        moved.what,
                        words::in_country(from),
                        words::in_country(to)
                    )
                }
                _ => moved.what.clone(),
            })
            .collect()
    };
    let mut parts = Vec::new();
    let (over, stays, open) = (with(Some(true)), with(Some(false)), with(None));
    if !over.is_empty() {
        parts.push(format!(
            "{} over a border: {}.",
            if over.len() == 1 {
                "One thing goes"
            } else {
                "These go"
            },
            words::listed(&over)
        ));
    }
    if !stays.is_empty() {
        parts.push(format!(
            "No border is crossed by {}.",
            words::listed(&stays)
        ));
    }
    if !open.is_empty() {
        parts.push(format!(
            "For {} nobody states where it is or goes, so the law takes it as open.",
            words::listed(&open)
        ));
    }
    if parts.is_empty() {
        parts.push("Nothing is sent and nothing comes home.".to_owned());
    }
    format!("With {}: {}", best.name(), parts.join(" "))
}

/// The countries of all candidates with the best standing in each.
fn countries(view: &View<'_>) -> BTreeMap<Country, Standing> {
    let mut out = BTreeMap::new();
    for candidate in view.all() {
        if let Some(country) = candidate.place.country.known() {
            let standing = Standing::of(candidate);
            let best = out.entry(*country).or_insert(standing);
            *best = (*best).min(standing);
        }
    }
    out
}

/// Signs that stand nearer than so many kilometres can't be told apart.
const NEAR: f64 = 300.0;

/// The point of the best candidate of each country that has one: the chosen one's, else the first's. What would stand on a
/// sign of another country goes to the middle of its own.
fn points(view: &View<'_>) -> BTreeMap<Country, Place> {
    let mut known: BTreeMap<Country, Coordinates> = BTreeMap::new();
    for candidate in view.chosen.into_iter().chain(view.all()) {
        if let (Some(country), Some(at)) = (
            candidate.place.country.known(),
            candidate.place.coordinates.known(),
        ) {
            known.entry(*country).or_insert(*at);
        }
    }
    let alone = |(country, at): &(&Country, &Coordinates)| {
        known
            .iter()
            .all(|(other, there)| other == *country || at.distance(there).get() > NEAR)
    };
    known
        .iter()
        .filter(alone)
        .map(|(country, at)| {
            let place = Place {
                longitude: at.longitude(),
                latitude: at.latitude(),
            };
            (*country, place)
        })
        .collect()
}

fn picture(view: &View<'_>, world: &World) -> Option<Picture> {
    let sheet = Sheet {
        world,
        countries: countries(view),
        points: points(view),
        moves: view
            .shown
            .first()
            .map(|best| moves(view, best))
            .unwrap_or_default(),
        chosen: view
            .chosen
            .and_then(|chosen| chosen.place.country.known().copied()),
        home: view.page.home,
    };
    let drawing = chart::draw(&sheet, &finding(view))?;
    Some(Picture {
        drawing,
        caption: format!(
            "A sign is the best that an offer in the country has, and stands where the first of them is, or in the middle of the country where that is not known or too near another; the ring is the best place{}. Arcs follow great circles, drawn beside each other where they share a way. \
             Equal Earth projection (\u{160}avri\u{10d}, Patterson and Jenny 2019). Land: {}; {}.",
            if view.page.home.is_some() {
                ", the house is home"
            } else {
                ""
            },
            world.source,
            world.licence
        ),
    })
}
