//! Name matching, timed: pairs a second on one core, building an index of a million names, searching it.
//!
//! `cargo bench -p causeway-parties --bench names [-- NAMES]`. Names are made from syllable tables by a seeded generator:
//! the same run gives the same names. Prints one JSON document; `bench/screening` shows it beside nomenklatura.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a program that times and prints: tables are not empty and numbers are small"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use causeway_parties::names::{Index, Kind, Name, Weights, compare};

/// Time that this thread was on a core, to the nanosecond: the figures hold on a busy machine, too. (What Linux writes into
/// `schedstat` is only brought up to date every few milliseconds.)
#[derive(Clone, Copy)]
struct Stopwatch {
    clock: Instant,
    core: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            clock: Instant::now(),
            core: on_core(),
        }
    }

    fn wall(self) -> Duration {
        self.clock.elapsed()
    }

    fn core(self) -> Duration {
        on_core().saturating_sub(self.core)
    }
}

fn on_core() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

fn main() {
    // `cargo test --benches` and `cargo bench` pass flags of their own.
    let names = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(1_000_000);
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let pairs = pairs();
    let searched = search(names);
    println!("{{{pairs}, {searched}}}");
}

fn rows() -> Vec<(String, String, Kind)> {
    let file = include_bytes!("../tests/data/pairs-visible.csv");
    let mut reader = csv::Reader::from_reader(file.as_slice());
    reader
        .records()
        .map_while(Result::ok)
        .filter_map(|row| {
            let kind = if row.get(2)? == "Person" {
                Kind::Person
            } else {
                Kind::Entity
            };
            Some((row.get(0)?.to_owned(), row.get(1)?.to_owned(), kind))
        })
        .collect()
}

/// Pairs a second: of prepared names, and with both names prepared anew for each pair.
fn pairs() -> String {
    let weights = Weights::builtin();
    let rows = rows();
    let prepared: Vec<(Name, Name)> = rows
        .iter()
        .map(|(left, right, kind)| (Name::new(left, *kind), Name::new(right, *kind)))
        .collect();
    let mut scores = 0_u64;
    let per_second = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
    let rounds = 300;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        for (left, right) in &prepared {
            scores += u64::from(compare(&weights, black_box(left), black_box(right)).score);
        }
    }
    let (fast, fast_wall) = (
        per_second(rounds * prepared.len(), watch.core()),
        per_second(rounds * prepared.len(), watch.wall()),
    );
    let rounds = 100;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        for (left, right, kind) in &rows {
            let (left, right) = (
                Name::new(black_box(left), *kind),
                Name::new(black_box(right), *kind),
            );
            scores += u64::from(compare(&weights, &left, &right).score);
        }
    }
    let (slow, slow_wall) = (
        per_second(rounds * rows.len(), watch.core()),
        per_second(rounds * rows.len(), watch.wall()),
    );
    black_box(scores);
    format!(
        "\"pairs\": {{\"compare_per_core_s\": {fast:.0}, \"compare_per_s\": {fast_wall:.0}, \"prepare_and_compare_per_core_s\": {slow:.0}, \"prepare_and_compare_per_s\": {slow_wall:.0}}}"
    )
}

/// A small generator (SplitMix64, Steele et al. 2014): no dependency, the same everywhere.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The lower numbers come up more often, as with words and surnames.
    fn skewed<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let a = self.next() as usize % words.len();
        let b = self.next() as usize % words.len();
        words[a.min(b)]
    }

    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.next() as usize % words.len()]
    }
}

fn column(table: &'static str, column: usize) -> Vec<&'static str> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split('\t').nth(column))
        .map(|cell| cell.split('|').next().unwrap_or(cell))
        .collect()
}

struct Maker {
    seeded: Seeded,
    syllables: Vec<&'static str>,
    industries: Vec<&'static str>,
    china: Vec<&'static str>,
    china_han: Vec<&'static str>,
    world: Vec<&'static str>,
}

const LATIN: [&str; 40] = [
    "al", "bor", "cel", "dar", "el", "fin", "gar", "hol", "in", "jor", "kal", "lem", "mar", "nov",
    "or", "pol", "quan", "ros", "sel", "tor", "ul", "var", "wes", "xen", "yar", "zel", "tron",
    "tech", "gen", "med", "lux", "ver", "ran", "sto", "bri", "cra", "dom", "ster", "vik", "ton",
];
const GIVEN: [&str; 24] = [
    "mohammed", "ahmed", "ali", "ivan", "sergei", "maria", "anna", "john", "peter", "hassan",
    "omar", "yusuf", "elena", "carlos", "jose", "dmitri", "fatima", "ibrahim", "daniel", "thomas",
    "olga", "viktor", "samuel", "laila",
];
const FORMS: [&str; 14] = [
    "Co., Ltd.",
    "Limited",
    "Ltd",
    "LLC",
    "Inc.",
    "GmbH",
    "JSC",
    "Pte. Ltd.",
    "Sdn Bhd",
    "S.A.",
    "B.V.",
    "Corporation",
    "PLC",
    "",
];
const HAN: [&str; 40] = [
    "华", "中", "天", "海", "新", "大", "金", "龙", "东", "安", "兴", "盛", "达", "宏", "星", "光",
    "云", "科", "联", "创", "瑞", "信", "恒", "泰", "远", "博", "智", "芯", "微", "力", "和", "美",
    "嘉", "德", "凯", "鑫", "源", "通", "宇", "航",
];

impl Maker {
    fn new(seed: u64) -> Self {
        Self {
            seeded: Seeded(seed),
            syllables: column(include_str!("../data/names/syllables.tsv"), 0),
            industries: column(include_str!("../data/names/words.tsv"), 2),
            china: column(include_str!("../data/names/places-china.tsv"), 2),
            china_han: column(include_str!("../data/names/places-china.tsv"), 1),
            world: column(include_str!("../data/names/places-world.tsv"), 2),
        }
    }

    fn brand(&mut self) -> String {
        let pinyin = self.seeded.next().is_multiple_of(2);
        let parts = 2 + self.seeded.next() % 2;
        (0..parts)
            .map(|_| {
                if pinyin {
                    self.seeded.skewed(&self.syllables)
                } else {
                    self.seeded.one(&LATIN)
                }
            })
            .collect()
    }

    /// Two companies in three, one person in three; one company in eight in Han.
    fn name(&mut self) -> (String, Kind) {
        if self.seeded.next().is_multiple_of(3) {
            let name = if self.seeded.next().is_multiple_of(2) {
                let given: String = (0..2).map(|_| self.seeded.one(&self.syllables)).collect();
                format!("{} {given}", self.seeded.skewed(&self.syllables))
            } else {
                let family: String = (0..2 + self.seeded.next() % 2)
                    .map(|_| self.seeded.one(&LATIN))
                    .collect();
                format!(
                    "{} {} {family}",
                    self.seeded.skewed(&GIVEN),
                    self.seeded.skewed(&GIVEN)
                )
            };
            return (name, Kind::Person);
        }
        if self.seeded.next().is_multiple_of(8) {
            let brand: String = (0..2 + self.seeded.next() % 3)
                .map(|_| self.seeded.one(&HAN))
                .collect();
            return (
                format!("{}{brand}科技有限公司", self.seeded.one(&self.china_han)),
                Kind::Entity,
            );
        }
        let brand = self.brand();
        let place = match self.seeded.next() % 4 {
            0 => self.seeded.one(&self.china),
            1 => self.seeded.one(&self.world),
            _ => "",
        };
        let name = format!(
            "{place} {brand} {} {}",
            self.seeded.skewed(&self.industries),
            self.seeded.one(&FORMS)
        );
        (name.trim().to_owned(), Kind::Entity)
    }
}

fn search(names: usize) -> String {
    let mut maker = Maker::new(1);
    let before = resident();
    let watch = Stopwatch::start();
    let index = Index::build(
        Weights::builtin(),
        (0..names).map(|number| {
            let (text, kind) = maker.name();
            (number, [Name::new(&text, kind)])
        }),
    );
    let built = watch.core();
    let memory = resident().saturating_sub(before);
    // Half of what is sought is on the list with a slip of the pen, half is not.
    let mut again = Maker::new(1);
    let mut others = Maker::new(2);
    let (mut times, mut walls) = (Vec::new(), Vec::new());
    let (mut on_list, mut found) = (0_u32, 0_u32);
    let step = (names / 1000).max(1);
    for number in 0..names {
        let (text, kind) = again.name();
        if number % step != 0 {
            continue;
        }
        let slip: String = slip(&text);
        for (text, kind, id) in [(slip, kind, Some(number)), {
            let (text, kind) = others.name();
            (text, kind, None)
        }] {
            let watch = Stopwatch::start();
            let results = index.search(&Name::new(&text, kind), 20);
            walls.push(watch.wall());
            times.push(watch.core());
            if let Some(id) = id {
                on_list += 1;
                found += u32::from(results.iter().any(|result| result.id == id));
            }
        }
    }
    times.sort_unstable();
    walls.sort_unstable();
    let at = |times: &[Duration], share: usize| {
        times[(times.len() - 1) * share / 1000].as_secs_f64() * 1e3
    };
    format!(
        "\"index\": {{\"names\": {names}, \"build_s\": {:.2}, \"resident_mib\": {}, \"searches\": {}, \"median_ms\": {:.3}, \"p99_ms\": {:.3}, \"max_ms\": {:.3}, \"median_wall_ms\": {:.3}, \"p99_wall_ms\": {:.3}, \"with_slip\": {on_list}, \"found\": {found}}}",
        built.as_secs_f64(),
        memory / 1024,
        times.len(),
        at(&times, 500),
        at(&times, 990),
        at(&times, 1000),
        at(&walls, 500),
        at(&walls, 990)
    )
}

/// Doubles a letter in the longest word of Latin letters; another script stays as it is.
fn slip(text: &str) -> String {
    let longest = text
        .split(' ')
        .filter(|word| word.is_ascii())
        .max_by_key(|word| word.len())
        .unwrap_or("");
    if longest.len() < 7 {
        return text.to_owned();
    }
    let (head, tail) = longest.split_at(longest.len() / 2);
    let doubled = format!("{head}{}{tail}", tail.chars().next().unwrap_or('x'));
    text.replacen(longest, &doubled, 1)
}

/// Memory that the process holds, in KiB, where the system tells (Linux).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0)
}
