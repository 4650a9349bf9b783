//! From SkyPilot's `resources` to what an offer can answer.

use causeway_domain::task::{AtLeast, Resources, Task};
use causeway_domain::{Bytes, UsdPerHour};
use causeway_market::{CpuNeed, Infra, MemoryNeed, Request};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// What a task asks of the market: its alternatives, in the file's order.
#[must_use]
pub fn request(task: &Task) -> Request {
    let mut choices: Vec<Request> = task
        .resources
        .choices()
        .iter()
        .map(|choice| one(choice, task.num_nodes))
        .collect();
    match (choices.len(), choices.pop()) {
        (1, Some(only)) => only,
        (_, last) => Request {
            any_of: choices.into_iter().chain(last).collect(),
            ..Request::default()
        },
    }
}

fn one(resources: &Resources, nodes: u32) -> Request {
    let infra = &resources.infra;
    let anywhere = infra.cloud.is_none() && infra.region.is_none() && infra.zone.is_none();
    Request {
        accelerators: resources.accelerators.clone(),
        ordered: resources.accelerators_ordered,
        cpus: resources.cpus.map(|need| {
            if need.or_more {
                CpuNeed::AtLeast(need.amount)
            } else {
                CpuNeed::Exactly(need.amount)
            }
        }),
        memory: memory(resources),
        use_spot: Some(resources.use_spot),
        infra: (!anywhere).then(|| Infra {
            cloud: infra.cloud.clone(),
            region: infra.region.clone(),
            zone: infra.zone.clone(),
        }),
        instance_type: resources.instance_type.clone(),
        // The cap of the file is for the whole job; an offer is one machine.
        max_hourly_cost: resources
            .max_hourly_cost
            .map(|cap| UsdPerHour::new(cap.get() / Decimal::from(nodes.max(1)))),
        any_of: Vec::new(),
    }
}

fn memory(resources: &Resources) -> Option<MemoryNeed> {
    let gib = |amount: Decimal| {
        Bytes::new(
            (amount * Decimal::from(1_u64 << 30))
                .to_u64()
                .unwrap_or(u64::MAX),
        )
    };
    match (resources.memory_gb, resources.memory_per_cpu) {
        (
            Some(AtLeast {
                amount,
                or_more: true,
            }),
            _,
        ) => Some(MemoryNeed::AtLeast(gib(amount))),
        (
            Some(AtLeast {
                amount,
                or_more: false,
            }),
            _,
        ) => Some(MemoryNeed::Exactly(gib(amount))),
        (None, Some(AtLeast { amount, .. })) => Some(MemoryNeed::PerCpu(amount)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_domain::{SourceFile, task};

    use super::*;

    fn of(text: &str) -> Request {
        request(&task::parse(&Arc::new(SourceFile::new("task.yaml", text))).unwrap())
    }

    #[test]
    fn the_cap_of_a_job_is_shared_by_its_nodes() {
        let request =
            of("num_nodes: 4\nresources: {accelerators: H100:8, max_hourly_cost: 100}\nrun: x\n");
        assert_eq!(request.max_hourly_cost, Some(UsdPerHour::new(25)));
        assert_eq!(request.accelerators, [("H100".to_owned(), 8)]);
    }

    #[test]
    fn alternatives_keep_their_order() {
        let request =
            of("resources: {cpus: 2+, ordered: [{infra: nebius}, {infra: verda}]}\nrun: x\n");
        let clouds: Vec<_> = request
            .alternatives()
            .iter()
            .map(|one| one.infra.clone().unwrap().cloud.unwrap())
            .collect();
        assert_eq!(clouds, ["nebius", "verda"]);
        assert!(of("run: x\n").accelerators.is_empty());
    }
}
