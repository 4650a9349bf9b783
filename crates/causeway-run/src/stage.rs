//! Stage: the same bytes at the site, each dataset through the gate just before its first byte leaves.

use causeway_backends::{Backend, Region, SiteFacts};
use causeway_domain::{Bytes, Country, Env, Fact};
use causeway_law::Cleared;
use causeway_ledger::Subject;
use causeway_plan::{Planned, Shipment};
use causeway_transfer::{Codec, Connector, push};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::RunError;
use crate::driver::{Driver, Outcome};
use crate::events::{Event, LongWaits, StageName};
use crate::path::still_cleared;
use crate::site::Way;

/// A cleared plan whose code and data are at the site.
#[derive(Debug)]
pub(crate) struct Staged {
    /// The plan.
    pub cleared: Cleared<Planned>,
    /// The way to the site.
    pub way: Way,
}

/// What the stage leaves in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageRecord {
    /// The site.
    pub site: String,
    /// What was put where.
    pub shipments: Vec<Shipped>,
    /// `declared`, or what the machine itself said.
    pub region: String,
    /// By whom, or by what service.
    pub region_by: String,
}

/// One thing that was put at the site.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shipped {
    /// Relative to the workdir; empty for the workdir itself.
    pub target: String,
    /// The datasets that it carries.
    pub datasets: Vec<String>,
    /// Digest of the manifest: paths, sizes and hashes of every file.
    pub manifest: String,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Puts code and data at the site. A restart finds again what is there: nothing that the site has is sent twice.
///
/// # Errors
/// When the clearance was lost, the machine is elsewhere, or the transfer fails.
pub(crate) async fn stage(
    driver: &mut Driver<'_>,
    cleared: Cleared<Planned>,
) -> Result<Staged, RunError> {
    let candidate = cleared.get().candidate();
    let id = cleared
        .get()
        .site()
        .cloned()
        .ok_or_else(|| RunError::Value {
            what: "the plan names no site".to_owned(),
        })?;
    let site = driver
        .organisation
        .file
        .sites
        .get(&id)
        .cloned()
        .ok_or_else(|| RunError::Value {
            what: format!("causeway.yaml has no site `{id}`"),
        })?;
    let home = &driver.organisation.file.home;
    let mut way = Way::new(
        driver.id(),
        &id,
        &site,
        &driver.files.organisation_folder,
        &home.checkpoints,
        &driver.binary,
        driver.workspace.env.clone(),
    )?;
    way.limit
        .clone_from(&driver.organisation.file.transfer.limit);
    if let Some(other) = &candidate.stands_in_for {
        driver.note(format!(
            "site `{id}` is {} and stands in for {other}: nothing leaves for abroad",
            if matches!(site.engine, causeway_domain::organisation::Engine::Local(_)) {
                "a folder of this machine"
            } else {
                "a host"
            }
        ));
    }
    if let Some((_, record)) = driver.done::<StageRecord>(StageName::Stage)? {
        way.prepare().await?;
        driver.report(&Event::StageDone {
            stage: StageName::Stage,
            summary: in_words(&record),
            before: true,
        });
        return Ok(Staged { cleared, way });
    }
    driver.begin(StageName::Stage, 1)?;
    let facts = way.engine.probe().await?;
    for warning in &facts.warnings {
        driver.warn(format!("site `{id}`: {warning}"));
    }
    let (region, region_by) =
        check_region(driver, &id.to_string(), &candidate.place.country, &facts)?;
    way.prepare().await?;
    let shipments = cleared.get().shipments().all.clone();
    let mut shipped = Vec::new();
    if !shipments.is_empty() {
        let connector = way.connect(driver.id()).await?;
        for shipment in &shipments {
            still_cleared(driver, &cleared)?;
            driver.workspace.env.fault("stage.gate")?;
            shipped.push(ship(driver, &way, &connector, shipment).await?);
            driver.workspace.env.fault("stage.shipped")?;
        }
    }
    let record = StageRecord {
        site: id.to_string(),
        shipments: shipped,
        region,
        region_by,
    };
    let subjects = match record.shipments.as_slice() {
        [] => vec![Subject::blake3(
            "nothing",
            causeway_domain::Digest::new(*blake3::hash(b"").as_bytes()),
        )],
        some => some
            .iter()
            .map(|one| {
                let name = if one.target.is_empty() {
                    "workdir"
                } else {
                    &one.target
                };
                one.manifest
                    .parse()
                    .map(|digest| Subject::blake3(name, digest))
                    .map_err(|error: causeway_domain::InvalidDigest| RunError::Journal {
                        what: error.to_string(),
                    })
            })
            .collect::<Result<_, _>>()?,
    };
    let says = json!({"site_facts": facts, "stands_in_for": site.stands_in_for, "country": candidate.place.country});
    driver.finish(
        StageName::Stage,
        1,
        &Outcome {
            summary: in_words(&record),
            output: record,
            subjects,
            says,
        },
    )?;
    Ok(Staged { cleared, way })
}

fn in_words(record: &StageRecord) -> String {
    let bytes: u64 = record.shipments.iter().map(|shipped| shipped.bytes).sum();
    let files: u64 = record.shipments.iter().map(|shipped| shipped.files).sum();
    format!(
        "{files} file(s), {} at {}; region: {} by {}",
        Bytes::new(bytes),
        record.site,
        record.region,
        record.region_by
    )
}

async fn ship(
    driver: &Driver<'_>,
    way: &Way,
    connector: &Connector,
    shipment: &Shipment,
) -> Result<Shipped, RunError> {
    let datasets: Vec<String> = shipment.datasets.iter().map(ToString::to_string).collect();
    if !shipment.source.exists() {
        return Err(RunError::Dataset {
            dataset: if datasets.is_empty() {
                "code".to_owned()
            } else {
                datasets.join(", ")
            },
            path: shipment.source.clone(),
            why: "is not there".to_owned(),
            help: "paths of task.yaml are relative to its own folder".to_owned(),
        });
    }
    let target = way.relative(&way.workdir.join(&shipment.target));
    let what = if shipment.target.as_str().is_empty() {
        "workdir".to_owned()
    } else {
        shipment.target.to_string()
    };
    let reporter = driver.reporter.clone();
    let waits = LongWaits::default();
    let progress = move |progress: causeway_transfer::Progress| {
        if let Some(note) = waits.note(&progress) {
            reporter.report(&note);
        }
        reporter.report(&Event::moved(&what, &progress));
    };
    let summary = push(
        connector,
        &shipment.source,
        &target,
        Codec::Auto,
        driver.workspace.env.as_ref(),
        progress,
    )
    .await?;
    Ok(Shipped {
        target: shipment.target.to_string(),
        datasets,
        manifest: summary.manifest.to_string(),
        files: summary.files,
        bytes: summary.raw_bytes,
    })
}

/// Where a machine can tell its region, it must be where the plan was cleared for; elsewhere the record says who declares it.
fn check_region(
    driver: &Driver<'_>,
    site: &str,
    cleared: &Fact<Country>,
    facts: &SiteFacts,
) -> Result<(String, String), RunError> {
    match &facts.region {
        Region::Found { cloud, region, .. } => {
            let found = driver.market.regions.country(cloud.as_str(), region);
            match (found.known(), cleared.known()) {
                (Some(found), Some(cleared)) if found == cleared => Ok((
                    format!("{cloud}/{region}"),
                    format!("metadata service of {cloud}"),
                )),
                (found, cleared) => Err(RunError::WrongRegion {
                    site: site.to_owned(),
                    found: format!(
                        "{cloud}/{region} ({})",
                        found.map_or(
                            "a country that the table of regions does not know",
                            |country| country.name()
                        )
                    ),
                    cleared: cleared.map_or_else(
                        || "an unknown country".to_owned(),
                        |country| country.name().to_owned(),
                    ),
                }),
            }
        }
        Region::Declared { .. } => {
            let by = match cleared {
                Fact::Known(_, source) => source.to_string(),
                Fact::Unknown(why) => why.clone(),
            };
            Ok(("declared".to_owned(), by))
        }
    }
}
