//! Power, energy and carbon of a run.

use causeway_domain::{
    Fact, GramsPerKilowattHour, Hours, KilogramsCo2, KilowattHours, Source, Watts,
};
use causeway_market::Accelerator;
use serde::Serialize;

use crate::Interval;

/// What a run draws and uses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Energy {
    /// Mean draw of one accelerator while it trains.
    pub chip: Interval<Watts>,
    /// Mean draw of the whole fleet at the meter of the building.
    pub site: Interval<Watts>,
    /// Energy at the meter of the building.
    pub energy: Interval<KilowattHours>,
}

/// Mean draw against design power: 0.85 to 0.9 for H100 (two runs with metered energy), 0.7 to 1 for A100.
const DRAW: Interval<f64> = Interval {
    low: 0.7,
    mid: 0.87,
    high: 1.0,
};
/// Processors, network cards and fans of a node, against its accelerators: 25 to 35 % with air cooling.
const NODE: Interval<f64> = Interval {
    low: 1.25,
    mid: 1.3,
    high: 1.35,
};
/// Cooling and conversion: 1.1 at large clouds, 1.3 to 1.6 in colocation.
const BUILDING: Interval<f64> = Interval {
    low: 1.1,
    mid: 1.25,
    high: 1.6,
};

impl Energy {
    /// Of `chips` accelerators over a time.
    #[must_use]
    pub fn of(part: &Accelerator, chips: u32, hours: &Fact<Interval<Hours>>) -> Fact<Self> {
        let Some(design) = part.tdp else {
            return Fact::unknown(format!("no design power is published for {}", part.name));
        };
        let hours = match hours {
            Fact::Known(hours, _) => *hours,
            Fact::Unknown(why) => return Fact::unknown(why.clone()),
        };
        let chip = DRAW.map(|share| design * share);
        let at = |draw: Watts, node: f64, building: f64| draw * f64::from(chips) * node * building;
        let site = Interval {
            low: at(chip.low, NODE.low, BUILDING.low),
            mid: at(chip.mid, NODE.mid, BUILDING.mid),
            high: at(chip.high, NODE.high, BUILDING.high),
        };
        let energy = Interval {
            low: site.low * hours.low,
            mid: site.mid * hours.mid,
            high: site.high * hours.high,
        };
        Fact::Known(
            Self { chip, site, energy },
            Source {
                by: format!("design power of {} ({design})", part.name),
                evidence: Some(
                    "draw 70 to 100 % of it, node 25 to 35 % more, building 1.1 to 1.6 times"
                        .to_owned(),
                ),
                on: None,
            },
        )
    }
}

/// Greenhouse gases of an energy on a grid: unknown when either is.
#[must_use]
pub fn carbon(
    energy: &Fact<Energy>,
    grid: &Fact<GramsPerKilowattHour>,
) -> Fact<Interval<KilogramsCo2>> {
    match (energy, grid) {
        (Fact::Known(energy, _), Fact::Known(grid, source)) => {
            Fact::Known(energy.energy.map(|energy| energy * *grid), source.clone())
        }
        (Fact::Unknown(why), _) | (_, Fact::Unknown(why)) => Fact::unknown(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use causeway_market::Accelerators;

    use super::*;

    #[test]
    fn an_h100_draws_what_meters_showed() {
        let chips = Accelerators::builtin().unwrap();
        let part = chips.find("H100").unwrap();
        let hours = Fact::stated(Interval::exact(Hours::new(1000.0)), "test");
        let energy = Energy::of(part, 8, &hours);
        let known = energy.known().unwrap();
        // 620 to 650 W on average in two metered runs.
        assert!(known.chip.low.get() < 620.0 && known.chip.high.get() > 650.0);
        assert!((590.0..660.0).contains(&known.chip.mid.get()));
        assert!(known.energy.low.get() < known.energy.mid.get());
        let grid = Fact::stated(GramsPerKilowattHour::new(500.0), "test");
        let carbon_known = carbon(&energy, &grid);
        let kilograms = carbon_known.known().unwrap().mid.get();
        assert!((kilograms - known.energy.mid.get() / 2.0).abs() < 1e-6);
        assert!(!carbon(&energy, &Fact::unknown("no factor")).is_known());
        assert!(!Energy::of(part, 8, &Fact::unknown("no time")).is_known());
        let silent = chips.iter().find(|part| part.tdp.is_none()).unwrap();
        assert!(!Energy::of(silent, 8, &hours).is_known());
    }
}
