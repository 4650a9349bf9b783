//! What a task asks for: SkyPilot's `resources`, reduced to what an offer can answer.

use causeway_domain::{Bytes, UsdPerHour};
use rust_decimal::Decimal;

/// How many CPUs a machine must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuNeed {
    /// `cpus: 8`.
    Exactly(Decimal),
    /// `cpus: 8+`.
    AtLeast(Decimal),
}

/// How much main memory a machine must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryNeed {
    /// `memory: 32`.
    Exactly(Bytes),
    /// `memory: 32+`.
    AtLeast(Bytes),
    /// `memory: 4x`: at least this many GiB for each CPU.
    PerCpu(Decimal),
}

/// Where: each part optional, as in `infra: nebius/eu-north1` (`*` and a missing part are `None`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Infra {
    /// A cloud; for a site's own offer also its id, its operator, or `ssh` with the site as region.
    pub cloud: Option<String>,
    /// A region.
    pub region: Option<String>,
    /// A zone.
    pub zone: Option<String>,
}

/// What a task asks for. Everything left out is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Any one of these accelerators in this number a machine, the preferred one first. Empty: a job for CPUs.
    pub accelerators: Vec<(String, u32)>,
    /// Whether the order of `accelerators` is one of preference (`[A100:8, H100:8]`) or only a set (`{A100: 8, H100: 8}`).
    pub ordered: bool,
    /// CPUs of a machine.
    pub cpus: Option<CpuNeed>,
    /// Main memory of a machine.
    pub memory: Option<MemoryNeed>,
    /// Spot only (`true`), on demand only (`false` or left out).
    pub use_spot: Option<bool>,
    /// Where.
    pub infra: Option<Infra>,
    /// A machine by the provider's name.
    pub instance_type: Option<String>,
    /// The most that one machine may cost.
    pub max_hourly_cost: Option<UsdPerHour>,
    /// Alternatives: each is laid over this request, and what it states wins. Empty: this request alone.
    pub any_of: Vec<Self>,
}

impl Request {
    /// The requests to be tried: this one, or each alternative laid over it. Alternatives of alternatives do not exist
    /// in SkyPilot's file and are ignored.
    #[must_use]
    pub fn alternatives(&self) -> Vec<Self> {
        if self.any_of.is_empty() {
            return vec![self.clone()];
        }
        self.any_of
            .iter()
            .map(|over| {
                let own = !over.accelerators.is_empty();
                Self {
                    accelerators: if own {
                        over.accelerators.clone()
                    } else {
                        self.accelerators.clone()
                    },
                    ordered: if own { over.ordered } else { self.ordered },
                    cpus: over.cpus.or(self.cpus),
                    memory: over.memory.or(self.memory),
                    use_spot: over.use_spot.or(self.use_spot),
                    infra: over.infra.clone().or_else(|| self.infra.clone()),
                    instance_type: over
                        .instance_type
                        .clone()
                        .or_else(|| self.instance_type.clone()),
                    max_hourly_cost: over.max_hourly_cost.or(self.max_hourly_cost),
                    any_of: Vec::new(),
                }
            })
            .collect()
    }
}
