//! The headquarters test: who is at the top, and where.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Country;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{Party, PartyKind, Register};

/// Headquarters of the ultimate parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
    /// Clear: the chain of majorities ends here.
    Known {
        /// Where the party at the top has its headquarters.
        country: Country,
        /// The parties on the way up, the party itself first.
        chain: Vec<String>,
    },
    /// Not clear.
    Unclear {
        /// Why.
        why: String,
        /// The countries that it can be; `None` when it can be any.
        candidates: Option<BTreeSet<Country>>,
    },
}

impl Parent {
    /// The country, where it is certain: also where it is unclear who is on top and all who can be sit in one country.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        let countries = self.countries()?;
        countries.first().copied().filter(|_| countries.len() == 1)
    }

    fn countries(&self) -> Option<BTreeSet<Country>> {
        match self {
            Self::Known { country, .. } => Some(BTreeSet::from([*country])),
            Self::Unclear { candidates, .. } => candidates.clone(),
        }
    }
}

/// Where the ultimate parent of `key` has its headquarters.
///
/// A majority (more than 50 %) decides along the chain; without one the party is its own parent. Exactly half, control by
/// other means, a minority of `floor` percent or more over a free float, an unknown share or an unnamed rest that may be
/// half or more, and a closed loop are unclear: the text of 15 CFR 744.23(a)(3) names no percentage. Place of
/// incorporation does not count.
#[must_use]
pub fn ultimate_parent(register: &Register, key: &str, floor: Decimal) -> Parent {
    top(register, key, floor, &mut Vec::new())
}

fn unclear(why: String, options: impl IntoIterator<Item = Option<BTreeSet<Country>>>) -> Parent {
    let candidates = options
        .into_iter()
        .try_fold(BTreeSet::new(), |mut all, option| {
            all.extend(option?);
            Some(all)
        });
    Parent::Unclear { why, candidates }
}

fn own(party: &Party, chain: &[String]) -> Parent {
    match &party.headquarters {
        causeway_domain::Fact::Known(country, _) => Parent::Known {
            country: *country,
            chain: chain.to_vec(),
        },
        causeway_domain::Fact::Unknown(why) => Parent::Unclear {
            why: format!("the headquarters of `{}` is unknown: {why}", party.name),
            candidates: None,
        },
    }
}

/// What one holder has: known shares in sum, whether one of its shares is unknown, whether it controls.
#[derive(Default)]
struct Stake {
    known: Decimal,
    open: bool,
    control: bool,
}

fn top(register: &Register, key: &str, floor: Decimal, chain: &mut Vec<String>) -> Parent {
    if chain.iter().any(|above| above == key) {
        return Parent::Unclear {
            why: format!("the owners of `{key}` form a closed loop"),
            candidates: None,
        };
    }
    let Some(party) = register.get(key) else {
        return Parent::Unclear {
            why: format!("`{key}` is not in the register"),
            candidates: None,
        };
    };
    chain.push(key.to_owned());
    let result = above(register, party, floor, chain);
    chain.pop();
    result
}

fn above(register: &Register, party: &Party, floor: Decimal, chain: &mut Vec<String>) -> Parent {
    match &party.parent {
        Some(causeway_domain::Fact::Known(country, _)) => {
            return Parent::Known {
                country: *country,
                chain: chain.clone(),
            };
        }
        Some(causeway_domain::Fact::Unknown(why)) => {
            return Parent::Unclear {
                why: format!("the ultimate parent of `{}` is unknown: {why}", party.name),
                candidates: None,
            };
        }
        None => {}
    }
    if matches!(party.kind, PartyKind::Person | PartyKind::State) {
        return own(party, chain);
    }
    let half = Decimal::from(50);
    let mut stakes: BTreeMap<&str, Stake> = BTreeMap::new();
    let mut disclosed = Decimal::ZERO;
    for holding in &party.owners {
        let stake = stakes.entry(&holding.holder).or_default();
        stake.control |= holding.control;
        match holding.share.known() {
            Some(share) => {
                stake.known += share.get();
                disclosed += share.get();
            }
            None => stake.open = true,
        }
    }
    let rest = (Decimal::ONE_HUNDRED - disclosed).max(Decimal::ZERO);
    let float = |holder: &str| {
        register
            .get(holder)
            .is_some_and(|holder| holder.kind == PartyKind::Dispersed)
    };
    let itself = own(party, chain);
    let majority = stakes
        .iter()
        .find(|(_, stake)| stake.known > half)
        .map(|(holder, _)| *holder);
    let mut rivals: Vec<(&str, String)> = Vec::new();
    for (holder, stake) in &stakes {
        if float(holder) || majority == Some(holder) {
            continue;
        }
        let most = if stake.open {
            stake.known + rest
        } else {
            stake.known
        };
        let over_float = || stakes.keys().any(|other| float(other)) && majority.is_none_or(float);
        if stake.control {
            rivals.push((
                holder,
                format!(
                    "`{holder}` controls `{}` by other means than its share",
                    party.name
                ),
            ));
        } else if majority.is_none() && stake.open && most >= half {
            rivals.push((
                holder,
                if stake.known.is_zero() {
                    format!("the share of `{holder}` in `{}` is unknown", party.name)
                } else {
                    let known = stake.known.normalize();
                    format!("`{holder}` holds {known} % of `{}` or more", party.name)
                },
            ));
        } else if majority.is_none() && most == half {
            rivals.push((
                holder,
                format!("`{holder}` holds exactly half of `{}`", party.name),
            ));
        } else if most >= floor && over_float() {
            rivals.push((
                holder,
                format!(
                    "`{holder}` holds {} % of `{}` over a dispersed rest",
                    stake.known.normalize(),
                    party.name
                ),
            ));
        }
    }
    if majority.is_none() && !party.owners_complete && rest >= half {
        return Parent::Unclear {
            why: format!(
                "nobody named who holds {} % of `{}`",
                rest.normalize(),
                party.name
            ),
            candidates: None,
        };
    }
    let base = match majority {
        Some(holder) if !float(holder) => top(register, holder, floor, chain),
        _ => itself,
    };
    if rivals.is_empty() {
        return base;
    }
    let why = rivals
        .iter()
        .map(|(_, why)| why.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    let mut options = vec![base.countries()];
    options.extend(
        rivals
            .iter()
            .map(|(holder, _)| top(register, holder, floor, chain).countries()),
    );
    unclear(why, options)
}

#[cfg(test)]
mod tests {
    use causeway_domain::{Fact, Percent};

    use super::*;
    use crate::Holding;

    fn country(code: &str) -> Country {
        code.parse().unwrap()
    }

    fn share(text: &str) -> Fact<Percent> {
        if text == "?" {
            Fact::unknown("nobody knows")
        } else {
            Fact::stated(Percent::new(text.parse::<Decimal>().unwrap()), "test")
        }
    }

    /// A party, its headquarters, its owners with their shares.
    type Line<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn parent(lines: &[Line<'_>]) -> String {
        let mut register = Register::default();
        register.insert(
            "float",
            Party {
                kind: PartyKind::Dispersed,
                ..Party::company("float")
            },
        );
        for (key, hq, owners) in lines {
            let holdings = owners.iter().map(|(holder, text)| Holding {
                holder: (*holder).to_owned(),
                share: share(text.trim_end_matches('!')),
                control: text.ends_with('!'),
            });
            register.insert(
                *key,
                Party::company(*key).based(country(hq)).owned(holdings),
            );
        }
        match ultimate_parent(&register, "A", Decimal::TEN) {
            Parent::Known { country, .. } => country.to_string(),
            Parent::Unclear {
                candidates: Some(some),
                ..
            } => some
                .iter()
                .map(Country::code)
                .collect::<Vec<_>>()
                .join(" or "),
            Parent::Unclear {
                candidates: None, ..
            } => "anywhere".to_owned(),
        }
    }

    #[test]
    fn a_majority_decides_and_half_does_not() {
        assert_eq!(parent(&[("A", "MY", &[])]), "MY");
        assert_eq!(
            parent(&[
                ("A", "MY", &[("B", "50.01")]),
                ("B", "SG", &[("C", "100")]),
                ("C", "CN", &[])
            ]),
            "CN"
        );
        assert_eq!(
            parent(&[("A", "MY", &[("B", "50")]), ("B", "CN", &[])]),
            "CN or MY"
        );
        assert_eq!(
            parent(&[("A", "MY", &[("B", "49.9")]), ("B", "CN", &[])]),
            "MY"
        );
        assert_eq!(
            parent(&[
                ("A", "CN", &[("B", "50"), ("C", "50")]),
                ("B", "CN", &[]),
                ("C", "CN", &[])
            ]),
            "CN",
            "every answer is the same"
        );
        assert_eq!(
            parent(&[("A", "MY", &[("B", "30"), ("B", "30")]), ("B", "CN", &[])]),
            "CN",
            "two blocks of one holder"
        );
    }

    #[test]
    fn what_is_not_stated_is_unclear() {
        assert_eq!(
            parent(&[("A", "MY", &[("B", "?")]), ("B", "CN", &[])]),
            "CN or MY"
        );
        assert_eq!(
            parent(&[
                ("A", "MY", &[("B", "?"), ("C", "60")]),
                ("B", "CN", &[]),
                ("C", "SG", &[])
            ]),
            "SG",
            "at most 40 is left"
        );
        assert_eq!(
            parent(&[("A", "MY", &[("B", "100")])]),
            "anywhere",
            "B is not in the register"
        );
        assert_eq!(
            parent(&[("A", "MY", &[("B", "60")]), ("B", "SG", &[("A", "100")])]),
            "anywhere",
            "a closed loop"
        );
        let mut register = Register::default();
        register.insert("A", Party::company("A").based(country("MY")));
        assert!(
            matches!(
                ultimate_parent(&register, "A", Decimal::TEN),
                Parent::Unclear {
                    candidates: None,
                    ..
                }
            ),
            "no register is not no owners"
        );
    }

    #[test]
    fn a_minority_over_a_float_or_with_control_is_unclear() {
        assert_eq!(
            parent(&[
                ("A", "MY", &[("B", "40"), ("float", "60")]),
                ("B", "CN", &[])
            ]),
            "CN or MY"
        );
        assert_eq!(
            parent(&[
                ("A", "MY", &[("B", "9"), ("float", "91")]),
                ("B", "CN", &[])
            ]),
            "MY"
        );
        assert_eq!(
            parent(&[
                ("A", "MY", &[("B", "20!"), ("C", "60")]),
                ("B", "CN", &[]),
                ("C", "SG", &[])
            ]),
            "CN or SG"
        );
        assert_eq!(
            parent(&[
                ("A", "MY", &[("B", "30"), ("C", "70")]),
                ("B", "CN", &[]),
                ("C", "SG", &[])
            ]),
            "SG",
            "the rest is not dispersed"
        );
    }
}
