//! Scenario files: what may happen while a model is trained.
//!
//! [`parse`] gives a [`File`] whose names all resolve and whose chances make sense, or every [`Problem`] of it. A chance
//! has a source, or the file says that it is an assumption; a file that leaves that open is refused.

mod file;

use std::sync::Arc;

pub use file::*;

use crate::yaml::Node;
use crate::{Problem, SourceFile, near, schema};

/// Reads and checks a scenario file.
///
/// # Errors
/// Every problem of the file, at its place.
pub fn parse(source: &Arc<SourceFile>) -> Result<File, Vec<Problem>> {
    let (root, file) = schema::read_one::<File>(source, "a scenario file", &json_schema())?;
    let mut check = Check {
        source,
        root: &root,
        problems: Vec::new(),
    };
    check.file(&file);
    if check.problems.is_empty() {
        Ok(file)
    } else {
        Err(check.problems)
    }
}

/// The JSON Schema of a scenario file, as committed for editors.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(File)
}

struct Check<'a> {
    source: &'a Arc<SourceFile>,
    root: &'a Node,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn say(&mut self, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        let place = self.root.at(pointer).place;
        self.problems
            .push(Problem::error(self.source, place, message).help(help));
    }

    fn file(&mut self, file: &File) {
        for (name, event) in &file.events {
            self.event(name, event);
        }
        let names: Vec<&str> = file.events.keys().map(String::as_str).collect();
        for (name, scenario) in &file.scenarios {
            for (field, events) in [("certain", &scenario.certain), ("never", &scenario.never)] {
                for event in events {
                    if file.events.contains_key(event) {
                        continue;
                    }
                    let help = near(event, names.iter().copied()).map_or_else(
                        || format!("`events` has: {}", names.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    let pointer = format!("/scenarios/{name}/{field}");
                    self.say(&pointer, format!("there is no event `{event}`"), help);
                }
            }
            if let Some(both) = scenario.certain.intersection(&scenario.never).next() {
                self.say(
                    &format!("/scenarios/{name}/never"),
                    format!("`{both}` is certain and ruled out in one scenario"),
                    "leave it in one of the two lists",
                );
            }
        }
        for (name, answer) in [
            ("review", &file.answers.review),
            ("licence", &file.answers.licence),
        ] {
            let Some(answer) = answer else { continue };
            let pointer = format!("/answers/{name}");
            self.grounds(&pointer, answer.source.is_some(), answer.assumption);
            self.spread(&format!("{pointer}/days"), answer.days);
        }
    }

    fn event(&mut self, name: &str, event: &Event) {
        let pointer = format!("/events/{name}");
        let effects = [
            event.pack.is_some(),
            event.lost.is_some(),
            event.price.is_some(),
            event.released.is_some(),
        ];
        if effects.iter().filter(|given| **given).count() != 1 {
            self.say(
                &pointer,
                format!("`{name}` must have exactly one effect"),
                "write one of `pack`, `lost`, `price`, `released`; what happens together is several events that a scenario names",
            );
        }
        if let Some(price) = &event.price {
            self.spread(&format!("{pointer}/price/factor"), price.factor);
        }
        self.grounds(&pointer, event.source.is_some(), event.assumption);
        self.chance(&format!("{pointer}/when"), &event.when);
    }

    fn chance(&mut self, pointer: &str, when: &Chance) {
        let on_a_day = when.on.is_some();
        let in_a_span = when.to.is_some();
        let at_a_rate = when.per_year.is_some();
        if [on_a_day, in_a_span, at_a_rate]
            .iter()
            .filter(|given| **given)
            .count()
            != 1
        {
            self.say(
                pointer,
                "when it happens must be said in one way",
                "write `on` (a day), `to` (a day up to which each is as likely) or `per_year` (a rate)",
            );
        } else if on_a_day && when.from.is_some() {
            self.say(
                pointer,
                "`on` is a single day: `from` says nothing beside it",
                "leave `from` out",
            );
        } else if at_a_rate && when.probability.is_some() {
            self.say(
                pointer,
                "a rate says how likely it is: `probability` says it again",
                "leave one of them out",
            );
        }
        if let (Some(from), Some(to)) = (when.from, when.to)
            && from > to
        {
            self.say(
                &format!("{pointer}/to"),
                format!("{to} is before {from}"),
                "`from` comes first",
            );
        }
    }

    fn grounds(&mut self, pointer: &str, source: bool, assumption: bool) {
        match (source, assumption) {
            (false, false) => self.say(
                pointer,
                "nobody says where these numbers come from",
                "write `source: ...`, or `assumption: true` if they are your own",
            ),
            (true, true) => self.say(
                pointer,
                "numbers with a source are no assumption",
                "leave `assumption` or `source` out",
            ),
            _ => {}
        }
    }

    fn spread(&mut self, pointer: &str, spread: Spread) {
        if !(spread.low <= spread.mid && spread.mid <= spread.high) {
            self.say(
                pointer,
                format!(
                    "{}, {}, {} are not in order",
                    spread.low, spread.mid, spread.high
                ),
                "`low` is the least and `high` the greatest",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<File, Vec<String>> {
        parse(&Arc::new(SourceFile::new("s.yaml", text))).map_err(|problems| {
            problems
                .iter()
                .map(|problem| {
                    format!(
                        "{}: {}",
                        problem.file.line_column(problem.place.offset).0,
                        problem.message
                    )
                })
                .collect()
        })
    }

    const GOOD: &str = "format: causeway/scenarios/1
events:
  bill: {title: a bill, pack: hyp-remote-access, when: {from: 2027-01-01, to: 2027-12-31, probability: 0.2}, assumption: true}
  site: {title: a site, lost: {site: johor}, when: {per_year: 0.05}, assumption: true}
  price: {title: dearer, price: {accelerator: H100, factor: {low: 0.8, mid: 1, high: 1.4}}, when: {on: 2027-03-01}, source: a list}
  chip: {title: a chip, released: B300, when: {on: 2027-03-01, probability: 0.9}, source: the maker}
scenarios:
  strict: {title: strict, certain: [bill], never: [site]}
answers:
  licence: {days: {low: 30, mid: 60, high: 180}, granted: 0.4, assumption: true}
";

    #[test]
    fn a_whole_file_is_read() {
        let file = of(GOOD).unwrap();
        assert_eq!(file.events.len(), 4);
        assert!(
            matches!(&file.events["site"].lost, Some(Place::Site(site)) if site.as_str() == "johor")
        );
        assert_eq!(file.scenarios["strict"].certain.len(), 1);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_its_place() {
        let bad = "format: causeway/scenarios/1
events:
  a: {title: a, when: {per_year: 1}, assumption: true}
  b: {title: b, pack: p, released: X, when: {on: 2027-01-01, to: 2027-02-01}, source: s}
  c: {title: c, pack: p, when: {from: 2027-02-01, to: 2027-01-01}}
  d: {title: d, price: {factor: {low: 2, mid: 1, high: 3}}, when: {per_year: 1, probability: 0.1}, source: s, assumption: true}
scenarios:
  x: {certain: [aa, b], never: [b]}
";
        assert_eq!(
            of(bad).unwrap_err(),
            [
                "3: `a` must have exactly one effect",
                "4: `b` must have exactly one effect",
                "4: when it happens must be said in one way",
                "5: nobody says where these numbers come from",
                "5: 2027-01-01 is before 2027-02-01",
                "6: 2, 1, 3 are not in order",
                "6: numbers with a source are no assumption",
                "6: a rate says how likely it is: `probability` says it again",
                "8: there is no event `aa`",
                "8: `b` is certain and ruled out in one scenario",
            ]
        );
    }

    #[test]
    fn unknown_words_and_wrong_formats_are_refused() {
        assert!(of("format: causeway/scenarios/2\nevents: {}\n").is_err());
        let said = of(&GOOD.replace("per_year", "peryear")).unwrap_err();
        assert!(said[0].contains("peryear"), "{said:?}");
        assert!(of(&GOOD.replace("0.2", "1.2")).is_err());
    }
}
