//! Sixty thousand offers: import from CSV, cache written and read, matching, grouping; medians beside the goals.

mod lists;

use std::hint::black_box;

use anyhow::{Result, ensure};
use causeway_domain::Digest;
use causeway_market::{Market, Offer, PriceList, Request, cache, import_csv};

use crate::lists::{List, lists};

/// Runs of each measurement.
const RUNS: usize = 11;
const ROWS: usize = 60_000;
const SEED: u64 = 20_261_129;

/// Seconds that this thread has run: what a core can do, on a machine that others use too.
fn busy() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Median milliseconds of this thread's time.
fn median<T>(mut run: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = busy();
        black_box(run()?);
        times.push((busy() - start) * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[RUNS / 2])
}

fn import(lists: &[List], market: &Market) -> Result<Vec<Offer>> {
    let mut offers = Vec::with_capacity(ROWS);
    for list in lists {
        let list = PriceList {
            cloud: list.cloud,
            file: "made.csv",
            bytes: &list.text,
            date: None,
        };
        let import = import_csv(&list, &market.regions, &market.dialects)?.whole("made.csv")?;
        offers.extend(import.offers);
    }
    Ok(offers)
}

fn request(accelerators: &[(&str, u32)]) -> Request {
    Request {
        accelerators: accelerators
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect(),
        ..Request::default()
    }
}

fn main() -> Result<()> {
    let empty = Market::empty()?;
    let lists = lists(ROWS, SEED)?;
    let size: usize = lists.iter().map(|list| list.text.len()).sum();
    let offers = import(&lists, &empty)?;
    ensure!(offers.len() == ROWS);
    let made_from = Digest::new([0; 32]);
    let bytes = cache::write(&offers, &made_from);
    ensure!(cache::read(&bytes)?.offers == offers);
    let market = empty.clone().with_offers(offers.iter().cloned());
    let one = request(&[("H100", 8)]);
    let set = request(&[("H100", 8), ("H200", 8), ("A100-80GB", 8), ("B200", 8)]);
    let matched = market.matching(&one).len();
    let groups = market.grouped(&one).len();

    println!(
        "{ROWS} rows (seed {SEED}), varied from the three sample lists because no package holds a full catalog:\n\
         CSV {:.1} MB, cache {:.1} MB; `H100:8` matches {matched} offers in {groups} groups; median of {RUNS}, one core\n",
        size as f64 / 1e6,
        bytes.len() as f64 / 1e6,
    );
    println!("| what | ms | goal, ms |\n|---|--:|--:|");
    let mut missed = false;
    let mut row = |what: &str, goal: Option<f64>, ms: f64| {
        missed |= goal.is_some_and(|goal| ms > goal);
        let goal = goal.map_or(String::new(), |goal| format!("{goal}"));
        println!("| {what} | {ms:.1} | {goal} |");
    };
    let ms = median(|| Ok(empty.clone().with_offers(import(&lists, &empty)?)))?;
    row("a market from CSV", Some(1000.0), ms);
    let ms = median(|| Ok(empty.clone().with_offers(cache::read(&bytes)?.offers)))?;
    row("a market from the cache", Some(150.0), ms);
    row(
        "of it, the cache read",
        None,
        median(|| Ok(cache::read(&bytes)?))?,
    );
    row(
        "the cache written",
        None,
        median(|| Ok(cache::write(&offers, &made_from)))?,
    );
    let ms = median(|| Ok(market.clone().with_offers(offers.iter().take(3).cloned())))?;
    row("a copy with three offers more", None, ms);
    let ms = median(|| Ok(market.matching(&one).len()))?;
    row("`H100:8` matched", Some(20.0), ms);
    let ms = median(|| Ok(market.grouped(&one).len()))?;
    row("`H100:8` grouped", Some(20.0), ms);
    let count = market.matching(&set).len();
    let ms = median(|| Ok(market.matching(&set).len()))?;
    row(
        &format!("four accelerators matched ({count} offers)"),
        None,
        ms,
    );
    let cpus = market.matching(&Request::default()).len();
    let ms = median(|| Ok(market.matching(&Request::default()).len()))?;
    row(
        &format!("machines without accelerators matched ({cpus} offers)"),
        None,
        ms,
    );
    ensure!(!missed, "a goal is missed");
    Ok(())
}
