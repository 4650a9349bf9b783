//! What a job needs, in SkyPilot's words.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

use super::file::{File, ResourcesFile};
use crate::yaml::Node;
use crate::{Problem, SourceFile, UsdPerHour};

/// An amount that is exact or a least one: `8` or `8+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AtLeast {
    /// The amount.
    pub amount: Decimal,
    /// Whether more will do.
    pub or_more: bool,
}

/// A cloud, region and zone; what is left out is free.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Infra {
    /// `aws`, `nebius`, `kubernetes`, `ssh`, `slurm`.
    pub cloud: Option<String>,
    /// Region, context, pool or cluster.
    pub region: Option<String>,
    /// Zone or partition.
    pub zone: Option<String>,
}

/// What a job needs. Empty alternatives mean that these resources are the only ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    /// Accelerators any of which will do, with the number per node; none for a CPU job.
    pub accelerators: Vec<(String, u32)>,
    /// Whether `accelerators` is a list, in order of preference.
    pub accelerators_ordered: bool,
    /// Virtual CPUs per node.
    pub cpus: Option<AtLeast>,
    /// Memory per node, in GB.
    pub memory_gb: Option<AtLeast>,
    /// Memory per node as a multiple of the CPUs: `4x`.
    pub memory_per_cpu: Option<AtLeast>,
    /// Whether spot machines are asked for.
    pub use_spot: bool,
    /// Where.
    pub infra: Infra,
    /// The provider's name of a machine.
    pub instance_type: Option<String>,
    /// Most that an hour of the whole job may cost.
    pub max_hourly_cost: Option<UsdPerHour>,
    /// Alternatives (`any_of`, `ordered`), each merged over the common part, in the file's order.
    pub alternatives: Vec<Resources>,
}

impl Resources {
    /// The alternatives, or these resources where there are none.
    #[must_use]
    pub fn choices(&self) -> &[Self] {
        if self.alternatives.is_empty() {
            std::slice::from_ref(self)
        } else {
            &self.alternatives
        }
    }
}

/// Words with no effect on Causeway's engines: warned of, nothing is refused.
const NO_EFFECT: [&str; 13] = [
    "disk_size",
    "ephemeral_storage",
    "disk_tier",
    "local_disk",
    "network_tier",
    "ports",
    "labels",
    "accelerator_args",
    "autostop",
    "priority",
    "priority_class",
    "job_recovery",
    "spot_recovery",
];

type Read = (Resources, Vec<Problem>, Vec<Problem>);

/// Reads `resources`. Gives them with what is not run and what has no effect.
pub(super) fn read(
    file: &File,
    source: &Arc<SourceFile>,
    root: &Node,
) -> Result<Read, Vec<Problem>> {
    let Some(raw) = &file.resources else {
        return Ok((Resources::default(), Vec::new(), Vec::new()));
    };
    let mut reader = Reader {
        source,
        root,
        problems: Vec::new(),
    };
    let mut resources = reader.one(raw, &Resources::default(), "/resources");
    let alternatives = match (&raw.any_of, &raw.ordered) {
        (Some(_), Some(_)) => {
            reader.error(
                "/resources/ordered",
                "`any_of` and `ordered` can't stand together",
                "keep one of the two",
            );
            Vec::new()
        }
        (Some(list), None) => reader.alternatives(list, &resources, "/resources/any_of"),
        (None, Some(list)) => reader.alternatives(list, &resources, "/resources/ordered"),
        (None, None) => Vec::new(),
    };
    resources.alternatives = alternatives;
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let node = root.at("/resources");
    let mut not_run = Vec::new();
    let mut warnings = Vec::new();
    if raw.image_id.is_some() {
        let place = root.at("/resources/image_id").place;
        not_run.push(
            Problem::warning(
                source,
                place,
                "`image_id` is valid and not run by Causeway yet: its engines start no containers",
            )
            .help("install what the task needs in `setup`"),
        );
    }
    if raw
        .volumes
        .as_ref()
        .is_some_and(|volumes| *volumes != Value::Null)
    {
        not_run.push(Problem::warning(
            source,
            root.at("/resources/volumes").place,
            "`volumes` is valid and not run by Causeway yet",
        ));
    }
    for word in NO_EFFECT {
        if let Some(place) = node.key_place(word) {
            warnings.push(Problem::warning(
                source,
                place,
                format!("`{word}` has no effect on Causeway's engines"),
            ));
        }
    }
    Ok((resources, not_run, warnings))
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    root: &'a Node,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, pointer: &str, message: impl Into<String>, help: &str) {
        let place = self.root.at(pointer).place;
        self.problems
            .push(Problem::error(self.source, place, message).help(help));
    }

    fn alternatives(
        &mut self,
        list: &[ResourcesFile],
        base: &Resources,
        pointer: &str,
    ) -> Vec<Resources> {
        list.iter()
            .enumerate()
            .map(|(index, raw)| self.one(raw, base, &format!("{pointer}/{index}")))
            .collect()
    }

    fn one(&mut self, raw: &ResourcesFile, base: &Resources, pointer: &str) -> Resources {
        let mut out = base.clone();
        if let Some(value) = raw.accelerators.as_ref().or(raw.gpus.as_ref()) {
            let field = if raw.accelerators.is_some() {
                "accelerators"
            } else {
                "gpus"
            };
            out.accelerators = self.accelerators(value, &format!("{pointer}/{field}"));
            out.accelerators_ordered = value.is_array();
        }
        if let Some(value) = &raw.cpus {
            out.cpus = self.amount(value, &format!("{pointer}/cpus"), "cpus");
        }
        if let Some(value) = &raw.memory {
            let text = text_of(value);
            if let Some(factor) = text.trim().trim_end_matches('+').strip_suffix('x') {
                out.memory_per_cpu = self
                    .amount(
                        &Value::String(factor.to_owned()),
                        &format!("{pointer}/memory"),
                        "memory",
                    )
                    .map(|least| AtLeast {
                        or_more: text.ends_with('+'),
                        ..least
                    });
            } else {
                let plain = text.trim().replace("GB", "").replace("gb", "");
                out.memory_gb = self.amount(
                    &Value::String(plain),
                    &format!("{pointer}/memory"),
                    "memory",
                );
            }
        }
        out.use_spot = raw.use_spot.unwrap_or(out.use_spot);
        if let Some(infra) = &raw.infra {
            if raw.cloud.is_some() || raw.region.is_some() || raw.zone.is_some() {
                self.error(
                    &format!("{pointer}/infra"),
                    "`infra` can't stand beside `cloud`, `region` or `zone`",
                    "keep `infra`: it says the same",
                );
            }
            let mut parts = infra.splitn(3, '/').map(|part| {
                Some(part.trim().to_owned()).filter(|part| !part.is_empty() && part != "*")
            });
            out.infra = Infra {
                cloud: parts.next().flatten().map(|cloud| {
                    if cloud == "k8s" {
                        "kubernetes".to_owned()
                    } else {
                        cloud.to_lowercase()
                    }
                }),
                region: parts.next().flatten(),
                zone: parts.next().flatten(),
            };
        } else if raw.cloud.is_some() || raw.region.is_some() || raw.zone.is_some() {
            out.infra = Infra {
                cloud: raw.cloud.clone().map(|cloud| cloud.to_lowercase()),
                region: raw.region.clone(),
                zone: raw.zone.clone(),
            };
        }
        if raw.instance_type.is_some() {
            out.instance_type.clone_from(&raw.instance_type);
        }
        if let Some(cap) = raw.max_hourly_cost {
            match Decimal::from_f64_retain(cap).filter(|cap| cap.is_sign_positive()) {
                Some(cap) => out.max_hourly_cost = Some(UsdPerHour::new(cap.round_dp(6))),
                None => self.error(
                    &format!("{pointer}/max_hourly_cost"),
                    "max_hourly_cost must be a positive number",
                    "US dollars per hour for the whole job",
                ),
            }
        }
        out
    }

    fn amount(&mut self, value: &Value, pointer: &str, field: &str) -> Option<AtLeast> {
        let text = text_of(value);
        let trimmed = text.trim();
        let (number, or_more) = trimmed
            .strip_suffix('+')
            .map_or((trimmed, false), |number| (number, true));
        match number.trim().parse::<Decimal>() {
            Ok(amount) if amount > Decimal::ZERO => Some(AtLeast { amount, or_more }),
            _ => {
                self.error(
                    pointer,
                    format!("`{text}` is not an amount of {field}"),
                    if field == "cpus" {
                        "write `8` or `8+`"
                    } else {
                        "write GB: `32`, `32+`, or `4x` the CPUs"
                    },
                );
                None
            }
        }
    }

    fn accelerators(&mut self, value: &Value, pointer: &str) -> Vec<(String, u32)> {
        let mut out = Vec::new();
        match value {
            Value::String(text) => out.extend(self.accelerator(text, None, pointer)),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.extend(self.accelerator(
                        &text_of(item),
                        None,
                        &format!("{pointer}/{index}"),
                    ));
                }
            }
            Value::Object(map) => {
                for (name, count) in map {
                    // `{H100:8}` without a blank is one word to YAML: SkyPilot takes it, so do we.
                    let count = Some(text_of(count)).filter(|text| !text.is_empty());
                    out.extend(self.accelerator(name, count.as_deref(), pointer));
                }
            }
            _ => {}
        }
        out
    }

    fn accelerator(
        &mut self,
        text: &str,
        count: Option<&str>,
        pointer: &str,
    ) -> Option<(String, u32)> {
        let (name, count) = match (text.split_once(':'), count) {
            (Some((name, count)), None) => (name.trim(), count.trim()),
            (_, Some(count)) => (text.trim(), count),
            (None, None) => (text.trim(), "1"),
        };
        let whole = count
            .parse::<f64>()
            .ok()
            .filter(|count| *count > 0.0 && *count <= 10_000.0);
        match whole {
            Some(count) if !name.is_empty() => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "checked to lie in 0..=10000"
                )]
                let whole = count.ceil() as u32;
                if count.fract() != 0.0 {
                    self.error(
                        pointer,
                        format!("`{text}` asks for a part of an accelerator"),
                        "Causeway counts whole accelerators",
                    );
                    return None;
                }
                Some((name.to_owned(), whole))
            }
            _ => {
                self.error(
                    pointer,
                    format!("`{text}` does not name accelerators"),
                    "write `H100:8`, `{H100: 8, A100: 8}` or `[H100:8, A100:8]`",
                );
                None
            }
        }
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
