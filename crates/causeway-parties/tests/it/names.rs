//! Name matching over the labelled pairs: what `docs/src/screening.md` claims is held here.

use causeway_parties::names::{Band, Kind, Match, Name, Weights, compare};

struct Pair {
    left: Name,
    right: Name,
    same: bool,
    weak: bool,
    row: String,
    found: Match,
}

const VISIBLE: &[u8] = include_bytes!("../data/pairs-visible.csv");
const OWN: &[u8] = include_bytes!("../data/pairs-own.csv");

fn pairs(file: &[u8]) -> Vec<Pair> {
    let weights = Weights::builtin();
    let mut reader = csv::Reader::from_reader(file);
    let mut pairs = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        let kind = if &row[2] == "Person" {
            Kind::Person
        } else {
            Kind::Entity
        };
        let (left, right) = (Name::new(&row[0], kind), Name::new(&row[1], kind));
        let found = compare(&weights, &left, &right);
        let row_text = format!("{} | {}", &row[0], &row[1]);
        pairs.push(Pair {
            found,
            left,
            right,
            same: &row[3] == "1",
            weak: row.iter().next_back() == Some("WEAK"),
            row: row_text,
        });
    }
    pairs
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Counts {
    fn of<'a>(pairs: impl IntoIterator<Item = &'a Pair>, threshold: u16) -> Self {
        let mut counts = Self::default();
        for pair in pairs {
            match (pair.found.score >= threshold, pair.same) {
                (true, true) => counts.right += 1,
                (true, false) => counts.wrong += 1,
                (false, true) => counts.missed += 1,
                (false, false) => {}
            }
        }
        counts
    }

    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.missed).max(1))
    }

    fn f1(self) -> f64 {
        f64::from(2 * self.right) / f64::from((2 * self.right + self.wrong + self.missed).max(1))
    }
}

/// Prints what a person who works on the matching wants to see: `cargo test -p causeway-parties names -- --nocapture`.
#[test]
fn mistakes_are_shown() {
    for pair in pairs(OWN).into_iter().chain(pairs(VISIBLE)) {
        let positive = pair.found.band != Band::Clear;
        if positive != pair.same || (pair.found.band == Band::Hit && !pair.same) {
            let weak = if pair.weak { "weak " } else { "" };
            let what = if positive { "WRONG " } else { "MISSED" };
            println!("{what} {} {weak}{}", pair.found.score, pair.row);
            for line in pair.found.explain(&pair.left, &pair.right) {
                println!("          {line}");
            }
        }
    }
}

#[test]
fn names_hold() {
    let pairs = pairs(VISIBLE);
    let fair: Vec<&Pair> = pairs.iter().filter(|pair| !pair.weak).collect();
    for (threshold, name) in [
        (causeway_parties::names::REVIEW, "review"),
        (causeway_parties::names::HIT, "hit"),
    ] {
        let counts = Counts::of(fair.iter().copied(), threshold);
        println!(
            "{name}: precision {:.3} recall {:.3} F1 {:.3} {counts:?}",
            counts.precision(),
            counts.recall(),
            counts.f1()
        );
    }
    for threshold in (500..1000).step_by(25) {
        println!(
            "{threshold}: {:.3}",
            Counts::of(fair.iter().copied(), threshold).f1()
        );
    }
    let review = Counts::of(fair.iter().copied(), causeway_parties::names::REVIEW);
    assert!(review.f1() >= 0.85, "F1 {:.3}", review.f1());
    let hit = Counts::of(pairs.iter(), causeway_parties::names::HIT);
    assert!(
        hit.precision() >= 0.95,
        "hit precision {:.3}",
        hit.precision()
    );
}
