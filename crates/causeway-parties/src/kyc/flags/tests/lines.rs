//! Where the lines of single flags lie, on both sides.

use causeway_domain::Fact;

use super::super::{Finding, scientific};
use super::world::*;
use crate::Certainty;
use crate::kyc::form::{Amount, Day, Goods};
use crate::kyc::observed::Telemetry;
use crate::kyc::records::{Order, Sent, Timing};

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
fn a_clearance_of_the_same_second_is_not_after_the_start() {
    let mut records = good();
    for (cleared, raised) in [
        ("2026-11-24T10:00:00.086Z", false),
        ("2026-11-24T10:00:01Z", true),
    ] {
        records.timing = known(Timing {
            cleared: vec![at(cleared)],
            started: at("2026-11-24T10:00:00Z"),
        });
        assert_eq!(
            matches!(finding("rf24", &records), Finding::Raised { .. }),
            raised,
            "{cleared}: engines state whole seconds"
        );
    }
}

#[test]
fn nobody_is_known_to_stand_on_no_list_without_a_list() {
    for id in ["rf1", "rf2", "rf3"] {
        let mut records = good();
        records.lists = Fact::unknown("no list was imported");
        let Finding::Unknown { missing, .. } = finding(id, &records) else {
            panic!("{id}")
        };
        assert_eq!(missing, ["imported lists: no list was imported"], "{id}");
        // Who is stated to stand on one stands on one, whoever screened.
        listed(&mut records);
        caught(&mut records, Certainty::Yes);
        holder(&mut records);
        assert!(
            matches!(finding(id, &records), Finding::Raised { .. }),
            "{id}"
        );
    }
}

#[test]
fn an_address_of_an_entry_may_go_on_where_the_form_s_ends() {
    let mut records = good();
    for (address, raised) in [
        ("1 Example Road, Singapore, 018956, SG", true),
        ("1 EXAMPLE ROAD", true),
        ("1 Ex", false),
        ("11 Example Road, Singapore", false),
        ("", false),
    ] {
        records.listed_addresses = known(vec![watched(address)]);
        let found = finding("rf6", &records);
        assert_eq!(
            matches!(found, Finding::Raised { .. }),
            raised,
            "{address}: {found:?}"
        );
    }
}

#[test]
fn who_planned_the_hours_is_said() {
    let mut records = good();
    records.planned.hours = Fact::stated(number("48"), "C11 of the form");
    let Finding::Clear { facts, .. } = finding("rf9", &records) else {
        panic!("60 hours are not over 48 by more than a quarter")
    };
    assert!(
        facts.iter().any(|seen| seen.source == "C11 of the form"),
        "{facts:?}"
    );
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
