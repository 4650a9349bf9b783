//! From texts to packs: every file read, everything that is wrong collected, each with its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_domain::{Date, Digest, Place, Problem, SourceFile};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use crate::cedar::{self, Compiled};
use crate::chips::{self, ChipRow};
use crate::definitions::Definitions;
use crate::groups::{GroupFile, Groups};
use crate::law::Law;
use crate::packs::{PackVersion, Packs};
use crate::rule::{self, Rule};
use crate::text::{self, Data};
use crate::vocabulary::Vocabulary;
use crate::{LawError, dangling, horizon};

/// `jurisdiction.yaml` of a folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jurisdiction {
    name: String,
    /// Raised by whoever changes a file of the folder: text, or a whole number.
    #[serde(default)]
    version: Value,
    /// IANA zone of the days of its rules.
    zone: String,
    verified_horizon: Option<Date>,
}

impl Jurisdiction {
    /// The version as text; nothing where there is none, or one that YAML reads as something else than it was written.
    fn version(&self) -> Option<String> {
        match &self.version {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }
}

/// A folder of files that are one jurisdiction's.
struct Folder {
    own: Option<Jurisdiction>,
    /// Where its jurisdiction.yaml is, or the first of its files.
    file: Arc<SourceFile>,
    hasher: blake3::Hasher,
}

/// A policy that Cedar took.
struct Policy {
    jurisdiction: String,
    file: Arc<SourceFile>,
    place: Place,
    source: cedar::Source,
}

#[derive(Default)]
struct Loader {
    policies: Vec<Policy>,
    groups: Groups,
    definitions: Definitions,
    vocabulary: Option<Vocabulary>,
    chips: BTreeMap<String, ChipRow>,
    zones: BTreeMap<String, TimeZone>,
    folders: BTreeMap<String, Folder>,
    problems: Vec<Problem>,
}

/// Folders beside the packs that hold none.
pub(crate) const BESIDE: [&str; 2] = ["cases", "facts"];

fn hash(hasher: &mut blake3::Hasher, path: &str, text: &str) {
    for part in [path.as_bytes(), text.as_bytes()] {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
}

/// Reads files by path; gives what could be made of them, and everything that is wrong. Packs that come with an error are
/// good for nothing but looking for more.
pub(crate) fn load(files: &BTreeMap<String, String>) -> (Option<Packs>, Vec<Problem>) {
    let mut loader = Loader::default();
    let mut all = blake3::Hasher::new();
    all.update(b"causeway-packs/1\n");
    for (path, text) in files {
        let Some((jurisdiction, name)) = path.split_once('/') else {
            continue;
        };
        let ending = name.rsplit_once('.').map(|(_, ending)| ending);
        if BESIDE.contains(&jurisdiction) || !matches!(ending, Some("cedar" | "yaml" | "json")) {
            continue;
        }
        let file = Arc::new(SourceFile::new(path, text));
        let folder = loader
            .folders
            .entry(jurisdiction.to_owned())
            .or_insert_with(|| {
                let mut hasher = blake3::Hasher::new();
                hasher.update(b"causeway-pack/1\n");
                Folder {
                    own: None,
                    file: Arc::clone(&file),
                    hasher,
                }
            });
        hash(&mut folder.hasher, path, text);
        hash(&mut all, path, text);
        if ending == Some("cedar") {
            loader.policies(jurisdiction, &file);
        } else if let Err(problem) = loader.data(jurisdiction, name, &file) {
            loader.problems.push(*problem);
        }
    }
    loader.finish(Digest::new(*all.finalize().as_bytes()))
}

fn typed<T: serde::de::DeserializeOwned>(data: &Data) -> Result<T, Box<Problem>> {
    serde_json::from_value(data.value.clone()).map_err(|error| {
        let message = error.to_string();
        // The first backticks hold the word in question, later ones what was expected.
        let named: String = message.split('`').take(2).collect::<Vec<_>>().join("`") + "`";
        Box::new(Problem::error(
            &data.file,
            data.place_named("", &named),
            message,
        ))
    })
}

impl Loader {
    fn policies(&mut self, jurisdiction: &str, file: &Arc<SourceFile>) {
        let places = text::policies(&file.text);
        let mut read = Vec::new();
        let mut refused = Vec::new();
        for (index, place) in places.into_iter().enumerate() {
            match cedar::read(&file.name, text::inside(&file.text, place)) {
                Ok(sources) => read.extend(sources.into_iter().map(|mut source| {
                    let id = format!("{}#{index}", file.name);
                    source.policy = source.policy.new_id(cedar_policy::PolicyId::new(id));
                    Policy {
                        jurisdiction: jurisdiction.to_owned(),
                        file: Arc::clone(file),
                        place,
                        source,
                    }
                })),
                Err(error) => refused.push((place, said(&error))),
            }
        }
        if !refused.is_empty() {
            // What is torn is best said by who reads the whole: with one stroke missing every later policy looks odd.
            let torn = crate::syntax::problems(file);
            if torn.is_empty() {
                self.problems
                    .extend(refused.into_iter().map(|(place, message)| {
                        Problem::error(file, narrow(file, place, &message), message)
                    }));
            } else {
                self.problems.extend(torn);
            }
        }
        self.policies.extend(read);
    }

    fn data(
        &mut self,
        jurisdiction: &str,
        name: &str,
        file: &Arc<SourceFile>,
    ) -> Result<(), Box<Problem>> {
        let data = Data::read(file)?;
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        match stem {
            "jurisdiction" => {
                let own: Jurisdiction = typed(&data)?;
                let zone = TimeZone::get(&own.zone).map_err(|_| {
                    let message = format!("`{}` is not a time zone", own.zone);
                    Problem::error(file, data.place("/zone"), message)
                        .help("an IANA name: `America/New_York`, `UTC`")
                })?;
                if own.version().is_none() {
                    self.problems.push(
                        Problem::warning(
                            file,
                            data.place("/version"),
                            "the pack has no `version` of text or a whole number",
                        )
                        .help("add one, `version: 2026.11.1`, and raise it with each change"),
                    );
                }
                self.zones.insert(jurisdiction.to_owned(), zone);
                if let Some(folder) = self.folders.get_mut(jurisdiction) {
                    folder.own = Some(own);
                    folder.file = Arc::clone(file);
                }
            }
            "vocabulary" => {
                let vocabulary: Vocabulary = typed(&data)?;
                for name in vocabulary.backwards() {
                    let place = data.place_named("/authorisations", &format!("`{name}`"));
                    self.problems.push(Problem::error(
                        file,
                        place,
                        format!("`{name}` ends before it begins"),
                    ));
                }
                self.vocabulary = Some(vocabulary);
            }
            _ if stem.starts_with("country_groups") => {
                let groups: GroupFile = typed(&data)?;
                for (row, message) in groups.slips() {
                    let place = data.place(&format!("/dated/{row}"));
                    self.problems.push(Problem::error(
                        file,
                        text::first_line(&file.text, place),
                        message,
                    ));
                }
                self.groups.add(jurisdiction, groups);
            }
            _ if stem.starts_with("definitions") => {
                self.problems
                    .extend(self.definitions.add(jurisdiction, &data));
            }
            _ if stem.starts_with("chips") => {
                for (index, row) in data
                    .value
                    .get("chips")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .enumerate()
                {
                    match chips::read(row) {
                        Ok((id, row)) => {
                            self.chips.insert(id, row);
                        }
                        Err(message) => {
                            let place = data.place(&format!("/chips/{index}"));
                            self.problems.push(Problem::error(
                                file,
                                text::first_line(&file.text, place),
                                message,
                            ));
                        }
                    }
                }
            }
            other => {
                let message = format!("`{other}` is not the name of a data file of a pack");
                return Err(Box::new(
                    Problem::error(file, Place::default(), message).help(
                        "name it jurisdiction, vocabulary, country_groups*, definitions* or chips*",
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The rules of the policies, in their order, with what Cedar made of each.
    fn rules(&mut self) -> (Vec<Rule>, Vec<cedar::Source>) {
        let mut rules: Vec<Rule> = Vec::new();
        let mut sources = Vec::new();
        for policy in std::mem::take(&mut self.policies) {
            let Policy {
                jurisdiction,
                file,
                place,
                source,
            } = policy;
            let first = rules
                .iter()
                .find(|rule| Some(&rule.info.id) == source.annotations.get("id"));
            let at = |key: Option<&str>| match key {
                Some(key) => text::annotation(&file.text, place, key),
                None => text::first_line(&file.text, place),
            };
            let problem = |slip: rule::Slip| {
                let problem = Problem::error(&file, at(slip.key.as_deref()), slip.message);
                match slip.help {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            };
            match rule::read(&jurisdiction, &source, first, &file, place) {
                Ok((rule, slips)) => {
                    self.problems.extend(slips.into_iter().map(problem));
                    if let Some(first) = first
                        && (rule.titled || first.file.name != file.name)
                    {
                        let message = format!(
                            "`{}` is the id of a rule of {}:{}",
                            rule.info.id,
                            first.file.name,
                            first.line()
                        );
                        self.problems.push(
                            Problem::error(&file, at(Some("id")), message).help(
                                "a rule stands in one file, and its first policy alone has a title: choose another id",
                            ),
                        );
                    }
                    rules.push(rule);
                    sources.push(source);
                }
                Err(slip) => self.problems.push(problem(slip)),
            }
        }
        (rules, sources)
    }

    /// Compiles, and takes out what Cedar or the formulas refuse until they take the rest.
    fn compile(
        &mut self,
        vocabulary: &Vocabulary,
        rules: &mut Vec<Rule>,
        sources: &mut Vec<cedar::Source>,
    ) -> Option<(Compiled, Law)> {
        loop {
            let law = || Law::new(vocabulary, &self.definitions, &self.groups, rules, sources);
            let error = match Compiled::new(vocabulary, sources)
                .and_then(|compiled| Ok((compiled, law()?)))
            {
                Ok(both) => return Some(both),
                Err(error) => error,
            };
            let at = match &error {
                LawError::Policy { path, .. } => sources
                    .iter()
                    .position(|source| source.policy.id().to_string() == *path),
                _ => None,
            };
            let Some(rule) = at.and_then(|index| rules.get(index)) else {
                let file = Arc::new(SourceFile::new("base/vocabulary.yaml", ""));
                self.problems
                    .push(Problem::error(&file, Place::default(), said(&error)));
                return None;
            };
            let message = said(&error);
            // Cedar knows the policy by a number.
            let message = message
                .strip_prefix("for policy `")
                .and_then(|rest| rest.split_once("`, "))
                .map_or(message.clone(), |(_, rest)| rest.to_owned());
            let place = narrow(&rule.file, rule.place, &message);
            self.problems.push(
                Problem::error(&rule.file, place, format!("`{}`: {message}", rule.info.id))
                    .help("the attributes that a policy can ask for are in docs/formats/rules.md"),
            );
            if let Some(index) = at {
                rules.remove(index);
                sources.remove(index);
            }
        }
    }

    fn finish(mut self, digest: Digest) -> (Option<Packs>, Vec<Problem>) {
        let Some(vocabulary) = self.vocabulary.take() else {
            if self
                .problems
                .iter()
                .all(|problem| problem.file.name != "base/vocabulary.yaml")
            {
                let file = Arc::new(SourceFile::new("base/vocabulary.yaml", ""));
                self.problems.push(
                    Problem::error(&file, Place::default(), "there is no base/vocabulary.yaml")
                        .help("keep the built-in one"),
                );
            }
            return (None, self.problems);
        };
        self.problems.extend(self.definitions.check());
        let (mut rules, mut sources) = self.rules();
        let Some((compiled, law)) = self.compile(&vocabulary, &mut rules, &mut sources) else {
            return (None, self.problems);
        };
        let versions = self.versions();
        let packs = Packs::of(Packs {
            digest,
            horizon: versions
                .values()
                .filter_map(|version| version.horizon)
                .min()
                .unwrap_or(Date::MIN),
            infos: BTreeMap::new(),
            packs: rules.iter().map(|rule| rule.info.pack.clone()).collect(),
            speaking: horizon::speaking(&rules),
            rules,
            compiled,
            law,
            groups: self.groups,
            definitions: self.definitions,
            vocabulary,
            chips: self.chips,
            zones: self.zones,
            versions,
        });
        self.problems.extend(dangling::words(&packs));
        (Some(packs), self.problems)
    }

    fn versions(&mut self) -> BTreeMap<String, PackVersion> {
        std::mem::take(&mut self.folders)
            .into_iter()
            .map(|(jurisdiction, folder)| {
                if folder.own.is_none()
                    && self
                        .problems
                        .iter()
                        .all(|problem| problem.file.name != folder.file.name)
                {
                    let message = format!(
                        "`{jurisdiction}` has no jurisdiction.yaml: its days would be those of UTC"
                    );
                    self.problems.push(
                        Problem::warning(&folder.file, Place::default(), message)
                            .help("add one with `name`, `version`, `zone` and `verified_horizon`"),
                    );
                }
                let own = folder.own;
                let version = PackVersion {
                    name: own
                        .as_ref()
                        .map_or_else(|| jurisdiction.clone(), |own| own.name.clone()),
                    version: own
                        .as_ref()
                        .and_then(Jurisdiction::version)
                        .unwrap_or_default(),
                    digest: Digest::new(*folder.hasher.finalize().as_bytes()),
                    horizon: own.and_then(|own| own.verified_horizon),
                    jurisdiction: jurisdiction.clone(),
                };
                (jurisdiction, version)
            })
            .collect()
    }
}

/// What an error says, without the file that it stands in.
fn said(error: &LawError) -> String {
    match error {
        LawError::Policy { message, .. } => message.clone(),
        LawError::File { problem } => problem.message.clone(),
        other => other.to_string(),
    }
}

/// The piece of a policy that a message names in backticks; its first line where it names none.
fn narrow(file: &SourceFile, policy: Place, message: &str) -> Place {
    let body = text::body(&file.text, policy);
    message
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|named| !named.is_empty())
        .find_map(|named| {
            let last = named.rsplit('.').next().unwrap_or(named);
            text::find(&file.text, body, &format!(".{last}"))
                .or_else(|| text::find(&file.text, body, named))
        })
        .unwrap_or_else(|| text::first_line(&file.text, policy))
}
