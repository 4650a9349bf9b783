//! The first paragraph: the answer in plain words. And the last: where everything comes from.

use causeway_law::Outcome;

use super::pending::bills;
use super::standing::Standing;
use super::timeline::{run, turning};
use super::{Answer, View, words};
use crate::candidate::Candidate;

/// Lines of what the answer hangs on.
const MOST: usize = 8;

pub(super) fn answer(view: &View<'_>) -> Answer {
    let today = words::long_day(view.today);
    let Some(best) = view.chosen else {
        return Answer {
            standing: None,
            before: format!(
                "No place can run `{}` on {today}: {}.",
                view.page.comparison.task,
                words::shortened(&view.why_none, 500)
            ),
            place: String::new(),
            after: String::new(),
            terms: String::new(),
            hangs_on: Vec::new(),
        };
    };
    let place = best.place.country.known().map_or_else(
        || "a country that nobody states".to_owned(),
        |country| words::in_country(*country),
    );
    let task = &view.page.comparison.task;
    let (before, after) = match best.outcome {
        Outcome::Allow => (
            format!("The best lawful place for `{task}` on {today} is "),
            format!(" in {place}."),
        ),
        Outcome::NeedsReview => (
            format!("No place is cleared for `{task}` on {today}. The nearest to it is "),
            format!(" in {place}, which needs review."),
        ),
        Outcome::LicenseRequired => (
            format!("No place is cleared for `{task}` on {today}. The nearest to it is "),
            format!(" in {place}, which takes a licence."),
        ),
        Outcome::Prohibited => (
            format!(
                "Every place that could be reached is prohibited for `{task}` on {today}. First among them would be "
            ),
            format!(" in {place}."),
        ),
    };
    let mut hangs_on = hangs_on(view, best);
    hangs_on.truncate(MOST);
    Answer {
        standing: Some(best.outcome.into()),
        before,
        place: best.name(),
        after,
        terms: terms(best),
        hangs_on,
    }
}

fn terms(best: &Candidate) -> String {
    let mut text = match (best.cost(), best.hours()) {
        (Some(_), Some(_)) => format!(
            "It costs {} and takes {}",
            words::cost(best),
            words::time(best)
        ),
        (Some(_), None) => format!(
            "It costs {}; how long it takes is not known",
            words::cost(best)
        ),
        (None, Some(_)) => format!("It takes {}; what it costs is not known", words::time(best)),
        (None, None) => "What it costs and how long it takes are not known".to_owned(),
    };
    text += &format!(", on {} of {}", words::chips(best), best.operator);
    match best.price_per_hour {
        Some(price) => {
            text += &format!(
                ", at {price} for all machines (price: {}).",
                best.offer_source
            )
        }
        None => text += &format!(" (offer: {}).", best.offer_source),
    }
    if let Some(why) = words::unknown(best) {
        text += &format!(" Unknown is {why}.");
    }
    if let Some(other) = &best.stands_in_for {
        text += &format!(" It stands in for {other}.");
    }
    text
}

fn hangs_on(view: &View<'_>, best: &Candidate) -> Vec<String> {
    let mut out = Vec::new();
    if best.outcome != Outcome::Allow {
        out.push(format!("The law: {}.", words::reason(best, 420)));
    }
    let obligations = best.clearance.obligations();
    if !obligations.is_empty() && best.outcome == Outcome::Allow {
        out.push(format!(
            "Obligations that come with it: {}.",
            words::duties(&obligations)
        ));
    }
    if let Some((_, end, _)) = run(view) {
        out.push(match turning(view, end).first() {
            Some(day) => format!("The run would end by {}; the law itself may read otherwise from {} on.", words::long_day(end), words::long_day(*day)),
            None => format!("The run would end by {}, and the law names no day before that on which it would read otherwise.", words::long_day(end)),
        });
    }
    for bill in bills(view) {
        if let Some((_, standing)) = bill.changes.iter().find(|(name, _)| *name == best.name()) {
            let title = bill.rules.first().map_or("", |rule| rule.title.as_str());
            out.push(format!(
                "A bill: passed today, {} ({title}) would {}.",
                bill.pack,
                standing.does()
            ));
        }
    }
    if let Some(outlook) = view.page.outlook
        && let Some(prospect) = outlook.readings.first().and_then(|reading| {
            let name = best.name();
            reading
                .prospects
                .iter()
                .find(|prospect| prospect.place == name)
        })
    {
        out.push(format!(
            "Chance: it finishes, lawful all the way, in {} of {} drawn futures.",
            prospect.finishes,
            words::grouped(outlook.draws)
        ));
    }
    let open: Vec<String> = best
        .factors
        .named()
        .into_iter()
        .filter(|(_, factor)| factor.is_open())
        .map(|(name, factor)| {
            format!(
                "{name} (between {:.0} and {:.0} of 100)",
                factor.low, factor.high
            )
        })
        .collect();
    if !open.is_empty() {
        out.push(format!(
            "Missing facts and errors of estimates leave open: {}.",
            words::listed(&open)
        ));
    }
    let mut memory: Vec<String> = best
        .clearance
        .verdicts
        .iter()
        .flat_map(|verdict| verdict.from_memory.clone())
        .collect();
    memory.sort();
    memory.dedup();
    if !memory.is_empty() {
        out.push(format!(
            "Rules that are known from memory at least in part, and should be looked up: {}.",
            memory.join(", ")
        ));
    }
    out
}

/// Rules, prices, colours, land.
pub(super) fn sources(view: &View<'_>) -> Vec<String> {
    let page = view.page;
    let mut out = vec![format!(
        "Law: as of {} UTC, read in the posture `{}`, packs {}. Content hash of the rule packs {}.",
        page.comparison.at,
        page.settings.posture.word(),
        page.settings
            .packs
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        page.packs.digest()
    )];
    for version in page.packs.versions() {
        if let Some(horizon) = version.horizon {
            out.push(format!(
                "{} ({}), version {}: checked against sources up to {horizon}.",
                version.name, version.jurisdiction, version.version
            ));
        }
    }
    let mut prices: Vec<&str> = view
        .all()
        .iter()
        .map(|candidate| candidate.offer_source.as_str())
        .collect();
    prices.sort_unstable();
    prices.dedup();
    if !prices.is_empty() {
        let more = prices.len().saturating_sub(12);
        let shown: Vec<&str> = prices.iter().take(12).copied().collect();
        let more = if more > 0 {
            format!("; and {more} more, each named in the table of offers")
        } else {
            String::new()
        };
        out.push(format!("Prices and machines: {}{more}.", shown.join("; ")));
    }
    out.push(format!(
        "Colours: Okabe and Ito 2008, \"Color Universal Design\", told apart with protanopia, deuteranopia and tritanopia; every colour has a sign and a word beside it ({}).",
        Standing::ALL.map(|standing| format!("{} {}", standing.letter(), standing.words())).join(", ")
    ));
    out.push("This page is one file, loads nothing and runs nothing. It compares; it is not legal advice.".to_owned());
    out
}
