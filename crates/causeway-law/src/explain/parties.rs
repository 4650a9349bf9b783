//! Who takes part, and who owns them up to the ultimate parents.

use std::collections::BTreeSet;

use causeway_domain::Fact;
use causeway_parties::{Parent, Party, PartyKind, Register, ultimate_parent};
use rust_decimal::Decimal;

use super::Tree;
use super::facts::said;
use crate::Act;

/// The stake over a free float from which a holder may control, as the headquarters test takes it.
const CONTROL_FLOOR: Decimal = Decimal::TEN;

/// Every party of these acts with its roles, its places, the lists that it stands on, and its owners up to the ultimate
/// parent. A party that was drawn before is named and not drawn again.
#[must_use]
pub fn parties(acts: &[Act]) -> Tree {
    let mut tree = Tree::new("parties, and who owns them");
    let mut drawn: BTreeSet<&str> = BTreeSet::new();
    for (position, act) in acts.iter().enumerate() {
        for party in &act.parties {
            if !drawn.insert(&party.id) {
                continue;
            }
            let taking_part = || {
                acts.iter()
                    .skip(position)
                    .flat_map(|act| &act.parties)
                    .filter(|other| other.id == party.id)
            };
            let mut roles: Vec<&str> = Vec::new();
            let mut places: Vec<String> = Vec::new();
            for other in taking_part() {
                if !roles.contains(&other.role.word()) {
                    roles.push(other.role.word());
                }
                let place = said(&other.located, ToString::to_string);
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            let roles = roles.join(", ").replace('_', " ");
            let mut node = match act.register.get(&party.id) {
                None => {
                    Tree::new(format!("{roles}: `{}`", party.id)).with(["it is in no register"])
                }
                Some(entry) => {
                    let mut node = Tree::new(format!("{roles}: {}", name(&party.id, entry)));
                    node.push(format!("acts in {}", places.join("; ")));
                    describe(entry, &mut node);
                    node
                }
            };
            if let Some(Fact::Known(true, source)) = taking_part()
                .map(|other| &other.ciio)
                .find(|ciio| matches!(ciio, Fact::Known(true, _)))
            {
                node.push(format!(
                    "runs critical information infrastructure (says {source})"
                ));
            }
            if act.register.get(&party.id).is_some() {
                let mut path = vec![party.id.as_str()];
                node.push(owners(
                    &act.register,
                    &party.id,
                    &mut path,
                    &mut BTreeSet::new(),
                ));
                node.push(parent(&act.register, &party.id));
            }
            tree.push(node);
        }
    }
    tree
}

fn name(key: &str, party: &Party) -> String {
    if party.name == key {
        format!("`{key}`")
    } else {
        format!("{} (`{key}`)", party.name)
    }
}

fn describe(party: &Party, node: &mut Tree) {
    let seat = match party.kind {
        PartyKind::Person => "lives in",
        PartyKind::Company | PartyKind::State => "headquartered in",
        PartyKind::Dispersed => {
            node.push("many small holders that nobody can name");
            return;
        }
    };
    node.push(format!(
        "{seat} {}",
        said(&party.headquarters, ToString::to_string)
    ));
    if let Some(incorporated) = &party.incorporated {
        node.push(format!(
            "incorporated in {}",
            said(incorporated, ToString::to_string)
        ));
    }
    node.push(format!(
        "lists: {}",
        said(&party.listed.whole(), |lists| if lists.is_empty() {
            "on none".to_owned()
        } else {
            lists.iter().cloned().collect::<Vec<_>>().join(", ")
        })
    ));
}

fn owners<'a>(
    register: &'a Register,
    key: &'a str,
    path: &mut Vec<&'a str>,
    drawn: &mut BTreeSet<&'a str>,
) -> Tree {
    let Some(party) = register.get(key) else {
        return Tree::new("owners: unknown: it is in no register");
    };
    if party.owners.is_empty() {
        return Tree::new(match (party.kind, party.owners_complete, &party.parent) {
            (PartyKind::Person | PartyKind::State, _, _) => "owners: none can be".to_owned(),
            (_, _, Some(parent)) => {
                format!(
                    "owners: not named; the headquarters of the ultimate parent is stated: {}",
                    said(parent, ToString::to_string)
                )
            }
            (_, true, None) => "owners: none".to_owned(),
            (_, false, None) => "owners: not named".to_owned(),
        });
    }
    let mut tree = Tree::new(if party.owners_complete {
        "owners"
    } else {
        "owners, as far as they are named"
    });
    for holding in &party.owners {
        let share = said(&holding.share, |share| {
            format!("{} %", share.get().normalize())
        });
        let control = if holding.control {
            ", and controls it by other means"
        } else {
            ""
        };
        let holder = holding.holder.as_str();
        let Some(entry) = register.get(holder) else {
            tree.push(
                Tree::new(format!("`{holder}`: {share}{control}")).with(["it is in no register"]),
            );
            continue;
        };
        let mut node = Tree::new(format!("{}: {share}{control}", name(holder, entry)));
        if path.contains(&holder) {
            node.push("a closed loop: see above");
        } else if !drawn.insert(holder) {
            node.push("see above");
        } else {
            describe(entry, &mut node);
            if entry.kind == PartyKind::Company {
                path.push(holder);
                node.push(owners(register, holder, path, drawn));
                path.pop();
            }
        }
        tree.push(node);
    }
    tree
}

fn parent(register: &Register, key: &str) -> Tree {
    Tree::new(match ultimate_parent(register, key, CONTROL_FLOOR) {
        Parent::Known { country, chain } => {
            let top = chain
                .last()
                .map_or_else(String::new, |top| match register.get(top) {
                    _ if top == key => "itself, ".to_owned(),
                    Some(entry) => format!("{}, ", name(top, entry)),
                    None => format!("`{top}`, "),
                });
            format!("ultimate parent: {top}{} ({country})", country.name())
        }
        Parent::Unclear { why, candidates } => {
            let places = match candidates {
                Some(countries) => {
                    let codes: Vec<&str> = countries
                        .iter()
                        .map(causeway_domain::Country::code)
                        .collect();
                    format!("; it sits in {}", codes.join(" or "))
                }
                None => String::new(),
            };
            format!("ultimate parent: unknown: {why}{places}")
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_domain::{Date, Percent};
    use causeway_parties::Holding;

    use super::*;
    use crate::{ActKind, ActParty, Role};

    fn share(percent: u32) -> Fact<Percent> {
        Fact::stated(Percent::new(Decimal::from(percent)), "the register")
    }

    fn act(register: Register) -> Act {
        let sg = "SG".parse().unwrap();
        let mut act = Act::new(
            ActKind::RentIaas,
            "2026-11-24".parse::<Date>().unwrap(),
            Fact::stated(sg, "t"),
        )
        .with(ActParty::new(Role::Customer, "a", Fact::stated(sg, "t")))
        .with(ActParty::new(Role::EndUser, "a", Fact::stated(sg, "t")));
        act.register = Arc::new(register);
        act
    }

    #[test]
    fn owners_are_drawn_up_to_the_ultimate_parent() {
        let mut register = Register::default();
        let company = |key: &str, country: &str| {
            Party::company(key)
                .based(country.parse().unwrap())
                .on_lists([])
        };
        register.insert(
            "a",
            company("A", "SG").owned([Holding::new("b", share(60)), Holding::new("c", share(40))]),
        );
        register.insert(
            "b",
            company("B", "MY").owned([Holding::new("c", share(100))]),
        );
        register.insert("c", company("C", "CN").owned([]));
        let text = parties(&[act(register)]).to_string();
        assert_eq!(
            text,
            "parties, and who owns them
└─ customer, end user: A (`a`)
   ├─ acts in SG (says t)
   ├─ headquartered in SG (says the register)
   ├─ lists: on none (says screening)
   ├─ owners
   │  ├─ B (`b`): 60 % (says the register)
   │  │  ├─ headquartered in MY (says the register)
   │  │  ├─ lists: on none (says screening)
   │  │  └─ owners
   │  │     └─ C (`c`): 100 % (says the register)
   │  │        ├─ headquartered in CN (says the register)
   │  │        ├─ lists: on none (says screening)
   │  │        └─ owners: none
   │  └─ C (`c`): 40 % (says the register)
   │     └─ see above
   └─ ultimate parent: C (`c`), China (CN)
"
        );
    }

    #[test]
    fn loops_end_and_gaps_are_named() {
        let mut register = Register::default();
        register.insert(
            "a",
            Party::company("a").owned([
                Holding::new("b", share(60)),
                Holding::new("nobody", Fact::unknown("not asked")),
            ]),
        );
        register.insert(
            "b",
            Party::company("b").owned([Holding::new("a", share(100))]),
        );
        let text = parties(&[act(register)]).to_string();
        for part in [
            "a closed loop: see above",
            "`nobody`: unknown: not asked",
            "it is in no register",
            "ultimate parent: unknown: the owners of `a` form a closed loop",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            parties(&[act(Register::default())])
                .to_string()
                .contains("customer, end user: `a`\n   └─ it is in no register")
        );
    }
}
