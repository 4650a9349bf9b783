//! `causeway.yaml`: what SkyPilot has no word for, once per organisation.
//!
//! [`parse`] gives an [`Organisation`] whose references all resolve, or every [`Problem`] of the file.

mod checks;
mod file;
mod kind;
mod kyc;
mod party;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use file::*;
pub use kind::{Adapters, Rollout, WorkKind};
pub use kyc::Kyc;
pub(crate) use party::DateText;
pub use party::*;

use crate::yaml::{Dialect, Node, read};
use crate::{DatasetId, Fact, PartyId, Percent, Problem, SiteId, SourceFile, schema};

/// A parsed and checked `causeway.yaml`: every party, site and dataset that it names exists in it.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// The file's content.
    pub file: File,
    /// The text, for messages and digests.
    pub source: Arc<SourceFile>,
    root: Node,
}

/// Reads and checks `causeway.yaml`.
///
/// # Errors
/// Every problem of the file, at its place.
pub fn parse(source: &Arc<SourceFile>) -> Result<Organisation, Vec<Problem>> {
    let mut documents = read(source, Dialect::Core).map_err(|problem| vec![problem])?;
    if documents.len() > 1 {
        let place = documents.get(1).map(|node| node.place).unwrap_or_default();
        return Err(vec![
            Problem::error(source, place, "causeway.yaml has one document")
                .help("remove the `---` and what is below it"),
        ]);
    }
    let Some(root) = documents.pop() else {
        return Err(Vec::new());
    };
    let mut problems = schema::check(source, &root, &json_schema());
    problems.extend(checks::names(source, &root));
    if !problems.is_empty() {
        return Err(problems);
    }
    let file: File = serde_json::from_value(root.to_json()).map_err(|error| {
        vec![Problem::error(
            source,
            root.place,
            format!("causeway.yaml can't be read: {error}"),
        )]
    })?;
    let problems = checks::references(source, &root, &file);
    if problems.is_empty() {
        Ok(Organisation {
            file,
            source: Arc::clone(source),
            root,
        })
    } else {
        Err(problems)
    }
}

/// The JSON Schema of `causeway.yaml`, as committed for editors.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(File)
}

impl Organisation {
    /// The organisation's own party.
    #[must_use]
    pub fn party(&self, id: &PartyId) -> Option<&Party> {
        self.file.parties.get(id)
    }

    /// A fact about a party, by a selector of its field.
    pub fn party_fact<T: Clone>(
        &self,
        id: &PartyId,
        field: &str,
        select: impl Fn(&Party) -> Option<&Stated<T>>,
    ) -> Fact<T> {
        match self.party(id) {
            Some(party) => Stated::fact(
                select(party),
                &self.source.name,
                &format!("parties.{id}.{field}"),
            ),
            None => Fact::unknown(format!("{} has no party `{id}`", self.source.name)),
        }
    }

    /// The presences at a site: which legal entity of ours holds which account there.
    pub fn presences_at<'a>(&'a self, site: &'a SiteId) -> impl Iterator<Item = &'a Presence> {
        self.file
            .presences
            .iter()
            .filter(move |presence| presence.site.as_ref() == Some(site))
    }

    /// What the file says of a task's workload: the entry under the task's name, else the only entry.
    #[must_use]
    pub fn workload(&self, task: Option<&str>) -> Option<(&str, &Workload)> {
        let by_name = task.and_then(|name| self.file.workloads.get_key_value(name));
        by_name
            .or_else(|| {
                self.file
                    .workloads
                    .iter()
                    .next()
                    .filter(|_| self.file.workloads.len() == 1)
            })
            .map(|(name, workload)| (name.as_str(), workload))
    }

    /// A remark about the value at a JSON pointer.
    #[must_use]
    pub fn problem_at(&self, pointer: &str, message: impl Into<String>) -> Problem {
        Problem::error(&self.source, self.root.at(pointer).place, message)
    }

    /// Datasets by id.
    #[must_use]
    pub const fn datasets(&self) -> &BTreeMap<DatasetId, Dataset> {
        &self.file.datasets
    }
}

pub use crate::stated::Stated;

/// Shares that are known, summed. Exact.
#[must_use]
pub fn stated_total<'a>(shares: impl Iterator<Item = Option<&'a Stated<Percent>>>) -> Percent {
    Percent::new(
        shares
            .filter_map(|share| match share {
                Some(Stated::Value(share, _)) => Some(share.get()),
                Some(Stated::Unknown) | None => None,
            })
            .sum::<rust_decimal::Decimal>(),
    )
}

#[cfg(test)]
mod tests;
