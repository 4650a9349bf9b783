//! The conditions of a policy as a formula over single questions, read from Cedar's own JSON form.
//!
//! Cedar parses, validates and stays the reference (`crate::reference`); what is not of the forms below is refused when a
//! pack is read, never guessed.

use serde_json::Value;

/// How a number stands to a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Comparison {
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
}

impl Comparison {
    pub(crate) fn holds<T: Ord>(self, left: T, right: T) -> bool {
        match self {
            Self::Lt => left < right,
            Self::Le => left <= right,
            Self::Eq => left == right,
            Self::Ge => left >= right,
            Self::Gt => left > right,
        }
    }

    /// The same with the sides changed.
    const fn flipped(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Eq => Self::Eq,
            Self::Ge => Self::Le,
            Self::Gt => Self::Lt,
        }
    }
}

/// One question about an attribute of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// A set holds a word.
    Has(String),
    /// A word is this one.
    Is(String),
    /// A flag is true.
    Yes,
    /// A number stands so to another.
    Number(Comparison, i64),
}

/// A formula over questions; `Q` is how a question is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Formula<Q> {
    Constant(bool),
    Ask(Q),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// A question as a policy writes it: path and what is asked.
pub(crate) type Written = (String, Leaf);

impl<Q> Formula<Q> {
    fn not(inner: Self) -> Self {
        match inner {
            Self::Constant(value) => Self::Constant(!value),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                Self::Constant(true) => {}
                other => flat.push(other),
            }
        }
        match (flat.len(), flat.pop()) {
            (_, None) => Self::Constant(true),
            (1, Some(only)) => only,
            (_, Some(last)) => {
                flat.push(last);
                Self::All(flat)
            }
        }
    }

    fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                Self::Constant(false) => {}
                other => flat.push(other),
            }
        }
        match (flat.len(), flat.pop()) {
            (_, None) => Self::Constant(false),
            (1, Some(only)) => only,
            (_, Some(last)) => {
                flat.push(last);
                Self::Any(flat)
            }
        }
    }

    /// The same formula with its questions named otherwise.
    ///
    /// # Errors
    /// What `name` says.
    pub(crate) fn rename<R, E>(
        &self,
        name: &mut impl FnMut(&Q) -> Result<R, E>,
    ) -> Result<Formula<R>, E> {
        Ok(match self {
            Self::Constant(value) => Formula::Constant(*value),
            Self::Ask(question) => Formula::Ask(name(question)?),
            Self::Not(inner) => Formula::Not(Box::new(inner.rename(name)?)),
            Self::All(parts) => Formula::All(
                parts
                    .iter()
                    .map(|part| part.rename(name))
                    .collect::<Result<_, E>>()?,
            ),
            Self::Any(parts) => Formula::Any(
                parts
                    .iter()
                    .map(|part| part.rename(name))
                    .collect::<Result<_, E>>()?,
            ),
        })
    }
}

/// The formula of a policy: every `when`, and no `unless`.
///
/// # Errors
/// What stands in it that is not of the forms that this program knows.
pub(crate) fn of_policy(policy: &Value) -> Result<Formula<Written>, String> {
    for side in ["principal", "resource"] {
        let scope = policy.get(side).and_then(|scope| scope.get("op"));
        if scope.and_then(Value::as_str) != Some("All") {
            return Err(format!(
                "a rule says nothing about `{side}` in its head: ask the context in a `when`"
            ));
        }
    }
    let mut parts = Vec::new();
    for condition in policy
        .get("conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let body = condition
            .get("body")
            .ok_or("a condition without an expression")?;
        let body = formula(body)?;
        match condition.get("kind").and_then(Value::as_str) {
            Some("when") => parts.push(body),
            Some("unless") => parts.push(Formula::not(body)),
            _ => return Err("a condition that is neither `when` nor `unless`".to_owned()),
        }
    }
    Ok(Formula::all(parts))
}

fn formula(expression: &Value) -> Result<Formula<Written>, String> {
    if let Some(path) = path_of(expression) {
        return Ok(Formula::Ask((path, Leaf::Yes)));
    }
    let map = expression.as_object().ok_or("an expression of no form")?;
    let (operator, operands) = match (map.len(), map.iter().next()) {
        (1, Some(only)) => only,
        _ => return Err("an expression of no form".to_owned()),
    };
    let part = |key: &str| {
        operands
            .get(key)
            .ok_or_else(|| format!("`{operator}` without its `{key}`"))
    };
    match operator.as_str() {
        "Value" => operands
            .as_bool()
            .map(Formula::Constant)
            .ok_or_else(|| format!("`{operands}` stands where a condition is wanted")),
        "!" => Ok(Formula::not(formula(part("arg")?)?)),
        "&&" => Ok(Formula::all(vec![
            formula(part("left")?)?,
            formula(part("right")?)?,
        ])),
        "||" => Ok(Formula::any(vec![
            formula(part("left")?)?,
            formula(part("right")?)?,
        ])),
        "if-then-else" => {
            let when = formula(part("if")?)?;
            let then = Formula::all(vec![when.clone(), formula(part("then")?)?]);
            let otherwise = Formula::all(vec![Formula::not(when), formula(part("else")?)?]);
            Ok(Formula::any(vec![then, otherwise]))
        }
        "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "containsAny" | "containsAll" => {
            compare(operator, part("left")?, part("right")?)
        }
        other => Err(format!(
            "`{other}` is not an operator of rules: they have && || ! if == != < <= > >= contains containsAny containsAll"
        )),
    }
}

fn compare(operator: &str, left: &Value, right: &Value) -> Result<Formula<Written>, String> {
    let (path, literal, turned) = match (path_of(left), path_of(right)) {
        (Some(path), None) => (path, right, false),
        (None, Some(path)) => (path, left, true),
        _ => {
            return Err(format!(
                "`{operator}` must compare an attribute of the context with a literal"
            ));
        }
    };
    let ask = |leaf: Leaf| Formula::Ask((path.clone(), leaf));
    let fail = || {
        Err(format!(
            "`{operator}` of `context.{path}`: a literal of another kind is wanted"
        ))
    };
    let has = |words: Vec<String>| -> Vec<Formula<Written>> {
        words.into_iter().map(|word| ask(Leaf::Has(word))).collect()
    };
    match (operator, literal_of(literal), turned) {
        ("==", Some(Literal::Word(word)), _) => Ok(ask(Leaf::Is(word))),
        ("!=", Some(Literal::Word(word)), _) => Ok(Formula::not(ask(Leaf::Is(word)))),
        ("==", Some(Literal::Number(number)), _) => Ok(ask(Leaf::Number(Comparison::Eq, number))),
        ("!=", Some(Literal::Number(number)), _) => {
            Ok(Formula::not(ask(Leaf::Number(Comparison::Eq, number))))
        }
        ("==", Some(Literal::Flag(flag)), _) | ("!=", Some(Literal::Flag(flag)), _) => {
            let yes = ask(Leaf::Yes);
            Ok(if flag == (operator == "==") {
                yes
            } else {
                Formula::not(yes)
            })
        }
        ("<" | "<=" | ">" | ">=", Some(Literal::Number(number)), _) => {
            let comparison = match operator {
                "<" => Comparison::Lt,
                "<=" => Comparison::Le,
                ">" => Comparison::Gt,
                _ => Comparison::Ge,
            };
            let comparison = if turned {
                comparison.flipped()
            } else {
                comparison
            };
            Ok(ask(Leaf::Number(comparison, number)))
        }
        ("contains", Some(Literal::Word(word)), false) => Ok(ask(Leaf::Has(word))),
        ("contains", Some(Literal::Words(words)), true) => Ok(Formula::any(
            words.into_iter().map(|word| ask(Leaf::Is(word))).collect(),
        )),
        ("containsAny", Some(Literal::Words(words)), _) => Ok(Formula::any(has(words))),
        ("containsAll", Some(Literal::Words(words)), false) => Ok(Formula::all(has(words))),
        (_, None, _) => Err(format!("`context.{path}` must be compared with a literal")),
        _ => fail(),
    }
}

enum Literal {
    Word(String),
    Number(i64),
    Flag(bool),
    Words(Vec<String>),
}

fn literal_of(expression: &Value) -> Option<Literal> {
    let value = match expression.get("Value") {
        Some(value) => value,
        None => {
            let words =
                expression
                    .get("Set")?
                    .as_array()?
                    .iter()
                    .map(|item| match literal_of(item)? {
                        Literal::Word(word) => Some(word),
                        _ => None,
                    });
            return words.collect::<Option<Vec<_>>>().map(Literal::Words);
        }
    };
    match value {
        Value::String(word) => Some(Literal::Word(word.clone())),
        Value::Number(number) => number.as_i64().map(Literal::Number),
        Value::Bool(flag) => Some(Literal::Flag(*flag)),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Literal::Words),
        _ => None,
    }
}

/// The path of an attribute of the context, when the expression is one.
pub(crate) fn path_of(expression: &Value) -> Option<String> {
    let access = expression.get(".")?;
    let field = access.get("attr")?.as_str()?;
    let left = access.get("left")?;
    if left.get("Var").and_then(Value::as_str) == Some("context") {
        Some(field.to_owned())
    } else {
        path_of(left).map(|record| format!("{record}.{field}"))
    }
}
