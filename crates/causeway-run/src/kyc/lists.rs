//! The parties of a run, and whom the customer's form names, against the lists that were imported.

use std::collections::BTreeSet;

use causeway_domain::organisation::{Organisation, Screening as Policy};
use causeway_domain::{Date, Fact, Timestamp};
use causeway_law::Approvals;
use causeway_parties::kyc::Filed;
use causeway_parties::kyc::form::{Customer, Item};
use causeway_parties::kyc::observed::Watched;
use causeway_parties::lists::{Finding, Freshness, ListVersion, Lists as Imported, thousandths};
use jiff::SignedDuration;

use super::papers::Papers;
use super::records::day_of;
use crate::RunError;
use crate::approvals::{Shelf, records};
use crate::screening::{Screened, imported, names, screen};
use crate::state::State;

/// What the imported lists say of the parties, and of whom the form names.
#[derive(Debug, Clone)]
pub struct Lists {
    /// The parties of causeway.yaml.
    pub(super) screened: Screened,
    /// Whom the form names beside them: the part, the name, what it is like.
    pub(super) named: Vec<(String, Vec<Finding>)>,
    /// Addresses of the entries.
    pub(super) addresses: Vec<Watched>,
    /// Why these lists are not enough to say that somebody stands on none: one is missing, too old or without a date.
    pub(super) faults: Vec<String>,
}

impl Lists {
    /// Each list with its day, for people.
    pub(super) fn in_words(&self) -> Vec<String> {
        self.screened.versions.iter().map(in_words).collect()
    }

    /// The lists as a source.
    pub(super) fn source(&self) -> String {
        format!("screening against {}", self.in_words().join(", "))
    }
}

fn in_words(version: &ListVersion) -> String {
    match version.date {
        Some(date) => format!("{} of {}", version.list, day_of(date)),
        None => format!("{} of an unknown day", version.list),
    }
}

/// An entry that a name is like, for people.
pub(super) fn of_finding(finding: &Finding) -> String {
    let determined = match (finding.same, &finding.settled_by) {
        (_, Some(by)) => format!("; they are one by {by}"),
        (Some(true), None) => "; a reviewer determined that they are one".to_owned(),
        (Some(false), None) => "; a reviewer determined that they are not one".to_owned(),
        (None, None) => String::new(),
    };
    let stands_on = if finding.lists.is_empty() {
        String::new()
    } else {
        format!("; {}", finding.lists.join("; "))
    };
    format!(
        "`{}`, {}, {} alike{stands_on}{determined}",
        finding.name,
        finding.entry,
        thousandths(finding.score)
    )
}

/// Screens the parties of a run and whom the form names. `own`: the file of the one who checks, whose lists count; without
/// it a run of this state directory is screened against the lists that its own causeway.yaml names. Unknown where nobody
/// names a list.
///
/// # Errors
/// When a stored list or an approval can't be read.
pub fn lists(
    shelf: Option<Shelf<'_>>,
    papers: Option<&Papers>,
    own: Option<&Organisation>,
    form: Option<&Filed<Customer>>,
) -> Result<Fact<Lists>, RunError> {
    let Some(papers) = papers else {
        return Ok(Fact::unknown(super::records::NO_RUN));
    };
    let organisation = match &papers.organisation {
        Fact::Known(organisation, _) => organisation,
        Fact::Unknown(why) => return Ok(Fact::unknown(why.clone())),
    };
    let here = papers.own_lines().is_some();
    let policy = match own {
        Some(own) => own.file.screening.as_ref(),
        None if here => organisation.file.screening.as_ref(),
        None => None,
    };
    let (Some(policy), Some(shelf)) = (policy, shelf) else {
        return Ok(Fact::unknown(if here {
            "causeway.yaml names no list to screen against: `causeway parties import` takes one in, `screening: {lists: [LIST]}` names it"
        } else {
            "the evidence pack holds no finding: screen the parties yourself, with `--organisation FILE` whose `screening` names lists that `causeway parties import` took in"
        }));
    };
    let approvals = if here {
        records(shelf, organisation, Some(&papers.run))?
            .approvals
            .clone()
    } else {
        Approvals::default()
    };
    let mut screenee = Organisation::clone(organisation);
    screenee.file.screening = Some(policy.clone());
    let Some(screened) = screen(shelf.state, shelf.now, &screenee, &approvals)? else {
        return Ok(Fact::unknown("no list is named"));
    };
    let faults = faults(policy, &screened.versions, shelf.now);
    let ready = imported(shelf.state, policy, day_of(shelf.now))?;
    let addresses = addresses(ready.searchable.lists(), day_of(shelf.now));
    let named = if screened.versions.is_empty() {
        Vec::new()
    } else {
        whom_the_form_names(shelf.state, shelf.now, form)?
    };
    let lists = Lists {
        named,
        addresses,
        faults,
        screened,
    };
    let source = lists.source();
    Ok(Fact::stated(lists, source))
}

fn faults(policy: &Policy, versions: &[ListVersion], now: Timestamp) -> Vec<String> {
    let imported: BTreeSet<&str> = versions
        .iter()
        .map(|version| version.list.as_str())
        .collect();
    let missing = policy
        .lists
        .iter()
        .filter(|list| !imported.contains(list.as_str()))
        .map(|list| {
            format!("list `{list}` is not imported: `causeway parties import` takes it in")
        });
    let limit = SignedDuration::from_hours(i64::from(policy.max_age_hours));
    let old = versions
        .iter()
        .filter_map(|version| match version.freshness(now, limit) {
            Freshness::Fresh { .. } => None,
            Freshness::Old { age } => Some(format!(
                "list `{}` is {} h old, {} are allowed: import it again",
                version.list,
                age.as_hours(),
                policy.max_age_hours
            )),
            Freshness::Unknown => Some(format!(
                "nobody says of which day list `{}` is: import it with `--date DAY`",
                version.list
            )),
        });
    let mut all: Vec<String> = missing.chain(old).collect();
    if policy.lists.is_empty() {
        all.push("`screening.lists` names no list".to_owned());
    }
    all
}

/// Officers, controllers, those for whom the work is done, and the payer. Nothing is determined about them: a reviewer's
/// word is about the parties of causeway.yaml.
fn whom_the_form_names(
    state: &State,
    now: Timestamp,
    form: Option<&Filed<Customer>>,
) -> Result<Vec<(String, Vec<Finding>)>, RunError> {
    let Some(form) = form.map(|form| &form.file) else {
        return Ok(Vec::new());
    };
    let mut who: Vec<(&str, String)> = Vec::new();
    for one in Item::of(form.controllers.as_ref()).into_iter().flatten() {
        who.extend(one.name.clone().map(|name| ("C6", name)));
    }
    for one in Item::of(form.officers.as_ref()).into_iter().flatten() {
        who.extend(one.name.clone().map(|name| ("C7", name)));
    }
    let work_for = Item::of(form.principals.as_ref()).and_then(|one| one.work_for.as_ref());
    for one in work_for.into_iter().flatten() {
        who.extend(one.name.clone().map(|name| ("C9", name)));
    }
    let payer = Item::of(form.payer.as_ref()).and_then(|payer| payer.name.clone());
    who.extend(payer.map(|name| ("C15", name)));
    let texts: Vec<String> = who.iter().map(|(_, name)| name.clone()).collect();
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let (found, _) = names(state, now, &texts)?;
    Ok(who
        .into_iter()
        .zip(found)
        .map(|((row, name), screening)| (format!("{name} ({row})"), screening.findings))
        .collect())
}

/// Where the entries of the lists are.
fn addresses(lists: &Imported, day: Date) -> Vec<Watched> {
    let mut all = Vec::new();
    for (_, list) in lists.lists() {
        for record in list.entries(day) {
            let addresses: Vec<String> = record
                .addresses
                .iter()
                .filter(|address| !address.text.is_empty())
                .map(|address| address.text.clone())
                .collect();
            if !addresses.is_empty() {
                all.push(Watched {
                    party: format!(
                        "{}, entry {} of {}",
                        record.label,
                        record.id,
                        in_words(&list.version)
                    ),
                    addresses,
                    phones: Vec::new(),
                    directors: Vec::new(),
                    domains: Vec::new(),
                    payers: Vec::new(),
                });
            }
        }
    }
    all
}
