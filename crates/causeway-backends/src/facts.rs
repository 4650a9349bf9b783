//! What a site says about itself.

use camino::Utf8PathBuf;
use causeway_domain::Bytes;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::{BackendError, Region};

/// A machine's operating system and processor, as a program is built for them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `macos`, ...
    pub os: String,
    /// `x86_64`, `aarch64`, ...
    pub arch: String,
}

impl Platform {
    /// The one that this program was built for.
    #[must_use]
    pub fn current() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
        }
    }

    /// From `uname -s` and `uname -m`.
    #[must_use]
    pub fn from_uname(system: &str, machine: &str) -> Self {
        let os = match system {
            "Darwin" => "macos".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        let arch = match machine {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            other => other,
        };
        Self {
            os,
            arch: arch.to_owned(),
        }
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.os, self.arch)
    }
}

/// A GPU as its driver names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Its memory.
    pub memory: Bytes,
}

/// What a site says about itself: the answer to [`probe`](crate::Backend::probe).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFacts {
    /// `uname -n`.
    pub host: String,
    /// The account there.
    pub user: String,
    /// Its home directory.
    pub home: Utf8PathBuf,
    /// The site's directory, absolute.
    pub directory: Utf8PathBuf,
    /// System and processor.
    pub platform: Platform,
    /// `uname -r`.
    pub kernel: String,
    /// Whether scripts of tasks run with bash, as SkyPilot runs them; else with `sh`.
    pub has_bash: bool,
    /// Processors that are online.
    pub cpus: Option<u32>,
    /// Main memory.
    pub memory: Option<Bytes>,
    /// Free space where the site's directory is.
    pub disk_free: Option<Bytes>,
    /// GPUs, where `nvidia-smi` is installed.
    pub gpus: Vec<Gpu>,
    /// Where it is.
    pub region: Region,
    /// What a person should know before a job runs here.
    pub warnings: Vec<String>,
}

impl SiteFacts {
    /// # Errors
    /// [`BackendError::Answer`].
    pub(crate) fn read(answer: &Answer, region: Region) -> Result<Self, BackendError> {
        let kib = |key: &str| {
            Ok::<_, BackendError>(
                answer
                    .number::<u64>(key)?
                    .map(|kib| Bytes::new(kib.saturating_mul(1024))),
            )
        };
        let mut warnings = Vec::new();
        if answer.flag("kills_processes") {
            warnings.push("`KillUserProcesses` is on: jobs end when the last login ends; ask for `loginctl enable-linger`".to_owned());
        }
        if answer.get("bash").is_none() {
            warnings.push("there is no bash: `setup` and `run` are read by `sh`".to_owned());
        }
        Ok(Self {
            host: answer.need("host")?.to_owned(),
            user: answer.need("user")?.to_owned(),
            home: answer.need("home")?.into(),
            directory: answer.need("directory")?.into(),
            platform: Platform::from_uname(answer.need("os")?, answer.need("machine")?),
            kernel: answer.need("kernel")?.to_owned(),
            has_bash: answer.get("bash").is_some(),
            cpus: answer.number("cpus")?,
            memory: kib("memory_kib")?,
            disk_free: kib("disk_free_kib")?,
            gpus: answer.all("gpu").filter_map(gpu).collect(),
            region,
            warnings,
        })
    }
}

/// `NVIDIA A100-SXM4-40GB, 40960`: name and MiB, as `nvidia-smi --format=csv,noheader,nounits` prints them.
fn gpu(line: &str) -> Option<Gpu> {
    let (name, mib) = line.rsplit_once(',')?;
    let mib: u64 = mib.trim().parse().ok()?;
    Some(Gpu {
        name: name.trim().to_owned(),
        memory: Bytes::new(mib.checked_mul(1 << 20)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_and_warn() {
        let text = "directory=/s\nhome=/h\nuser=u\nhost=n1\nos=Linux\nmachine=arm64\nkernel=6.1\nbash=\ncpus=8\nmemory_kib=2\n\
                    disk_free_kib=4\ngpu=NVIDIA A100-SXM4-40GB, 40960\ngpu=broken\nkills_processes=1\nend=1\n";
        let answer = Answer::read(&"s".parse().unwrap(), "a test", text.as_bytes()).unwrap();
        let facts = SiteFacts::read(
            &answer,
            Region::Declared {
                why: "no".to_owned(),
            },
        )
        .unwrap();
        assert_eq!(facts.platform.to_string(), "linux aarch64");
        assert_eq!(
            (facts.cpus, facts.memory),
            (Some(8), Some(Bytes::new(2048)))
        );
        assert_eq!(
            facts.gpus,
            [Gpu {
                name: "NVIDIA A100-SXM4-40GB".to_owned(),
                memory: Bytes::gib(40)
            }]
        );
        assert_eq!(facts.warnings.len(), 2, "{:?}", facts.warnings);
        assert!(!facts.region.as_fact().is_known());
    }

    #[test]
    fn this_machine_is_its_own_platform() {
        let output = std::process::Command::new("uname")
            .arg("-sm")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (system, machine) = text.trim().split_once(' ').unwrap();
        assert_eq!(Platform::from_uname(system, machine), Platform::current());
    }
}
