//! The words of SkyPilot's task file, as its own schema (0.14.1) has them. Parts that Causeway does not run are kept
//! as they are.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, json_schema as schema};
use serde::Deserialize;
use serde_json::Value;

/// A SkyPilot task.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "task.yaml (a SkyPilot task)")]
pub struct File {
    /// The task's name
    pub name: Option<String>,
    /// A folder that is synced to the site, or `{url, ref}` of a git repository
    #[schemars(schema_with = "text_or_map")]
    pub workdir: Option<Value>,
    /// Command that SkyPilot runs on events
    pub event_callback: Option<String>,
    /// Number of nodes
    #[schemars(range(min = 1))]
    pub num_nodes: Option<u32>,
    /// What the job needs
    pub resources: Option<ResourcesFile>,
    /// Paths at the site, and what is put there
    #[schemars(schema_with = "mounts")]
    pub file_mounts: Option<BTreeMap<String, Value>>,
    /// Commands that prepare a node
    pub setup: Option<String>,
    /// Commands that run the job on every node
    pub run: Option<String>,
    /// Environment variables; one without a value must be given at launch
    #[schemars(schema_with = "scalars")]
    pub envs: Option<BTreeMap<String, Value>>,
    /// Secret environment variables, never shown
    #[schemars(schema_with = "secrets")]
    pub secrets: Option<Value>,
    /// Secrets that SkyPilot's server keeps
    #[schemars(schema_with = "anything")]
    pub managed_secrets: Option<Value>,
    /// A service with replicas
    pub service: Option<ServiceFile>,
    /// A pool of workers
    pub pool: Option<PoolFile>,
    /// Hint: inputs and their size in GB
    #[schemars(schema_with = "map_of_anything")]
    pub inputs: Option<Value>,
    /// Hint: outputs and their size in GB
    #[schemars(schema_with = "map_of_anything")]
    pub outputs: Option<Value>,
    /// Written by SkyPilot itself
    #[schemars(schema_with = "map_of_anything")]
    pub file_mounts_mapping: Option<Value>,
    /// SkyPilot's own configuration for this task
    #[schemars(schema_with = "map_of_anything")]
    pub config: Option<Value>,
    /// Volumes
    #[schemars(schema_with = "anything")]
    pub volumes: Option<Value>,
    /// Volume mounts
    #[schemars(schema_with = "anything")]
    pub volume_mounts: Option<Value>,
    /// Access to SkyPilot's API server
    #[schemars(schema_with = "anything")]
    pub api_server_access: Option<Value>,
}

/// What a job needs. Partial resources stand under `any_of` and `ordered`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourcesFile {
    /// `cloud/region/zone`, `k8s/context`, `ssh/pool`, `slurm/cluster/partition`; `*` for any
    pub infra: Option<String>,
    /// Older form of `infra`: the cloud
    pub cloud: Option<String>,
    /// Older form of `infra`: the region
    pub region: Option<String>,
    /// Older form of `infra`: the zone
    pub zone: Option<String>,
    /// `H100:8`, `{H100: 8, A100: 8}` for any of them, `[H100:8, A100:8]` in order of preference
    #[schemars(schema_with = "accelerators")]
    pub accelerators: Option<Value>,
    /// Another name of `accelerators`
    #[schemars(schema_with = "accelerators")]
    pub gpus: Option<Value>,
    /// Virtual CPUs: `8` or `8+`
    #[schemars(schema_with = "text_or_number")]
    pub cpus: Option<Value>,
    /// Memory in GB: `32`, `32+`, or `4x` the CPUs
    #[schemars(schema_with = "text_or_number")]
    pub memory: Option<Value>,
    /// A provider's name of a machine
    pub instance_type: Option<String>,
    /// Whether machines that can be taken away will do
    pub use_spot: Option<bool>,
    /// What to do after a preemption
    #[schemars(schema_with = "text_or_map")]
    pub job_recovery: Option<Value>,
    /// Older name of `job_recovery`
    #[schemars(schema_with = "text_or_map")]
    pub spot_recovery: Option<Value>,
    /// Disk in GB
    #[schemars(schema_with = "text_or_number")]
    pub disk_size: Option<Value>,
    /// Ephemeral storage
    #[schemars(schema_with = "anything")]
    pub ephemeral_storage: Option<Value>,
    /// `low`, `medium`, `high`, `ultra`, `best`, `none`
    pub disk_tier: Option<String>,
    /// Local disk
    #[schemars(schema_with = "anything")]
    pub local_disk: Option<Value>,
    /// `standard` or `best`
    pub network_tier: Option<String>,
    /// US dollars per hour for the whole job, at most
    pub max_hourly_cost: Option<f64>,
    /// Ports to open
    #[schemars(schema_with = "anything")]
    pub ports: Option<Value>,
    /// Labels
    #[schemars(schema_with = "map_of_anything")]
    pub labels: Option<Value>,
    /// Arguments of TPUs
    #[schemars(schema_with = "map_of_anything")]
    pub accelerator_args: Option<Value>,
    /// `docker:IMAGE`, an image id, or a map by region
    #[schemars(schema_with = "text_or_map")]
    pub image_id: Option<Value>,
    /// Stop an idle cluster
    #[schemars(schema_with = "anything")]
    pub autostop: Option<Value>,
    /// Priority, a number
    pub priority: Option<i64>,
    /// Priority class
    pub priority_class: Option<String>,
    /// Volumes
    #[schemars(schema_with = "anything")]
    pub volumes: Option<Value>,
    /// Alternatives, any of which will do
    pub any_of: Option<Vec<ResourcesFile>>,
    /// Alternatives in order of preference
    pub ordered: Option<Vec<ResourcesFile>>,
}

/// A service with replicas; kept, not run.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceFile {
    /// A path, or an object with `path`, `initial_delay_seconds` and more
    #[schemars(schema_with = "text_or_map")]
    pub readiness_probe: Option<Value>,
    /// Number of replicas
    #[schemars(schema_with = "anything")]
    pub replicas: Option<Value>,
    /// Autoscaling
    #[schemars(schema_with = "map_of_anything")]
    pub replica_policy: Option<Value>,
    /// The service's port
    #[schemars(schema_with = "anything")]
    pub ports: Option<Value>,
    /// `round_robin`, `least_load`, `instance_aware_least_load`
    pub load_balancing_policy: Option<String>,
    /// Certificates
    #[schemars(schema_with = "map_of_anything")]
    pub tls: Option<Value>,
    /// Whether this is a pool
    pub pool: Option<bool>,
    /// Workers of a pool
    pub workers: Option<u32>,
}

/// A pool of workers; kept, not run.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PoolFile {
    /// Number of workers
    pub workers: Option<u32>,
    /// Fewest workers
    pub min_workers: Option<u32>,
    /// Most workers
    pub max_workers: Option<u32>,
    /// Autoscaling
    #[schemars(schema_with = "map_of_anything")]
    pub replica_policy: Option<Value>,
    /// Queue length that adds a worker
    pub queue_length_threshold: Option<u32>,
    /// Wait before a worker is added
    pub upscale_delay_seconds: Option<f64>,
    /// Wait before a worker is removed
    pub downscale_delay_seconds: Option<f64>,
}

/// The JSON Schema of `task.yaml`, as committed for editors.
#[must_use]
pub fn json_schema() -> Schema {
    schemars::schema_for!(File)
}

/// The schema of a document that names a pipeline or a job group.
pub(super) fn header_schema() -> Schema {
    schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": {"type": ["string", "null"]},
            "execution": {"type": "string", "enum": ["parallel", "serial"]},
            "primary_tasks": {"type": ["array", "null"], "items": {"type": "string"}},
            "termination_delay": {},
        },
    })
}

fn anything(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({})
}

fn map_of_anything(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({"type": ["object", "null"]})
}

fn text_or_map(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({"type": ["string", "object", "null"]})
}

fn text_or_number(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({"type": ["string", "number", "null"]})
}

fn scalars(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({"type": ["object", "null"], "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
}

fn secrets(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({"type": ["object", "array", "null"], "additionalProperties": {"type": ["string", "number", "boolean", "null"]}, "items": {"type": "string"}})
}

fn accelerators(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({"type": ["string", "object", "array", "null"], "additionalProperties": {"type": ["number", "string", "null"]}, "items": {"type": "string"}})
}

fn mounts(_: &mut schemars::SchemaGenerator) -> Schema {
    schema!({
        "type": ["object", "null"],
        "additionalProperties": {"anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "name": {"type": ["string", "null"], "description": "Name of the bucket"},
                    "source": {"type": ["string", "array", "null"], "description": "Local path or URL"},
                    "store": {"type": ["string", "null"], "description": "Kind of bucket: s3, gcs, azure, r2, ibm, oci, nebius, ..."},
                    "mode": {"type": ["string", "null"], "description": "MOUNT, COPY or MOUNT_CACHED"},
                    "persistent": {"type": ["boolean", "null"]},
                    "type": {"type": ["string", "null"]},
                    "config": {"type": ["object", "null"]},
                    "_is_sky_managed": {"type": "boolean"},
                    "_bucket_sub_path": {"type": "string"},
                    "_force_delete": {"type": "boolean"},
                },
            },
        ]},
    })
}
