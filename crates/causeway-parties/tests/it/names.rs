//! Name matching over the labelled pairs: what `docs/src/screening.md` claims is held here.

use causeway_parties::names::{Band, HIT, Index, Kind, Match, Name, REVIEW, Weights, compare};

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

/// Prints what a person who works on the matching wants to see: `cargo test -p causeway-parties names -- --nocapture`. And
/// holds that each result has its reasons.
#[test]
fn every_result_has_reasons() {
    for pair in pairs(OWN).into_iter().chain(pairs(VISIBLE)) {
        let reasons = pair.found.explain(&pair.left, &pair.right);
        assert!(!reasons.is_empty(), "{}", pair.row);
        if (pair.found.band != Band::Clear) != pair.same && !pair.weak {
            let what = if pair.same { "MISSED" } else { "WRONG " };
            println!(
                "{what} {} {}\n          {}",
                pair.found.score,
                pair.row,
                reasons.join("\n          ")
            );
        }
    }
}

/// Precision, recall and F1 of docs/src/screening.md, with room for a word more or less in a table, not for a fault.
#[test]
fn the_published_figures_hold() {
    let pairs = pairs(VISIBLE);
    let fair: Vec<&Pair> = pairs.iter().filter(|pair| !pair.weak).collect();
    let review = Counts::of(fair.iter().copied(), REVIEW);
    let hit = Counts::of(fair.iter().copied(), HIT);
    for (name, counts) in [("review", review), ("hit", hit)] {
        println!(
            "{name}: precision {:.3} recall {:.3} F1 {:.3} {counts:?}",
            counts.precision(),
            counts.recall(),
            counts.f1()
        );
    }
    assert!(review.f1() >= 0.93, "F1 {:.3}", review.f1());
    assert!(
        review.precision() >= 0.96 && review.recall() >= 0.90,
        "{review:?}"
    );
    let all = Counts::of(&pairs, HIT);
    assert!(
        all.precision() >= 0.97,
        "hit precision {:.3}",
        all.precision()
    );
    let han = pairs.iter().filter(|pair| {
        pair.row
            .chars()
            .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
            && !pair.weak
    });
    assert_eq!(Counts::of(han, REVIEW).missed, 0, "names in Han are found");
}

#[test]
fn pairs_written_after_the_thresholds_hold_them() {
    let pairs = pairs(OWN);
    let fair: Vec<&Pair> = pairs.iter().filter(|pair| !pair.weak).collect();
    let counts = Counts::of(fair.iter().copied(), REVIEW);
    println!(
        "own: precision {:.3} recall {:.3} F1 {:.3} {counts:?}",
        counts.precision(),
        counts.recall(),
        counts.f1()
    );
    assert!(counts.f1() >= 0.93, "F1 {:.3}", counts.f1());
    assert!(Counts::of(fair, HIT).precision() >= 0.97);
}

/// The threshold that is best for one half of the pairs does on the other half what the published one does: it was not
/// found by luck. Halves by row number, odd and even, and first and second.
#[test]
fn the_threshold_is_good_on_each_half() {
    let pairs = pairs(VISIBLE);
    let fair: Vec<&Pair> = pairs.iter().filter(|pair| !pair.weak).collect();
    let half = fair.len() / 2;
    for split in 0..4 {
        let chosen = |at: usize| match split {
            0 => at.is_multiple_of(2),
            1 => at % 2 == 1,
            2 => at < half,
            _ => at >= half,
        };
        let (here, there): (Vec<_>, Vec<_>) =
            fair.iter().enumerate().partition(|(at, _)| chosen(*at));
        let (here, there): (Vec<&Pair>, Vec<&Pair>) = (
            here.into_iter().map(|(_, pair)| *pair).collect(),
            there.into_iter().map(|(_, pair)| *pair).collect(),
        );
        let f1 =
            |pairs: &[&Pair], threshold: u16| Counts::of(pairs.iter().copied(), threshold).f1();
        let best = (500..1000)
            .step_by(5)
            .max_by(|one, two| f1(&here, *one).total_cmp(&f1(&here, *two)))
            .unwrap();
        let (transferred, published) = (f1(&there, best), f1(&there, REVIEW));
        println!(
            "split {split}: best {best} on one half gives {transferred:.3} on the other; {REVIEW} gives {published:.3}"
        );
        assert!(published >= 0.88, "split {split}: {published:.3}");
        assert!(transferred >= 0.86, "split {split}: {transferred:.3}");
    }
}

#[test]
fn the_order_of_two_names_makes_no_difference() {
    let weights = Weights::builtin();
    for pair in pairs(VISIBLE).into_iter().chain(pairs(OWN)) {
        let back = compare(&weights, &pair.right, &pair.left);
        assert_eq!(back.band, pair.found.band, "{}", pair.row);
    }
}

#[test]
fn a_name_is_itself_in_any_case_and_with_marks_around_it() {
    let weights = Weights::builtin();
    for pair in pairs(VISIBLE).iter().chain(&pairs(OWN)) {
        for name in [&pair.left, &pair.right] {
            let dressed = Name::new(&format!("\u{200f} {} \u{202c}", name.text()), name.kind());
            let found = compare(&weights, name, &dressed);
            assert!(
                found.score >= 980 || found.band == Band::Review,
                "{} {found:?}",
                name.text()
            );
            assert_ne!(found.band, Band::Clear, "{}", name.text());
        }
    }
}

/// What the comparison lets through, the index finds.
#[test]
fn the_index_finds_what_the_comparison_would() {
    let pairs: Vec<Pair> = pairs(VISIBLE).into_iter().chain(pairs(OWN)).collect();
    let entries = pairs
        .iter()
        .enumerate()
        .map(|(at, pair)| (at, [Name::new(pair.right.text(), pair.right.kind())]));
    let index = Index::build(Weights::builtin(), entries);
    for (at, pair) in pairs.iter().enumerate() {
        if pair.found.band != Band::Clear {
            let found = index.search(&pair.left, 100);
            assert!(found.iter().any(|found| found.id == at), "{}", pair.row);
        }
    }
}

#[test]
fn weak_aliases_and_short_personal_names_are_never_hits() {
    let weights = Weights::builtin();
    let hit = |left: Name, right: Name| compare(&weights, &left, &right).band;
    let entity = |text: &str| Name::new(text, Kind::Entity);
    let person = |text: &str| Name::new(text, Kind::Person);
    assert_eq!(
        hit(entity("Nanshan Group"), entity("Nanshan Group").weak()),
        Band::Review
    );
    assert_eq!(hit(person("Zhang Wei"), person("张伟")), Band::Review);
    assert_eq!(hit(person("Zhang Wei"), person("Zhang Wei")), Band::Review);
    assert_eq!(hit(person("Walijan"), person("WALIJAN")), Band::Review);
    assert_eq!(hit(entity("SMIC"), entity("SMIC")), Band::Review);
    assert_eq!(
        hit(
            entity("BV Financial, Inc."),
            entity("Finance Incorporated Limited")
        ),
        Band::Review
    );
    assert_eq!(
        hit(
            entity("Mercer International Inc."),
            entity("Mercer Limited")
        ),
        Band::Review
    );
    assert_eq!(
        hit(person("Aleksandar Vučić"), person("Aleksandar Vucic")),
        Band::Hit
    );
}

proptest::proptest! {
    /// Any text is compared without a panic, and a score is of its band.
    #[test]
    fn any_text_is_a_name(left in "\\PC{0,60}", right in "\\PC{0,60}") {
        let weights = Weights::builtin();
        for kind in [Kind::Person, Kind::Entity, Kind::Either] {
            let (left, right) = (Name::new(&left, kind), Name::new(&right, kind));
            let found = compare(&weights, &left, &right);
            proptest::prop_assert!(found.score <= 1000);
            proptest::prop_assert_eq!(found.band, Band::of(found.score));
            let _ = found.explain(&left, &right);
        }
    }

    #[test]
    fn mixed_scripts_are_names(left in "[a-zA-Z.\\-' &/0-9华大有限公司株式会社삼성전자さくらネットЯндекс]{0,40}", right in "[a-zA-Z华为技术 .]{0,30}") {
        let weights = Weights::builtin();
        let (left, right) = (Name::new(&left, Kind::Either), Name::new(&right, Kind::Either));
        let found = compare(&weights, &left, &right);
        proptest::prop_assert_eq!(compare(&weights, &right, &left).band, found.band);
    }
}
