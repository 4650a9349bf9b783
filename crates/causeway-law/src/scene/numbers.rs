//! Numbers: figures of chips, persons by class, operations.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::Fact;
use rust_decimal::Decimal;

use super::{Quantity, Scene, Slot, Value, World};
use crate::FactValue;
use crate::definitions::Comparison;
use crate::vocabulary::FactKind;

impl Scene<'_> {
    pub(super) fn quantity(&self, name: &str) -> Quantity {
        let open = |slot: Slot, why: String| {
            self.note(&slot, || why, [], []);
            Quantity::Open(slot)
        };
        let measure = || Slot::Measure(name.to_owned());
        let of_fact = |fact: &Fact<Decimal>| match fact {
            Fact::Known(value, _) => Quantity::Known(*value, Decimal::ONE),
            Fact::Unknown(why) => open(measure(), why.clone()),
        };
        let item = &self.act.item;
        if let ("tpp" | "performance_density" | "io_total" | "dram_bandwidth", Some(chip)) =
            (name, &item.chip)
        {
            if let Some(figures) = &chip.figures {
                return of_fact(match name {
                    "tpp" => &figures.tpp,
                    "performance_density" => &figures.performance_density,
                    "io_total" => &figures.io_total,
                    _ => &figures.dram_bandwidth,
                });
            }
            let row = chip.id.as_ref().and_then(|id| self.packs.chips.get(id));
            let known = row.and_then(|row| match name {
                "tpp" => Some((row.tpp?, Decimal::ONE)),
                "performance_density" => Some((row.tpp?, row.die_area?)),
                "io_total" => Some((row.io_total?, Decimal::ONE)),
                _ => Some((row.dram_bandwidth?, Decimal::ONE)),
            });
            return match known {
                Some((numerator, denominator)) => Quantity::Known(numerator, denominator),
                None => open(measure(), "the chip table does not say".to_owned()),
            };
        }
        if name == "train_ops" {
            return match (&item.weights, &item.model) {
                (Some(weights), _) => of_fact(&weights.train_ops),
                (None, Some(model)) => of_fact(&model.train_ops),
                (None, None) => Quantity::Absent,
            };
        }
        if self
            .packs
            .vocabulary
            .data_classes
            .iter()
            .any(|class| class == name)
        {
            return self.persons(name);
        }
        if self
            .packs
            .vocabulary
            .facts
            .get(name)
            .is_some_and(|fact| fact.kind == FactKind::Number)
        {
            let slot = Slot::Fact(name.to_owned());
            return match self.act.facts.get(name) {
                Some(Fact::Known(FactValue::Number(value), _)) => {
                    Quantity::Known(*value, Decimal::ONE)
                }
                Some(Fact::Known(value, _)) => open(slot, format!("`{value}` is not a number")),
                Some(Fact::Unknown(why)) => open(slot, why.clone()),
                None => open(slot, "not stated".to_owned()),
            };
        }
        Quantity::Absent
    }

    pub(super) fn measure(
        &self,
        name: &str,
        comparison: Comparison,
        threshold: Decimal,
        world: &World,
    ) -> bool {
        match self.quantity(name) {
            Quantity::Absent => false,
            // Where the product leaves the range of decimals the left side is far below it.
            Quantity::Known(numerator, denominator) => comparison
                .holds(numerator, denominator, threshold)
                .unwrap_or(matches!(comparison, Comparison::Le | Comparison::Lt)),
            Quantity::Open(slot) => {
                self.note(&slot, String::new, [], [threshold]);
                match world.get(&slot) {
                    Some(Value::Number(value)) => comparison
                        .holds(*value, Decimal::ONE, threshold)
                        .unwrap_or(false),
                    _ => false,
                }
            }
        }
    }

    pub(super) fn persons(&self, class: &str) -> Quantity {
        let Some(dataset) = &self.act.item.dataset else {
            return Quantity::Absent;
        };
        let slot = Slot::Persons(class.to_owned());
        let open = |why: &str| {
            self.note(&slot, || why.to_owned(), [], [Decimal::ZERO]);
            Quantity::Open(slot.clone())
        };
        match (dataset.persons.get(class), &dataset.classified) {
            (Some(Fact::Known(persons, _)), _) => {
                Quantity::Known(Decimal::from(*persons), Decimal::ONE)
            }
            (Some(Fact::Unknown(why)), _) => open(why),
            (None, Some(Fact::Unknown(why))) => open(why),
            (None, Some(Fact::Known(false, _))) => open("nobody says what the data are"),
            (None, Some(Fact::Known(true, _)) | None) => Quantity::Absent,
        }
    }

    /// Whether a class is over its line, or over the lowest line of the classes that are present. What went to the same
    /// counterparty in the twelve months before is added; it counts only where the class is in this set too.
    pub(super) fn lines(
        &self,
        lines: &BTreeMap<String, Decimal>,
        of: &BTreeSet<String>,
        world: &World,
    ) -> bool {
        let mut totals: Vec<(&str, Decimal, Decimal)> = Vec::new();
        let mut lowest: Option<Decimal> = None;
        let possible = lines.keys().any(|class| match self.persons(class) {
            Quantity::Absent => false,
            Quantity::Known(persons, _) => persons > Decimal::ZERO,
            Quantity::Open(_) => true,
        });
        for (class, line) in lines {
            let prior = if possible {
                self.prior(class, world)
            } else {
                Decimal::ZERO
            };
            let persons = match self.persons(class) {
                Quantity::Absent => Decimal::ZERO,
                Quantity::Known(persons, _) => persons,
                Quantity::Open(slot) => {
                    let known = self.prior_known(class);
                    self.note(
                        &slot,
                        String::new,
                        [],
                        lines
                            .values()
                            .map(|line| (*line - known).max(Decimal::ZERO)),
                    );
                    match world.get(&slot) {
                        Some(Value::Number(value)) => *value,
                        _ => Decimal::ZERO,
                    }
                }
            };
            if persons > Decimal::ZERO || prior > Decimal::ZERO {
                lowest = Some(lowest.map_or(*line, |lowest| lowest.min(*line)));
            }
            if persons > Decimal::ZERO && of.contains(class) {
                totals.push((class, persons + prior, *line));
            }
        }
        totals
            .into_iter()
            .any(|(_, total, line)| total > line.min(lowest.unwrap_or(line)))
    }

    pub(super) fn prior_known(&self, class: &str) -> Decimal {
        match self.act.facts.get("prior_12_months") {
            Some(Fact::Known(FactValue::Persons(counts), _)) => counts
                .get(class)
                .map_or(Decimal::ZERO, |persons| Decimal::from(*persons)),
            _ => Decimal::ZERO,
        }
    }

    pub(super) fn prior(&self, class: &str, world: &World) -> Decimal {
        let why = match self.act.facts.get("prior_12_months") {
            Some(Fact::Known(FactValue::Persons(_), _)) => return self.prior_known(class),
            Some(Fact::Known(FactValue::Word(word), _)) if word == "none" => return Decimal::ZERO,
            Some(Fact::Known(value, _)) => format!("`{value}` is not persons by class"),
            Some(Fact::Unknown(why)) => why.clone(),
            None => "not stated".to_owned(),
        };
        let slot = Slot::Fact("prior_12_months".to_owned());
        self.note(&slot, || why, [], [Decimal::ZERO]);
        match world.get(&slot) {
            Some(Value::Number(value)) => *value,
            _ => Decimal::ZERO,
        }
    }
}
