//! Times of the planner, on one core, beside their goals.

#[path = "../../market/src/lists.rs"]
mod lists;
mod made;

use anyhow::{Result, ensure};
use causeway_domain::Hours;
use causeway_plan::portfolio::{Entry, assign};
use causeway_plan::scenario::{Sampling, outlook};
use causeway_plan::{Comparison, settings};

use crate::made::Made;

/// Runs of each measurement.
const RUNS: usize = 3;
const PLACES: usize = 200;
const DRAWS: usize = 100_000;
const OFFERS: usize = 60_000;
const SEED: u64 = 20_261_129;

/// Seconds that this thread has run: what a core can do, on a machine that others use too.
fn busy() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Median seconds of this thread's time.
fn median<T>(mut run: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = busy();
        std::hint::black_box(run()?);
        times.push(busy() - start);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[RUNS / 2])
}

/// Writes the price lists of the offers, as SkyPilot keeps them: `DIR/<cloud>/vms.csv`.
fn write_lists(folder: &str) -> Result<()> {
    for list in lists::lists(OFFERS, SEED)? {
        let folder = std::path::Path::new(folder).join(list.cloud);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("vms.csv"), list.text)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    if let [_, option, folder] = std::env::args().collect::<Vec<_>>().as_slice()
        && option == "--lists"
    {
        return write_lists(folder);
    }
    let made = Made::new(PLACES)?;
    let comparison = made.compare("t")?;
    ensure!(comparison.candidates.len() == PLACES);
    let lawful = comparison
        .candidates
        .iter()
        .filter(|one| one.outcome == causeway_law::Outcome::Allow)
        .count();
    println!("{PLACES} places, {lawful} of them lawful today; median of {RUNS}, one core\n");
    println!("| what | seconds | goal |\n|---|---|---|");
    let mut missed = 0;
    let mut row = |what: &str, seconds: f64, goal: Option<f64>| {
        let goal_text = goal.map_or_else(String::new, |goal| format!("{goal}"));
        println!("| {what} | {seconds:.3} | {goal_text} |");
        missed += usize::from(goal.is_some_and(|goal| seconds > goal));
    };

    let sampling = Sampling {
        draws: DRAWS,
        seed: 1,
        plans: PLACES,
        home_every: Hours::new(24.0),
    };
    let scenarios = made.scenarios()?;
    let settings = settings(&made.organisation);
    let seconds = median(|| {
        outlook(&comparison, &scenarios, &made.packs, &settings, sampling)
            .map_err(anyhow::Error::msg)
    })?;
    row(
        &format!("{DRAWS} futures of {PLACES} plans: 4 bills, 3 places, a price"),
        seconds,
        Some(5.0),
    );

    let market = made::offers(OFFERS, SEED)?;
    let mut places = 0;
    for (chips, goal) in [
        ("H100: 8", 0.2),
        ("H100: 8, H200: 8, A100-80GB: 8, B200: 8", 0.2),
    ] {
        let seconds = median(|| {
            let comparison = made.rent(&market, chips)?;
            places = comparison.candidates.iter().map(|one| 1 + one.alike).sum();
            Ok(comparison)
        })?;
        row(
            &format!("{{{chips}}}: {places} of {OFFERS} offers compared, laid out and cleared"),
            seconds,
            Some(goal),
        );
    }

    let file = made.portfolio(10)?;
    let comparisons: Vec<Comparison> = file
        .tasks
        .iter()
        .map(|task| made.compare(&task.task))
        .collect::<Result<_>>()?;
    let entries: Vec<Entry<'_>> = file
        .tasks
        .iter()
        .zip(&comparisons)
        .map(|(task, comparison)| Entry { task, comparison })
        .collect();
    let seconds = median(|| Ok(assign(&file, &entries, 20.0)?))?;
    row(
        "10 tasks over 200 places under 6 limits, with what more of each is worth",
        seconds,
        None,
    );
    ensure!(missed == 0, "{missed} goal(s) missed");
    Ok(())
}
