//! The one module that talks to Cedar: it parses the policies and checks them against the schema of acts.
//!
//! Acts are judged by the formulas that are read from the policies ([`crate::formula`]), and [`crate::reference`] holds both
//! against each other. Every rule is a `forbid`. What counts is which of them are satisfied, never Cedar's decision: a policy
//! that errs would vanish from a decision. Every attribute of the schema is always given.

mod schema;
mod source;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Entities, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};

use crate::vocabulary::Vocabulary;
use crate::{ActKind, LawError};

pub(crate) use self::schema::{Attribute, Kind, PARTY_GROUPS, attributes, halves, schema_text};
pub(crate) use self::source::{Mention, Source, read};

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
