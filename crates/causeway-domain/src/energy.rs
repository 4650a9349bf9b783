//! Units of power, of what it costs and emits, and of distance.

use std::fmt;
use std::ops::{Add, Mul, Sub};
use std::str::FromStr;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::units::{floats, money, number_text, short, shown};
use crate::{Hours, InvalidUnit};

floats! {
    /// Power. Unit: watts.
    Watts;
    /// Greenhouse gases of electricity, as carbon dioxide. Unit: grams of CO2 equivalent per kilowatt-hour.
    GramsPerKilowattHour;
    /// Energy. Unit: kilowatt-hours.
    KilowattHours;
    /// Greenhouse gases emitted. Unit: kilograms of CO2 equivalent.
    KilogramsCo2;
    /// A distance on the ground. Unit: kilometres.
    Kilometres;
}

shown! {
    GramsPerKilowattHour("g CO2/kWh");
    Kilometres("km");
    KilowattHours("kWh");
    KilogramsCo2("kg CO2e");
}

impl Mul<Hours> for Watts {
    type Output = KilowattHours;
    fn mul(self, time: Hours) -> KilowattHours {
        KilowattHours(self.get() * time.get() / 1000.0)
    }
}

impl Mul<GramsPerKilowattHour> for KilowattHours {
    type Output = KilogramsCo2;
    fn mul(self, grid: GramsPerKilowattHour) -> KilogramsCo2 {
        KilogramsCo2(self.get() * grid.get() / 1000.0)
    }
}

money! {
    /// Price of electricity. Unit: US dollars per kilowatt-hour, exact decimal.
    UsdPerKilowattHour("/kWh");
}

const POWERS: [(&str, f64); 3] = [("MW", 1e6), ("kW", 1e3), ("W", 1.0)];

impl fmt::Display for Watts {
    /// Three digits of the largest unit that fits: `10.2 kW`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = POWERS
            .into_iter()
            .find(|(_, size)| self.get() >= *size)
            .unwrap_or(("W", 1.0));
        f.pad(&format!("{} {unit}", short(self.get() / size)))
    }
}

impl FromStr for Watts {
    type Err = InvalidUnit;

    /// `700 W`, `10.2 kW`, `3 MW`; a number without a unit is refused, because both W and kW are usual.
    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let invalid = || InvalidUnit {
            what: "a power",
            text: text.to_owned(),
            example: "`10.2 kW`, `700 W`",
        };
        let trimmed = text.trim();
        let split = trimmed
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(invalid)?;
        let (number, unit) = trimmed.split_at_checked(split).ok_or_else(invalid)?;
        let size = POWERS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))
            .map(|(_, size)| *size)
            .ok_or_else(invalid)?;
        let number: f64 = number.parse().map_err(|_| invalid())?;
        Some(number * size)
            .filter(|watts| watts.is_finite())
            .map(Self::new)
            .ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn powers_parse_and_print() {
        for (text, watts) in [("700W", 700.0), ("10.2 kW", 10_200.0), ("3 mw", 3e6)] {
            assert_eq!(text.parse::<Watts>().unwrap().get(), watts, "{text}");
        }
        for bad in ["", "700", "kW", "-1 kW", "1 kWh", "1..2 W"] {
            assert!(bad.parse::<Watts>().is_err(), "{bad}");
        }
        assert_eq!(Watts::new(10_200.0).to_string(), "10.2 kW");
        assert_eq!(Watts::new(0.0).to_string(), "0 W");
        assert_eq!(Kilometres::new(9_571.0).to_string(), "9571 km");
        assert_eq!(
            "$0.125/kWh".parse::<UsdPerKilowattHour>().unwrap().get(),
            Decimal::new(125, 3)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_a_power_panic(text in ".{0,16}") {
            let _ = text.parse::<Watts>();
            let _ = text.parse::<UsdPerKilowattHour>();
        }
    }

    #[test]
    fn power_over_time_is_energy_and_energy_on_a_grid_is_carbon() {
        let energy = Watts::new(700.0) * Hours::new(10.0);
        assert_eq!(energy, KilowattHours::new(7.0));
        let carbon = energy * GramsPerKilowattHour::new(400.0);
        assert_eq!(carbon.to_string(), "2.8 kg CO2e");
    }
}
