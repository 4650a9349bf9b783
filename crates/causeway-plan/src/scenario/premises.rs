//! What drawn futures rest on, and where a number of an outlook comes from.

use causeway_domain::scenario::{Answer, File, Place};
use causeway_domain::{Hours, Usd};
use causeway_law::Tree;
use serde::Serialize;

use super::{Outlook, Prospect, Spread};
use crate::candidate::span;

/// Something that may happen or be answered, how likely it is, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Premise {
    /// Its name in the file; of an answer, what is asked for.
    pub name: String,
    /// What it is.
    pub what: String,
    /// When, and how likely.
    pub chance: String,
    /// Where that is written; none where it is an assumption of the file's author.
    pub source: Option<String>,
}

impl Premise {
    fn origin(&self) -> String {
        self.source.as_ref().map_or_else(
            || "an assumption of the file's author, no source".to_owned(),
            |source| format!("source: {source}"),
        )
    }
}

pub(super) fn premises(file: &File) -> Vec<Premise> {
    let events = file.events.iter().map(|(name, event)| {
        let does = if let Some(pack) = &event.pack {
            format!("rule pack {pack} in force")
        } else if let Some(place) = &event.lost {
            match place {
                Place::Site(site) => format!("site {site} lost"),
                Place::Country(country) => format!("every site in {country} lost"),
            }
        } else if let Some(price) = &event.price {
            let factor = price.factor;
            let of = price.accelerator.as_deref().unwrap_or("all machines");
            format!(
                "price of {of} x {}, {} to {}",
                factor.mid, factor.low, factor.high
            )
        } else {
            let chip = event.released.as_deref().unwrap_or_default();
            format!("{chip} to be had from then on")
        };
        Premise {
            name: name.clone(),
            what: format!("{}: {does}", event.title),
            chance: event.when.to_string(),
            source: event.source.clone(),
        }
    });
    let answers = [
        ("a review", &file.answers.review),
        ("a licence", &file.answers.licence),
    ];
    let answers = answers.into_iter().filter_map(|(name, answer)| {
        let Answer {
            days,
            granted,
            source,
            ..
        } = answer.as_ref()?;
        Some(Premise {
            name: name.to_owned(),
            what: "asked for where a plan needs one".to_owned(),
            chance: format!(
                "yes with probability {granted}, after {} days, {} to {}",
                days.mid, days.low, days.high
            ),
            source: source.clone(),
        })
    });
    events.chain(answers).collect()
}

/// What can be asked about an outlook, with what it is.
pub const FIELDS: [(&str, &str); 4] = [
    ("finishes", "share of futures in which it ends lawfully"),
    ("spent", "money where it finishes"),
    ("ends", "time from today to the end"),
    ("lost", "time and money waited and worked in vain"),
];

/// Where a field of a plan in drawn futures comes from: every reading, why plans stop, and what all of it rests on. Nothing
/// where there is no such field; `place` is a candidate's name.
#[must_use]
pub fn trace(outlook: &Outlook, place: &str, field: &str) -> Option<Tree> {
    let (name, what) = FIELDS.iter().find(|(name, _)| *name == field)?;
    let mut tree = Tree::new(format!("{name} of {place} ({what})"));
    for reading in &outlook.readings {
        let of = |one: &&Prospect| one.place == place;
        let Some(prospect) = reading.prospects.iter().find(of) else {
            tree.push(format!("{}: not drawn for", reading.name));
            continue;
        };
        let value = match *name {
            "finishes" => format!(
                "{} of {} futures, standard error {}",
                prospect.finishes, outlook.draws, prospect.error
            ),
            "spent" => prospect
                .money
                .map_or_else(|| "no price is known, or it never ends".to_owned(), dollars),
            "ends" => prospect
                .time
                .map_or_else(|| "it never ends".to_owned(), hours),
            _ => format!(
                "{}; {}",
                hours(prospect.time_lost),
                prospect
                    .money_lost
                    .map_or_else(|| "no price is known".to_owned(), dollars)
            ),
        };
        let stops = prospect
            .stopped
            .iter()
            .map(|(why, share)| format!("stops in {share}: {why}"));
        tree.push(Tree::new(format!("{}: {value}", reading.name)).with(stops));
    }
    let premises = outlook.premises.iter().map(|premise| {
        Tree::new(format!(
            "{}: {}; {}",
            premise.name, premise.what, premise.chance
        ))
        .with([premise.origin()])
    });
    tree.push(
        Tree::new(format!(
            "drawn from {} futures with seed {}, a checkpoint home every {}",
            outlook.draws,
            outlook.seed,
            span(outlook.home_every)
        ))
        .with(premises),
    );
    Some(tree)
}

fn dollars(spread: Spread<Usd>) -> String {
    format!(
        "{} in half of them, less than {} in 95 of 100",
        spread.p50, spread.p95
    )
}

fn hours(spread: Spread<Hours>) -> String {
    format!(
        "{} in half of them, less than {} in 95 of 100",
        span(spread.p50),
        span(spread.p95)
    )
}
