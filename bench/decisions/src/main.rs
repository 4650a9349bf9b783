//! Decisions a second on one core, in one run: Causeway, Cedar alone on the same policies and contexts, and OPA's Rego on
//! one rule. Every competitor's answers are compared before anything is measured.

mod acts;
mod rego;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use causeway_law::{Outcome, Packs, decide, judge, judge_in_full, reference};
use cedar_policy::Authorizer;
use regorus::Value;

use crate::acts::Asked;

/// Rounds of each competitor; all take turns, so that a busy moment of the machine hits all alike.
const ROUNDS: usize = 9;
/// Seconds of a round.
const ROUND: f64 = 0.3;

/// Something that is measured: its name, how many decisions one call makes, the call.
struct Runner<'a> {
    name: &'static str,
    decisions: usize,
    run: Box<dyn FnMut() + 'a>,
    rates: Vec<f64>,
}

fn runner<'a>(name: &'static str, decisions: usize, run: impl FnMut() + 'a) -> Runner<'a> {
    Runner {
        name,
        decisions,
        run: Box::new(run),
        rates: Vec::new(),
    }
}

/// Seconds that this thread has run. On a machine that others use too, what a core can do shows here and not on the clock.
fn busy() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Decisions a second of this thread's time: the median round of each.
fn measure(runners: &mut [Runner<'_>]) {
    for runner in &mut *runners {
        (runner.run)();
    }
    for _ in 0..ROUNDS {
        for runner in &mut *runners {
            let started = busy();
            let mut calls = 0u32;
            while busy() - started < ROUND {
                (runner.run)();
                calls += 1;
            }
            let decisions = f64::from(calls) * runner.decisions as f64;
            runner.rates.push(decisions / (busy() - started));
        }
    }
    for runner in &mut *runners {
        runner.rates.sort_by(f64::total_cmp);
    }
}

fn print(title: &str, runners: &[Runner<'_>]) {
    println!("\n{title}");
    println!(
        "  {:<58} {:>12} {:>11} {:>23}",
        "", "decisions/s", "us each", "slowest, fastest round"
    );
    for runner in runners {
        let median = runner.rates[runner.rates.len() / 2];
        println!(
            "  {:<58} {:>12.0} {:>11.2} {:>11.0} {:>11.0}",
            runner.name,
            median,
            1e6 / median,
            runner.rates[0],
            runner.rates[runner.rates.len() - 1]
        );
    }
    if let [first, rest @ ..] = runners {
        let median = |runner: &Runner<'_>| runner.rates[runner.rates.len() / 2];
        for other in rest {
            println!("  {:.1} x `{}`", median(first) / median(other), other.name);
        }
    }
}

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // For a profiler: one competitor of one section, alone.
    let only = std::env::args().nth(1);
    let started = Instant::now();
    let packs = Packs::builtin()?;
    let loaded = started.elapsed();
    let known = acts::known(&root, &packs)?;
    ensure!(known.len() > 30, "only {} acts", known.len());
    let ids: Vec<&str> = known.iter().map(|asked| asked.id.as_str()).collect();
    println!(
        "{} rules in {} ({} ms to load), {} acts of rules/cases/visible.yaml: {}",
        packs.rules().count(),
        packs.digest().short(),
        loaded.as_millis(),
        known.len(),
        ids.join(" ")
    );
    if only.as_deref() == Some("decide") {
        let until = busy() + 10.0;
        while busy() < until {
            for asked in &known {
                black_box(decide(&packs, &asked.settings, black_box(&asked.act)));
            }
        }
        return Ok(());
    }
    println!("seconds are those of this thread on its core, not of the clock");
    whole(&packs, &known)?;
    unknown(&packs, &known);
    one_rule(&root, &known)
}

/// All packs: Causeway beside Cedar alone.
fn whole(packs: &Packs, known: &[Asked]) -> Result<()> {
    let questions = known
        .iter()
        .map(|asked| reference::Question::new(packs, &asked.settings, &asked.act))
        .collect::<Result<Vec<_>, _>>()?;
    for (question, asked) in questions.iter().zip(known) {
        let differ = question.disagreements();
        ensure!(differ.is_empty(), "{}: {differ:?}", asked.id);
    }
    let every = reference::policies(packs)?;
    let authorizer = Authorizer::new();
    let mut runners = [
        runner("Causeway, decide", known.len(), || {
            for asked in known {
                black_box(decide(packs, &asked.settings, black_box(&asked.act)));
            }
        }),
        runner("Causeway, judge (with all words)", known.len(), || {
            for asked in known {
                black_box(judge(packs, &asked.settings, black_box(&asked.act)));
            }
        }),
        runner(
            "Causeway, judge_in_full (and why others did not speak)",
            known.len(),
            || {
                for asked in known {
                    black_box(judge_in_full(packs, &asked.settings, black_box(&asked.act)));
                }
            },
        ),
        runner(
            "Cedar alone, the policies of the act and day",
            questions.len(),
            || {
                for question in &questions {
                    for set in [question.forbids(), question.permits()] {
                        black_box(authorizer.is_authorized(
                            black_box(question.request()),
                            set,
                            question.entities(),
                        ));
                    }
                }
            },
        ),
        runner("Cedar alone, every policy", questions.len(), || {
            for question in &questions {
                black_box(authorizer.is_authorized(
                    black_box(question.request()),
                    &every,
                    question.entities(),
                ));
            }
        }),
    ];
    measure(&mut runners);
    print(
        "All packs. Cedar is handed contexts that are worked out already; Causeway starts from the act",
        &runners,
    );
    Ok(())
}

/// Facts that nobody stated.
fn unknown(packs: &Packs, known: &[Asked]) {
    let sets: Vec<Vec<Asked>> = (1..=3)
        .map(|count| acts::with_unknowns(known, count))
        .collect();
    let names = [
        "Causeway, decide, 1 unknown fact",
        "2 unknown facts",
        "3 unknown facts",
    ];
    let mut runners: Vec<Runner<'_>> = names
        .into_iter()
        .zip(&sets)
        .map(|(name, set)| {
            runner(name, set.len(), move || {
                for asked in set {
                    black_box(decide(packs, &asked.settings, black_box(&asked.act)));
                }
            })
        })
        .collect();
    measure(&mut runners);
    print(
        "All packs, facts unknown: each open one is tried at every value that the rules tell apart",
        &runners,
    );
    for (name, set) in names.into_iter().zip(&sets) {
        let reviews = set
            .iter()
            .filter(|asked| {
                decide(packs, &asked.settings, &asked.act).outcome == Outcome::NeedsReview
            })
            .count();
        println!("  {name}: {reviews} of {} need a review", set.len());
    }
}

/// One rule: Causeway, Cedar and Rego.
fn one_rule(root: &Path, known: &[Asked]) -> Result<()> {
    let packs = rego::packs(root)?;
    let facts = rego::Facts::new(root)?;
    let mut rego = rego::Rego::new()?;
    let asked: Vec<(&Asked, Value)> = known
        .iter()
        .filter_map(|asked| Some((asked, facts.input(&asked.act)?)))
        .collect();
    let questions = asked
        .iter()
        .map(|(asked, _)| reference::Question::new(&packs, &asked.settings, &asked.act))
        .collect::<Result<Vec<_>, _>>()?;
    let mut needed = 0;
    for (asked, input) in &asked {
        let decision = decide(&packs, &asked.settings, &asked.act);
        let ours = decision
            .deciding
            .iter()
            .any(|ruling| ruling.rule == rego::RULE);
        needed += usize::from(ours);
        let interpreted = rego.interpreter.eval_with_input(input.clone())?;
        rego.machine.set_input(input.clone());
        let machine = rego
            .machine
            .execute()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        for (name, theirs) in [("interpreter", interpreted), ("machine", machine)] {
            let theirs = *theirs
                .as_bool()
                .with_context(|| format!("{}: {theirs}", asked.id))?;
            ensure!(
                ours == theirs,
                "{}: Causeway {ours}, Rego's {name} {theirs}",
                asked.id
            );
        }
    }
    println!(
        "\n{} acts with a chip, {needed} of them need a licence by {}: all agree",
        asked.len(),
        rego::RULE
    );
    let authorizer = Authorizer::new();
    let interpreter = rego.interpreter.clone();
    let machine = &mut rego.machine;
    let mut runners = [
        runner("Causeway, decide", asked.len(), || {
            for (asked, _) in &asked {
                black_box(decide(&packs, &asked.settings, black_box(&asked.act)));
            }
        }),
        runner(
            "Cedar alone (context worked out before)",
            questions.len(),
            || {
                for question in &questions {
                    black_box(authorizer.is_authorized(
                        black_box(question.request()),
                        question.forbids(),
                        question.entities(),
                    ));
                }
            },
        ),
        runner(
            "Rego by regorus, interpreter (input worked out before)",
            asked.len(),
            || {
                for (_, input) in &asked {
                    black_box(interpreter.eval_with_input(black_box(input.clone())).ok());
                }
            },
        ),
        runner(
            "Rego by regorus, virtual machine (same)",
            asked.len(),
            || {
                for (_, input) in &asked {
                    machine.set_input(black_box(input.clone()));
                    black_box(machine.execute().ok());
                }
            },
        ),
    ];
    measure(&mut runners);
    print("One rule, us-acs-3a090a", &runners);
    Ok(())
}
