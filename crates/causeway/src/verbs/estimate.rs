//! `causeway estimate`: memory, time, energy and money of a run on a fleet, or of a table of runs.

use causeway_domain::{Fact, GramsPerKilowattHour, Params, Percent, Tokens, UsdPerHour};
use causeway_estimate::{
    Calibration, Estimate, EstimateError, Fits, Fleet, Hardware, Interval, Kind, ModelShape,
    Precision, Rates, Workload, cut, estimate, runs,
};
use causeway_market::{Accelerators, Regions, Term};
use causeway_plan::span;
use causeway_run::{RunError, files};
use serde_json::json;

use crate::cli::{EstimateArgs, KindWord, PrecisionWord};
use crate::output::{Exit, Output};
use crate::verbs::Context;

fn wrong(error: EstimateError) -> RunError {
    RunError::Plan(error.into())
}

pub(crate) fn run(context: &Context, args: &EstimateArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let chips = Accelerators::builtin()?;
    let calibration = Calibration::builtin().map_err(wrong)?;
    if let Some(path) = &args.runs {
        let table = files::text(path, "`--runs` names a CSV file, a run a row")?;
        let answers = runs::predict(&table.text, &chips, &calibration).map_err(wrong)?;
        match &args.out {
            Some(out) => fs_err::write(out, answers).map_err(|error| RunError::Write {
                path: out.clone(),
                error,
                help: "the folder must exist and be writable".to_owned(),
            })?,
            None => output.line(answers.trim_end()),
        }
        return Ok(Exit::Done);
    }
    let name = args.accelerator.as_deref().unwrap_or_default();
    let part = chips.find(name).ok_or_else(|| RunError::Value {
        what: format!(
            "the table of accelerators does not list `{name}`{}",
            chips
                .near(name)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
        ),
    })?;
    let workload = workload(args)?;
    let fleet = Fleet {
        term: args
            .price
            .map(|price| Term::OnDemand(UsdPerHour::new(price.get()))),
        rates: Rates {
            storage_gb_month: args.storage,
            egress_gb: args.egress,
            people: args
                .people
                .map(|pay| Interval::exact(UsdPerHour::new(pay.get()))),
        },
        node_link: args.scale_out,
        ..Fleet::new(
            Hardware::Accelerators {
                part,
                per_node: args.per_node,
            },
            args.nodes,
        )
    };
    let answer = estimate(&workload, &fleet, &calibration).map_err(wrong)?;
    let grid = match args.country {
        Some(country) => Regions::builtin()?
            .carbon_of(country, None)
            .map(|grid| grid.intensity),
        None => Fact::unknown("no `--country` is named"),
    };
    let whole = part.variant_of.as_ref().and_then(|of| chips.find(of));
    let beside = match whole {
        Some(whole) => cut(&workload, &fleet, whole, &calibration)
            .map_err(wrong)?
            .map(|cut| (whole.name.as_str(), cut)),
        None => None,
    };
    if output.json {
        let carbon = answer.carbon(&grid);
        let variant = beside.map(|(of, cut)| json!({"of": of, "cut": cut}));
        output.document(&json!({"estimate": answer, "carbon": carbon, "variant": variant}));
    } else {
        show(output, &answer, &grid);
        if let Some((of, cut)) = beside {
            output.line(format_args!("note: a variant of {of}: {cut}"));
        }
    }
    Ok(Exit::Done)
}

fn workload(args: &EstimateArgs) -> Result<Workload, RunError> {
    let tokens = Tokens::new(args.tokens.unwrap_or_default());
    let mut workload = match (&args.config, args.parameters) {
        (Some(path), _) => {
            let text = files::text(path, "`--config` names a config.json of Hugging Face")?;
            let shape = ModelShape::from_hf_config(&text.text).map_err(wrong)?;
            Workload::of_shape(shape, tokens, args.sequence)
        }
        (None, parameters) => {
            let all = parameters.unwrap_or_default();
            let active = args.active.unwrap_or(all);
            Workload::of_parameters(Params::new(all), Params::new(active), tokens, args.sequence)
        }
    };
    workload.global_batch = args.batch;
    workload.precision = match args.precision {
        PrecisionWord::Bf16 => Precision::Bf16,
        PrecisionWord::Fp16 => Precision::Fp16,
        PrecisionWord::Fp8 => Precision::Fp8,
        PrecisionWord::Fp32 => Precision::Fp32,
    };
    workload.kind = match args.kind {
        KindWord::PreTrain => Kind::PreTrain,
        KindWord::FineTune => Kind::FineTune,
        KindWord::Lora => Kind::Lora { rank: args.rank },
        KindWord::Qlora => Kind::Qlora { rank: args.rank },
        KindWord::Reinforcement => Kind::Reinforcement {
            // The command line asks for it.
            rollout: args.rollout.unwrap_or(Percent::new(0)),
        },
        KindWord::Throughput => Kind::Throughput,
    };
    Ok(workload)
}

fn between<T: std::fmt::Display>(interval: &Interval<T>) -> String {
    format!(
        "{}, four times in five {} to {}",
        interval.mid, interval.low, interval.high
    )
}

fn or_why<T>(fact: &Fact<T>, words: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known(value, _) => words(value),
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

fn show(output: Output, answer: &Estimate, grid: &Fact<GramsPerKilowattHour>) {
    let fits = match &answer.fits {
        Fits::Yes => "it fits".to_owned(),
        Fits::No { why } => format!("it does not fit: {why}"),
        Fits::Unknown { why } => format!("not certain: {why}"),
    };
    let usable = or_why(&answer.memory_available, ToString::to_string);
    let lines = [
        ("layout", or_why(&answer.layout, ToString::to_string)),
        (
            "memory",
            format!(
                "{} on each shard of {usable} that can be used; {fits}",
                answer.memory_needed
            ),
        ),
        (
            "throughput",
            or_why(&answer.tokens_per_second_per_chip, |rate| {
                format!("{} a chip", between(rate))
            }),
        ),
        ("of the peak", or_why(&answer.mfu, between)),
        (
            "a step",
            or_why(&answer.step, |step| {
                format!("{step}; bound by {}", answer.bound_by)
            }),
        ),
        (
            "goodput",
            or_why(&answer.goodput, |goodput| {
                format!(
                    "{:.1} % of the time is progress; a checkpoint every {}, an interruption every {}",
                    100.0 * goodput.share,
                    span(goodput.checkpoint_interval),
                    span(goodput.between_interruptions)
                )
            }),
        ),
        (
            "time",
            or_why(&answer.hours, |hours| {
                format!(
                    "{}, four times in five {} to {}",
                    span(hours.mid),
                    span(hours.low),
                    span(hours.high)
                )
            }),
        ),
        (
            "chip time",
            or_why(&answer.gpu_hours, |hours| hours.mid.to_string()),
        ),
        ("money", or_why(&answer.cost, between)),
        ("", answer.bill.to_string()),
        (
            "energy",
            or_why(&answer.energy, |energy| {
                format!(
                    "{}, at {} for the building",
                    between(&energy.energy),
                    energy.site.mid
                )
            }),
        ),
        ("carbon", or_why(&answer.carbon(grid), between)),
    ];
    let mut table = output.table(&["", ""], 1);
    for (name, value) in lines {
        table.add_row([name.to_owned(), value]);
    }
    for line in table
        .to_string()
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        output.line(line.trim_end());
    }
    for note in &answer.notes {
        output.line(format_args!("note: {note}"));
    }
}
