//! What the page says of a candidate, in words.

use causeway_domain::{Country, Date, Fact, Timestamp, Usd};
use causeway_estimate::{Estimate, Fits, Interval};
use causeway_law::{ActKind, ActVerdict, Outcome};

use super::standing::Standing;
use crate::candidate::{Candidate, span};

/// The country's name, or that nobody states it.
pub(super) fn country(candidate: &Candidate) -> String {
    match &candidate.place.country {
        Fact::Known(country, _) => country.name().to_owned(),
        Fact::Unknown(_) => "country unknown".to_owned(),
    }
}

/// A country in running text: some take an article.
pub(super) fn in_country(country: Country) -> String {
    let name = country.name();
    let the = name.starts_with("United ") || matches!(country.code(), "NL" | "PH" | "MV" | "BS");
    if the {
        format!("the {name}")
    } else {
        name.to_owned()
    }
}

/// `2 x 8 H100`, `processors`.
pub(super) fn chips(candidate: &Candidate) -> String {
    let node = candidate.accelerator.as_ref().map_or_else(
        || "processors".to_owned(),
        |(name, count)| format!("{count} {name}"),
    );
    match candidate.nodes {
        0 | 1 => node,
        nodes => format!("{nodes} nodes of {node}"),
    }
}

/// The day of an instant, UTC.
pub(super) fn day(at: Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

/// A day, spelled out.
pub(super) fn long_day(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

/// Dollars with groups of three; cents where they tell.
pub(super) fn dollars(amount: Usd) -> String {
    let value = amount.get();
    if value < 1000.into() {
        return amount.to_string();
    }
    format!("${}", in_threes(&value.round().to_string()))
}

/// A number with groups of three.
pub(super) fn grouped(number: usize) -> String {
    in_threes(&number.to_string())
}

fn in_threes(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Dollars an hour for all nodes, `?` where nobody states a price.
pub(super) fn price(candidate: &Candidate) -> String {
    candidate
        .price_per_hour
        .map_or_else(|| "?".to_owned(), |price| Usd::new(price.get()).to_string())
}

/// Expected cost with its interval, `?` where it is unknown.
pub(super) fn cost(candidate: &Candidate) -> String {
    let Some(cost) = candidate.cost() else {
        return "?".to_owned();
    };
    match candidate.costs() {
        Some(Interval { low, high, .. }) if low < high => {
            interval(&dollars(cost), &dollars(low), &dollars(high))
        }
        _ => dollars(cost),
    }
}

/// Machines, storage, egress and people, as far as their prices are known.
pub(super) fn bill(candidate: &Candidate) -> [String; 4] {
    let Ok(estimate) = &candidate.estimate else {
        return ["?", "?", "?", "?"].map(str::to_owned);
    };
    let bill = &estimate.bill;
    let part = |fact: &Fact<Interval<Usd>>, silent: &str| {
        fact.known()
            .map_or_else(|| silent.to_owned(), |part| dollars(part.mid))
    };
    const SILENT: &str = "not counted";
    [
        part(&bill.nodes, "?"),
        part(&bill.storage, SILENT),
        bill.egress
            .known()
            .map_or_else(|| SILENT.to_owned(), |egress| dollars(*egress)),
        part(&bill.people, SILENT),
    ]
}

/// A thousandth of each of three amounts, with its interval.
fn thousands(amounts: Interval<f64>) -> String {
    let shown = amounts.map(|amount| {
        let amount = amount / 1000.0;
        let digits = usize::from(amount < 10.0);
        format!("{amount:.digits$}")
    });
    interval(&shown.mid, &shown.low, &shown.high)
}

/// Megawatt-hours with their interval, `?` where they are unknown.
pub(super) fn energy(candidate: &Candidate) -> String {
    let energy = candidate
        .estimate
        .as_ref()
        .ok()
        .and_then(|estimate| estimate.energy.known());
    energy.map_or_else(
        || "?".to_owned(),
        |energy| thousands(energy.energy.map(|energy| energy.get())),
    )
}

/// Tonnes of carbon dioxide with their interval, `?` where they are unknown.
pub(super) fn carbon(candidate: &Candidate) -> String {
    let carbon = candidate.carbon.known();
    carbon.map_or_else(
        || "?".to_owned(),
        |carbon| thousands(carbon.map(|carbon| carbon.get())),
    )
}

/// Expected time with its interval, `?` where it is unknown.
pub(super) fn time(candidate: &Candidate) -> String {
    match candidate.time() {
        Some(hours) if hours.low < hours.high => {
            interval(&span(hours.mid), &span(hours.low), &span(hours.high))
        }
        Some(hours) => span(hours.mid),
        None => "?".to_owned(),
    }
}

/// `6.1 days (4.1 to 13.5 days)`, which breaks over two lines before the bracket only.
fn interval(mid: &str, low: &str, high: &str) -> String {
    let unit = |text: &str| text.split_once(' ').map(|(_, unit)| unit.to_owned());
    let low = match (low.split_once(' '), unit(high)) {
        (Some((number, same)), Some(unit)) if same == unit => number,
        _ => low,
    };
    let bracket = format!("({low} to {high})");
    format!(
        "{} {}",
        mid.replace(' ', "\u{a0}"),
        bracket.replace(' ', "\u{a0}")
    )
}

/// Why its price or time is unknown.
pub(super) fn unknown(candidate: &Candidate) -> Option<String> {
    match &candidate.estimate {
        Err(why) => Some(why.clone()),
        Ok(Estimate {
            fits: Fits::No { why },
            ..
        }) => Some(format!("time and cost: {why}")),
        Ok(estimate) => [
            (
                "time",
                estimate.hours.known().is_none(),
                why(&estimate.hours),
            ),
            ("cost", estimate.cost.known().is_none(), why(&estimate.cost)),
        ]
        .into_iter()
        .find(|(_, unknown, _)| *unknown)
        .map(|(what, _, why)| format!("{what}: {why}")),
    }
}

fn why<T>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Known(..) => "",
        Fact::Unknown(why) => why,
    }
}

/// An act, as people say it.
pub(super) fn act(kind: ActKind) -> &'static str {
    match kind {
        ActKind::RentIaas => "renting the machines",
        ActKind::UseChip => "using the machines",
        ActKind::TransferDataset => "sending data",
        ActKind::TransferTechnology => "sending code",
        ActKind::TransferWeights => "bringing the weights home",
        other => other.word(),
    }
}

/// Why it stands as it does: the strictest acts with the rules that decide them and the facts that nobody states; what
/// the task lacks there; why it can't be reached. At most `most` characters.
pub(super) fn reason(candidate: &Candidate, most: usize) -> String {
    let mut parts = candidate.infeasible.clone();
    if candidate.outcome != Outcome::Allow {
        let strictest = |verdict: &&ActVerdict| verdict.outcome == candidate.outcome;
        parts.extend(
            candidate
                .clearance
                .verdicts
                .iter()
                .filter(strictest)
                .map(verdict),
        );
    } else if parts.is_empty() {
        let count = candidate.clearance.verdicts.len();
        parts.push(format!("each of its {count} acts is allowed"));
        let obligations = candidate.clearance.obligations();
        if !obligations.is_empty() {
            parts.push(format!("it obliges to: {}", duties(&obligations)));
        }
    }
    parts.extend(candidate.unreachable.clone());
    shortened(&parts.join("; "), most)
}

/// Obligations in words.
pub(super) fn duties(obligations: &[String]) -> String {
    let words: Vec<String> = obligations
        .iter()
        .map(|word| word.replace('_', " "))
        .collect();
    listed(&words)
}

fn verdict(verdict: &ActVerdict) -> String {
    let mut text = format!(
        "{}: {}",
        act(verdict.kind),
        Standing::from(verdict.outcome).words()
    );
    let rules = verdict.deciding.iter().map(|hit| hit.id.as_str());
    if let Some(rules) = few(rules) {
        text += &format!(" by {rules}");
    }
    let facts = verdict.open_facts.iter().map(|fact| fact.fact.as_str());
    if let Some(facts) = few(facts) {
        text += &format!("; nobody states {facts}");
    }
    text
}

/// The first four different words, and how many more there are.
fn few<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words {
        if !all.iter().any(|known| known == word) {
            all.push(word.to_owned());
        }
    }
    if all.len() > 5 {
        let more = all.len() - 4;
        all.truncate(4);
        all.push(format!("{more} more"));
    }
    (!all.is_empty()).then(|| listed(&all))
}

/// At most so many characters; what is cut ends in dots.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// `1 place`, `3 places`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn money_is_grouped_and_small_money_keeps_its_cents() {
        let of = |amount: &str| dollars(Usd::new(amount.parse::<Decimal>().unwrap()));
        assert_eq!(of("1234567.4"), "$1,234,567");
        assert_eq!(of("12.5"), "$12.50");
        assert_eq!(of("1000"), "$1,000");
        assert_eq!(of("0"), "$0.00");
    }

    #[test]
    fn an_interval_says_its_unit_once() {
        let of = |mid, low, high| interval(mid, low, high).replace('\u{a0}', " ");
        assert_eq!(
            of("6.1 days", "4.1 days", "9 days"),
            "6.1 days (4.1 to 9 days)"
        );
        assert_eq!(
            of("50 h", "40.0 h", "2.5 days"),
            "50 h (40.0 h to 2.5 days)"
        );
        assert_eq!(of("$2", "$1", "$3"), "$2 ($1 to $3)");
    }

    #[test]
    fn words_are_cut_and_counted() {
        assert_eq!(shortened("a place in the sun", 8), "a place\u{2026}");
        assert_eq!(shortened("short", 8), "short");
        assert_eq!(count(1, "place"), "1 place");
        assert_eq!(count(0, "place"), "0 places");
        let words: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(listed(&words), "a, b and c");
        assert_eq!(in_country("US".parse().unwrap()), "the United States");
    }
}
