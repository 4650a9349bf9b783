//! The one module that talks to Cedar: it parses the policies and checks them against the schema of acts.
//!
//! Acts are judged by the formulas that are read from the policies ([`crate::formula`]), and [`crate::reference`] holds both
//! against each other. Every rule is a `forbid`. What counts is which of them are satisfied, never Cedar's decision: a policy
//! that errs would vanish from a decision. Every attribute of the schema is always given.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, Authorizer, Context, Entities, EntityUid, Policy, PolicyId, PolicySet,
    Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use serde_json::Value;

use crate::formula::{Formula, Written, of_policy, path_of};
use crate::vocabulary::{FactKind, Vocabulary};
use crate::{ActKind, LawError};

/// The kinds of act that a compound act is made of; the schema makes it a member of their action groups.
pub(crate) const fn halves(kind: ActKind) -> &'static [ActKind] {
    match kind {
        ActKind::ExportAndDataset => &[ActKind::Export, ActKind::TransferDataset],
        ActKind::RentAndDataset => &[ActKind::RentIaas, ActKind::TransferDataset],
        _ => &[],
    }
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Set,
    Word,
    Flag,
    Long,
}

impl Kind {
    const fn schema(self) -> &'static str {
        match self {
            Self::Set => "Set<String>",
            Self::Word => "String",
            Self::Flag => "Bool",
            Self::Long => "Long",
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Attribute {
    Set(BTreeSet<String>),
    Word(String),
    Flag(bool),
    Long(i64),
}

impl Attribute {
    fn expression(&self) -> RestrictedExpression {
        match self {
            Self::Set(words) => RestrictedExpression::new_set(
                words
                    .iter()
                    .map(|word| RestrictedExpression::new_string(word.clone())),
            ),
            Self::Word(word) => RestrictedExpression::new_string(word.clone()),
            Self::Flag(flag) => RestrictedExpression::new_bool(*flag),
            Self::Long(number) => RestrictedExpression::new_long(*number),
        }
    }

    pub(crate) const fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Set => Self::Set(BTreeSet::new()),
            Kind::Word => Self::Word(String::new()),
            Kind::Flag => Self::Flag(false),
            Kind::Long => Self::Long(0),
        }
    }
}

/// Groups of roles, each a record of the context.
pub(crate) const PARTY_GROUPS: [&str; 7] = [
    "any",
    "recipient",
    "shipper",
    "holder",
    "user",
    "sender",
    "receiver",
];
/// The attributes of such a record.
pub(crate) const PARTY_FIELDS: [&str; 6] = ["located", "hq", "parent", "home", "listed", "class"];

/// Every attribute of the context, by path. The whole of what a policy can ask.
pub(crate) fn attributes(vocabulary: &Vocabulary) -> BTreeMap<String, Kind> {
    let mut all: BTreeMap<String, Kind> = BTreeMap::new();
    for path in [
        "to",
        "from",
        "data_from",
        "kinds",
        "roles",
        "authorisations",
        "unknown",
        "item.class",
        "item.stored_in",
    ] {
        all.insert(path.to_owned(), Kind::Set);
    }
    for path in ["posture", "item.chip", "item.entry", "item.requested_by"] {
        all.insert(path.to_owned(), Kind::Word);
    }
    for path in [
        "item.closed",
        "item.published",
        "item.public",
        "item.important",
        "item.gpai",
    ] {
        all.insert(path.to_owned(), Kind::Flag);
    }
    for group in PARTY_GROUPS {
        for field in PARTY_FIELDS {
            all.insert(format!("{group}.{field}"), Kind::Set);
        }
    }
    for (name, fact) in &vocabulary.facts {
        let kind = match fact.kind {
            FactKind::Word => Kind::Word,
            FactKind::Flag => Kind::Flag,
            FactKind::Day => Kind::Long,
            FactKind::Number | FactKind::Persons => continue,
        };
        all.insert(format!("facts.{name}"), kind);
    }
    all
}

/// The Cedar schema of acts.
pub(crate) fn schema_text(vocabulary: &Vocabulary) -> String {
    let mut records: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut top = Vec::new();
    let attributes = attributes(vocabulary);
    for (path, kind) in &attributes {
        match path.split_once('.') {
            Some((record, field)) => records
                .entry(record)
                .or_default()
                .push(format!("{field}: {}", kind.schema())),
            None => top.push(format!("{path}: {}", kind.schema())),
        }
    }
    for (record, fields) in records {
        top.push(format!("{record}: {{ {} }}", fields.join(", ")));
    }
    let mut text = format!(
        "entity Party;\nentity Item;\ntype Facts_of_act = {{\n  {}\n}};\n",
        top.join(",\n  ")
    );
    for kind in ActKind::ALL {
        let parents: Vec<String> = halves(*kind)
            .iter()
            .map(|half| format!("\"{half}\""))
            .collect();
        let inside = if parents.is_empty() {
            String::new()
        } else {
            format!(" in [{}]", parents.join(", "))
        };
        let _infallible = writeln!(
            text,
            "action \"{kind}\"{inside} appliesTo {{ principal: [Party], resource: [Item], context: Facts_of_act }};"
        );
    }
    text
}

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

/// Policies that Cedar checked against the schema.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    attributes: BTreeMap<String, Kind>,
    entities: Entities,
    policies: Vec<(Policy, bool, BTreeSet<ActKind>)>,
    principal: EntityUid,
    resource: EntityUid,
}

/// The policies of an act, as Cedar takes them. Their ids are their indexes.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    pub(crate) forbids: PolicySet,
    pub(crate) permits: PolicySet,
}

/// Which policies are satisfied, by index; which erred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Satisfied {
    pub(crate) policies: BTreeSet<usize>,
    pub(crate) errors: BTreeMap<usize, String>,
}

const FAULT: &str = "this is a fault of the program or of base/vocabulary.yaml";

impl Compiled {
    /// Checks the policies against the schema.
    pub(crate) fn new(vocabulary: &Vocabulary, sources: &[Source]) -> Result<Self, LawError> {
        let schema = Schema::from_str(&schema_text(vocabulary))
            .map_err(|error| LawError::packs(format!("the schema of acts: {error}"), FAULT))?;
        let entities = schema
            .action_entities()
            .map_err(|error| LawError::packs(error.to_string(), FAULT))?;
        let uid = |text: &str| {
            EntityUid::from_str(text).map_err(|error| LawError::packs(error.to_string(), FAULT))
        };
        let validator = Validator::new(schema);
        let mut all = PolicySet::new();
        for (index, source) in sources.iter().enumerate() {
            all.add(numbered(&source.policy, index))
                .map_err(|error| LawError::packs(error.to_string(), FAULT))?;
        }
        let checked = validator.validate(&all, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            let source = index_of(error.policy_id()).and_then(|index| sources.get(index));
            let path = source
                .map(|source| source.policy.id().to_string())
                .unwrap_or_default();
            return Err(LawError::policy(&path, error.to_string()));
        }
        Ok(Self {
            attributes: attributes(vocabulary),
            entities,
            policies: sources
                .iter()
                .map(|source| (source.policy.clone(), source.forbids, source.kinds.clone()))
                .collect(),
            principal: uid("Party::\"who\"")?,
            resource: uid("Item::\"what\"")?,
        })
    }

    /// The actions of the schema, as Cedar wants them beside a request.
    pub(crate) const fn entities(&self) -> &Entities {
        &self.entities
    }

    /// Every attribute of the context and its type.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.attributes
            .iter()
            .map(|(path, kind)| (path.as_str(), *kind))
    }

    /// The policies that speak of an act and of which `wanted` holds, by index.
    pub(crate) fn slice(
        &self,
        kind: ActKind,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Slice, LawError> {
        let mut slice = Slice {
            forbids: PolicySet::new(),
            permits: PolicySet::new(),
        };
        for (index, (policy, forbids, kinds)) in self.policies.iter().enumerate() {
            if !kinds.contains(&kind) || !wanted(index) {
                continue;
            }
            let set = if *forbids {
                &mut slice.forbids
            } else {
                &mut slice.permits
            };
            set.add(numbered(policy, index))
                .map_err(|error| LawError::packs(error.to_string(), FAULT))?;
        }
        Ok(slice)
    }

    /// Every policy.
    pub(crate) fn every(&self) -> Result<PolicySet, LawError> {
        let mut all = PolicySet::new();
        for (index, (policy, _, _)) in self.policies.iter().enumerate() {
            all.add(numbered(policy, index))
                .map_err(|error| LawError::packs(error.to_string(), FAULT))?;
        }
        Ok(all)
    }

    /// A request about an act. Attributes that `given` lacks are given as empty, so that none is ever missing.
    pub(crate) fn request(
        &self,
        kind: ActKind,
        given: &BTreeMap<&str, Attribute>,
    ) -> Result<Request, String> {
        let all = self.attributes.iter().map(|(path, kind)| {
            let value = given.get(path.as_str()).map_or_else(
                || Attribute::empty(*kind).expression(),
                Attribute::expression,
            );
            (path.as_str(), value)
        });
        self.ask(kind, all)
    }

    fn ask<'p>(
        &self,
        kind: ActKind,
        given: impl Iterator<Item = (&'p str, RestrictedExpression)>,
    ) -> Result<Request, String> {
        let action = EntityUid::from_str(&format!("Action::\"{kind}\""))
            .map_err(|error| error.to_string())?;
        let mut records: BTreeMap<&str, HashMap<String, RestrictedExpression>> = BTreeMap::new();
        let mut pairs: Vec<(String, RestrictedExpression)> = Vec::new();
        for (path, value) in given {
            match path.split_once('.') {
                Some((record, field)) => {
                    records
                        .entry(record)
                        .or_default()
                        .insert(field.to_owned(), value);
                }
                None => pairs.push((path.to_owned(), value)),
            }
        }
        for (record, fields) in records {
            let value =
                RestrictedExpression::new_record(fields).map_err(|error| error.to_string())?;
            pairs.push((record.to_owned(), value));
        }
        let context = Context::from_pairs(pairs).map_err(|error| error.to_string())?;
        Request::new(
            self.principal.clone(),
            action,
            self.resource.clone(),
            context,
            None,
        )
        .map_err(|error| error.to_string())
    }

    /// Evaluates every policy of a slice.
    pub(crate) fn all(&self, slice: &Slice, request: &Request) -> Satisfied {
        let mut result = Satisfied::default();
        for set in [&slice.forbids, &slice.permits] {
            let response = Authorizer::new().is_authorized(request, set, &self.entities);
            result
                .policies
                .extend(response.diagnostics().reason().filter_map(index_of));
            for error in response.diagnostics().errors() {
                let cedar_policy::AuthorizationError::PolicyEvaluationError(inner) = error;
                result.errors.insert(
                    index_of(inner.policy_id()).unwrap_or(usize::MAX),
                    error.to_string(),
                );
            }
        }
        result
    }
}

fn numbered(policy: &Policy, index: usize) -> Policy {
    policy.new_id(PolicyId::new(index.to_string()))
}

fn index_of(id: &PolicyId) -> Option<usize> {
    AsRef::<str>::as_ref(id).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Result<Source, LawError> {
        read("us/x.cedar", text).map(|mut sources| sources.remove(0))
    }

    #[test]
    fn acts_of_compounds_and_literals_are_found() {
        let source = first(
            r#"@id("x") forbid (principal, action in [Action::"export"], resource)
               when { context.to.containsAny(["CN", "D:5"]) && !context.from.contains("US") && context.facts.chips_received < 20231117 }
               unless { ["civil"].contains(context.facts.end_use) || context.item.public };"#,
        )
        .unwrap();
        assert_eq!(
            source.kinds,
            BTreeSet::from([ActKind::Export, ActKind::ExportAndDataset])
        );
        let words: Vec<String> = source
            .mentions
            .iter()
            .map(|(path, mention)| format!("{path} {:?} {:?}", mention.words, mention.numbers))
            .collect();
        assert_eq!(
            words,
            [
                r#"facts.chips_received {} {20231117}"#,
                r#"facts.end_use {"civil"} {}"#,
                r#"from {"US"} {}"#,
                "item.public {} {}",
                r#"to {"CN", "D:5"} {}"#
            ]
        );
    }

    #[test]
    fn an_error_is_handed_on_and_satisfies_nothing() {
        let vocabulary = serde_json::from_value(serde_json::json!({
            "facts": {}, "lists": [], "data_classes": [], "requesters": [], "authorisations": {}
        }))
        .unwrap();
        let sources = read(
            "us/x.cedar",
            r#"@id("x") forbid (principal, action, resource) when { context.to.contains("CN") };
               @id("p") permit (principal, action, resource);"#,
        )
        .unwrap();
        let compiled = Compiled::new(&vocabulary, &sources).unwrap();
        let slice = compiled.slice(ActKind::Export, |_| true).unwrap();
        // Everything empty: the forbid is not satisfied and nothing errs.
        let request = compiled.request(ActKind::Export, &BTreeMap::new()).unwrap();
        let clean = compiled.all(&slice, &request);
        assert_eq!(
            (clean.policies, clean.errors.len()),
            (BTreeSet::from([1]), 0)
        );
        // A missing attribute, and one of the wrong type: an error, never a silent no.
        let bare = compiled.ask(ActKind::Export, std::iter::empty()).unwrap();
        assert!(compiled.all(&slice, &bare).errors.contains_key(&0));
        let wrong = [("to", Attribute::Flag(true).expression())];
        let wrong = compiled.ask(ActKind::Export, wrong.into_iter()).unwrap();
        assert!(compiled.all(&slice, &wrong).errors.contains_key(&0));
    }

    #[test]
    fn attributes_compared_with_each_other_are_refused() {
        let error = first(r#"@id("x") forbid (principal, action, resource) when { context.to.containsAny(context.from) };"#).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("must compare an attribute of the context with a literal"),
            "{error}"
        );
        let error = first("forbid (principal, action, resource)\nwhen { oops").unwrap_err();
        assert!(error.to_string().contains("line"), "{error}");
    }
}
