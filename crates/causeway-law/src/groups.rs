//! Groups of countries, as they stood on a day.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::{Country, Date};
use serde::{Deserialize, Serialize};

/// Whether a country is in a group on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Member {
    /// It is not.
    Out,
    /// Sources differ, or nobody could say: the answer may not turn on it.
    Review,
    /// It is.
    In,
}

/// A row that outranks the plain list on some days.
#[derive(Debug, Clone, Deserialize)]
struct Dated {
    country: Country,
    group: String,
    from: Option<Date>,
    to: Option<Date>,
    state: Member,
    #[serde(default)]
    note: String,
}

/// A country that is read as another by this jurisdiction: it gets the other's groups.
#[derive(Debug, Clone, Deserialize)]
struct Alias {
    #[serde(rename = "as")]
    other: Country,
    from: Option<Date>,
}

/// A file of groups. Unknown keys (sources, notes) are for people.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GroupFile {
    groups: BTreeMap<String, Vec<Country>>,
    #[serde(default)]
    aliases: BTreeMap<Country, Alias>,
    #[serde(default)]
    dated: Vec<Dated>,
}

/// The groups of every jurisdiction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    files: Vec<(String, GroupFile)>,
}

fn holds(from: Option<Date>, to: Option<Date>, day: Date) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

impl GroupFile {
    /// Dated rows that say nothing certain: one that ends before it begins, one for days that another row has.
    pub(crate) fn slips(&self) -> Vec<(usize, String)> {
        let mut all = Vec::new();
        for (index, row) in self.dated.iter().enumerate() {
            let name = format!("{} in {}", row.country, row.group);
            if row.from.zip(row.to).is_some_and(|(from, to)| from > to) {
                all.push((index, format!("{name}: it ends before it begins")));
            }
            let earlier = self.dated.iter().take(index).any(|other| {
                (other.country, &other.group) == (row.country, &row.group)
                    && other.to.zip(row.from).is_none_or(|(to, from)| from <= to)
                    && row.to.zip(other.from).is_none_or(|(to, from)| from <= to)
            });
            if earlier {
                all.push((
                    index,
                    format!("{name}: an earlier row speaks for some of these days"),
                ));
            }
        }
        all
    }
}

/// A dated row of a group of countries, for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct GroupChange {
    /// The country.
    pub country: Country,
    /// The group.
    pub group: String,
    /// First day.
    pub from: Option<Date>,
    /// Last day, included.
    pub to: Option<Date>,
    /// `in`, `out`, or `review` where sources differ.
    pub state: &'static str,
    /// Where it is written.
    pub note: String,
}

impl Groups {
    /// The dated rows of some groups.
    pub(crate) fn dated(&self, groups: &BTreeSet<&str>) -> Vec<GroupChange> {
        let mut rows: Vec<GroupChange> = self
            .files
            .iter()
            .flat_map(|(_, file)| &file.dated)
            .filter(|row| groups.contains(row.group.as_str()))
            .map(|row| GroupChange {
                country: row.country,
                group: row.group.clone(),
                from: row.from,
                to: row.to,
                state: match row.state {
                    Member::In => "in",
                    Member::Out => "out",
                    Member::Review => "review",
                },
                note: row.note.clone(),
            })
            .collect();
        rows.sort();
        rows
    }

    pub(crate) fn add(&mut self, jurisdiction: &str, file: GroupFile) {
        self.files.push((jurisdiction.to_owned(), file));
    }

    /// Every name that a policy can use for a set of countries.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.files
            .iter()
            .flat_map(|(_, file)| {
                file.groups
                    .keys()
                    .map(String::as_str)
                    .chain(file.dated.iter().map(|row| row.group.as_str()))
            })
            .collect()
    }

    /// The days on which a membership begins or has ended.
    pub(crate) fn days(&self) -> BTreeSet<Date> {
        let mut days = BTreeSet::new();
        for (_, file) in &self.files {
            days.extend(file.aliases.values().filter_map(|alias| alias.from));
            for row in &file.dated {
                days.extend(row.from);
                days.extend(row.to.and_then(|to| to.tomorrow().ok()));
            }
        }
        days
    }

    /// The countries that are in a group on a day, or may be in it.
    pub(crate) fn members(&self, group: &str, day: Date) -> BTreeSet<Country> {
        let named = self.files.iter().flat_map(|(_, file)| {
            let listed = file.groups.get(group).into_iter().flatten();
            let dated = file.dated.iter().map(|row| &row.country);
            listed.chain(dated).chain(file.aliases.keys())
        });
        named
            .copied()
            .filter(|country| self.of(*country, |_| day).contains_key(group))
            .collect()
    }

    /// The groups that a country is in, or may be in. `day` says which day it is in a jurisdiction.
    pub(crate) fn of(
        &self,
        country: Country,
        day: impl Fn(&str) -> Date,
    ) -> BTreeMap<&str, Member> {
        let mut states = BTreeMap::new();
        for (jurisdiction, file) in &self.files {
            let day = day(jurisdiction);
            let alias = file
                .aliases
                .get(&country)
                .filter(|alias| holds(alias.from, None, day));
            let country = alias.map_or(country, |alias| alias.other);
            for (group, members) in &file.groups {
                if members.contains(&country) {
                    states.insert(group.as_str(), Member::In);
                }
            }
            for row in file
                .dated
                .iter()
                .filter(|row| row.country == country && holds(row.from, row.to, day))
            {
                states.insert(row.group.as_str(), row.state);
            }
        }
        states.retain(|_, state| *state != Member::Out);
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Groups {
        let mut groups = Groups::default();
        let text = r#"{"groups": {"D:5": ["CN", "RU"]}, "aliases": {"HK": {"as": "CN", "from": "2020-12-23"}}, "dated": [
            {"country": "KH", "group": "D:5", "from": null, "to": "2025-11-06", "state": "in"},
            {"country": "KH", "group": "D:5", "from": "2025-11-07", "to": "2026-02-02", "state": "review"},
            {"country": "RU", "group": "D:5", "from": "2030-01-01", "to": null, "state": "out"}]}"#;
        groups.add("us", serde_json::from_str(text).unwrap());
        groups
    }

    fn state(country: &str, day: &str) -> Option<Member> {
        groups()
            .of(country.parse().unwrap(), |_| day.parse().unwrap())
            .get("D:5")
            .copied()
    }

    #[test]
    fn dated_rows_outrank_the_list_and_both_ends_are_in() {
        assert_eq!(state("CN", "2026-01-01"), Some(Member::In));
        assert_eq!(state("KH", "2025-11-06"), Some(Member::In));
        assert_eq!(state("KH", "2025-11-07"), Some(Member::Review));
        assert_eq!(state("KH", "2026-02-02"), Some(Member::Review));
        assert_eq!(state("KH", "2026-02-03"), None);
        assert_eq!(state("RU", "2029-12-31"), Some(Member::In));
        assert_eq!(state("RU", "2030-01-01"), None);
    }

    #[test]
    fn members_are_those_of_the_day_and_those_that_may_be() {
        let on = |day: &str| -> Vec<String> {
            let members = groups().members("D:5", day.parse().unwrap());
            members.iter().map(ToString::to_string).collect()
        };
        assert_eq!(on("2020-12-22"), ["CN", "KH", "RU"]);
        assert_eq!(on("2025-11-07"), ["CN", "HK", "KH", "RU"]);
        assert_eq!(on("2026-02-03"), ["CN", "HK", "RU"]);
        assert!(
            groups()
                .members("A:1", "2026-02-03".parse().unwrap())
                .is_empty()
        );
    }

    #[test]
    fn an_alias_starts_on_its_day() {
        assert_eq!(state("HK", "2020-12-22"), None);
        assert_eq!(state("HK", "2020-12-23"), Some(Member::In));
    }
}
