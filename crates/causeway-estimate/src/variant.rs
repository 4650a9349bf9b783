//! What a thinner link or slower products of an export variant cost.

use causeway_market::Accelerator;
use serde::Serialize;

use crate::{Calibration, EstimateError, Fleet, Hardware, Workload, estimate};

/// Shares of the throughput of the part that a variant was cut from, on equal fleets. By the middle of the estimates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cut {
    /// Throughput that is left, 1 where nothing is lost.
    pub left: f64,
    /// Share lost to the thinner link between accelerators.
    pub link: f64,
    /// Share lost to slower products and memory.
    pub math: f64,
}

impl std::fmt::Display for Cut {
    /// `19 % of its throughput; the thinner link costs 2 %, slower products and memory 79 %`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: f64| 100.0 * share;
        write!(
            f,
            "{:.0} % of its throughput; the thinner link costs {:.0} %, slower products and memory {:.0} %",
            percent(self.left),
            percent(self.link),
            percent(self.math)
        )
    }
}

/// What it costs that the fleet's accelerator is a variant of `whole` (`H800` of `H100`): the same workload on as many of
/// `whole`, on those with the variant's link, and on the variant. `None` where one of the times is unknown.
///
/// # Errors
/// As [`estimate`].
pub fn cut(
    workload: &Workload,
    fleet: &Fleet<'_>,
    whole: &Accelerator,
    calibration: &Calibration,
) -> Result<Option<Cut>, EstimateError> {
    let Hardware::Accelerators { part, per_node } = fleet.hardware else {
        return Ok(None);
    };
    let linked = Accelerator {
        scale_up: part.scale_up,
        ..whole.clone()
    };
    let rate = |part: &Accelerator| {
        let hardware = Hardware::Accelerators { part, per_node };
        let fleet = Fleet { hardware, ..*fleet };
        estimate(workload, &fleet, calibration).map(|answer| {
            let rate = answer.tokens_per_second_per_chip;
            rate.known().map(|rate| rate.mid.get())
        })
    };
    let (Some(all), Some(with_link), Some(own)) = (rate(whole)?, rate(&linked)?, rate(part)?)
    else {
        return Ok(None);
    };
    Ok(Some(Cut {
        left: own / all,
        link: (all - with_link) / all,
        math: (with_link - own) / all,
    }))
}

#[cfg(test)]
mod tests {
    use causeway_domain::{Params, Tokens};
    use causeway_market::Accelerators;

    use super::*;
    use crate::Pinned;

    #[test]
    fn h800_pays_for_its_link_and_h20_for_its_products() {
        let chips = Accelerators::builtin().unwrap();
        let calibration = Calibration::builtin().unwrap();
        let params = Params::new(70e9);
        let workload = Workload {
            global_batch: Some(1024),
            ..Workload::of_parameters(params, params, Tokens::new(1e12), 4096)
        };
        let of = |name: &str| {
            let part = chips.find(name).unwrap();
            let whole = chips.find(part.variant_of.as_ref().unwrap()).unwrap();
            let fleet = Fleet {
                layout: Pinned {
                    tensor: Some(8),
                    pipeline: Some(2),
                    ..Pinned::default()
                },
                ..Fleet::new(Hardware::Accelerators { part, per_node: 8 }, 16)
            };
            cut(&workload, &fleet, whole, &calibration)
                .unwrap()
                .unwrap()
        };
        let (h800, h20) = (of("H800"), of("H20"));
        assert!(h800.link > 0.03 && h800.math.abs() < 1e-9, "{h800:?}");
        assert!(h20.math > 0.5 && h20.link.abs() < 1e-9, "{h20:?}");
        for cut in [h800, h20] {
            assert!((cut.left + cut.link + cut.math - 1.0).abs() < 1e-9);
        }
        let none = Fleet::new(Hardware::Cpu, 1);
        assert_eq!(
            cut(&workload, &none, chips.find("H100").unwrap(), &calibration).unwrap(),
            None
        );
    }
}
