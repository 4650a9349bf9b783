//! A home for one test: a folder with both files, a task that writes a small model, and a state directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What the test task does: counts its starts, writes two checkpoints, the second one as the model.
const RUN: &str = r#"echo start >> "$COUNT"
for step in 1 2; do
  if [ ! -e "$CAUSEWAY_CHECKPOINTS/step-$step" ]; then
    mkdir -p "$CAUSEWAY_CHECKPOINTS/step-$step.tmp"
    cp -r model/. "$CAUSEWAY_CHECKPOINTS/step-$step.tmp/"
    echo "{\"step\": $step}" > "$CAUSEWAY_CHECKPOINTS/step-$step.tmp/trainer_state.json"
    mv "$CAUSEWAY_CHECKPOINTS/step-$step.tmp" "$CAUSEWAY_CHECKPOINTS/step-$step"
  fi
  echo "step $step of $SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES"
done
"#;

pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        home.write(
            "model/config.json",
            r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}"#,
        );
        std::fs::write(home.path("model/model.safetensors"), safetensors(300_000)).unwrap();
        home.write("data/corpus.txt", "a text without personal data\n");
        home.task(RUN);
        home.organisation(&[]);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes task.yaml with these commands.
    pub(crate) fn task(&self, run: &str) {
        let indented: String = run.lines().map(|line| format!("  {line}\n")).collect();
        let count = self.path("count");
        self.write(
            "task.yaml",
            &format!("name: demo\nresources: {{cpus: 1+}}\nfile_mounts: {{model: ./model, data: ./data}}\nenvs: {{COUNT: {}}}\nrun: |\n{indented}", count.display()),
        );
    }

    /// Writes causeway.yaml, with replacements.
    pub(crate) fn organisation(&self, replacements: &[(&str, &str)]) {
        let mut text = ORGANISATION.to_owned();
        for (from, to) in replacements {
            assert!(
                text.contains(from),
                "`{from}` is not in the test's causeway.yaml"
            );
            text = text.replace(from, to);
        }
        self.write("causeway.yaml", &text);
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
        command
            .current_dir(self.dir.path())
            .args(words)
            .env("NO_COLOR", "1")
            .env_remove("CAUSEWAY_FAULT")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn causeway(&self, words: &[&str]) -> Run {
        Run::of(self.command(words).output().unwrap())
    }

    pub(crate) fn with_fault(&self, fault: &str, words: &[&str]) -> Run {
        Run::of(
            self.command(words)
                .env("CAUSEWAY_FAULT", fault)
                .output()
                .unwrap(),
        )
    }

    /// How often the job was started.
    pub(crate) fn starts(&self) -> usize {
        std::fs::read_to_string(self.path("count"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// Keys of the log's entries, in order.
    pub(crate) fn entries(&self) -> Vec<String> {
        let list = self.causeway(&["ledger", "list", "--json"]);
        list.json()["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["key"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The stages that the log has entries of, with attempts.
    pub(crate) fn stages(&self) -> Vec<String> {
        self.entries()
            .iter()
            .map(|key| key.splitn(3, '/').nth(2).unwrap().to_owned())
            .collect()
    }

    /// Every byte at home is as it was admitted.
    pub(crate) fn assert_verifies(&self) {
        let verified = self.causeway(&["ledger", "verify"]);
        assert_eq!(verified.code, Some(0), "{verified}");
    }
}

/// Ends what a test left running: agents end by themselves, but not before their idle time.
impl Drop for Home {
    fn drop(&mut self) {
        let pattern = format!("{}", self.dir.path().display());
        let _ = Command::new("pkill")
            .args(["-KILL", "-f", &pattern])
            .output();
    }
}

/// What a run of the program gave.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        Self {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {:?} signal {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.signal, self.stdout, self.stderr
        )
    }
}

/// Waits until a condition holds; fails after a minute.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "waited a minute for {what}"
        );
        std::thread::yield_now();
    }
}

/// A safetensors file with one bf16 tensor of so many values, none of them alike.
pub(crate) fn safetensors(values: usize) -> Vec<u8> {
    let header = format!(
        r#"{{"__metadata__":{{"format":"pt"}},"w":{{"dtype":"BF16","shape":[{values}],"data_offsets":[0,{}]}}}}"#,
        values * 2
    );
    let padded = format!("{header:<width$}", width = header.len().next_multiple_of(8));
    let mut bytes = (padded.len() as u64).to_le_bytes().to_vec();
    bytes.extend(padded.bytes());
    let mut state = 1_u32;
    for _ in 0..values {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend(u16::try_from(state >> 16).unwrap().to_le_bytes());
    }
    bytes
}

/// The only file below a folder whose name is this.
pub(crate) fn find(folder: &Path, name: &str) -> PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|found| found == name) {
                return path;
            }
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            }
        }
    }
    panic!("no {name}");
}

pub(crate) const ORGANISATION: &str = "\
organisation: acme
parties:
  acme:
    name: Acme Research Pte. Ltd.
    headquarters: SG
    listed: none
    owners: [{party: founders, share: 100 %}]
    owners_complete: true
  founders: {name: The founders, kind: person, headquarters: SG, listed: none, owners: [], owners_complete: true}
  strait:
    name: Strait Compute Sdn. Bhd.
    headquarters: MY
    listed: none
    owners: [{party: family, share: 100 %}]
    owners_complete: true
  family: {name: The family, kind: person, headquarters: MY, listed: none, owners: [], owners_complete: true}
presences:
  - {entity: acme, provider: strait, account: a-1, site: johor}
sites:
  johor:
    country: MY
    operator: strait
    engine: {local: {directory: site}}
    stands_in_for: a site in Johor, Malaysia
    encrypted_at_rest: true
    offers: [{instance: node, cpus: 2, memory: 4 GB, price_per_hour: 1.20}]
datasets:
  corpus: {path: data, class: none, records: 1, origin: SG}
team: {SG: 2}
home: {country: SG, settle_seconds: 0.2}
workloads:
  demo: {model: acme/demo, code: [model], code_from: SG, code_entry: free, end_use: civil, closed: true, parameters: 1000, tokens: 1000, sequence_length: 8}
";
