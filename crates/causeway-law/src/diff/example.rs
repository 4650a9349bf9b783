//! An act on which two sides part, as a file of cases that anybody can run.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Side;
use crate::{ActKind, ActVerdict, Outcome, Review, RuleHit, cases};

/// A way in which two verdicts part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parting {
    /// B lets through what A holds up: its outcome is milder.
    MilderB,
    /// A lets through what B holds up.
    MilderA,
    /// Both ask for a licence, and the authority looks at a request in another way.
    Review,
    /// Both allow, with other obligations.
    Obligations,
}

impl Parting {
    /// How two verdicts on one act part.
    pub(super) fn between(a: &ActVerdict, b: &ActVerdict) -> Option<Self> {
        match (a.outcome, b.outcome) {
            (one, other) if other < one => Some(Self::MilderB),
            (one, other) if one < other => Some(Self::MilderA),
            (Outcome::Allow, _) if sorted(a) != sorted(b) => Some(Self::Obligations),
            _ if a.review != b.review => Some(Self::Review),
            _ => None,
        }
    }
}

fn sorted(verdict: &ActVerdict) -> Vec<&String> {
    let mut names: Vec<&String> = verdict.obligations.iter().collect();
    names.sort();
    names
}

/// What one side says of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The outcome.
    pub outcome: Outcome,
    /// How the authority looks at a request.
    pub review: Option<Review>,
    /// What an allow obliges to.
    pub obligations: Vec<String>,
    /// The rules that decide it.
    pub deciding: Vec<RuleHit>,
}

impl Said {
    fn of(verdict: &ActVerdict) -> Self {
        Self {
            outcome: verdict.outcome,
            review: verdict.review,
            obligations: verdict.obligations.clone(),
            deciding: verdict.deciding.clone(),
        }
    }
}

/// An act on which two sides part. It was judged on both, and read back from its own text and judged again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// How they part.
    pub parting: Parting,
    /// The kind of act.
    pub kind: ActKind,
    /// The act in a line.
    pub about: String,
    /// What A says.
    pub a: Said,
    /// What B says.
    pub b: Said,
    /// A file of two cases for `causeway rules test`: the act on A's day with what A says, and on B's day with what B says.
    pub cases: String,
}

impl Example {
    /// None when the text of the case does not give the same answers again: then it is no example.
    pub(super) fn new(
        a: (&Side, &ActVerdict),
        b: (&Side, &ActVerdict),
        parting: Parting,
        fields: &Map<String, Value>,
    ) -> Option<Self> {
        let mut text = String::from("cases:\n");
        for ((side, verdict), id) in [a, b].into_iter().zip(["A", "B"]) {
            text += &case(side, verdict, id, fields);
        }
        let read = cases::parse(&text).ok()?;
        let again = read
            .iter()
            .zip([a.0, b.0])
            .all(|(case, side)| cases::run(&side.packs, case).passed);
        (read.len() == 2 && again).then(|| Self {
            parting,
            kind: a.1.kind,
            about: a.1.about.clone(),
            a: Said::of(a.1),
            b: Said::of(b.1),
            cases: text,
        })
    }
}

fn case(side: &Side, verdict: &ActVerdict, id: &str, fields: &Map<String, Value>) -> String {
    let mut fields = fields.clone();
    fields.insert("date".to_owned(), json!(side.day.to_string()));
    let settings = &side.settings;
    if settings.posture != crate::Posture::default() {
        fields.insert("posture".to_owned(), json!(settings.posture.word()));
    }
    if settings.packs != crate::Settings::default().packs {
        fields.insert("packs".to_owned(), json!(settings.packs));
    }
    let mut text = format!("- id: {id}\n");
    let mut line = |key: &str, value: &Value| {
        text += &format!("  {key}: {value}\n");
    };
    for (key, value) in &fields {
        line(key, value);
    }
    line("expect", &json!(verdict.outcome.word()));
    if let Some(review) = verdict.review {
        line("review", &json!(review.word()));
    }
    if !verdict.obligations.is_empty() {
        line("obligations", &json!(verdict.obligations));
    }
    let rules: Vec<&String> = verdict.deciding.iter().map(|hit| &hit.id).collect();
    if !rules.is_empty() {
        line("rules", &json!(rules));
    }
    line("why", &json!(format!("judged by {}", side.name)));
    text
}
