//! Each flag raised, clear and unknown; and that no flag is ever cleared by what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::organisation::{DataClass, Kyc};
use causeway_domain::{Date, Digest, Fact, SourceFile, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{FLAGS, Finding, scientific};
use crate::Certainty;
use crate::kyc::form::{Amount, ContractingAs, Customer, Day, Domain, Goods, Premises, Provider};
use crate::kyc::observed::{AccessSeen, EgressSeen, Telemetry, Watched};
use crate::kyc::records::{
    Dated, Delivered, Hosts, Match, Moment, Moved, Order, Owned, Records, Screened, Sent, Timing,
    Trigger,
};
use crate::kyc::{Prefilled, Questionnaire, Role, blank_form, customer, provider};

fn known<T>(value: T) -> Fact<T> {
    Fact::stated(value, "test")
}

fn number(text: &str) -> Decimal {
    Amount::parse(text).unwrap().0
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A form whose answers are the examples of the questionnaire.
fn filled(role: Role) -> Arc<SourceFile> {
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

fn form() -> Customer {
    customer(&filled(Role::Customer)).unwrap().file
}

fn provider_form() -> Provider {
    provider(&filled(Role::Provider)).unwrap().file
}

/// A world in which everything is known and nothing is amiss; made once, since a form is read for it.
fn good() -> Records {
    static GOOD: std::sync::LazyLock<Records> = std::sync::LazyLock::new(world);
    GOOD.clone()
}

fn world() -> Records {
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

fn watched(address: &str) -> Watched {
    Watched {
        party: "Other Co, refused in 2025".to_owned(),
        addresses: vec![address.to_owned()],
        phones: Vec::new(),
        directors: Vec::new(),
        domains: Vec::new(),
        payers: Vec::new(),
    }
}

fn used(person: &str, country: &str, anonymiser: bool) -> AccessSeen {
    AccessSeen {
        at: None,
        person: Some(person.to_owned()),
        country: Some(country.parse().unwrap()),
        anonymiser: Some(anonymiser),
    }
}

fn sends_to(host: &str) -> EgressSeen {
    EgressSeen {
        to: host.to_owned(),
        country: None,
        since: None,
    }
}

fn moved(classes: &[DataClass], records: u64) -> Moved {
    Moved {
        dataset: "corpus".to_owned(),
        classes: known(classes.iter().copied().collect()),
        records: known(records),
    }
}

fn order(run: &str, account: &str, chips: u64) -> Order {
    Order {
        run: run.to_owned(),
        account: account.to_owned(),
        common: "ultimate parent Acme".to_owned(),
        chips: known(chips),
        flop: known(number("4e24")),
    }
}

fn trigger() -> Trigger {
    Trigger {
        rule: "a rule".to_owned(),
        operations: number("1e25"),
        inclusive: false,
        from: None,
        to: None,
    }
}

fn dated(list: bool, text: &str) -> Dated {
    Dated {
        what: "the list".to_owned(),
        list,
        day: known(day(text)),
    }
}

/// Changes the form of some records.
fn edit(records: &mut Records, change: impl Fn(&mut Customer)) {
    if let Fact::Known(form, _) = &mut records.form {
        change(form);
    }
}

fn finding(id: &str, records: &Records) -> Finding {
    let flag = FLAGS.iter().find(|flag| flag.id == id).unwrap();
    (flag.check)(records, &Kyc::default())
}

fn no<T>() -> Fact<T> {
    Fact::unknown("nobody said")
}

/// A flag, something that raises it, something whose absence leaves it open.
type Row = (&'static str, fn(&mut Records), fn(&mut Records));

const ROWS: [Row; 24] = [
    ("rf1", listed, |r| r.screening = no()),
    ("rf2", |r| caught(r, Certainty::Yes), |r| r.ownership = no()),
    ("rf3", |r| holder(r), |r| r.ownership = no()),
    (
        "rf4",
        |r| r.parent = known("CN".parse().unwrap()),
        |r| r.parent = no(),
    ),
    (
        "rf5",
        |r| {
            edit(r, |form| {
                form.incorporated.as_mut().unwrap().answer = Some(Day(day("2022-10-08")))
            })
        },
        |r| edit(r, |form| form.incorporated = None),
    ),
    (
        "rf6",
        |r| r.watched = known(vec![watched("1 EXAMPLE road, Singapore.")]),
        |r| r.watched = no(),
    ),
    ("rf7", |r| r.at_address = known(4), |r| r.at_address = no()),
    (
        "rf8",
        |r| r.planned.capacity = known(number("2.5201e23")),
        |r| r.planned.capacity = no(),
    ),
    (
        "rf9",
        |r| r.actual.hours = known(number("60.1")),
        |r| r.actual.hours = no(),
    ),
    (
        "rf10",
        |r| r.access = known(vec![used("A. Person", "MY", false)]),
        |r| r.access = no(),
    ),
    (
        "rf11",
        |r| {
            edit(r, |form| {
                form.payer
                    .as_mut()
                    .unwrap()
                    .answer
                    .as_mut()
                    .unwrap()
                    .is_customer = Some(false)
            })
        },
        |r| edit(r, |form| form.payer = None),
    ),
    (
        "rf12",
        |r| r.egress = known(vec![sends_to("elsewhere.example")]),
        |r| r.egress = no(),
    ),
    (
        "rf13",
        |r| r.moved = known(vec![moved(&[], 1_000_001)]),
        |r| r.moved = no(),
    ),
    (
        "rf14",
        |r| r.changes = known(vec!["parties.acme.owners".to_owned()]),
        |r| r.changes = no(),
    ),
    (
        "rf15",
        |r| r.orders = known(vec![order("1", "a-1", 32), order("2", "a-2", 33)]),
        |r| r.orders = no(),
    ),
    (
        "rf16",
        |r| {
            if let Fact::Known(form, _) = &mut r.provider {
                form.power
                    .as_mut()
                    .unwrap()
                    .answer
                    .as_mut()
                    .unwrap()
                    .site_mw = Some(Amount(number("0.9")));
            }
        },
        |r| r.watts.clear(),
    ),
    (
        "rf17",
        |r| {
            edit(r, |form| {
                let answer = form.principals.as_mut().unwrap().answer.as_mut().unwrap();
                answer.contracting_as = Some(ContractingAs::Reseller);
                answer.work_for = Some(Vec::new());
            });
        },
        |r| edit(r, |form| form.principals = None),
    ),
    (
        "rf18",
        |r| {
            edit(r, |form| {
                form.purpose
                    .as_mut()
                    .unwrap()
                    .answer
                    .as_mut()
                    .unwrap()
                    .domain = Some(Domain::Other)
            })
        },
        |r| r.form = no(),
    ),
    (
        "rf19",
        |r| r.planned.last_transfer = known(day("2026-11-27")),
        |r| r.planned.last_transfer = no(),
    ),
    (
        "rf20",
        |r| r.versions = known(vec![dated(true, "2026-10-24")]),
        |r| r.versions = no(),
    ),
    ("rf21", changed_bytes, |r| r.delivered = no()),
    (
        "rf22",
        |r| {
            edit(r, |form| {
                form.data.as_mut().unwrap().answer.as_mut().unwrap()[0].licence = None
            })
        },
        |r| edit(r, |form| form.base_model = None),
    ),
    (
        "rf23",
        |r| {
            r.hosts = known(Hosts {
                spec: BTreeSet::new(),
                seen: BTreeSet::from(["files.example".to_owned()]),
            });
        },
        |r| r.hosts = no(),
    ),
    (
        "rf24",
        |r| {
            r.timing = known(Timing {
                cleared: vec![at("2026-11-24T10:00:00Z")],
                started: at("2026-11-24T09:59:59Z"),
            });
        },
        |r| r.timing = no(),
    ),
];

fn listed(records: &mut Records) {
    records.screening = known(vec![Screened {
        party: "Acme".to_owned(),
        matches: known(vec![Match {
            entry: "list, ACME".to_owned(),
            hit: false,
            listed_on: Some(day("2018-01-01")),
        }]),
    }]);
}

fn caught(records: &mut Records, caught: Certainty) {
    if let Fact::Known(owned, _) = &mut records.ownership {
        owned[0].caught = caught;
    }
}

fn holder(records: &mut Records) {
    if let Fact::Known(owned, _) = &mut records.ownership {
        owned[0].holders.insert("X".to_owned());
    }
}

fn changed_bytes(records: &mut Records) {
    if let Fact::Known(delivered, _) = &mut records.delivered {
        delivered
            .admitted
            .insert("model.safetensors".to_owned(), Digest::new([8; 32]));
    }
}

#[test]
fn every_flag_is_raised_clear_and_unknown() {
    for (row, flag) in ROWS.iter().zip(FLAGS) {
        let (id, raise, lose) = row;
        assert_eq!(*id, flag.id);
        let clear = finding(id, &good());
        assert!(matches!(clear, Finding::Clear { .. }), "{id}: {clear:#?}");
        let mut raised = good();
        raise(&mut raised);
        let found = finding(id, &raised);
        let Finding::Raised { facts, question } = found else {
            panic!("{id}: {found:#?}")
        };
        assert!(!facts.is_empty() && question.contains('?'), "{id}");
        assert!(facts.iter().all(|seen| !seen.source.is_empty()), "{id}");
        let mut open = good();
        lose(&mut open);
        let found = finding(id, &open);
        let Finding::Unknown { missing, .. } = found else {
            panic!("{id}: {found:#?}")
        };
        assert!(!missing.is_empty(), "{id}");
    }
}

#[test]
fn of_what_nobody_knows_nothing_is_clear() {
    let nothing = Records::unknown(day("2026-11-24"), "nobody said");
    for flag in FLAGS {
        let found = (flag.check)(&nothing, &Kyc::default());
        assert!(
            matches!(found, Finding::Unknown { .. }),
            "{}: {found:#?}",
            flag.id
        );
    }
}

#[test]
fn lines_are_exact_on_both_sides() {
    // rf8: three times is usual, a hair more is not; and the other way round.
    let mut records = good();
    for (capacity, raised) in [("2.52e23", false), ("2.8e22", false), ("2.79e22", true)] {
        records.planned.capacity = known(number(capacity));
        assert_eq!(
            matches!(finding("rf8", &records), Finding::Raised { .. }),
            raised,
            "{capacity}"
        );
    }
    // rf5: founded on the day is not after it; a small order is none of its business.
    let mut records = good();
    edit(&mut records, |form| {
        form.incorporated.as_mut().unwrap().answer = Some(Day(day("2022-10-07")));
    });
    assert!(matches!(finding("rf5", &records), Finding::Clear { .. }));
    edit(&mut records, |form| {
        form.incorporated.as_mut().unwrap().answer = Some(Day(day("2024-01-01")));
    });
    records.planned.chips = known(64);
    assert!(matches!(finding("rf5", &records), Finding::Clear { .. }));
    records.planned.chips = known(65);
    assert!(matches!(finding("rf5", &records), Finding::Raised { .. }));
    // rf5: founded before the controls and after the listing of a related party.
    let mut records = good();
    listed(&mut records);
    assert!(matches!(finding("rf5", &records), Finding::Raised { .. }));
    // rf16: 1024 x 700 W x 1.3 is 0.93184 MW.
    let mut records = good();
    for (site, raised) in [("0.93184", false), ("0.93183", true)] {
        if let Fact::Known(form, _) = &mut records.provider {
            form.power
                .as_mut()
                .unwrap()
                .answer
                .as_mut()
                .unwrap()
                .site_mw = Some(Amount(number(site)));
        }
        assert_eq!(
            matches!(finding("rf16", &records), Finding::Raised { .. }),
            raised,
            "{site}"
        );
    }
    // rf20: thirty days old is fresh.
    let mut records = good();
    records.versions = known(vec![dated(true, "2026-10-25")]);
    assert!(matches!(finding("rf20", &records), Finding::Clear { .. }));
    // rf24: thirty days to the second.
    let mut records = good();
    for (started, raised) in [
        ("2026-12-24T10:00:00Z", false),
        ("2026-12-24T10:00:01Z", true),
    ] {
        records.timing = known(Timing {
            cleared: vec![at("2026-11-24T10:00:00Z")],
            started: at(started),
        });
        assert_eq!(
            matches!(finding("rf24", &records), Finding::Raised { .. }),
            raised,
            "{started}"
        );
    }
}

#[test]
fn an_open_share_is_raised_and_an_open_register_is_unknown() {
    let mut records = good();
    caught(&mut records, Certainty::Open);
    assert!(matches!(finding("rf2", &records), Finding::Raised { .. }));
    let mut records = good();
    if let Fact::Known(owned, _) = &mut records.ownership {
        owned[0].possible.insert("a share is unknown".to_owned());
    }
    assert!(matches!(finding("rf3", &records), Finding::Unknown { .. }));
}

#[test]
fn an_entity_in_the_group_itself_hides_nothing() {
    let mut records = good();
    records.entity = known("CN".parse().unwrap());
    records.parent = known("CN".parse().unwrap());
    assert!(matches!(finding("rf4", &records), Finding::Clear { .. }));
}

#[test]
fn split_orders_add_up_over_accounts_and_not_within_one() {
    let mut records = good();
    let orders = |list: Vec<Order>| known(list);
    records.orders = orders(vec![order("1", "a-1", 60), order("2", "a-1", 60)]);
    assert!(
        matches!(finding("rf15", &records), Finding::Clear { .. }),
        "one account is no split"
    );
    // Operations: 4e24 thrice is over 1e25, chips are few.
    records.orders = orders(vec![
        order("1", "a-1", 1),
        order("2", "a-2", 1),
        order("3", "a-3", 1),
    ]);
    assert!(matches!(finding("rf15", &records), Finding::Raised { .. }));
    records.triggers = no();
    assert!(matches!(finding("rf15", &records), Finding::Unknown { .. }));
    let mut silent = order("2", "a-2", 1);
    silent.flop = no();
    records.triggers = known(Vec::new());
    records.orders = orders(vec![order("1", "a-1", 1), silent]);
    assert!(matches!(finding("rf15", &records), Finding::Unknown { .. }));
}

#[test]
fn counters_are_a_second_source() {
    let mut records = good();
    records.actual.telemetry = known(Telemetry {
        chip_hours: Some(Amount(number("6000.1"))),
        utilisation_percent: None,
        flop: None,
    });
    assert!(
        matches!(finding("rf9", &records), Finding::Raised { .. }),
        "100 chips x 48 h x 1.25 is 6000"
    );
    records.actual.telemetry = known(Telemetry {
        chip_hours: Some(Amount(number("6000"))),
        utilisation_percent: None,
        flop: Some(Amount(number("1.05e23"))),
    });
    assert!(matches!(finding("rf9", &records), Finding::Clear { .. }));
}

#[test]
fn weights_that_went_where_nobody_declared_are_raised_before_the_egress_is_known() {
    let mut records = good();
    records.egress = no();
    records.sent = known(vec![Sent {
        what: Goods::Weights,
        country: known("CN".parse().unwrap()),
        at: at("2026-11-25T00:00:00Z"),
    }]);
    let Finding::Raised { facts, .. } = finding("rf12", &records) else {
        panic!("C16 declares SG")
    };
    assert!(
        facts[0].fact.contains("C16 declares no weights to CN"),
        "{facts:?}"
    );
}

#[test]
fn numbers_are_written_as_people_write_them() {
    for (number_text, text) in [
        ("8.4e22", "8.4e22"),
        ("1e25", "1e25"),
        ("123456", "123500"),
        ("1036.25", "1036"),
        ("0.5", "0.5"),
        ("0", "0"),
        ("1234567", "1.235e6"),
    ] {
        assert_eq!(scientific(number(number_text)), text);
    }
}

/// Facts that can be lost one by one, and what would raise a flag in their place.
type Lever = (fn(&mut Records), fn(&mut Records));

const LEVERS: [Lever; 30] = [
    (|r| r.screening = no(), listed),
    (
        |r| r.ownership = no(),
        |r| {
            caught(r, Certainty::Yes);
            holder(r);
        },
    ),
    (
        |r| r.embargoed = no(),
        |r| r.embargoed = known(["SG"].map(|code| code.parse().unwrap()).into()),
    ),
    (
        |r| r.entity = no(),
        |r| r.entity = known("MY".parse().unwrap()),
    ),
    (
        |r| r.headquarters = no(),
        |r| r.headquarters = known("CN".parse().unwrap()),
    ),
    (
        |r| r.parent = no(),
        |r| r.parent = known("CN".parse().unwrap()),
    ),
    (
        |r| r.watched = no(),
        |r| r.watched = known(vec![watched("1 Example Road, Singapore")]),
    ),
    (|r| r.at_address = no(), |r| r.at_address = known(9)),
    (|r| r.planned.chips = no(), |r| r.planned.chips = known(10)),
    (
        |r| r.planned.hours = no(),
        |r| r.planned.hours = known(number("1")),
    ),
    (
        |r| r.planned.six_n_d = no(),
        |r| r.planned.six_n_d = known(number("1e20")),
    ),
    (
        |r| r.planned.capacity = no(),
        |r| r.planned.capacity = known(number("1e26")),
    ),
    (
        |r| r.planned.last_transfer = no(),
        |r| r.planned.last_transfer = known(day("2030-01-01")),
    ),
    (
        |r| r.actual.hours = no(),
        |r| r.actual.hours = known(number("1000")),
    ),
    (
        |r| r.access = no(),
        |r| r.access = known(vec![used("B", "CN", true)]),
    ),
    (
        |r| r.sent = no(),
        |r| {
            r.sent = known(vec![Sent {
                what: Goods::Weights,
                country: known("CN".parse().unwrap()),
                at: at("2026-11-25T00:00:00Z"),
            }])
        },
    ),
    (
        |r| r.egress = no(),
        |r| r.egress = known(vec![sends_to("elsewhere.example")]),
    ),
    (
        |r| r.moved = no(),
        |r| r.moved = known(vec![moved(&[DataClass::EuPersonal], 1)]),
    ),
    (
        |r| r.changes = no(),
        |r| r.changes = known(vec!["an owner".to_owned()]),
    ),
    (
        |r| r.orders = no(),
        |r| r.orders = known(vec![order("1", "a-1", 50), order("2", "a-2", 50)]),
    ),
    (
        |r| r.triggers = no(),
        |r| {
            let mut low = trigger();
            low.operations = number("1");
            r.triggers = known(vec![low]);
        },
    ),
    (
        |r| r.watts.clear(),
        |r| r.watts = BTreeMap::from([("H100-SXM-80GB".to_owned(), known(number("9000")))]),
    ),
    (
        |r| r.licences = no(),
        |r| r.licences = known(vec![("L".to_owned(), "1".to_owned(), day("2026-11-25"))]),
    ),
    (
        |r| r.versions = no(),
        |r| r.versions = known(vec![dated(true, "2020-01-01")]),
    ),
    (
        |r| r.moments = no(),
        |r| {
            r.moments = known(vec![Moment {
                what: "launch".to_owned(),
                at: at("2028-01-01T00:00:00Z"),
            }])
        },
    ),
    (|r| r.delivered = no(), changed_bytes),
    (
        |r| r.hosts = no(),
        |r| {
            r.hosts = known(Hosts {
                spec: BTreeSet::new(),
                seen: BTreeSet::from(["x.example".to_owned()]),
            })
        },
    ),
    (
        |r| r.timing = no(),
        |r| {
            r.timing = known(Timing {
                cleared: Vec::new(),
                started: at("2026-11-24T10:00:00Z"),
            })
        },
    ),
    (
        |r| r.provider = no(),
        |r| {
            if let Fact::Known(form, _) = &mut r.provider {
                form.power
                    .as_mut()
                    .unwrap()
                    .answer
                    .as_mut()
                    .unwrap()
                    .site_mw = Some(Amount(number("0.1")));
            }
        },
    ),
    (|r| r.form = no(), bad_form),
];

/// Answers of the form that can be lost one by one.
const ANSWERS: [fn(&mut Customer); 12] = [
    |form| form.names = None,
    |form| form.places = None,
    |form| form.incorporated = None,
    |form| form.officers = None,
    |form| form.principals = None,
    |form| form.size = None,
    |form| form.base_model = None,
    |form| form.data = None,
    |form| form.access = None,
    |form| form.payer = None,
    |form| form.destinations = None,
    |form| form.authorisations = None,
];

fn bad_form(records: &mut Records) {
    edit(records, |form| {
        form.incorporated.as_mut().unwrap().answer = Some(Day(day("2024-01-01")));
        let places = form.places.as_mut().unwrap().answer.as_mut().unwrap();
        places.registered.as_mut().unwrap().kind = Some(Premises::Virtual);
        form.size.as_mut().unwrap().answer.as_mut().unwrap().flop = Some(Amount(number("1")));
        let payer = form.payer.as_mut().unwrap().answer.as_mut().unwrap();
        payer.bank_country = Some("RU".parse().unwrap());
        form.principals
            .as_mut()
            .unwrap()
            .answer
            .as_mut()
            .unwrap()
            .contracting_as = Some(ContractingAs::Broker);
        form.principals
            .as_mut()
            .unwrap()
            .answer
            .as_mut()
            .unwrap()
            .work_for = Some(Vec::new());
        form.data.as_mut().unwrap().answer.as_mut().unwrap()[0].origin = None;
        form.destinations.as_mut().unwrap().answer.as_mut().unwrap()[0].country =
            Some("US".parse().unwrap());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a flag calls clear stays so, whichever way the missing facts turn out.
    #[test]
    fn what_is_missing_never_clears(
        states in proptest::collection::vec(0_u8..3, LEVERS.len()),
        answers in proptest::collection::vec(0_u8..4, ANSWERS.len()),
        completion in proptest::collection::vec(any::<bool>(), LEVERS.len()),
    ) {
        let mut some = good();
        let mut whole = good();
        // The form first: other levers do not touch it.
        for ((lose, spoil), (state, bad)) in LEVERS.iter().zip(states.iter().zip(&completion)).rev() {
            match state {
                0 => {}
                1 => { spoil(&mut some); spoil(&mut whole); }
                _ => {
                    lose(&mut some);
                    if *bad { spoil(&mut whole); }
                }
            }
        }
        for (lose, state) in ANSWERS.iter().zip(&answers) {
            if *state == 0 { edit(&mut some, lose); }
        }
        for flag in FLAGS {
            if let Finding::Clear { .. } = (flag.check)(&some, &Kyc::default()) {
                let found = (flag.check)(&whole, &Kyc::default());
                prop_assert!(matches!(found, Finding::Clear { .. }), "{}: {:#?}", flag.id, found);
            }
        }
    }

    /// A fact more never lets a raised flag down, but by being another fact than the one that was guessed.
    #[test]
    fn what_is_raised_on_some_facts_is_raised_on_more(
        states in proptest::collection::vec(0_u8..3, LEVERS.len()),
        completion in proptest::collection::vec(any::<bool>(), LEVERS.len()),
    ) {
        let mut some = good();
        let mut whole = good();
        for ((lose, spoil), (state, bad)) in LEVERS.iter().zip(states.iter().zip(&completion)).rev() {
            match state {
                0 => {}
                1 => { spoil(&mut some); spoil(&mut whole); }
                _ => {
                    lose(&mut some);
                    if *bad { spoil(&mut whole); }
                }
            }
        }
        for flag in FLAGS {
            if let Finding::Raised { .. } = (flag.check)(&some, &Kyc::default()) {
                let found = (flag.check)(&whole, &Kyc::default());
                prop_assert!(matches!(found, Finding::Raised { .. }), "{}: {:#?}", flag.id, found);
            }
        }
    }
}
