//! Bringing a directory, or one file, home.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Env;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::beneath;
use crate::connector::Connector;
use crate::error::TransferError;
use crate::link::Link;
use crate::manifest::Manifest;
use crate::path;
use crate::progress::{Meter, Progress, Stage, Summary};
use crate::protocol::message::{Item, MAX_ITEMS, Request, ServerMessage};
use crate::scan::{Rule, Skipped};
use crate::session::{Answer, Answers, Session};
use crate::store::finish::FinishJob;
use crate::store::intake::{Intake, Taken, Wanted};
use crate::store::{Hashes, Placement, Placing, Store, stage};

/// Blocks that are on their way on one lane, or here and not yet on disk: what a killed process loses of each.
const BLOCKS_A_LANE: usize = 2;
/// Small blocks may be more, up to this many bytes a lane, so that a round trip is not paid for each small file.
const SMALL_BYTES_A_LANE: u64 = 2 << 20;
/// How often a source that changes meanwhile is listed again.
pub(crate) const MAX_CHANGES: u32 = 3;

/// Where what comes home goes.
#[derive(Debug, Clone)]
pub struct Dest<'a> {
    /// Every file goes here, under its digest.
    pub store: &'a Store,
    /// And, once all of it is whole, here: see [`Store::materialise`].
    pub directory: Option<(Utf8PathBuf, Placement)>,
}

/// A manifest that is coming in. Outlives the connections that bring it.
pub(crate) struct Coming {
    pub(crate) intake: Arc<Mutex<Intake>>,
    jobs: JoinSet<(u32, Result<Hashes, TransferError>)>,
    skipped: Vec<Skipped>,
}

/// Runs what may wait for a disk on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TransferError> + Send + 'static,
) -> Result<T, TransferError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(TransferError::Io {
            doing: "a thread of the transfer ended".to_owned(),
            source: std::io::Error::other(error),
        }),
    }
}

impl Coming {
    /// Looks for what is here already.
    pub(crate) async fn begin(
        store: &Store,
        manifest: Manifest,
        needed: Vec<bool>,
        skipped: Vec<Skipped>,
    ) -> Result<Self, TransferError> {
        let (store, manifest) = (store.clone(), Arc::new(manifest));
        let begin = move || {
            let needed = |index: usize| needed.get(index).copied().unwrap_or(true);
            Intake::begin(&store, &manifest, &needed, &|_| {})
        };
        let (intake, taken) = blocking(begin).await?;
        let mut coming = Self {
            intake: Arc::new(Mutex::new(intake)),
            jobs: JoinSet::new(),
            skipped,
        };
        coming.start(taken.jobs);
        Ok(coming)
    }

    /// Takes blocks in, on disk when this returns.
    pub(crate) async fn put(
        &mut self,
        blocks: Vec<(Wanted, Vec<u8>)>,
    ) -> Result<Taken, TransferError> {
        let intake = Arc::clone(&self.intake);
        let mut taken = blocking(move || {
            intake
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .put(&blocks)
        })
        .await?;
        self.start(std::mem::take(&mut taken.jobs));
        Ok(taken)
    }

    fn start(&mut self, jobs: Vec<(u32, FinishJob)>) {
        for (index, job) in jobs {
            self.jobs.spawn_blocking(move || (index, job.run()));
        }
    }

    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        self.intake().wanted()
    }

    pub(crate) fn intake(&self) -> std::sync::MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next file that is whole; `None` when no job runs.
    pub(crate) async fn finished(&mut self) -> Option<Result<(), TransferError>> {
        let joined = self.jobs.join_next().await?;
        Some(match joined {
            Ok((index, Ok(hashes))) => {
                self.intake().finished(index, hashes);
                Ok(())
            }
            Ok((_, Err(error))) => Err(error),
            Err(error) => Err(TransferError::Io {
                doing: "verifying a file".to_owned(),
                source: std::io::Error::other(error),
            }),
        })
    }

    pub(crate) fn is_verifying(&self) -> bool {
        !self.jobs.is_empty()
    }
}

/// Brings `path` at the site home: every file verified block by block as it comes and whole at its end, everything on disk
/// when this returns. What home has, from whatever earlier transfer, is not sent. A cut, or an agent that starts again, is
/// waited out as long as the connector's patience allows; a killed call goes on where it was when it is made again.
///
/// # Errors
/// [`TransferError`]; none leaves anything half done that counts as done.
pub async fn pull(
    connector: &Connector,
    path: &str,
    dest: Dest<'_>,
    env: &dyn Env,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Summary, TransferError> {
    let mut link = Link::new(connector, env);
    let mut meter = Meter::new(&progress);
    let manifest = bring(
        &mut link,
        path,
        Rule::Everything,
        dest.store,
        env,
        &mut meter,
    )
    .await?;
    if let Some((directory, how)) = dest.directory {
        meter.stage(Stage::Placing);
        place(dest.store, &manifest.0, &directory, how, env).await?;
    }
    Ok(summary(&manifest, &mut link, &meter).await)
}

pub(crate) async fn summary(
    brought: &(Arc<Manifest>, Vec<Skipped>),
    link: &mut Link<'_>,
    meter: &Meter<'_>,
) -> Summary {
    let (manifest, skipped) = brought;
    let sent = link.sent_there().await;
    let (carrier, why) = link.carrier();
    let raw = manifest.bytes();
    Summary {
        files: manifest.files().len() as u64,
        raw_bytes: raw,
        wire_bytes: meter.wire,
        // What arrived was sent, whatever the agent counted.
        sent_bytes: sent.max(meter.wire),
        reused_bytes: raw.saturating_sub(meter.received),
        seconds: meter.started.elapsed().as_secs_f64(),
        carrier,
        why,
        manifest: manifest.digest(),
        skipped: skipped.clone(),
    }
}

/// Brings a path into the store: its manifest, SHA-256 filled in, and what was left.
pub(crate) async fn bring(
    link: &mut Link<'_>,
    path: &str,
    rule: Rule,
    store: &Store,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<(Arc<Manifest>, Vec<Skipped>), TransferError> {
    let path = path::clean_or_absolute(path)?;
    let (mut changes, mut coming) = (0, None);
    loop {
        let before = meter.received;
        let session = link.session(meter).await?;
        let work = attempt(
            &session,
            &path,
            rule,
            changes > 0,
            store,
            &mut coming,
            env,
            meter,
        );
        let result = link.growing(&session, work).await;
        if meter.received > before || result.is_ok() {
            link.moved();
        }
        match result {
            Ok(()) => break,
            Err(error) if error.is_cut() => link.lost(&error),
            Err(error) if error.is_change() && changes < MAX_CHANGES => {
                changes += 1;
                coming = None;
                link.rest(meter, &format!("the source to settle ({error})"), changes)
                    .await;
            }
            Err(error) => return Err(error),
        }
    }
    let coming = coming.ok_or_else(|| TransferError::cut("nothing came"))?;
    let intake = Arc::clone(&coming.intake);
    let manifest =
        blocking(move || intake.lock().unwrap_or_else(PoisonError::into_inner).seal()).await?;
    env.fault("transfer.sealed")?;
    Ok((Arc::new(manifest), coming.skipped))
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call, in the loop above; a struct would only rename them"
)]
async fn attempt(
    session: &Session,
    path: &str,
    rule: Rule,
    fresh: bool,
    store: &Store,
    coming: &mut Option<Coming>,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<(), TransferError> {
    let coming = match coming {
        Some(coming) => coming,
        None => {
            meter.stage(Stage::Listing);
            let (manifest, skipped) = session
                .manifest(path, rule, fresh, |done, total| {
                    tracing::trace!(done, total, "the agent reads");
                })
                .await?;
            env.fault("transfer.manifest")?;
            meter.stage(Stage::Comparing);
            let begun = Coming::begin(store, manifest, Vec::new(), skipped).await?;
            (meter.total, meter.done) = begun.intake().totals();
            coming.insert(begun)
        }
    };
    fetch(session, path, coming, env, meter).await
}

/// What is under way on each lane.
struct Lanes {
    blocks: Vec<usize>,
    bytes: Vec<u64>,
    requests: Vec<usize>,
    max_requests: usize,
    /// The blocks that each open question still owes, in order.
    owed: HashMap<(usize, u32), VecDeque<Wanted>>,
    answers: Answers,
}

impl Lanes {
    fn new(session: &Session, answers: Answers) -> Self {
        let count = session.lanes();
        let max_requests = usize::from(session.welcome().max_requests);
        Self {
            blocks: vec![0; count],
            bytes: vec![0; count],
            requests: vec![0; count],
            max_requests,
            owed: HashMap::new(),
            answers,
        }
    }

    /// More lanes are open.
    fn widen(&mut self, count: usize) {
        self.blocks.resize(count, 0);
        self.bytes.resize(count, 0);
        self.requests.resize(count, 0);
    }

    /// Asks for as much as may be under way.
    async fn ask(
        &mut self,
        session: &Session,
        path: &str,
        manifest: &Manifest,
        wanted: &mut VecDeque<Wanted>,
    ) -> Result<(), TransferError> {
        self.widen(session.lanes());
        for lane in 0..self.blocks.len() {
            let (Some(blocks), Some(bytes), Some(requests)) = (
                self.blocks.get_mut(lane),
                self.bytes.get_mut(lane),
                self.requests.get_mut(lane),
            ) else {
                continue;
            };
            if *requests >= self.max_requests {
                continue;
            }
            let (mut items, mut owed) = (Vec::new(), VecDeque::new());
            while let Some(next) = wanted.front().copied() {
                let fits =
                    *blocks < BLOCKS_A_LANE || *bytes + u64::from(next.len) <= SMALL_BYTES_A_LANE;
                if !fits || items.len() >= MAX_ITEMS {
                    break;
                }
                wanted.pop_front();
                *blocks += 1;
                *bytes += u64::from(next.len);
                let file = usize::try_from(next.file)
                    .ok()
                    .and_then(|index| manifest.files().get(index));
                let Some(file) = file else { continue };
                let single = manifest.shape() == crate::manifest::Shape::File;
                let path = if single {
                    String::new()
                } else {
                    file.path.clone()
                };
                items.push(Item {
                    path,
                    size: file.size,
                    offset: next.offset,
                    len: next.len,
                });
                owed.push_back(next);
            }
            if items.is_empty() {
                continue;
            }
            *requests += 1;
            let request = Request::Read {
                root: path.to_owned(),
                items,
            };
            let id = session.ask(lane, request, self.answers.clone()).await?;
            self.owed.insert((lane, id), owed);
        }
        Ok(())
    }

    /// The block that an answer brings, if it brings one.
    fn take(&mut self, answer: Answer) -> Result<Option<(usize, Wanted, Vec<u8>)>, TransferError> {
        let Answer {
            lane,
            id,
            message,
            last,
        } = answer;
        let owed = self.owed.get_mut(&(lane, id)).and_then(VecDeque::pop_front);
        if last {
            self.owed.remove(&(lane, id));
            if let Some(requests) = self.requests.get_mut(lane) {
                *requests = requests.saturating_sub(1);
            }
        }
        match message? {
            ServerMessage::Block { bytes, .. } => {
                // The lane checked that it was asked for, and its length.
                let wanted = owed.ok_or_else(|| {
                    TransferError::protocol("a block comes that was not asked for")
                })?;
                Ok(Some((lane, wanted, bytes)))
            }
            other => {
                if let (Some(owed), false) = (owed, last) {
                    self.owed.entry((lane, id)).or_default().push_front(owed);
                }
                match other {
                    ServerMessage::Failed(failure) => Err(failure.into_error()),
                    _ => Ok(None),
                }
            }
        }
    }

    fn landed(&mut self, lane: usize, len: u64) {
        if let (Some(blocks), Some(bytes)) = (self.blocks.get_mut(lane), self.bytes.get_mut(lane)) {
            *blocks = blocks.saturating_sub(1);
            *bytes = bytes.saturating_sub(len);
        }
    }
}

/// Fetches what is missing, and waits until every file is whole.
async fn fetch(
    session: &Session,
    path: &str,
    coming: &mut Coming,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<(), TransferError> {
    let manifest = Arc::clone(coming.intake().manifest());
    let mut wanted: VecDeque<Wanted> = coming.wanted().into();
    let (answers, mut receiver) = mpsc::unbounded_channel();
    let mut lanes = Lanes::new(session, answers);
    let mut batch = Vec::new();
    meter.stage(Stage::Moving);
    loop {
        lanes.ask(session, path, &manifest, &mut wanted).await?;
        let moving = !lanes.owed.is_empty();
        if !moving && !coming.is_verifying() {
            return if wanted.is_empty() {
                Ok(())
            } else {
                Err(TransferError::protocol("the agent allows no request"))
            };
        }
        tokio::select! {
            biased;
            _ = receiver.recv_many(&mut batch, 32), if moving => {
                let (mut blocks, mut landed) = (Vec::new(), Vec::new());
                let mut failed = None;
                for answer in batch.drain(..) {
                    match lanes.take(answer) {
                        Ok(Some((lane, wanted, bytes))) => {
                            meter.wire += ServerMessage::BLOCK_OVERHEAD + bytes.len() as u64;
                            landed.push((lane, bytes.len() as u64));
                            blocks.push((wanted, bytes));
                        }
                        Ok(None) => {}
                        Err(error) => failed = Some(error),
                    }
                }
                if !blocks.is_empty() {
                    let bytes = landed.iter().map(|(_, len)| len).sum();
                    let taken = coming.put(blocks).await?;
                    meter.moved(bytes);
                    meter.done += taken.bytes;
                    for (lane, len) in landed {
                        lanes.landed(lane, len);
                    }
                    for _ in 0..taken.blocks {
                        env.fault("transfer.block")?;
                    }
                    for _ in 0..taken.small_files {
                        env.fault("transfer.file")?;
                    }
                    meter.stage(Stage::Moving);
                }
                // What came before the failure is kept.
                if let Some(error) = failed {
                    return Err(error);
                }
            }
            Some(finished) = coming.finished() => {
                finished?;
                env.fault("transfer.file")?;
                if !moving {
                    meter.stage(Stage::Verifying);
                }
            }
        }
    }
}

/// Puts a manifest's files where somebody wants them.
async fn place(
    store: &Store,
    manifest: &Arc<Manifest>,
    dest: &Utf8Path,
    how: Placement,
    env: &dyn Env,
) -> Result<(), TransferError> {
    env.fault("transfer.placing")?;
    let (store, manifest, dest) = (store.clone(), Arc::clone(manifest), dest.to_owned());
    let staged = blocking(move || {
        let (parent, name) = beneath::parent_of(&dest)?;
        stage(&Placing { store: &store, how }, &manifest, parent, name)
    })
    .await?;
    env.fault("transfer.placed")?;
    blocking(move || staged.publish()).await?;
    env.fault("transfer.published")?;
    Ok(())
}
