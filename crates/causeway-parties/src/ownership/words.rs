//! Verdicts in words: the sum, the line that it was held against, and why.

use super::verdict::{Arithmetic, Finding, Part, Reason, Standpoint, Verdict};
use super::{Assessment, Measure, Ratio, Regime, Standing};

impl Assessment {
    /// Why a party's verdict is what it is, in one sentence of clauses: `x (listed) 25 % + a (owned) 25 % = 50 %; ...`.
    #[must_use]
    pub fn explain(&self, regime: &Regime, key: &str) -> String {
        let Some(finding) = self.findings.get(key) else {
            return "nobody says anything about it".to_owned();
        };
        let line = regime.line(self.phase.more_than);
        let mut clauses: Vec<String> = Vec::new();
        if let Some(arithmetic) = &finding.arithmetic {
            clauses.extend(sum(arithmetic, finding, &line));
        }
        for reason in &finding.reasons {
            clauses.push(self.reason(reason, &line));
        }
        if clauses.is_empty() {
            clauses.push("it does not count itself, and nobody owns it".to_owned());
        }
        clauses.join("; ")
    }

    fn reason(&self, reason: &Reason, line: &str) -> String {
        match reason {
            Reason::Listed(lists) => format!("it stands on {}", lists.join(", ")),
            Reason::Seated(countries) => format!(
                "it is headquartered, organised or resident in {}",
                countries.join(", ")
            ),
            Reason::Unscreened(why) => why.clone(),
            Reason::Owned { round } => format!("{line} is caught (round {round})"),
            Reason::NotInForce => format!(
                "not caught on this day, {}: a person looks at it",
                self.phase.says
            ),
            Reason::Exempt(says) => says.clone(),
            Reason::CanReach => format!("that can be {line}"),
            Reason::AtTheLine => {
                "as much as the threshold, but not more than it in one hand".to_owned()
            }
            Reason::Minority { share, floor } => {
                format!("{share} by holders that count, or can: from {floor} on a person looks")
            }
            Reason::UnknownShare { holder, because } => {
                format!("{holder} ({}) has an unknown share", standing(*because))
            }
            Reason::Controlled { by, because, how } => {
                format!("{by} ({}) {}", standing(*because), does(how))
            }
            Reason::ClosedLoop => {
                "its owners form a closed loop that nobody outside owns".to_owned()
            }
            Reason::Contradiction(sum) => {
                format!("its sources contradict each other: {sum} is disclosed")
            }
            Reason::TreasuryDiffers { counted, left_out } => format!(
                "`{counted}` with its own shares counted and `{left_out}` with them left out"
            ),
        }
    }

    /// Whether the test applies on its day.
    #[must_use]
    pub fn in_force(&self) -> bool {
        self.phase.standing == Standing::InForce
    }
}

/// Control in words as a clause: `appoints board` and `controls it by ...` are both verbs already.
fn does(how: &str) -> String {
    if how.contains(' ') {
        how.to_owned()
    } else {
        format!("controls it ({how})")
    }
}

/// The sum in words.
fn sum(arithmetic: &Arithmetic, finding: &Finding, line: &str) -> Option<String> {
    let votes = if arithmetic.measure == Measure::Votes {
        " of the votes"
    } else {
        ""
    };
    let owned = finding
        .reasons
        .iter()
        .any(|reason| matches!(reason, Reason::Owned { .. }));
    let parts: Vec<&Part> = arithmetic
        .parts
        .iter()
        .filter(|part| !owned || part.because != Standpoint::Possible)
        .collect();
    let shown: Vec<String> = parts.iter().map(|part| shown(part)).collect();
    if owned {
        let total = if let [_] = parts.as_slice() {
            String::new()
        } else {
            format!(" = {}", arithmetic.low)
        };
        return Some(format!("{}{total}{votes}", shown.join(" + ")));
    }
    let bounds = if arithmetic.low == arithmetic.high {
        arithmetic.low.to_string()
    } else {
        let rest = if arithmetic.undisclosed.is_zero() {
            String::new()
        } else {
            format!(" with the {} that nobody discloses", arithmetic.undisclosed)
        };
        format!("{}, at most {}{rest}", arithmetic.low, arithmetic.high)
    };
    if shown.is_empty() {
        return Some(if arithmetic.high.is_zero() {
            format!("no holder counts: 0 %; {line} is caught")
        } else {
            let undisclosed = &arithmetic.undisclosed;
            format!(
                "no holder is known to count, and nobody discloses {undisclosed}; {line} is caught"
            )
        });
    }
    let total = match parts.as_slice() {
        [only] if only.high.as_ref() == Some(&arithmetic.low) && only.low == arithmetic.high => {
            String::new()
        }
        // One known share is its own sum.
        [only] if only.low == arithmetic.low && only.high.as_ref() == Some(&only.low) => bounds
            .strip_prefix(&only.low.to_string())
            .map_or_else(String::new, str::to_owned),
        _ => format!(" = {bounds}"),
    };
    let tail = if finding.verdict == Verdict::Clear {
        format!("; {line} is caught")
    } else {
        String::new()
    };
    Some(format!("{}{total}{votes}{tail}", shown.join(" + ")))
}

const fn standing(because: Standpoint) -> &'static str {
    match because {
        Standpoint::Counts => "counts",
        Standpoint::Owned => "owned",
        Standpoint::Possible => "can count",
    }
}

fn shown(part: &Part) -> String {
    format!(
        "{} ({}) {}",
        part.holder,
        standing(part.because),
        range(&part.low, part.high.as_ref())
    )
}

/// A share with its bounds, for people.
pub(super) fn range(low: &Ratio, high: Option<&Ratio>) -> String {
    match high {
        Some(high) if high == low => low.to_string(),
        Some(high) => format!("{low} to {high}"),
        None if low.is_zero() => "unknown share".to_owned(),
        None => format!("{low} and an unknown share"),
    }
}

/// The verdicts of all tests on a party, by verdict: `caught: ofac, eu`. The worst first.
pub(super) fn by_verdict(assessments: &[Assessment], key: &str) -> Vec<(Verdict, Vec<String>)> {
    [Verdict::Caught, Verdict::Review, Verdict::Clear]
        .into_iter()
        .map(|verdict| {
            let regimes = assessments
                .iter()
                .filter(|assessment| assessment.verdict(key) == verdict)
                .map(|assessment| assessment.regime.clone())
                .collect::<Vec<_>>();
            (verdict, regimes)
        })
        .filter(|(_, regimes)| !regimes.is_empty())
        .collect()
}
