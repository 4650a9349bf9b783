//! How much of a line may be taken, by the time of day: pure.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{BitsPerSecond, InvalidUnit};

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// The least rate that is one: a block of 4 MiB takes over an hour at it. Less is a pause. Bits per second.
const LEAST: f64 = 8000.0;

/// What may be taken at an instant.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Cap {
    /// Nothing.
    Paused,
    /// So much.
    At(BitsPerSecond),
    /// All there is.
    Unlimited,
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("0"),
            Self::At(rate) => rate.fmt(f),
            Self::Unlimited => f.write_str("off"),
        }
    }
}

/// A cap, and other ones in windows of the day.
///
/// ```
/// use causeway_domain::{Cap, RateLimit};
///
/// let limit: RateLimit = "08:00-18:00=20Mbit/s,100Mbit/s".parse().unwrap();
/// assert_eq!(limit.to_string(), "08:00-18:00=20 Mbit/s, 100 Mbit/s");
/// assert_eq!(limit.cap(jiff::civil::time(12, 0, 0, 0)).to_string(), "20 Mbit/s");
/// let nights: RateLimit = "0, 22:00-06:00=off".parse().unwrap();
/// assert_eq!(nights.cap(jiff::civil::time(12, 0, 0, 0)), Cap::Paused);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(into = "String")]
#[schemars(with = "String", extend("type" = ["string", "number"], "format" = "rate-limit"))]
pub struct RateLimit {
    /// By their begin; none overlaps another.
    windows: Vec<Window>,
    /// Outside of all windows.
    rest: Cap,
}

impl Eq for RateLimit {}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    /// Minutes since midnight.
    begin: u16,
    /// The same, not part of the window; not after `begin`: on the next day.
    end: u16,
    cap: Cap,
}

impl Window {
    const fn holds(&self, minute: u16) -> bool {
        if self.begin < self.end {
            self.begin <= minute && minute < self.end
        } else {
            self.begin <= minute || minute < self.end
        }
    }
}

/// Text that is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    /// A rate in it is none.
    #[error(transparent)]
    Rate(#[from] InvalidUnit),
    /// A rate that nothing moves at.
    #[error("`{0}` is less than 8 kbit/s")]
    Least(String),
    /// A window whose times are none.
    #[error("`{0}` is no window of the day")]
    Window(String),
    /// Two windows that have a minute in common.
    #[error("the windows `{0}` and `{1}` overlap")]
    Overlap(String, String),
    /// Two rates for the rest of the day.
    #[error("`{0}` is a second limit for all day")]
    Second(String),
    /// Nothing.
    #[error("a limit is empty")]
    Empty,
}

impl InvalidLimit {
    /// What would be right.
    #[must_use]
    pub fn help(&self) -> String {
        "write a rate (`50Mbit/s`), or rates by the time of day (`08:00-18:00=20Mbit/s, 100Mbit/s`); `0` pauses, `off` is no limit"
            .to_owned()
    }
}

impl RateLimit {
    /// The cap at a time of day.
    #[must_use]
    pub fn cap(&self, time: Time) -> Cap {
        let minute = minute(time);
        self.windows
            .iter()
            .find(|window| window.holds(minute))
            .map_or(self.rest, |window| window.cap)
    }

    /// The cap at an instant, in a zone, and when it will be another one; `None`: never.
    #[must_use]
    pub fn at(&self, now: Timestamp, zone: &TimeZone) -> (Cap, Option<ZonedDateTime>) {
        let now = now.to_zoned_datetime(zone.clone());
        let cap = self.cap(now.time());
        let bounds = self
            .windows
            .iter()
            .flat_map(|window| [window.begin, window.end]);
        let mut changes: Vec<ZonedDateTime> = bounds
            .filter(|minute| self.cap(time(*minute)) != cap)
            .filter_map(|minute| {
                let today = now.date();
                [Some(today), today.tomorrow().ok()]
                    .into_iter()
                    .flatten()
                    // An hour that the clock leaves out or repeats: jiff takes the instant that people mean.
                    .filter_map(|day| {
                        day.to_datetime(time(minute))
                            .to_zoned_datetime(zone.clone())
                            .ok()
                    })
                    .find(|at| *at > now)
            })
            .collect();
        changes.sort();
        (cap, changes.into_iter().next())
    }

    /// The largest cap of the day.
    #[must_use]
    pub fn most(&self) -> Cap {
        let covered: usize = self
            .windows
            .iter()
            .map(|window| usize::from((window.end + DAY - window.begin - 1) % DAY + 1))
            .sum();
        let windows = self.windows.iter().map(|window| window.cap);
        let most = windows.fold(Cap::Paused, |most, cap| if cap > most { cap } else { most });
        if covered < usize::from(DAY) && self.rest > most {
            self.rest
        } else {
            most
        }
    }

    /// Whether nothing may ever move.
    #[must_use]
    pub fn is_always_paused(&self) -> bool {
        self.most() == Cap::Paused
    }
}

fn minute(time: Time) -> u16 {
    let part = |part: i8| u16::try_from(part).unwrap_or(0);
    part(time.hour()) * 60 + part(time.minute())
}

fn time(minute: u16) -> Time {
    let part = |part: u16| i8::try_from(part).unwrap_or(0);
    let minute = minute % DAY;
    Time::new(part(minute / 60), part(minute % 60), 0, 0).unwrap_or(Time::midnight())
}

/// Minutes since midnight, 24:00 included.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str, most: u16| {
        (1..=2)
            .contains(&text.len())
            .then(|| text.parse::<u16>().ok())?
            .filter(|number| *number <= most && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (hours, minutes) = (number(hours, 24)?, number(minutes, 59)?);
    Some(hours * 60 + minutes).filter(|minute| *minute <= DAY)
}

fn cap(text: &str) -> Result<Cap, InvalidLimit> {
    let text = text.trim();
    match text {
        "0" => return Ok(Cap::Paused),
        "off" => return Ok(Cap::Unlimited),
        _ => {}
    }
    let rate: BitsPerSecond = text.parse()?;
    if rate.get() == 0.0 {
        Ok(Cap::Paused)
    } else if rate.get() < LEAST {
        Err(InvalidLimit::Least(text.to_owned()))
    } else {
        Ok(Cap::At(rate))
    }
}

impl FromStr for RateLimit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        let (mut windows, mut rest): (Vec<Window>, Option<Cap>) = (Vec::new(), None);
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let Some((span, rate)) = part.split_once('=') else {
                if rest.replace(cap(part)?).is_some() {
                    return Err(InvalidLimit::Second(part.trim().to_owned()));
                }
                continue;
            };
            let wrong = || InvalidLimit::Window(span.trim().to_owned());
            let (begin, end) = span.split_once('-').ok_or_else(wrong)?;
            let (begin, end) = clock(begin).zip(clock(end)).ok_or_else(wrong)?;
            if begin == end || begin == DAY || end == 0 {
                return Err(wrong());
            }
            windows.push(Window {
                begin,
                end,
                cap: cap(rate)?,
            });
        }
        windows.sort_by_key(|window| window.begin);
        for (index, one) in windows.iter().enumerate() {
            let other = windows
                .iter()
                .skip(index + 1)
                .find(|other| one.holds(other.begin) || other.holds(one.begin));
            if let Some(other) = other {
                return Err(InvalidLimit::Overlap(span(one), span(other)));
            }
        }
        match (rest, windows.is_empty()) {
            (None, true) => Err(InvalidLimit::Empty),
            (rest, _) => Ok(Self {
                windows,
                rest: rest.unwrap_or(Cap::Unlimited),
            }),
        }
    }
}

fn span(window: &Window) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", clock(window.begin), clock(window.end))
}

impl fmt::Display for RateLimit {
    /// As it is written: windows in order, then the rest of the day.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for window in &self.windows {
            write!(f, "{}={}, ", span(window), window.cap)?;
        }
        self.rest.fmt(f)
    }
}

impl From<RateLimit> for String {
    fn from(limit: RateLimit) -> Self {
        limit.to_string()
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // In YAML a bare 0 is a number.
        let text = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            _ => return Err(serde::de::Error::custom("a limit is text")),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil;
    use proptest::prelude::*;

    fn limit(text: &str) -> RateLimit {
        text.parse().unwrap()
    }

    fn mbit(rate: f64) -> Cap {
        Cap::At(BitsPerSecond::new(rate * 1e6))
    }

    #[test]
    fn windows_hold_from_their_begin_up_to_their_end() {
        let office = limit("100Mbit/s, 08:00-18:00=20Mbit/s, 22:30-6:00=off");
        for (hour, minute, cap) in [
            (7, 59, mbit(100.0)),
            (8, 0, mbit(20.0)),
            (17, 59, mbit(20.0)),
            (18, 0, mbit(100.0)),
            (22, 30, Cap::Unlimited),
            (0, 0, Cap::Unlimited),
            (5, 59, Cap::Unlimited),
            (6, 0, mbit(100.0)),
        ] {
            let time = civil::time(hour, minute, 59, 0);
            assert_eq!(office.cap(time), cap, "{time}");
        }
        assert_eq!(office.most(), Cap::Unlimited);
        assert_eq!(limit("08:00-18:00=0").most(), Cap::Unlimited);
        assert_eq!(limit("00:00-24:00=5Mbit/s").most(), mbit(5.0));
        assert!(limit("0").is_always_paused() && !limit("0,1:00-2:00=1Mbit/s").is_always_paused());
    }

    #[test]
    fn the_next_change_is_that_of_the_clock_on_the_wall() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let office = limit("08:00-18:00=0, 18:00-20:00=0, 100Mbit/s");
        let at = |text: &str| {
            let (cap, until) = office.at(text.parse().unwrap(), &zone);
            (cap, until.map(|until| until.timestamp().to_string()))
        };
        // 12:00 there; two windows of the same cap are one pause.
        let seen = at("2026-11-25T11:00:00Z");
        assert_eq!(seen, (Cap::Paused, Some("2026-11-25T19:00:00Z".to_owned())));
        // Over the night on which the clock is put back.
        let seen = at("2026-10-24T21:00:00Z");
        assert_eq!(seen, (mbit(100.0), Some("2026-10-25T07:00:00Z".to_owned())));
        assert_eq!(
            limit("5Mbit/s").at(Timestamp::UNIX_EPOCH, &zone),
            (mbit(5.0), None)
        );
    }

    #[test]
    fn mistakes_are_told_apart() {
        let wrong = |text: &str| text.parse::<RateLimit>().unwrap_err().to_string();
        assert_eq!(
            wrong("20"),
            "`20` is not a rate: write for example `50Mbit/s`, `6MB/s`"
        );
        assert_eq!(wrong(" , "), "a limit is empty");
        assert_eq!(
            wrong("1Mbit/s,2Mbit/s"),
            "`2Mbit/s` is a second limit for all day"
        );
        assert_eq!(
            wrong("08:00-12:00=1Mbit/s, 22:00-8:01=0"),
            "the windows `08:00-12:00` and `22:00-08:01` overlap"
        );
        assert_eq!(wrong("100bit/s"), "`100bit/s` is less than 8 kbit/s");
        for window in [
            "8-18",
            "08:00",
            "25:00-26:00",
            "08:60-09:00",
            "08:00-08:00",
            "24:00-01:00",
            "+8:00-9:00",
        ] {
            assert_eq!(
                wrong(&format!("{window}=1Mbit/s")),
                format!("`{window}` is no window of the day")
            );
        }
    }

    fn a_cap() -> impl Strategy<Value = Cap> {
        prop_oneof![
            Just(Cap::Paused),
            Just(Cap::Unlimited),
            (1u32..1000).prop_map(|rate| mbit(f64::from(rate))),
        ]
    }

    proptest! {
        #[test]
        fn no_text_makes_a_limit_panic(text in "[0-9:=,. MBbits/of-]{0,40}") {
            let _ = text.parse::<RateLimit>();
        }

        /// Cut a day into windows anywhere, some of them open: what is printed is read back, each minute has its window's cap,
        /// and at the told instant the cap changes, not before.
        #[test]
        fn a_day_is_what_its_windows_say(
            cuts in prop::collection::btree_set(0..DAY, 2..8),
            caps in prop::collection::vec(prop::option::of(a_cap()), 8),
            rest in a_cap(),
            second in 0i64..10 * 86_400,
        ) {
            let cuts: Vec<u16> = cuts.into_iter().collect();
            let ends = cuts.iter().skip(1).chain(cuts.first());
            let windows = cuts.iter().zip(ends).zip(&caps).filter_map(|((begin, end), cap)| {
                // Midnight as an end is written 24:00.
                Some(Window { begin: *begin, end: if *end == 0 { DAY } else { *end }, cap: (*cap)? })
            });
            let limit = RateLimit { windows: windows.collect(), rest };
            prop_assert_eq!(limit.to_string().parse::<RateLimit>().unwrap(), limit.clone());
            for window in &limit.windows {
                prop_assert_eq!(limit.cap(time(window.begin)), window.cap);
            }
            let now = Timestamp::from_second(second).unwrap();
            let (cap, until) = limit.at(now, &TimeZone::UTC);
            prop_assert!(cap <= limit.most());
            let later = |minutes: i64| limit.at(now + jiff::SignedDuration::from_mins(minutes), &TimeZone::UTC).0;
            match until {
                Some(until) => {
                    let (then, _) = limit.at(until.timestamp(), &TimeZone::UTC);
                    prop_assert!(then != cap);
                    let minutes = until.timestamp().duration_since(now).as_mins();
                    prop_assert!((0..minutes).all(|minute| later(minute) == cap));
                }
                None => prop_assert!((0..i64::from(DAY)).all(|minute| later(minute) == cap)),
            }
        }
    }
}
