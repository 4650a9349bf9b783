//! Where a machine is, when it can tell: cloud metadata, asked only where it looks like a cloud's machine.
//!
//! Sources: AWS "Instance metadata" (IMDSv2: token by PUT, `placement/region`), Google Cloud "VM metadata" (`instance/zone`
//! with `Metadata-Flavor: Google`), Azure "Instance Metadata Service" (`compute/location` with `Metadata: true`); how each
//! names its machines in DMI: systemd `src/basic/virt.c` and the clouds' own "identify instances" pages.

use causeway_domain::Fact;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// A cloud whose machines can tell their region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Amazon Web Services, and private clouds that speak its words.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
}

impl Cloud {
    /// All of them, in the order in which an unnamed metadata service is tried.
    pub const ALL: [Self; 3] = [Self::Aws, Self::Gcp, Self::Azure];

    /// As SkyPilot names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }

    /// The link-local address of its metadata service: the same number in all three.
    pub(crate) const fn service(self) -> &'static str {
        "http://169.254.169.254"
    }
}

impl std::fmt::Display for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a machine is, as far as it can tell itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// The cloud's metadata service said so, at the machine.
    Found {
        /// The cloud.
        cloud: Cloud,
        /// `ap-southeast-1`, `us-central1`, `westeurope`.
        region: String,
        /// `ap-southeast-1a`, `us-central1-a`, `2`.
        zone: Option<String>,
    },
    /// Nobody at the machine can tell: the region is what somebody declares.
    Declared {
        /// Why the machine can't tell.
        why: String,
    },
}

impl Region {
    /// The region as a fact with its source.
    #[must_use]
    pub fn as_fact(&self) -> Fact<String> {
        match self {
            Self::Found { cloud, region, .. } => Fact::stated(
                region.clone(),
                format!("metadata service of {cloud}, asked at the machine"),
            ),
            Self::Declared { why } => Fact::unknown(why.clone()),
        }
    }
}

/// Which cloud's machine it looks like, by the strings of its firmware (the answer to `probe`).
pub(crate) fn looks_like(answer: &Answer) -> Option<Cloud> {
    /// Azure's chassis asset tag, the same on every machine.
    const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";
    let says = |key: &str| answer.get(key).unwrap_or_default();
    let (vendor, product, bios) = (
        says("dmi_sys_vendor"),
        says("dmi_product_name"),
        says("dmi_bios_vendor"),
    );
    if vendor == "Amazon EC2" || bios == "Amazon EC2" {
        Some(Cloud::Aws)
    } else if vendor == "Google" || product == "Google Compute Engine" {
        Some(Cloud::Gcp)
    } else if says("dmi_chassis_asset_tag") == AZURE_TAG {
        Some(Cloud::Azure)
    } else {
        None
    }
}

/// What the metadata service's answer means; nothing when it is no region.
pub(crate) fn read(cloud: Cloud, answer: &Answer) -> Option<Region> {
    let word = |key: &str| {
        answer
            .get(key)
            .filter(|text| is_word(text))
            .map(str::to_owned)
    };
    let (region, zone) = match cloud {
        Cloud::Aws => {
            let zone = word("zone");
            // EC2-compatible private clouds may know only an availability zone, which is then the finest true name.
            (word("region").or_else(|| zone.clone())?, zone)
        }
        Cloud::Gcp => {
            // projects/123/zones/us-central1-a
            let zone = answer.get("zone")?.rsplit_once("/zones/")?.1;
            let region = zone.rsplit_once('-')?.0;
            if !is_word(zone) || !is_word(region) {
                return None;
            }
            (region.to_owned(), Some(zone.to_owned()))
        }
        Cloud::Azure => (word("region")?, word("zone")),
    };
    Some(Region::Found {
        cloud,
        region,
        zone,
    })
}

/// A region is a short word: an error page of a captive portal is none.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lines: &str) -> Answer {
        Answer::read(
            &"s".parse().unwrap(),
            "a test",
            format!("{lines}\nend=1\n").as_bytes(),
        )
        .unwrap()
    }

    #[test]
    fn firmware_names_the_cloud() {
        for (lines, cloud) in [
            (
                "dmi_sys_vendor=Amazon EC2\ndmi_board_asset_tag=i-0abc",
                Some(Cloud::Aws),
            ),
            (
                "dmi_sys_vendor=Google\ndmi_product_name=Google Compute Engine",
                Some(Cloud::Gcp),
            ),
            (
                "dmi_sys_vendor=Microsoft Corporation\ndmi_chassis_asset_tag=7783-7084-3265-9085-8269-3286-77",
                Some(Cloud::Azure),
            ),
            (
                "dmi_sys_vendor=Microsoft Corporation\ndmi_product_name=Virtual Machine",
                None,
            ),
            ("dmi_sys_vendor=QEMU", None),
            ("x=1", None),
        ] {
            assert_eq!(looks_like(&answer(lines)), cloud, "{lines}");
        }
    }

    #[test]
    fn metadata_gives_a_region_or_nothing() {
        let found = |cloud, region: &str, zone: Option<&str>| {
            Some(Region::Found {
                cloud,
                region: region.to_owned(),
                zone: zone.map(str::to_owned),
            })
        };
        let aws = read(
            Cloud::Aws,
            &answer("region=ap-southeast-1\nzone=ap-southeast-1a"),
        );
        assert_eq!(
            aws,
            found(Cloud::Aws, "ap-southeast-1", Some("ap-southeast-1a"))
        );
        assert_eq!(
            read(Cloud::Aws, &answer("region=\nzone=nova")),
            found(Cloud::Aws, "nova", Some("nova"))
        );
        assert_eq!(
            read(Cloud::Gcp, &answer("zone=projects/1/zones/us-central1-a")),
            found(Cloud::Gcp, "us-central1", Some("us-central1-a"))
        );
        assert_eq!(
            read(Cloud::Azure, &answer("region=westeurope\nzone=")),
            found(Cloud::Azure, "westeurope", None)
        );
        for (cloud, lines) in [
            (Cloud::Aws, "region=\nzone="),
            (Cloud::Aws, "region=<html>please log in</html>"),
            (Cloud::Gcp, "zone=us-central1-a"),
            (Cloud::Azure, "x=1"),
        ] {
            assert_eq!(read(cloud, &answer(lines)), None, "{lines}");
        }
    }
}
