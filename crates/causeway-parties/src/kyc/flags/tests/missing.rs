//! That no flag is ever cleared by what is missing, nor let down by a fact more.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Fact;
use causeway_domain::organisation::{DataClass, Kyc};
use proptest::prelude::*;

use super::super::{FLAGS, Finding};
use super::world::*;
use crate::Certainty;
use crate::kyc::form::{Amount, ContractingAs, Customer, Day, Goods, Premises};
use crate::kyc::records::{Hosts, Moment, Records, Sent, Timing};

/// Facts that can be lost one by one, and what would raise a flag in their place.
type Lever = (fn(&mut Records), fn(&mut Records));

const LEVERS: [Lever; 32] = [
    (|r| r.screening = no(), listed),
    (|r| r.lists = no(), |r| r.lists = known(Vec::new())),
    (
        |r| r.listed_addresses = no(),
        |r| r.listed_addresses = known(vec![watched("1 Example Road, Singapore, 018956, SG")]),
    ),
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
