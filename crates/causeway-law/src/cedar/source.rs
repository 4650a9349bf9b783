//! Policies as they are read from a file.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use cedar_policy::{ActionConstraint, EntityUid, Policy, PolicyId, PolicySet};
use serde_json::Value;

use super::halves;
use crate::formula::{Formula, Written, of_policy, path_of};
use crate::{ActKind, LawError};

/// What a policy compares an attribute with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) words: BTreeSet<String>,
    pub(crate) numbers: BTreeSet<i64>,
}

/// A policy as read: its annotations, the acts that it speaks of, the attributes that it looks at.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) forbids: bool,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) kinds: BTreeSet<ActKind>,
    pub(crate) mentions: BTreeMap<String, Mention>,
    pub(crate) formula: Formula<Written>,
    /// Its conditions in Cedar's JSON form.
    pub(crate) conditions: Value,
    pub(crate) policy: Policy,
}

/// Reads the policies of a file, in its order.
pub(crate) fn read(path: &str, text: &str) -> Result<Vec<Source>, LawError> {
    let set = PolicySet::from_str(text).map_err(|error| {
        use miette::Diagnostic;
        let at = error
            .labels()
            .and_then(|mut labels| labels.next())
            .map(|label| {
                let line = text
                    .get(..label.offset())
                    .unwrap_or_default()
                    .matches('\n')
                    .count()
                    + 1;
                format!(" (line {line})")
            });
        LawError::policy(path, format!("{error}{}", at.unwrap_or_default()))
    })?;
    if set.num_of_templates() > 0 {
        return Err(LawError::policy(path, "templates with slots are not rules"));
    }
    let number = |policy: &Policy| {
        policy
            .id()
            .to_string()
            .trim_start_matches("policy")
            .parse::<usize>()
            .unwrap_or(usize::MAX)
    };
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(|policy| number(policy));
    policies
        .into_iter()
        .enumerate()
        .map(|(index, policy)| source(path, index, policy))
        .collect()
}

fn source(path: &str, index: usize, policy: &Policy) -> Result<Source, LawError> {
    let id = PolicyId::new(format!("{path}#{index}"));
    let annotations: BTreeMap<String, String> = policy
        .annotations()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let name = annotations
        .get("id")
        .cloned()
        .unwrap_or_else(|| format!("policy {}", index + 1));
    let fail = |message: String| LawError::policy(path, format!("`{name}`: {message}"));
    let mut kinds = BTreeSet::new();
    for kind in ActKind::ALL {
        let is = |uid: &EntityUid| uid.id().unescaped() == kind.word();
        let within = |uid: &EntityUid| {
            is(uid)
                || halves(*kind)
                    .iter()
                    .any(|half| uid.id().unescaped() == half.word())
        };
        let speaks = match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => is(&uid),
            ActionConstraint::In(uids) => uids.iter().any(within),
        };
        if speaks {
            kinds.insert(*kind);
        }
    }
    let json = policy.to_json().map_err(|error| fail(error.to_string()))?;
    let mut mentions = BTreeMap::new();
    for condition in json
        .get("conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(body) = condition.get("body") {
            look(body, &mut mentions).map_err(fail)?;
        }
    }
    let formula = of_policy(&json).map_err(fail)?;
    Ok(Source {
        forbids: policy.effect() == cedar_policy::Effect::Forbid,
        annotations,
        kinds,
        mentions,
        formula,
        conditions: json.get("conditions").cloned().unwrap_or_default(),
        policy: policy.new_id(id),
    })
}

/// Literals of an expression; `false` when it holds anything else.
fn literals(expression: &Value, mention: &mut Mention) -> bool {
    let one = |value: &Value, mention: &mut Mention| match value {
        Value::String(word) => {
            mention.words.insert(word.clone());
            true
        }
        Value::Number(number) => {
            mention.numbers.extend(number.as_i64());
            number.is_i64()
        }
        Value::Bool(_) => true,
        _ => false,
    };
    if let Some(value) = expression.get("Value") {
        return match value {
            Value::Array(items) => items.iter().all(|item| one(item, mention)),
            other => one(other, mention),
        };
    }
    match expression.get("Set").and_then(Value::as_array) {
        Some(items) => items.iter().all(|item| literals(item, mention)),
        None => false,
    }
}

/// Notes which attributes an expression looks at and what it compares them with. An attribute may only be compared with
/// literals: then the values that the rules tell apart are known, and an unknown fact can be tried at each.
fn look(expression: &Value, mentions: &mut BTreeMap<String, Mention>) -> Result<(), String> {
    if let Some(path) = path_of(expression) {
        mentions.entry(path).or_default();
        return Ok(());
    }
    let Some(map) = expression.as_object() else {
        return Ok(());
    };
    for (operator, operands) in map {
        if matches!(operator.as_str(), "Value" | "Var" | "Set") {
            continue;
        }
        let (Some(left), Some(right)) = (operands.get("left"), operands.get("right")) else {
            for operand in operands
                .as_object()
                .into_iter()
                .flat_map(|map| map.values())
            {
                look(operand, mentions)?;
            }
            for operand in operands.as_array().into_iter().flatten() {
                look(operand, mentions)?;
            }
            continue;
        };
        if matches!(operator.as_str(), "&&" | "||") {
            look(left, mentions)?;
            look(right, mentions)?;
            continue;
        }
        let (path, other) = match (path_of(left), path_of(right)) {
            (Some(path), None) => (path, right),
            (None, Some(path)) => (path, left),
            _ => {
                return Err(format!(
                    "`{operator}` must compare an attribute of the context with a literal"
                ));
            }
        };
        if !literals(other, mentions.entry(path.clone()).or_default()) {
            return Err(format!("`context.{path}` must be compared with a literal"));
        }
    }
    Ok(())
}
