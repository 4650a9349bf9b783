//! Numbers: figures of chips, persons by class, operations.

use causeway_domain::Fact;
use causeway_parties::Certainty;
use rust_decimal::Decimal;

use super::{Quantity, Scene, Slot, Stated};
use crate::definitions::Comparison;
use crate::law::{Figure, Lines, Measure};
use crate::reader::Reader;

fn of_fact(fact: &Fact<Decimal>, slot: Slot) -> Quantity {
    match fact {
        Fact::Known(value, _) => Quantity::Known(*value, Decimal::ONE),
        Fact::Unknown(_) => Quantity::Open(slot),
    }
}

impl Scene<'_> {
    pub(crate) fn quantity(&self, measure: Measure) -> Quantity {
        match measure {
            Measure::Figure(figure) => self.figure(figure),
            Measure::Persons(class) => self.persons(class),
            Measure::Fact(fact) => match self.stated(fact) {
                Stated::Number(value) => Quantity::Known(value, Decimal::ONE),
                _ => Quantity::Open(Slot::Fact(fact)),
            },
        }
    }

    fn figure(&self, figure: Figure) -> Quantity {
        let item = &self.act.item;
        let slot = Slot::Measure(figure);
        if figure == Figure::TrainOps {
            return match (&item.weights, &item.model) {
                (Some(weights), _) => of_fact(&weights.train_ops, slot),
                (None, Some(model)) => of_fact(&model.train_ops, slot),
                (None, None) => Quantity::Absent,
            };
        }
        let Some(chip) = &item.chip else {
            return Quantity::Absent;
        };
        if let Some(figures) = &chip.figures {
            let fact = match figure {
                Figure::Tpp => &figures.tpp,
                Figure::PerformanceDensity => &figures.performance_density,
                Figure::IoTotal => &figures.io_total,
                Figure::DramBandwidth | Figure::TrainOps => &figures.dram_bandwidth,
            };
            return of_fact(fact, slot);
        }
        let known = self.chip.and_then(|row| match figure {
            Figure::Tpp => Some((row.tpp?, Decimal::ONE)),
            Figure::PerformanceDensity => Some((row.tpp?, row.die_area?)),
            Figure::IoTotal => Some((row.io_total?, Decimal::ONE)),
            Figure::DramBandwidth | Figure::TrainOps => Some((row.dram_bandwidth?, Decimal::ONE)),
        });
        match known {
            Some((numerator, denominator)) => Quantity::Known(numerator, denominator),
            None => Quantity::Open(slot),
        }
    }

    pub(super) fn measure<R: Reader>(
        &self,
        measure: Measure,
        comparison: Comparison,
        threshold: Decimal,
        reader: &mut R,
    ) -> Certainty {
        match self.quantity(measure) {
            Quantity::Absent => Certainty::No,
            Quantity::Known(numerator, denominator) if denominator == Decimal::ONE => {
                match comparison {
                    Comparison::Ge => numerator >= threshold,
                    Comparison::Gt => numerator > threshold,
                    Comparison::Le => numerator <= threshold,
                    Comparison::Lt => numerator < threshold,
                }
                .into()
            }
            // Where the product leaves the range of decimals the left side is far below it.
            Quantity::Known(numerator, denominator) => comparison
                .holds(numerator, denominator, threshold)
                .unwrap_or(matches!(comparison, Comparison::Le | Comparison::Lt))
                .into(),
            Quantity::Open(slot) => {
                // Persons are whole: whoever is there at all is what an unknown number of them is asked first.
                let zero = matches!(slot, Slot::Persons(_)).then_some(Decimal::ZERO);
                match reader.number(slot, zero.into_iter().chain([threshold])) {
                    Some(value) => comparison
                        .holds(value, Decimal::ONE, threshold)
                        .unwrap_or(false)
                        .into(),
                    None => Certainty::Open,
                }
            }
        }
    }

    pub(super) fn persons(&self, class: u16) -> Quantity {
        let Some(dataset) = &self.act.item.dataset else {
            return Quantity::Absent;
        };
        let persons = self.persons.get(usize::from(class)).copied().flatten();
        match (persons, &dataset.classified) {
            (Some(Fact::Known(persons, _)), _) => {
                Quantity::Known(Decimal::from(*persons), Decimal::ONE)
            }
            (Some(Fact::Unknown(_)), _)
            | (None, Some(Fact::Unknown(_) | Fact::Known(false, _))) => {
                Quantity::Open(Slot::Persons(class))
            }
            (None, Some(Fact::Known(true, _)) | None) => Quantity::Absent,
        }
    }

    /// Whether a class is over its line, or over the lowest line of the classes that are present. What went to the same
    /// counterparty in the twelve months before is added; it counts only where the class is in this set too.
    pub(super) fn lines<R: Reader>(&self, lines: &Lines, reader: &mut R) -> Certainty {
        let possible = lines
            .lines
            .iter()
            .any(|(class, _, _)| match self.persons(*class) {
                Quantity::Absent => false,
                Quantity::Known(persons, _) => persons > Decimal::ZERO,
                Quantity::Open(_) => true,
            });
        if !possible {
            return Certainty::No;
        }
        let mut open = false;
        let mut lowest: Option<Decimal> = None;
        // First the lowest line of the classes that are present, then whether a class is over it.
        let mut totals: Vec<(Decimal, Decimal)> = Vec::new();
        for (class, line, counts) in &lines.lines {
            let prior = match self.prior(*class, reader) {
                Some(prior) => prior,
                None => {
                    open = true;
                    Decimal::ZERO
                }
            };
            let persons = match self.persons(*class) {
                Quantity::Absent => Decimal::ZERO,
                Quantity::Known(persons, _) => persons,
                Quantity::Open(slot) => {
                    let known = self.prior_known(*class);
                    let thresholds = lines
                        .thresholds
                        .iter()
                        .map(|line| (*line - known).max(Decimal::ZERO));
                    match reader.number(slot, [Decimal::ZERO].into_iter().chain(thresholds)) {
                        Some(value) => value,
                        None => {
                            open = true;
                            Decimal::ZERO
                        }
                    }
                }
            };
            if persons > Decimal::ZERO || prior > Decimal::ZERO {
                lowest = Some(lowest.map_or(*line, |lowest| lowest.min(*line)));
            }
            if persons > Decimal::ZERO && *counts {
                totals.push((persons + prior, *line));
            }
        }
        if open {
            return Certainty::Open;
        }
        totals
            .into_iter()
            .any(|(total, line)| total > line.min(lowest.unwrap_or(line)))
            .into()
    }

    pub(super) fn prior_known(&self, class: u16) -> Decimal {
        match self.law.prior.map(|prior| self.stated(prior)) {
            Some(Stated::Persons(counts)) => counts
                .get(self.law.data_classes.name(class))
                .map_or(Decimal::ZERO, |persons| Decimal::from(*persons)),
            _ => Decimal::ZERO,
        }
    }

    /// What went to the same counterparty before; `None`: open.
    fn prior<R: Reader>(&self, class: u16, reader: &mut R) -> Option<Decimal> {
        let Some(prior) = self.law.prior else {
            // A vocabulary without the fact: nobody can state it, and nothing is added.
            return Some(Decimal::ZERO);
        };
        match self.stated(prior) {
            Stated::Persons(_) => Some(self.prior_known(class)),
            Stated::Nobody => Some(Decimal::ZERO),
            _ => reader.number(Slot::Fact(prior), [Decimal::ZERO]),
        }
    }
}
