//! The notice of a large model: plain text, with the compute computed two ways.

use causeway_domain::{Date, Fact};
use rust_decimal::Decimal;
use serde::Serialize;

use super::flags::{scientific, six_n_d};
use super::records::Trigger;

/// What a notice is made from. What nobody knows says so in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The run.
    pub run: String,
    /// The day of the notice.
    pub day: Date,
    /// The model.
    pub model: Fact<String>,
    /// First day of training.
    pub from: Fact<Date>,
    /// Last day of training.
    pub to: Fact<Date>,
    /// Where it was trained, and by whom.
    pub place: Fact<String>,
    /// The customer.
    pub customer: Fact<String>,
    /// Owners up to the top, a line each.
    pub owners: Fact<Vec<String>>,
    /// Parameters.
    pub parameters: Fact<Decimal>,
    /// Tokens.
    pub tokens: Fact<Decimal>,
    /// Accelerators; 0 for machines without.
    pub chips: Fact<u64>,
    /// Hours.
    pub hours: Fact<Decimal>,
    /// Dense peak of one accelerator, operations a second.
    pub peak: Fact<Decimal>,
    /// Share of the peak that was used, 0 to 1, as measured.
    pub utilisation: Fact<Decimal>,
    /// Thresholds of the rule packs.
    pub triggers: Vec<Trigger>,
}

/// Compute, two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compute {
    /// 6 x parameters x tokens.
    pub planned: Fact<Decimal>,
    /// Chips x hours x peak x utilisation.
    pub measured: Fact<Decimal>,
    /// Chips x hours x peak: no run on these chips did more.
    pub at_most: Fact<Decimal>,
}

impl Notice {
    /// Compute, two ways; neither replaces the other.
    #[must_use]
    pub fn compute(&self) -> Compute {
        let too_large = "the product is past the range of exact numbers";
        let planned = both(&self.parameters, &self.tokens, |parameters, tokens| {
            six_n_d(parameters, tokens).map_or_else(
                || Fact::unknown(too_large),
                |flop| Fact::stated(flop, "6 x parameters x tokens"),
            )
        });
        let chips = self.chips.clone().map(Decimal::from);
        let chip_hours = both(&chips, &self.hours, |chips, hours| {
            chips.checked_mul(hours).map_or_else(
                || Fact::unknown(too_large),
                |hours| Fact::stated(hours, "chips x hours"),
            )
        });
        let at_most = both(&chip_hours, &self.peak, |hours, peak| {
            hours
                .checked_mul(Decimal::from(3600))
                .and_then(|seconds| seconds.checked_mul(peak))
                .map_or_else(
                    || Fact::unknown(too_large),
                    |flop| Fact::stated(flop, "chips x hours x peak"),
                )
        });
        let measured = both(&at_most, &self.utilisation, |flop, share| {
            flop.checked_mul(share).map_or_else(
                || Fact::unknown(too_large),
                |flop| Fact::stated(flop, "chips x hours x peak x utilisation"),
            )
        });
        Compute {
            planned,
            measured,
            at_most,
        }
    }

    /// The thresholds that are reached on the day, by either way of computing.
    #[must_use]
    pub fn reached(&self) -> Vec<&Trigger> {
        let compute = self.compute();
        let any = |trigger: &&Trigger| {
            [&compute.planned, &compute.measured]
                .into_iter()
                .filter_map(Fact::known)
                .any(|flop| trigger.reached(*flop, self.day))
        };
        self.triggers.iter().filter(any).collect()
    }

    /// The notice as plain text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let compute = self.compute();
        let mut out = format!(
            "Notice of a training run: {}\nDay of this notice: {}\n\n",
            self.run, self.day
        );
        let mut line = |name: &str, text: String| {
            out.push_str(&format!("{name:<22}{text}\n"));
        };
        line("model", words(&self.model, Clone::clone));
        line(
            "trained",
            format!(
                "{} to {}",
                words(&self.from, ToString::to_string),
                words(&self.to, ToString::to_string)
            ),
        );
        line("place", words(&self.place, Clone::clone));
        line("customer", words(&self.customer, Clone::clone));
        match &self.owners {
            Fact::Known(owners, _) => {
                for (index, owner) in owners.iter().enumerate() {
                    line(if index == 0 { "owners" } else { "" }, owner.clone());
                }
            }
            Fact::Unknown(why) => line("owners", format!("not known: {why}")),
        }
        let number = |number: &Decimal| scientific(*number);
        line("parameters", words(&self.parameters, number));
        line("tokens", words(&self.tokens, number));
        line("chips", words(&self.chips, ToString::to_string));
        line("hours", words(&self.hours, number));
        line(
            "peak of a chip",
            words(&self.peak, |peak| {
                format!("{} operations/s", scientific(*peak))
            }),
        );
        line(
            "utilisation",
            words(&self.utilisation, |share| {
                format!("{} %", (share * Decimal::ONE_HUNDRED).normalize())
            }),
        );
        out.push_str("\nCompute, two ways (operations)\n");
        let mut line = |name: &str, text: String| {
            out.push_str(&format!("{name:<22}{text}\n"));
        };
        line("by the plan", words(&compute.planned, number));
        line("as measured", words(&compute.measured, number));
        line("at most", words(&compute.at_most, number));
        out.push_str("\nThresholds of the rule packs\n");
        if self.triggers.is_empty() {
            out.push_str("none\n");
        }
        for trigger in &self.triggers {
            let say = |flop: &Fact<Decimal>| match flop {
                Fact::Known(flop, _) if trigger.reached(*flop, self.day) => "reached",
                Fact::Known(..) => "not reached",
                Fact::Unknown(_) => "not known",
            };
            let sign = if trigger.inclusive { "from" } else { "over" };
            let days = match (trigger.from, trigger.to) {
                (None, None) => String::new(),
                (from, to) => format!(
                    " ({} to {})",
                    from.map_or_else(|| "open".to_owned(), |day| day.to_string()),
                    to.map_or_else(|| "open".to_owned(), |day| day.to_string())
                ),
            };
            out.push_str(&format!(
                "{}{days}: {sign} {}; by the plan {}, as measured {}\n",
                trigger.rule,
                scientific(trigger.operations),
                say(&compute.planned),
                say(&compute.measured)
            ));
        }
        out
    }
}

fn both<A: Copy, B: Copy>(
    a: &Fact<A>,
    b: &Fact<B>,
    product: impl Fn(A, B) -> Fact<Decimal>,
) -> Fact<Decimal> {
    match (a, b) {
        (Fact::Known(a, _), Fact::Known(b, _)) => product(*a, *b),
        (Fact::Unknown(why), Fact::Unknown(other)) if why != other => {
            Fact::unknown(format!("{why}; {other}"))
        }
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    }
}

fn words<T>(fact: &Fact<T>, text: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known(value, source) => format!("{}  ({source})", text(value)),
        Fact::Unknown(why) => format!("not known: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        let number =
            |text: &str| Fact::stated(crate::kyc::form::Amount::parse(text).unwrap().0, "plan");
        let day: Date = "2026-11-24".parse().unwrap();
        Notice {
            run: "20261124T131500Z-7k3m9q".to_owned(),
            day,
            model: Fact::stated("acme/demo".to_owned(), "log"),
            from: Fact::stated(day, "log"),
            to: Fact::unknown("the job has not ended"),
            place: Fact::stated("johor of Strait, Malaysia (MY)".to_owned(), "log"),
            customer: Fact::stated("Acme".to_owned(), "causeway.yaml"),
            owners: Fact::stated(
                vec!["The founders: 100 % of Acme".to_owned()],
                "causeway.yaml",
            ),
            parameters: number("7e10"),
            tokens: number("2.5e13"),
            chips: Fact::stated(1000, "plan"),
            hours: number("1000"),
            peak: number("1e15"),
            utilisation: Fact::unknown("no counters were stated"),
            triggers: vec![Trigger {
                rule: "eu: systemic risk".to_owned(),
                operations: Decimal::from_scientific("1e25").unwrap(),
                inclusive: false,
                from: None,
                to: None,
            }],
        }
    }

    #[test]
    fn both_ways_are_kept_and_an_unknown_says_so() {
        let mut notice = notice();
        let compute = notice.compute();
        assert_eq!(scientific(*compute.planned.known().unwrap()), "1.05e25");
        assert_eq!(scientific(*compute.at_most.known().unwrap()), "3.6e24");
        assert!(compute.measured.known().is_none());
        assert_eq!(notice.reached().len(), 1);
        let text = notice.to_text();
        assert!(
            text.contains("as measured           not known: no counters were stated"),
            "{text}"
        );
        assert!(
            text.contains(
                "eu: systemic risk: over 1e25; by the plan reached, as measured not known"
            ),
            "{text}"
        );
        notice.utilisation = Fact::stated(Decimal::new(4, 1), "counters");
        assert_eq!(
            scientific(*notice.compute().measured.known().unwrap()),
            "1.44e24"
        );
    }

    #[test]
    fn a_threshold_counts_on_its_days_and_by_its_own_sign() {
        let mut notice = notice();
        // Exactly on the line: `over` does not hold, `from` does.
        notice.parameters = Fact::stated(Decimal::from_scientific("1e12").unwrap(), "plan");
        notice.tokens = Fact::stated(Decimal::from_scientific("1e12").unwrap(), "plan");
        notice.triggers[0].operations = Decimal::from_scientific("6e24").unwrap();
        assert!(notice.reached().is_empty());
        notice.triggers[0].inclusive = true;
        assert_eq!(notice.reached().len(), 1);
        notice.triggers[0].to = Some("2026-11-23".parse().unwrap());
        assert!(notice.reached().is_empty());
    }
}
