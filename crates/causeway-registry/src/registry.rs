//! The registry's directory: revisions and pointers.

use std::collections::BTreeSet;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Digest, Env, ModelName, RunId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::durable::{self, Lock};
use crate::error::RegistryError;
use crate::pointers::{PointerMove, Pointers};
use crate::revision::{FileRecord, Revision, commit_of};
use crate::sealed::{self, Sealed};
use crate::{filepath, measure};

/// Points at which a test may crash [`Registry::admit`] (`admit.*`) and [`Registry::promote`] (`deploy.*`), in order.
///
/// `*.written`: the new file is on disk under a temporary name, nothing is visible. `admit.revision`: the revision is there,
/// `main` does not point at it yet. `admit.pointer`, `deploy.pointer`: all is done, the caller does not know it yet.
pub const FAULT_POINTS: &[&str] = &[
    "admit.revision.written",
    "admit.revision",
    "admit.pointer.written",
    "admit.pointer",
    "deploy.pointer.written",
    "deploy.pointer",
];

/// First parts of a name that clients use for other things than models.
const RESERVED: [&str; 4] = ["api", "datasets", "spaces", "healthz"];

/// Stands for the organisation of a model that has none: no organisation can be called that.
const NO_ORGANISATION: &str = "_";

/// Largest file of the registry that is read: far above a revision of 100,000 files.
const MAX_DOCUMENT: u64 = 256 << 20;

/// Shortest start of a commit that is taken for it, as in Git.
const MIN_PREFIX: usize = 7;

/// Models at home, on disk.
///
/// ```text
/// DIR/models/ORG/NAME/revisions/COMMIT.json    immutable, one a revision
/// DIR/models/ORG/NAME/pointers.json            main, production and the history of both; replaced whole
/// DIR/models/ORG/NAME/lock                     held for the moment of a change
/// ```
///
/// Readers take no lock: a revision is on disk before a pointer names it, and files are replaced by rename. So any number of
/// processes may read and write one directory, and one killed at any instant leaves it valid.
#[derive(Debug, Clone)]
pub struct Registry {
    dir: Utf8PathBuf,
    store: Utf8PathBuf,
}

/// A model in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    /// The model.
    pub name: ModelName,
    /// Oldest first.
    pub revisions: Vec<RevisionSummary>,
    /// Commit of the newest admitted revision.
    pub main: Option<String>,
    /// Commit in production.
    pub production: Option<String>,
}

/// A revision in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevisionSummary {
    /// The revision's id.
    pub commit: String,
    /// When it was admitted.
    pub created: Timestamp,
    /// The run that admitted it.
    pub run: Option<RunId>,
    /// Bytes of all files.
    pub size: u64,
    /// How many files.
    pub files: usize,
}

impl Registry {
    /// Opens the registry in `dir`, which is made if need be. `store` is the directory that holds every file under its
    /// BLAKE3 digest in hex.
    ///
    /// # Errors
    /// [`RegistryError::Io`]; [`RegistryError::NoLocks`] on a filesystem where two processes could move one pointer at once.
    pub fn open(dir: &Utf8Path, store: &Utf8Path) -> Result<Self, RegistryError> {
        durable::create_dirs(&dir.join("models"))?;
        drop(Lock::take(&dir.join("lock"))?);
        Ok(Self {
            dir: dir.to_owned(),
            store: store.to_owned(),
        })
    }

    /// Where the bytes of this digest are, if they are home.
    #[must_use]
    pub fn stored(&self, digest: &Digest) -> Utf8PathBuf {
        self.store.join(digest.to_string())
    }

    /// Admits files as a revision of a model and points `main` at it.
    ///
    /// Every byte is read and checked against its digest. The same files again give the revision on record, whatever `run` and
    /// `provenance` say; `main` moves to it as well, except when this `run` admitted it before (a repeat after a crash, which must not take
    /// `main` back from a revision admitted since). `env` is asked for faults only ([`FAULT_POINTS`]).
    ///
    /// # Errors
    /// What is wrong with the list ([`RegistryError::NoFiles`], [`RegistryError::BadPath`], [`RegistryError::PathConflict`]),
    /// with the name ([`RegistryError::ReservedName`]) or with the bytes ([`RegistryError::MissingBytes`],
    /// [`RegistryError::ChangedBytes`], [`RegistryError::TooLarge`]); nothing is admitted then.
    pub fn admit(
        &self,
        model: &ModelName,
        files: Vec<(String, Digest)>,
        run: Option<&RunId>,
        provenance: Value,
        now: Timestamp,
        env: &dyn Env,
    ) -> Result<Revision, RegistryError> {
        let first = model.as_str().split('/').next().unwrap_or_default();
        if RESERVED.contains(&first) {
            return Err(RegistryError::ReservedName {
                model: model.clone(),
                first: first.to_owned(),
            });
        }
        let files = self.measure(model, files)?;
        let commit = commit_of(&files);

        let dir = self.model_dir(model);
        durable::create_dirs(&dir.join("revisions"))?;
        let _lock = Lock::take(&dir.join("lock"))?;

        let file = self.revision_file(model, &commit);
        let revision = if file.exists() {
            self.read_revision(model, &commit)?
        } else {
            let newest = self
                .revisions(model)?
                .last()
                .map_or(0, |revision| revision.number);
            let number = newest.saturating_add(1);
            let revision = Revision {
                model: model.clone(),
                commit,
                files,
                created: now,
                run: run.cloned(),
                provenance,
                number,
            };
            durable::replace(&file, &sealed::write(&file, &revision)?, || {
                env.fault("admit.revision.written")
            })?;
            revision
        };
        env.fault("admit.revision")?;

        let mut pointers = self.pointers_or_none(model)?;
        if pointers.admit(&revision.commit, run, now) {
            self.write_pointers(model, &pointers, || env.fault("admit.pointer.written"))?;
        }
        env.fault("admit.pointer")?;
        Ok(revision)
    }

    /// Points `production` at a revision (default: `main`).
    ///
    /// Repeating it changes nothing and gives the move on record, whose `at` is then older than `now`.
    ///
    /// # Errors
    /// As [`Registry::resolve`].
    pub fn promote(
        &self,
        model: &ModelName,
        revision: Option<&str>,
        now: Timestamp,
        env: &dyn Env,
    ) -> Result<PointerMove, RegistryError> {
        let _lock = self.lock(model)?;
        let commit = self.commit(model, revision.unwrap_or("main"))?;
        // Production never points at a revision that can't be read.
        self.read_revision(model, &commit)?;
        let mut pointers = self.pointers_or_none(model)?;
        let (record, moved) = pointers.promote(&commit, now);
        if moved {
            self.write_pointers(model, &pointers, || env.fault("deploy.pointer.written"))?;
        }
        env.fault("deploy.pointer")?;
        Ok(record)
    }

    /// Points `production` back at what was there before the newest promotion that still stands. Doing it twice goes two back.
    ///
    /// # Errors
    /// [`RegistryError::NothingBefore`] when production never pointed elsewhere; [`RegistryError::ModelNotFound`].
    pub fn rollback(
        &self,
        model: &ModelName,
        now: Timestamp,
    ) -> Result<PointerMove, RegistryError> {
        let _lock = self.lock(model)?;
        let mut pointers = self.pointers_or_none(model)?;
        let record = pointers
            .rollback(now)
            .map_err(|why| RegistryError::NothingBefore {
                model: model.clone(),
                why,
            })?;
        self.read_revision(model, &record.to)?;
        self.write_pointers(model, &pointers, || Ok(()))?;
        Ok(record)
    }

    /// The names of all models that have a revision, sorted. Reads no file, so that it works beside damaged ones.
    ///
    /// # Errors
    /// [`RegistryError::Io`].
    pub fn names(&self) -> Result<Vec<ModelName>, RegistryError> {
        let mut names = BTreeSet::new();
        for organisation in list(&self.dir.join("models"))? {
            for name in list(&self.dir.join("models").join(&organisation))? {
                let full = if organisation == NO_ORGANISATION {
                    name
                } else {
                    format!("{organisation}/{name}")
                };
                if let Ok(name) = full.parse()
                    && self.exists(&name)?
                {
                    names.insert(name);
                }
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Every model that has a revision, by name.
    ///
    /// # Errors
    /// [`RegistryError::Corrupt`] names the first file that can't be believed; [`Registry::verify`] names all.
    pub fn models(&self) -> Result<Vec<ModelSummary>, RegistryError> {
        let mut models = Vec::new();
        for name in self.names()? {
            let revisions = self
                .revisions(&name)?
                .into_iter()
                .map(RevisionSummary::from)
                .collect();
            let Pointers {
                main, production, ..
            } = self.pointers_or_none(&name)?;
            models.push(ModelSummary {
                name,
                revisions,
                main,
                production,
            });
        }
        Ok(models)
    }

    /// Whether any revision of this model was admitted.
    ///
    /// # Errors
    /// [`RegistryError::Io`].
    pub fn exists(&self, model: &ModelName) -> Result<bool, RegistryError> {
        Ok(!self.commits(model)?.is_empty())
    }

    /// The revision that a client's word means: `main`, `production` (or either after `refs/heads/`), a commit, or the first
    /// seven or more digits of one.
    ///
    /// # Errors
    /// [`RegistryError::ModelNotFound`], [`RegistryError::RevisionNotFound`], [`RegistryError::AmbiguousRevision`];
    /// [`RegistryError::Corrupt`] when the revision's file changed.
    pub fn resolve(&self, model: &ModelName, revision: &str) -> Result<Revision, RegistryError> {
        let commit = self.commit(model, revision)?;
        self.read_revision(model, &commit)
    }

    /// Where `main` and `production` point, and their history.
    ///
    /// # Errors
    /// [`RegistryError::ModelNotFound`], [`RegistryError::Corrupt`].
    pub fn pointers(&self, model: &ModelName) -> Result<Pointers, RegistryError> {
        self.require(model)?;
        self.pointers_or_none(model)
    }

    /// Every revision of a model, oldest first; empty for a model that is not here.
    ///
    /// # Errors
    /// [`RegistryError::Corrupt`], [`RegistryError::Io`].
    pub fn revisions(&self, model: &ModelName) -> Result<Vec<Revision>, RegistryError> {
        let mut revisions: Vec<_> = self
            .commits(model)?
            .iter()
            .map(|commit| self.read_revision(model, commit))
            .collect::<Result<_, _>>()?;
        revisions.sort_by(|a, b| (a.number, &a.commit).cmp(&(b.number, &b.commit)));
        Ok(revisions)
    }

    /// The commit that a client's word means; see [`Registry::resolve`].
    pub(crate) fn commit(
        &self,
        model: &ModelName,
        revision: &str,
    ) -> Result<String, RegistryError> {
        let commits = self.commits(model)?;
        if commits.is_empty() {
            return Err(RegistryError::ModelNotFound {
                model: model.clone(),
            });
        }
        let missing = |help| RegistryError::RevisionNotFound {
            model: model.clone(),
            revision: revision.to_owned(),
            help,
        };
        match revision.strip_prefix("refs/heads/").unwrap_or(revision) {
            "main" => self
                .pointers_or_none(model)?
                .main
                .ok_or_else(|| missing("its admission was interrupted: `causeway resume RUN`")),
            "production" => self.pointers_or_none(model)?.production.ok_or_else(|| {
                missing(
                    "nothing was promoted yet: `causeway promote MODEL` points production at main",
                )
            }),
            prefix => {
                let mut matches: Vec<_> = match is_prefix(prefix) {
                    true => commits
                        .into_iter()
                        .filter(|commit| commit.starts_with(prefix))
                        .collect(),
                    false => Vec::new(),
                };
                match (matches.pop(), matches.is_empty()) {
                    (Some(commit), true) => Ok(commit),
                    (Some(last), false) => {
                        matches.push(last);
                        Err(RegistryError::AmbiguousRevision {
                            model: model.clone(),
                            prefix: prefix.to_owned(),
                            matches,
                        })
                    }
                    (None, _) => Err(missing(
                        "name `main`, `production` or 7 to 40 hex digits of a commit; `causeway models` lists them",
                    )),
                }
            }
        }
    }

    /// Commits with a file in `revisions`, sorted.
    pub(crate) fn commits(&self, model: &ModelName) -> Result<Vec<String>, RegistryError> {
        let names = list(&self.model_dir(model).join("revisions"))?;
        Ok(names
            .into_iter()
            .filter_map(|name| {
                name.strip_suffix(".json")
                    .filter(|stem| stem.len() == 40 && is_prefix(stem))
                    .map(str::to_owned)
            })
            .collect())
    }

    /// Reads and checks the file of a commit.
    pub(crate) fn read_revision(
        &self,
        model: &ModelName,
        commit: &str,
    ) -> Result<Revision, RegistryError> {
        let file = self.revision_file(model, commit);
        let corrupt = |why: String| RegistryError::Corrupt {
            file: file.clone(),
            why,
        };
        let revision: Revision = read(&file)?.ok_or_else(|| corrupt("it is missing".to_owned()))?;
        if revision.model != *model || revision.commit != commit {
            return Err(corrupt(format!(
                "it holds revision {} of `{}`",
                revision.commit, revision.model
            )));
        }
        revision.check().map_err(corrupt)?;
        Ok(revision)
    }

    /// Reads and checks the pointers; none for a model that has no file of them.
    pub(crate) fn pointers_or_none(&self, model: &ModelName) -> Result<Pointers, RegistryError> {
        let file = self.pointers_file(model);
        let Some(pointers) = read::<Pointers>(&file)? else {
            return Ok(Pointers::default());
        };
        pointers.check().map_err(|why| RegistryError::Corrupt {
            file,
            why: why.to_owned(),
        })?;
        Ok(pointers)
    }

    pub(crate) fn require(&self, model: &ModelName) -> Result<(), RegistryError> {
        if self.exists(model)? {
            Ok(())
        } else {
            Err(RegistryError::ModelNotFound {
                model: model.clone(),
            })
        }
    }

    pub(crate) fn revision_file(&self, model: &ModelName, commit: &str) -> Utf8PathBuf {
        self.model_dir(model)
            .join("revisions")
            .join(format!("{commit}.json"))
    }

    pub(crate) fn pointers_file(&self, model: &ModelName) -> Utf8PathBuf {
        self.model_dir(model).join("pointers.json")
    }

    fn model_dir(&self, model: &ModelName) -> Utf8PathBuf {
        let (organisation, name) = model
            .as_str()
            .split_once('/')
            .unwrap_or((NO_ORGANISATION, model.as_str()));
        self.dir.join("models").join(organisation).join(name)
    }

    /// The lock of a model that exists: a wrong name must not leave a directory behind.
    fn lock(&self, model: &ModelName) -> Result<Lock, RegistryError> {
        self.require(model)?;
        Lock::take(&self.model_dir(model).join("lock"))
    }

    fn write_pointers(
        &self,
        model: &ModelName,
        pointers: &Pointers,
        written: impl FnOnce() -> Result<(), causeway_domain::Crash>,
    ) -> Result<(), RegistryError> {
        let file = self.pointers_file(model);
        durable::replace(&file, &sealed::write(&file, pointers)?, written)
    }

    /// Checks the list and reads every byte that it names.
    fn measure(
        &self,
        model: &ModelName,
        mut files: Vec<(String, Digest)>,
    ) -> Result<Vec<FileRecord>, RegistryError> {
        if files.is_empty() {
            return Err(RegistryError::NoFiles {
                model: model.clone(),
            });
        }
        files.sort();
        let mut paths = BTreeSet::new();
        for (path, _) in &files {
            filepath::check(path).map_err(|why| RegistryError::BadPath {
                path: path.clone(),
                why,
            })?;
            if !paths.insert(path.as_str()) {
                return Err(RegistryError::PathConflict { path: path.clone() });
            }
        }
        if let Some(both) = files
            .iter()
            .flat_map(|(path, _)| filepath::folders(path))
            .find(|folder| paths.contains(folder))
        {
            return Err(RegistryError::PathConflict {
                path: both.to_owned(),
            });
        }
        files
            .iter()
            .map(|(path, digest)| measure::measure(path, digest, &self.stored(digest)))
            .collect()
    }
}

impl From<Revision> for RevisionSummary {
    fn from(revision: Revision) -> Self {
        let size = revision.size();
        Self {
            commit: revision.commit,
            created: revision.created,
            run: revision.run,
            size,
            files: revision.files.len(),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    (MIN_PREFIX..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Names in a directory, sorted; none when there is no such directory.
fn list(dir: &Utf8Path) -> Result<Vec<String>, RegistryError> {
    let entries = match fs_err::read_dir(dir) {
        Ok(entries) => entries,
        Err(err)
            if matches!(
                err.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(err) => {
            return Err(RegistryError::io("listing a directory of the registry")(
                err,
            ));
        }
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(RegistryError::io("listing a directory of the registry"))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// A document of the registry; none when there is no such file.
fn read<T: Sealed>(file: &Utf8Path) -> Result<Option<T>, RegistryError> {
    let io = || RegistryError::io("reading a file of the registry");
    let handle = match fs_err::File::open(file) {
        Ok(handle) => handle,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(io()(err)),
    };
    let mut bytes = Vec::new();
    handle
        .take(MAX_DOCUMENT + 1)
        .read_to_end(&mut bytes)
        .map_err(io())?;
    let corrupt = |why: &str| RegistryError::Corrupt {
        file: file.to_owned(),
        why: why.to_owned(),
    };
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(corrupt("it is larger than 256 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| corrupt("it is not UTF-8"))?;
    sealed::read(file, &text).map(Some)
}
