//! Days as lists write them: whole, or a year or month alone.

use causeway_domain::Date;
use serde::{Deserialize, Serialize};

use crate::Certainty;

/// A day, month or year, as written. What can't be read stays as it is and leaves open when it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(String);

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

impl Day {
    /// As written.
    #[must_use]
    pub fn written(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// First and last day that it can be: `2024` is all of that year. `None` when it can't be read.
    ///
    /// Reads `2024`, `2024-05`, `2024-05-10`, the same with a time behind it, `10 May 2024` and `May 2024` (OFAC).
    #[must_use]
    pub fn bounds(&self) -> Option<(Date, Date)> {
        let text = self.0.trim();
        let day = text.split_once(['T', ' ']).map_or(text, |(day, _)| day);
        dashed(day).or_else(|| worded(text))
    }

    /// The day itself, when it is a whole one.
    #[must_use]
    pub fn exact(&self) -> Option<Date> {
        self.bounds()
            .filter(|(first, last)| first == last)
            .map(|(first, _)| first)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

fn dashed(text: &str) -> Option<(Date, Date)> {
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())
            .flatten()
    };
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map(|part| number(part, 2));
    let day = parts.next().map(|part| number(part, 2));
    if parts.next().is_some() {
        return None;
    }
    span(
        year,
        month.map(Option::unwrap_or_default),
        day.map(Option::unwrap_or_default),
    )
}

fn worded(text: &str) -> Option<(Date, Date)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (day, month, year) = match words.as_slice() {
        [day, month, year] => (Some(day.parse::<i16>().ok()?), *month, *year),
        [month, year] => (None, *month, *year),
        _ => return None,
    };
    if year.len() != 4 {
        return None;
    }
    let start: String = month.chars().take(3).collect();
    let index = MONTHS
        .iter()
        .position(|known| known.eq_ignore_ascii_case(&start))?;
    span(
        year.parse().ok()?,
        Some(i16::try_from(index).ok()? + 1),
        day,
    )
}

fn span(year: i16, month: Option<i16>, day: Option<i16>) -> Option<(Date, Date)> {
    let part = |number: i16| i8::try_from(number).ok();
    match (month, day) {
        (None, _) => Some((Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?)),
        (Some(month), None) => {
            let first = Date::new(year, part(month)?, 1).ok()?;
            Some((first, first.last_of_month()))
        }
        (Some(month), Some(day)) => {
            let day = Date::new(year, part(month)?, part(day)?).ok()?;
            Some((day, day))
        }
    }
}

/// Whether something that starts and ends on these days (both belong to it; left out: always) holds on `day`. Open where
/// a day is not written whole and it matters, or can't be read.
#[must_use]
pub fn holds(start: Option<&Day>, end: Option<&Day>, day: Date) -> Certainty {
    let started = start.map_or(Certainty::Yes, |start| match start.bounds() {
        Some((_, last)) if last <= day => Certainty::Yes,
        Some((first, _)) if day < first => Certainty::No,
        _ => Certainty::Open,
    });
    let going_on = end.map_or(Certainty::Yes, |end| match end.bounds() {
        Some((first, _)) if day <= first => Certainty::Yes,
        Some((_, last)) if last < day => Certainty::No,
        _ => Certainty::Open,
    });
    started.min(going_on)
}

#[cfg(test)]
mod tests {
    use causeway_domain::Date;

    use super::*;

    fn bounds(text: &str) -> Option<(String, String)> {
        Day::written(text)
            .bounds()
            .map(|(first, last)| (first.to_string(), last.to_string()))
    }

    #[test]
    fn reads_what_lists_write() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(bounds("2024"), pair("2024-01-01", "2024-12-31"));
        assert_eq!(bounds("2024-02"), pair("2024-02-01", "2024-02-29"));
        assert_eq!(bounds("2024-05-10"), pair("2024-05-10", "2024-05-10"));
        assert_eq!(
            bounds("2024-05-10T00:00:00Z"),
            pair("2024-05-10", "2024-05-10")
        );
        assert_eq!(bounds("21 Jul 2020"), pair("2020-07-21", "2020-07-21"));
        assert_eq!(bounds("July 2020"), pair("2020-07-01", "2020-07-31"));
        for bad in [
            "",
            "circa 1960",
            "2024-13",
            "2024-00-01",
            "31 Feb 2020",
            "20240510",
            "2024-5-1",
            "2024-05-10-11",
            "-",
            "x 2020",
            "99999",
        ] {
            assert_eq!(bounds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_part_of_a_date_leaves_open_what_it_leaves_open() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let (start, end) = (Day::written("2024"), Day::written("2025-06"));
        let on = |text| holds(Some(&start), Some(&end), day(text));
        assert_eq!(on("2023-12-31"), Certainty::No);
        assert_eq!(on("2024-06-01"), Certainty::Open);
        assert_eq!(on("2024-12-31"), Certainty::Yes);
        assert_eq!(on("2025-06-01"), Certainty::Yes);
        assert_eq!(on("2025-06-02"), Certainty::Open);
        assert_eq!(on("2025-07-01"), Certainty::No);
        assert_eq!(
            holds(None, Some(&Day::written("soon")), day("2025-01-01")),
            Certainty::Open
        );
    }
}
