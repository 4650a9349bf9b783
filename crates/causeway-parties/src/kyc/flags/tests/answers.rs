//! Each flag raised, clear and unknown.

use std::collections::BTreeSet;

use causeway_domain::Fact;
use causeway_domain::organisation::Kyc;

use super::super::{FLAGS, Finding};
use super::world::*;
use crate::Certainty;
use crate::kyc::form::{Amount, ContractingAs, Day, Domain};
use crate::kyc::records::{Hosts, Records, Timing};

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
