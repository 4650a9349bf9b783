use std::sync::Arc;

use causeway_domain::approval::{Decides, Quantity, Scope};
use causeway_domain::organisation::FactText;
use causeway_parties::{Listed, Party};

use super::*;
use crate::{ActParty, Chip, Role};

fn act() -> Described {
    let country = |code: &str| code.parse().unwrap();
    let mut register = Register::default();
    for (key, seat) in [("acme", "CN"), ("hub", "MY")] {
        let party = Party::company(key)
            .based(country(seat))
            .on_lists([])
            .owned([]);
        register.insert(key, party);
    }
    let day: causeway_domain::Date = "2026-11-24".parse().unwrap();
    let to = Fact::stated(country("MY"), "test");
    let mut act = Act::new(ActKind::RentIaas, day, to.clone())
        .with(ActParty::new(Role::Provider, "hub", to.clone()))
        .with(ActParty::new(Role::Customer, "acme", to))
        .fact("end_use", Fact::stated(FactValue::from("civil"), "test"));
    act.register = Arc::new(register);
    act.item.chip = Some(Chip::listed("h100-sxm", 8));
    Described {
        act,
        items: BTreeSet::from(["h100-sxm".to_owned()]),
    }
}

fn signed(kind: Kind, change: impl Fn(&mut Approval)) -> Signed {
    let described = act();
    let mut approval = Approval {
        approval: "a".to_owned(),
        kind,
        decides: (kind == Kind::Determination).then(|| Decides {
            fact: Some("kyc".to_owned()),
            value: Some(FactText("complete".to_owned())),
            ..Decides::default()
        }),
        authorisation: (kind == Kind::Authorisation).then(|| "BIS_LICENCE".to_owned()),
        number: Some("D1".to_owned()),
        issued_by: None,
        quantity: None,
        scope: Scope {
            parties: ["acme", "hub"].map(|id| id.parse().unwrap()).into(),
            acts: BTreeSet::from(["rent_iaas".to_owned()]),
            items: described.items.clone(),
            places: BTreeSet::from(["MY".parse().unwrap()]),
            from: "2026-11-24".parse().unwrap(),
            to: "2026-11-24".parse().unwrap(),
        },
        rests_on: facts_of(&described.act),
        evidence: Vec::new(),
        reason: "r".to_owned(),
    };
    change(&mut approval);
    Signed {
        approval,
        by: vec!["Alice".to_owned()],
    }
}

fn applied(signed: Vec<Signed>, used: &[(&str, Used)]) -> Act {
    let approvals = Approvals {
        signed,
        used: used
            .iter()
            .map(|(id, used)| ((*id).to_owned(), *used))
            .collect(),
    };
    let mut acts = [act()];
    approvals.apply(&mut acts);
    let [described] = acts;
    described.act
}

#[test]
fn everything_of_an_act_must_lie_inside() {
    let whole = signed(Kind::Determination, |_| {});
    assert_eq!(
        applied(vec![whole], &[]).facts["kyc"].known(),
        Some(&FactValue::from("complete"))
    );
    let outside: [&dyn Fn(&mut Approval); 7] = [
        &|a| drop(a.scope.parties.pop_last()),
        &|a| a.scope.acts = BTreeSet::from(["export".to_owned()]),
        &|a| a.scope.items.clear(),
        &|a| a.scope.places.clear(),
        &|a| a.scope.from = "2026-11-25".parse().unwrap(),
        &|a| a.scope.to = "2026-11-23".parse().unwrap(),
        &|a| {
            drop(
                a.rests_on
                    .insert("end_use".to_owned(), "military".to_owned()),
            )
        },
    ];
    for (index, change) in outside.into_iter().enumerate() {
        for kind in [Kind::Determination, Kind::Authorisation] {
            let after = applied(vec![signed(kind, change)], &[]);
            assert_eq!(after, act().act, "change {index} of a {kind}");
        }
    }
}

#[test]
fn it_rests_on_everybody_behind_a_party() {
    let before = facts_of(&act().act);
    let mut other = act().act;
    let mut register = Register::clone(&other.register);
    let mut hub = register.get("hub").unwrap().clone();
    hub.listed = Listed::unknown("not screened");
    register.insert("hub", hub);
    other.register = Arc::new(register);
    let after = facts_of(&other);
    assert_ne!(before["hub.owners"], after["hub.owners"]);
    assert_eq!(before["acme.owners"], after["acme.owners"]);
    assert!(
        !after.contains_key("hub.listed"),
        "an unknown fact is no ground"
    );
}

#[test]
fn a_quantity_is_counted_to_the_last_chip() {
    let licence = || {
        signed(Kind::Authorisation, |a| {
            a.quantity = Some(Quantity {
                chips: Some(64),
                ..Quantity::default()
            });
        })
    };
    let used = |chips| Used {
        chips,
        persons: 9,
        runs: 9,
    };
    let holds = |chips| {
        applied(vec![licence()], &[("a", used(chips))])
            .authorisations
            .contains("BIS_LICENCE")
    };
    assert!(holds(56));
    assert!(!holds(57));
    assert!(!holds(u64::MAX));
}

#[test]
fn two_determinations_that_differ_decide_nothing() {
    let other = signed(Kind::Determination, |a| {
        a.approval = "b".to_owned();
        if let Some(decides) = &mut a.decides {
            decides.value = Some(FactText("incomplete".to_owned()));
        }
    });
    let both = [signed(Kind::Determination, |_| {}), other];
    let one = applied(both.to_vec(), &[]);
    let [first, second] = both;
    let reversed = applied(vec![second, first], &[]);
    assert!(!one.facts["kyc"].is_known());
    assert!(!reversed.facts["kyc"].is_known());
    assert_eq!(one.on_file, reversed.on_file);
}

#[test]
fn the_same_chips_are_counted_once_and_unknown_persons_are_all() {
    let mut data = act();
    data.act.item.dataset = Some(crate::Dataset {
        persons: BTreeMap::from([("eu_personal".to_owned(), Fact::unknown("?"))]),
        ..crate::Dataset::default()
    });
    let need = needed([act(), act(), data].iter());
    assert_eq!((need.chips, need.persons, need.runs), (8, u64::MAX, 1));
}
