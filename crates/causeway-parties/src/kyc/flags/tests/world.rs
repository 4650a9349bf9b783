//! A world in which everything is known and nothing is amiss, and what can be changed about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::organisation::{DataClass, Kyc};
use causeway_domain::{Date, Digest, Fact, SourceFile, Timestamp};
use rust_decimal::Decimal;

use super::super::{FLAGS, Finding};
use crate::Certainty;
use crate::kyc::form::{Amount, Customer, Goods, Provider};
use crate::kyc::observed::{AccessSeen, EgressSeen, Watched};
use crate::kyc::records::{
    Dated, Delivered, Hosts, Match, Moment, Moved, Order, Owned, Records, Screened, Sent, Timing,
    Trigger,
};
use crate::kyc::{Prefilled, Questionnaire, Role, blank_form, customer, provider};

pub(super) fn known<T>(value: T) -> Fact<T> {
    Fact::stated(value, "test")
}

pub(super) fn number(text: &str) -> Decimal {
    Amount::parse(text).unwrap().0
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A form whose answers are the examples of the questionnaire.
pub(super) fn filled(role: Role) -> Arc<SourceFile> {
    let questions = Questionnaire::builtin().unwrap();
    let known = questions
        .of(role)
        .iter()
        .map(|question| {
            let known = Prefilled {
                answer: question.like.clone(),
                source: "example".to_owned(),
            };
            (question.field.clone(), known)
        })
        .collect();
    Arc::new(SourceFile::new(
        "form.yaml",
        blank_form(role, &questions, &"ab".repeat(32), &known),
    ))
}

pub(super) fn form() -> Customer {
    customer(&filled(Role::Customer)).unwrap().file
}

pub(super) fn provider_form() -> Provider {
    provider(&filled(Role::Provider)).unwrap().file
}

/// A world in which everything is known and nothing is amiss; made once, since a form is read for it.
pub(super) fn good() -> Records {
    static GOOD: std::sync::LazyLock<Records> = std::sync::LazyLock::new(world);
    GOOD.clone()
}

pub(super) fn world() -> Records {
    let clear = at("2026-11-24T10:00:00Z");
    let start = at("2026-11-24T11:00:00Z");
    let end = at("2026-11-26T11:00:00Z");
    let mut records = Records::unknown(day("2026-11-24"), "nobody said");
    records.form = known(form());
    records.provider = known(provider_form());
    records.screening = known(vec![Screened {
        party: "Acme".to_owned(),
        matches: known(Vec::new()),
    }]);
    records.lists = known(vec!["csl of 2026-11-24".to_owned()]);
    records.listed_addresses = known(vec![watched("1 Far Street, Elsewhere")]);
    records.ownership = known(vec![Owned {
        party: "Acme".to_owned(),
        regime: "50 % of listed parties".to_owned(),
        caught: Certainty::No,
        holders: BTreeSet::new(),
        possible: BTreeSet::new(),
    }]);
    records.embargoed = known(["CN", "MO", "RU"].map(|code| code.parse().unwrap()).into());
    records.entity = known("SG".parse().unwrap());
    records.headquarters = known("SG".parse().unwrap());
    records.parent = known("SG".parse().unwrap());
    records.watched = known(vec![watched("1 Other Street")]);
    records.at_address = known(3);
    records.planned.chips = known(100);
    records.planned.hours = known(number("48"));
    records.planned.six_n_d = known(number("8.4e22"));
    records.planned.capacity = known(number("2.52e23"));
    records.planned.last_transfer = known(day("2026-11-26"));
    records.actual.hours = known(number("60"));
    records.access = known(vec![used("A. Person", "SG", false)]);
    records.sent = known(vec![Sent {
        what: Goods::Weights,
        country: known("SG".parse().unwrap()),
        at: end,
    }]);
    records.egress = known(vec![sends_to("home")]);
    records.moved = known(vec![moved(&[], 1_000_000)]);
    records.changes = known(Vec::new());
    records.orders = known(vec![order("1", "a-1", 32), order("2", "a-2", 32)]);
    records.triggers = known(vec![trigger()]);
    records.watts = BTreeMap::from([("H100-SXM-80GB".to_owned(), known(number("700")))]);
    records.licences = known(vec![(
        "BIS_LICENCE".to_owned(),
        "D1".to_owned(),
        day("2026-11-26"),
    )]);
    records.versions = known(vec![dated(true, "2026-11-01"), dated(false, "2026-07-31")]);
    records.moments = known(vec![Moment {
        what: "launch".to_owned(),
        at: start,
    }]);
    let files = BTreeMap::from([("model.safetensors".to_owned(), Digest::new([7; 32]))]);
    records.delivered = known(Delivered {
        manifest: files.clone(),
        admitted: files,
    });
    records.hosts = known(Hosts {
        spec: BTreeSet::from(["pypi.org".to_owned()]),
        seen: BTreeSet::from(["pypi.org".to_owned()]),
    });
    records.timing = known(Timing {
        cleared: vec![clear],
        started: start,
    });
    records
}

pub(super) fn watched(address: &str) -> Watched {
    Watched {
        party: "Other Co, refused in 2025".to_owned(),
        addresses: vec![address.to_owned()],
        phones: Vec::new(),
        directors: Vec::new(),
        domains: Vec::new(),
        payers: Vec::new(),
    }
}

pub(super) fn used(person: &str, country: &str, anonymiser: bool) -> AccessSeen {
    AccessSeen {
        at: None,
        person: Some(person.to_owned()),
        country: Some(country.parse().unwrap()),
        anonymiser: Some(anonymiser),
    }
}

pub(super) fn sends_to(host: &str) -> EgressSeen {
    EgressSeen {
        to: host.to_owned(),
        country: None,
        since: None,
    }
}

pub(super) fn moved(classes: &[DataClass], records: u64) -> Moved {
    Moved {
        dataset: "corpus".to_owned(),
        classes: known(classes.iter().copied().collect()),
        records: known(records),
    }
}

pub(super) fn order(run: &str, account: &str, chips: u64) -> Order {
    Order {
        run: run.to_owned(),
        account: account.to_owned(),
        common: "ultimate parent Acme".to_owned(),
        chips: known(chips),
        flop: known(number("4e24")),
    }
}

pub(super) fn trigger() -> Trigger {
    Trigger {
        rule: "a rule".to_owned(),
        operations: number("1e25"),
        inclusive: false,
        from: None,
        to: None,
    }
}

pub(super) fn dated(list: bool, text: &str) -> Dated {
    Dated {
        what: "the list".to_owned(),
        list,
        day: known(day(text)),
    }
}

/// Changes the form of some records.
pub(super) fn edit(records: &mut Records, change: impl Fn(&mut Customer)) {
    if let Fact::Known(form, _) = &mut records.form {
        change(form);
    }
}

pub(super) fn finding(id: &str, records: &Records) -> Finding {
    let flag = FLAGS.iter().find(|flag| flag.id == id).unwrap();
    (flag.check)(records, &Kyc::default())
}

pub(super) fn no<T>() -> Fact<T> {
    Fact::unknown("nobody said")
}

pub(super) fn listed(records: &mut Records) {
    records.screening = known(vec![Screened {
        party: "Acme".to_owned(),
        matches: known(vec![Match {
            entry: "list, ACME".to_owned(),
            hit: false,
            listed_on: Some(day("2018-01-01")),
        }]),
    }]);
}

pub(super) fn caught(records: &mut Records, caught: Certainty) {
    if let Fact::Known(owned, _) = &mut records.ownership {
        owned[0].caught = caught;
    }
}

pub(super) fn holder(records: &mut Records) {
    if let Fact::Known(owned, _) = &mut records.ownership {
        owned[0].holders.insert("X".to_owned());
    }
}

pub(super) fn changed_bytes(records: &mut Records) {
    if let Fact::Known(delivered, _) = &mut records.delivered {
        delivered
            .admitted
            .insert("model.safetensors".to_owned(), Digest::new([8; 32]));
    }
}
