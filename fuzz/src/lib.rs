//! What each fuzz target does with arbitrary bytes. A harness fails by panicking; a file that is refused is no failure.
//!
//! The same functions run under libFuzzer (`fuzz_targets/`, nightly) and under bolero (`tests/bolero.rs`, stable).

use std::sync::Arc;

use causeway_domain::{Problem, SourceFile};
use causeway_law::{PackFile, Packs, cases};
use causeway_market::{Dialects, Market, PriceList, Regions, Request, cache, import_csv, offers_file};
use causeway_parties::lists::{ReadAs, detect, read, stored};
pub use causeway_transfer::fuzzing::{agent_says, caller_says, http, journal, manifest, ticket};
use causeway_weights::codec::{Base, Decoder, Instructions, describe};

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// A problem points into the text that it is about.
fn points_into(text: &str, problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    for problem in problems {
        let (line, _) = problem.line_column();
        assert!(
            line >= 1 && line <= text.lines().count().max(1) + 1,
            "line {line}"
        );
    }
}

/// `causeway.yaml`: the parties and everything else.
pub fn organisation(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let source = Arc::new(SourceFile::new("causeway.yaml", text));
    if let Err(problems) = causeway_domain::organisation::parse(&source) {
        points_into(text, &problems);
    }
}

/// An approval.
pub fn approval(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let source = Arc::new(SourceFile::new("approval.yaml", text));
    if let Err(problems) = causeway_domain::approval::parse(&source) {
        points_into(text, &problems);
    }
}

/// Case files: what is read is judged, too.
pub fn cases(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Ok(cases) = cases::parse(text) else {
        return;
    };
    static PACKS: std::sync::OnceLock<Option<Packs>> = std::sync::OnceLock::new();
    let Some(packs) = PACKS.get_or_init(|| Packs::builtin().ok()) else {
        panic!("the built-in packs don't load");
    };
    for case in cases.iter().take(4) {
        let _verdict = cases::verdict(packs, case);
    }
}

/// Rule packs, tried as a file of each kind that it could be.
pub fn packs(data: &[u8]) {
    let Some(text) = text(data) else { return };
    // A folder that sorts before the built-in ones: a bad file is met first.
    let name = match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => "aa/chips.json",
        _ if text.contains("forbid") || text.contains("permit") => "aa/rules.cedar",
        _ if text.contains("zone:") => "aa/jurisdiction.yaml",
        _ => "aa/definitions.yaml",
    };
    let file = PackFile {
        path: name.to_owned(),
        text: text.to_owned(),
    };
    if let Err(error) = Packs::from_files(vec![file]) {
        assert!(!error.to_string().is_empty());
    }
}

/// Screening lists and registers of owners, as what they look like; and the stored form.
pub fn lists(data: &[u8]) {
    let mut records = 0_u64;
    if let Some(part) = detect(data.get(..data.len().min(4096)).unwrap_or_default()) {
        let as_ = ReadAs {
            part,
            file: "list",
            number: 0,
            list: None,
        };
        let read = read(as_, data, &mut |_item| {
            records += 1;
            std::ops::ControlFlow::Continue(())
        });
        if let Err(error) = read {
            assert!(!error.to_string().is_empty());
        }
    }
    let _list = stored::load("list", data);
}

/// An encoded block, for as many bytes as it says itself, by all instructions; as a difference, from zeros.
pub fn codec(data: &[u8]) {
    let Ok(described) = describe(data) else {
        return;
    };
    let Ok(length) = usize::try_from(described.length) else {
        return;
    };
    // A longer one finds nothing else, and takes longer.
    if length > 1 << 20 {
        return;
    }
    let zeros = vec![0; length];
    let base = described.base.map(|hash| Base {
        bytes: &zeros,
        hash,
    });
    let mut results = Instructions::available().map(|instructions| {
        let mut out = Vec::new();
        let result = Decoder::with(instructions).decode(data, length, base, &mut out);
        assert_eq!(out.len(), if result.is_ok() { length } else { 0 });
        result.map(|()| out)
    });
    let first = results.next();
    assert!(results.all(|other| Some(&other) == first.as_ref()));
}

/// The built-in tables of the market, read once.
fn market() -> &'static Market {
    static MARKET: std::sync::OnceLock<Option<Market>> = std::sync::OnceLock::new();
    let Some(market) = MARKET.get_or_init(|| Market::empty().ok()) else {
        panic!("the built-in tables don't load");
    };
    market
}

/// A price list, as a cloud whose rows stand alone and as one whose rows are added up. What is read is matched, and comes
/// back from the cache.
pub fn prices(data: &[u8]) {
    let tables = market();
    let (regions, dialects): (&Regions, &Dialects) = (&tables.regions, &tables.dialects);
    for cloud in ["nebius", "gcp", "vast"] {
        let list = PriceList {
            cloud,
            file: "list.csv",
            bytes: data,
            date: None,
        };
        let Ok(import) = import_csv(&list, regions, dialects) else {
            continue;
        };
        let end = data.len() as u64 + 1;
        for row in &import.bad {
            assert!((1..=end).contains(&row.line) && (1..=end).contains(&row.column));
        }
        let bytes = cache::write(&import.offers, &causeway_domain::Digest::new([0; 32]));
        match cache::read(&bytes) {
            Ok(cached) => assert_eq!(cached.offers, import.offers),
            Err(error) => panic!("{error}"),
        }
        let market = tables.clone().with_offers(import.offers);
        let request = Request::default();
        let grouped: usize = market
            .grouped(&request)
            .iter()
            .map(|group| group.matches.len())
            .sum();
        assert_eq!(grouped, market.matching(&request).len());
    }
}

/// An organisation's own offers.
pub fn offers(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let source = Arc::new(SourceFile::new("offers.yaml", text));
    match offers_file::parse(&source, &market().accelerators) {
        Ok(file) => {
            for offer in &file.offers {
                assert!(offer.read.date.is_some(), "an offer without a day");
            }
        }
        Err(problems) => points_into(text, &problems),
    }
}

/// A cache of offers: as it stands, and its body past the digest that no change keeps.
pub fn offers_cache(data: &[u8]) {
    let _refused = cache::read(data);
    if let Some(offers) = data.get(74..).and_then(cache::read_unchecked_body) {
        let digest = causeway_domain::Digest::new([0; 32]);
        match cache::read(&cache::write(&offers, &digest)) {
            Ok(cached) => assert_eq!(cached.offers, offers),
            Err(error) => panic!("{error}"),
        }
    }
}
