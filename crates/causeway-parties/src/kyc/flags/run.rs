//! rf19 to rf21, rf23, rf24: what the run's own record says.

use causeway_domain::Date;
use causeway_domain::organisation::Kyc;

use super::{FORM, Finding, Look};
use crate::kyc::gaps::days_between;
use crate::kyc::records::Records;

fn utc_day(at: causeway_domain::Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

pub(super) fn licences(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    let last = look.take("the last planned transfer", &records.planned.last_transfer);
    let mut all: Vec<(String, Option<Date>, String)> = Vec::new();
    if let Some(list) = look.answer(records, "C17", |form| form.authorisations.as_ref()) {
        all.extend(list.iter().map(|one| {
            let name = format!(
                "{} {}",
                one.name.as_deref().unwrap_or("an authorisation"),
                one.number.as_deref().unwrap_or("without a number")
            );
            (name, one.until.map(|day| day.0), FORM.to_owned())
        }));
    }
    if let Some((list, source)) = look.take("authorisations on file", &records.licences) {
        all.extend(list.iter().map(|(name, number, until)| {
            (format!("{name} {number}"), Some(*until), source.clone())
        }));
    }
    if let Some((last, source)) = last {
        look.see(format!("the last planned transfer is on {last}"), source);
        for (name, until, source) in all {
            match until {
                None => look.lack(format!("the last day of {name}")),
                Some(until) if until < *last => {
                    look.raise(format!("{name} ends on {until}"), source);
                }
                Some(until) => look.see(format!("{name} ends on {until}"), source),
            }
        }
    }
    look.end(
        "what covers the transfers after that day?",
        "every authorisation relied on covers the last planned transfer, or none is relied on",
    )
}

pub(super) fn versions(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    let moments = look.take("launch, staging and transfer home", &records.moments);
    let versions = look.take("days of lists and rules", &records.versions);
    if let (Some((moments, _)), Some((versions, _))) = (moments, versions) {
        if moments.is_empty() {
            look.lack("launch, staging and transfer home: none is on record");
        }
        if versions.is_empty() {
            look.lack("days of lists and rules: none is on record");
        }
        for version in versions {
            let limit = if version.list {
                kyc.list_days
            } else {
                kyc.rules_days
            };
            let Some((day, source)) = look.take(&version.what, &version.day) else {
                continue;
            };
            for moment in moments {
                let age = days_between(*day, utc_day(moment.at));
                let text = format!(
                    "{} of {day}: {age} days old at {} ({}), {limit} are allowed",
                    version.what,
                    moment.what,
                    utc_day(moment.at)
                );
                if age > i64::from(limit) {
                    look.raise(text, &source);
                } else {
                    look.see(text, &source);
                }
            }
        }
    }
    look.end(
        "what do the lists and rules of today say of the parties and acts?",
        "lists and rules were as fresh as the policy asks",
    )
}

pub(super) fn delivered(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some((delivered, source)) = look.take("manifest and admission", &records.delivered) {
        if delivered.admitted.is_empty() {
            look.lack("manifest and admission: nothing was admitted");
        }
        for (path, digest) in &delivered.admitted {
            match delivered.manifest.get(path) {
                None => look.raise(
                    format!("`{path}` was admitted and is not in the manifest"),
                    &source,
                ),
                Some(signed) if signed != digest => look.raise(
                    format!(
                        "`{path}` was admitted as {}, signed as {}",
                        digest.short(),
                        signed.short()
                    ),
                    &source,
                ),
                Some(_) => {}
            }
        }
        look.see(
            format!("{} files admitted", delivered.admitted.len()),
            source,
        );
    }
    look.end(
        "which bytes are right, and where did they change?",
        "every admitted file has the digest of the signed manifest; `causeway ledger verify` reads the bytes",
    )
}

pub(super) fn hosts(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some((hosts, source)) = look.take("what the job printed", &records.hosts) {
        for host in hosts.seen.difference(&hosts.spec) {
            look.raise(
                format!("the job names `{host}`; the task does not"),
                &source,
            );
        }
    }
    look.end(
        "what was fetched from there?",
        "the job names no host beside those of the task; what it does not print is not seen",
    )
}

pub(super) fn timing(records: &Records, kyc: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some((timing, source)) = look.take("clearance and start", &records.timing) {
        let start = timing.started;
        // Engines state the start in whole seconds, by the site's clock: a clearance of the same second is no later one.
        let before = timing
            .cleared
            .iter()
            .filter(|at| at.as_second() <= start.as_second())
            .max();
        match before {
            None => look.raise(
                format!(
                    "started at {start} by the site's clock; the first clearance is {}",
                    timing
                        .cleared
                        .iter()
                        .min()
                        .map_or_else(|| "not on record".to_owned(), |at| format!("of {at}"))
                ),
                &source,
            ),
            Some(at) => {
                let good = i64::from(kyc.clearance_days) * 24 * 3600;
                let text = format!("cleared at {at}, started at {start} by the site's clock");
                if start.as_second() - at.as_second() > good {
                    look.raise(text, &source);
                } else {
                    look.see(text, &source);
                }
            }
        }
    }
    look.end(
        "by whose decision did it start?",
        format!("started within {} days of a clearance", kyc.clearance_days),
    )
}
