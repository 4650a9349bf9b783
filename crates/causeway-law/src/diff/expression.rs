//! Conditions of policies in Cedar's JSON form: their words and numbers, their clauses in plain words, and copies in which
//! words are renamed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// The path of an attribute of the context, when the expression is one.
pub(super) fn path_of(expression: &Value) -> Option<String> {
    let access = expression.get(".")?;
    let field = access.get("attr")?.as_str()?;
    let left = access.get("left")?;
    if left.get("Var").and_then(Value::as_str) == Some("context") {
        Some(field.to_owned())
    } else {
        path_of(left).map(|record| format!("{record}.{field}"))
    }
}

/// A comparison of an attribute with literals: operator, path, the other side.
fn comparison(expression: &Value) -> Option<(&str, String, &Value)> {
    let (operator, operands) = expression.as_object()?.iter().next()?;
    if matches!(operator.as_str(), "&&" | "||") {
        return None;
    }
    let (left, right) = (operands.get("left")?, operands.get("right")?);
    match (path_of(left), path_of(right)) {
        (Some(path), _) => Some((operator, path, right)),
        (None, Some(path)) => Some((operator, path, left)),
        (None, None) => None,
    }
}

fn each_literal<'v>(expression: &'v Value, see: &mut impl FnMut(&'v Value)) {
    match expression {
        Value::Object(map) => {
            for inner in map.get("Value").into_iter().chain(map.get("Set")) {
                each_literal(inner, see);
            }
        }
        Value::Array(items) => {
            for item in items {
                each_literal(item, see);
            }
        }
        other => see(other),
    }
}

/// What conditions compare an attribute with, and which words speak for the policy being satisfied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) wanted: BTreeSet<String>,
    pub(super) unwanted: BTreeSet<String>,
    pub(super) numbers: BTreeSet<i64>,
    /// A flag that is wanted, or not.
    pub(super) flag: Option<bool>,
}

impl Asked {
    pub(super) fn words(&self) -> BTreeSet<String> {
        self.wanted.union(&self.unwanted).cloned().collect()
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.wanted.extend(other.wanted.iter().cloned());
        self.unwanted.extend(other.unwanted.iter().cloned());
        self.numbers.extend(other.numbers.iter().copied());
        self.flag = self.flag.or(other.flag);
    }
}

/// What the conditions of a policy ask, by attribute.
pub(super) fn asked(conditions: &Value) -> BTreeMap<String, Asked> {
    let mut all = BTreeMap::new();
    for condition in conditions.as_array().into_iter().flatten() {
        let wanted = condition.get("kind").and_then(Value::as_str) != Some("unless");
        if let Some(body) = condition.get("body") {
            ask(body, wanted, &mut all);
        }
    }
    all
}

fn ask(expression: &Value, wanted: bool, all: &mut BTreeMap<String, Asked>) {
    if let Some(path) = path_of(expression) {
        all.entry(path).or_default().flag = Some(wanted);
        return;
    }
    if let Some((operator, path, other)) = comparison(expression) {
        let asked = all.entry(path).or_default();
        let wanted = wanted == (operator != "!=");
        each_literal(other, &mut |literal| match literal {
            Value::String(word) if wanted => {
                asked.wanted.insert(word.clone());
            }
            Value::String(word) => {
                asked.unwanted.insert(word.clone());
            }
            Value::Number(number) => asked.numbers.extend(number.as_i64()),
            Value::Bool(flag) => asked.flag = Some(*flag == wanted),
            _ => {}
        });
        return;
    }
    let Some(map) = expression.as_object() else {
        return;
    };
    for (operator, operands) in map {
        let wanted = wanted == (operator != "!");
        for operand in operands
            .as_object()
            .into_iter()
            .flat_map(|map| map.values())
        {
            ask(operand, wanted, all);
        }
        for operand in operands.as_array().into_iter().flatten() {
            ask(operand, wanted, all);
        }
    }
}

/// A copy with other words, and with sets in one order. `name` gives the new word for a word of an attribute; `fixed` the
/// value of an attribute that is known.
pub(super) fn rewrite(
    expression: &Value,
    name: &dyn Fn(&str, &str) -> Option<String>,
    fixed: &dyn Fn(&str) -> Option<String>,
) -> Value {
    if let Some((operator, path, other)) = comparison(expression) {
        if let (Some(value), "==" | "!=") = (fixed(&path), operator) {
            let mut equal = false;
            each_literal(other, &mut |literal| {
                equal |= literal.as_str() == Some(&value)
            });
            return json!({"Value": equal == (operator == "==")});
        }
        let mut copy = expression.clone();
        if let Some(operands) = copy.get_mut(operator).and_then(Value::as_object_mut) {
            for side in ["left", "right"] {
                if let Some(operand) = operands.get_mut(side)
                    && path_of(operand).is_none()
                {
                    rename(operand, &path, name);
                }
            }
        }
        return copy;
    }
    match expression {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, inner)| (key.clone(), rewrite(inner, name, fixed)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|inner| rewrite(inner, name, fixed))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn rename(literal: &mut Value, path: &str, name: &dyn Fn(&str, &str) -> Option<String>) {
    match literal {
        Value::String(word) => {
            if let Some(new) = name(path, word) {
                *word = new;
            }
        }
        Value::Array(items) => {
            for item in items.iter_mut() {
                rename(item, path, name);
            }
            items.sort_by_key(Value::to_string);
        }
        Value::Object(map) => {
            for inner in map.values_mut() {
                rename(inner, path, name);
            }
        }
        _ => {}
    }
}

// In words.

/// The clauses of a policy: what must hold, and each of its exceptions.
pub(super) fn clauses(conditions: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for condition in conditions.as_array().into_iter().flatten() {
        let Some(body) = condition.get("body") else {
            continue;
        };
        if condition.get("kind").and_then(Value::as_str) == Some("unless") {
            all.push(format!("unless {}", words(body, false)));
        } else {
            conjuncts(body, &mut all);
        }
    }
    all
}

fn conjuncts(expression: &Value, all: &mut Vec<String>) {
    match expression.get("&&") {
        Some(both) => {
            for side in ["left", "right"] {
                if let Some(inner) = both.get(side) {
                    conjuncts(inner, all);
                }
            }
        }
        None => all.push(format!("when {}", words(expression, false))),
    }
}

fn literal_words(expression: &Value) -> String {
    let mut list = Vec::new();
    each_literal(expression, &mut |literal| {
        list.push(match literal {
            Value::String(word) => format!("`{word}`"),
            other => other.to_string(),
        });
    });
    list.join(", ")
}

/// An expression in plain words. `inside`: it stands in another, and needs brackets where it has several parts.
fn words(expression: &Value, inside: bool) -> String {
    if let Some(path) = path_of(expression) {
        return path;
    }
    if let Some((operator, path, other)) = comparison(expression) {
        let literals = literal_words(other);
        let attribute_first = expression
            .get(operator)
            .and_then(|operands| operands.get("left"))
            .is_some_and(|left| path_of(left).is_some());
        return match (operator, attribute_first) {
            ("contains", true) => format!("{path} has {literals}"),
            ("containsAny", true) => format!("{path} has any of {literals}"),
            ("containsAll", true) => format!("{path} has all of {literals}"),
            ("contains", false) => format!("{path} is one of {literals}"),
            ("==", _) => format!("{path} is {literals}"),
            ("!=", _) => format!("{path} is not {literals}"),
            (operator, true) => format!("{path} {operator} {literals}"),
            (operator, false) => format!("{literals} {operator} {path}"),
        };
    }
    for (operator, word) in [("&&", " and "), ("||", " or ")] {
        if expression.get(operator).is_some() {
            let mut parts = Vec::new();
            flatten(expression, operator, &mut parts);
            let text = parts
                .iter()
                .map(|part| words(part, true))
                .collect::<Vec<_>>()
                .join(word);
            return if inside { format!("({text})") } else { text };
        }
    }
    match expression.get("!").and_then(|operand| operand.get("arg")) {
        Some(inner) => format!("not {}", words(inner, true)),
        None => match expression.get("Value") {
            Some(value) => value.to_string(),
            None => expression.to_string(),
        },
    }
}

fn flatten<'v>(expression: &'v Value, operator: &str, parts: &mut Vec<&'v Value>) {
    match expression.get(operator) {
        Some(both) => {
            for side in ["left", "right"] {
                if let Some(inner) = both.get(side) {
                    flatten(inner, operator, parts);
                }
            }
        }
        None => parts.push(expression),
    }
}

// Made here, for what acts can't be.

/// `context.<path>`.
pub(super) fn attribute(path: &str) -> Value {
    path.split('.').fold(
        json!({"Var": "context"}),
        |left, attr| json!({".": {"left": left, "attr": attr}}),
    )
}

/// `context.<path>.contains(word)`.
pub(super) fn contains(path: &str, word: &str) -> Value {
    json!({"contains": {"left": attribute(path), "right": {"Value": word}}})
}

/// Both.
pub(super) fn and(left: Value, right: Value) -> Value {
    json!({"&&": {"left": left, "right": right}})
}

/// Not.
pub(super) fn not(inner: Value) -> Value {
    json!({"!": {"arg": inner}})
}

/// A policy without a scope.
pub(super) fn policy(effect: &str, conditions: &Value) -> Value {
    json!({"effect": effect, "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": conditions})
}

/// A `forbid` when an expression holds.
pub(super) fn forbid_when(body: Value) -> Value {
    policy("forbid", &json!([{"kind": "when", "body": body}]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(text: &str) -> Value {
        crate::cedar::read("us/x.cedar", text)
            .unwrap()
            .remove(0)
            .conditions
    }

    fn policy_text() -> Value {
        conditions(
            r#"@id("x") forbid (principal, action, resource)
               when { context.to.containsAny(["MO", "CN"]) && (context.item.public || !context.from.contains("US")) && context.posture == "books" }
               unless { ["shown"].contains(context.facts.chips_licence) && context.facts.chips_received < 20231117 };"#,
        )
    }

    #[test]
    fn clauses_are_plain_words() {
        assert_eq!(
            clauses(&policy_text()),
            [
                "when to has any of `MO`, `CN`",
                "when item.public or not from has `US`",
                "when posture is `books`",
                "unless facts.chips_licence is one of `shown` and facts.chips_received < 20231117",
            ]
        );
    }

    #[test]
    fn what_is_wanted_follows_the_negations() {
        let all = asked(&policy_text());
        assert_eq!(
            all["to"].wanted,
            BTreeSet::from(["CN".to_owned(), "MO".to_owned()])
        );
        assert_eq!(all["from"].unwanted, BTreeSet::from(["US".to_owned()]));
        assert_eq!(all["item.public"].flag, Some(true));
        assert_eq!(
            all["facts.chips_licence"].unwanted,
            BTreeSet::from(["shown".to_owned()])
        );
        assert_eq!(
            all["facts.chips_received"].numbers,
            BTreeSet::from([20_231_117])
        );
    }

    #[test]
    fn words_are_renamed_by_attribute_and_what_is_fixed_is_decided() {
        let text = rewrite(
            &policy_text(),
            &|path, word| (path == "to" && word == "CN").then(|| "CN (A)".to_owned()),
            &|path| (path == "posture").then(|| "enforced".to_owned()),
        );
        let seen = clauses(&text);
        assert_eq!(seen[0], "when to has any of `CN (A)`, `MO`");
        assert_eq!(seen[2], "when false");
    }
}
