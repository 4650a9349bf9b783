//! Bringing a directory, or one file, home.

mod lanes;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Env;
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::lanes::{Lanes, Queue, Ready};
use crate::beneath;
use crate::carrier::CarrierKind;
use crate::codec::{Bases, Codec};
use crate::coming::{Arrived, Coming, Told, blocking};
use crate::connector::Connector;
use crate::durable;
use crate::error::TransferError;
use crate::link::Link;
use crate::manifest::Manifest;
use crate::path;
use crate::progress::{Files, Meter, Progress, SentThere, Stage, Summary};
use crate::protocol::message::{Request, ServerMessage};
use crate::protocol::outcome::Outcome;
use crate::scan::Rule;
use crate::selection::Selection;
use crate::session::{Announced, Session, loss_of};
use crate::store::intake::Wanted;
use crate::store::{Placement, Placing, Store, Straight, stage, stage_straight};

/// How often the agent is asked what was lost.
const LOOK: Duration = Duration::from_secs(2);
/// Most answers that are taken in together.
pub(crate) const BATCH: usize = 1024;
/// How often a source that changes meanwhile is listed again.
pub(crate) const MAX_CHANGES: u32 = 3;

/// Where what comes home goes.
#[derive(Debug, Clone)]
pub struct Dest<'a> {
    /// Every file goes here, under its digest.
    pub store: &'a Store,
    /// And, once all of it is whole, here: see [`Store::materialise`].
    pub directory: Option<(Utf8PathBuf, Placement)>,
    /// What blocks may be sent as differences to: directories (or files) that are like the one that comes, an earlier
    /// checkpoint for example. Where none is named, or none is like it, what came into the store before is looked through.
    pub base: Vec<Utf8PathBuf>,
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
    codec: Codec,
    env: &dyn Env,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Summary, TransferError> {
    let selection = Selection::default();
    pull_selected(connector, path, selection, dest, codec, env, progress).await
}

/// The same, of what is chosen of a directory. What is left is in the summary.
///
/// # Errors
/// As [`pull`].
pub async fn pull_selected(
    connector: &Connector,
    path: &str,
    selection: Selection,
    dest: Dest<'_>,
    codec: Codec,
    env: &dyn Env,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Summary, TransferError> {
    let mut link = Link::new(connector, env);
    let mut meter = Meter::new(&progress);
    let wish = Wish {
        path,
        rule: Rule::chosen(selection),
        store: dest.store,
        base: &dest.base,
        becomes: match &dest.directory {
            Some((directory, Placement::Move)) => Some(directory),
            _ => None,
        },
        codec,
    };
    let brought = bring(&mut link, &wish, env, &mut meter).await?;
    if let Some((directory, how)) = &dest.directory {
        meter.stage(Stage::Placing);
        loop {
            match place(dest.store, &brought, directory, *how, env).await {
                Err(error) if error.is_full() => {
                    let beside = directory.parent().unwrap_or(Utf8Path::new("."));
                    let why = durable::room(beside, brought.manifest.bytes(), &error);
                    link.room(&meter, why, error).await?;
                }
                placed => break placed?,
            }
        }
    }
    Ok(summary(&brought, &link, &mut meter).await)
}

/// What is home.
pub(crate) struct Brought {
    /// SHA-256 filled in, if it is in the store.
    pub(crate) manifest: Arc<Manifest>,
    /// What was said of it.
    told: Told,
    /// Where its small files are, if not in the store.
    straight: Option<Arc<Straight>>,
}

pub(crate) async fn summary(brought: &Brought, link: &Link<'_>, meter: &mut Meter<'_>) -> Summary {
    let Brought { manifest, told, .. } = brought;
    let sent = link.sent_there(meter).await;
    let (carrier, why) = link.carrier();
    let raw = manifest.bytes();
    Summary {
        files: manifest.files().len() as u64,
        raw_bytes: raw,
        wire_bytes: meter.wire,
        // What arrived was sent, whatever the agent counted.
        sent_bytes: sent.max(meter.wire),
        reused_bytes: raw.saturating_sub(meter.received),
        codec_saved_bytes: meter.saved_by_codec,
        difference_saved_bytes: meter.saved_by_difference,
        seconds: meter.started.elapsed().as_secs_f64(),
        loss: meter.line.and_then(|line| line.loss),
        rtt_seconds: meter.line.map(|line| line.rtt_seconds),
        carrier,
        why,
        manifest: manifest.digest(),
        signed: told.signature.clone(),
        skipped: told.skipped.clone(),
    }
}

/// What to bring, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// At the site.
    pub(crate) path: &'a str,
    pub(crate) rule: Rule,
    /// Where it goes.
    pub(crate) store: &'a Store,
    /// As [`Dest::base`].
    pub(crate) base: &'a [Utf8PathBuf],
    /// The place that the store's files are moved to.
    pub(crate) becomes: Option<&'a Utf8PathBuf>,
    pub(crate) codec: Codec,
}

/// Brings a path into the store, or beside its place.
pub(crate) async fn bring(
    link: &mut Link<'_>,
    wish: &Wish<'_>,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<Brought, TransferError> {
    let path = path::clean_or_absolute(wish.path)?;
    let wish = Wish {
        path: &path,
        ..*wish
    };
    let (mut changes, mut coming) = (0, None);
    loop {
        let before = meter.received;
        link.ask_first(coming.is_none().then(|| Request::Manifest {
            path: wish.path.to_owned(),
            rule: wish.rule,
            fresh: changes > 0,
        }));
        let session = link.session(meter).await?;
        let work = attempt(&session, &wish, changes > 0, &mut coming, env, meter);
        let result = link.growing(&session, work).await;
        if meter.received > before || result.is_ok() {
            link.moved();
        }
        match result {
            Ok(()) => break,
            Err(error) if error.is_cut() => link.lost(&error),
            Err(error) if error.is_full() => {
                make_room(link, wish.store, coming.as_mut(), meter, error).await?;
            }
            Err(error) if error.is_change() && changes < MAX_CHANGES => {
                changes += 1;
                coming = None;
                link.rest(meter, &format!("the source to settle ({error})"), changes)
                    .await;
            }
            Err(error) => return Err(error),
        }
    }
    let (coming, _) = coming.ok_or_else(|| TransferError::cut("nothing came"))?;
    let manifest = loop {
        let intake = Arc::clone(&coming.intake);
        let seal = move || intake.lock().unwrap_or_else(PoisonError::into_inner).seal();
        match blocking(seal).await {
            Err(error) if error.is_full() => {
                let why = durable::room(wish.store.dir(), 0, &error);
                link.room(meter, why, error).await?;
            }
            sealed => break sealed?,
        }
    };
    env.fault("transfer.sealed")?;
    let straight = coming.intake().take_straight();
    Ok(Brought {
        manifest,
        told: coming.told,
        straight: straight.map(Arc::new),
    })
}

/// Waits until what came finds room. What was to come of a manifest that is not here yet is begun again.
async fn make_room(
    link: &mut Link<'_>,
    store: &Store,
    mut coming: Option<&mut (Coming, Arc<Bases>)>,
    meter: &mut Meter<'_>,
    mut error: TransferError,
) -> Result<(), TransferError> {
    loop {
        let left = match &coming {
            Some((coming, _)) => coming.intake().left(),
            None => meter.total.saturating_sub(meter.done),
        };
        let why = durable::room(store.dir(), left, &error);
        link.room(meter, why, error).await?;
        let Some((coming, _)) = &mut coming else {
            return Ok(());
        };
        let bytes = coming.homeless();
        match coming.again().await {
            Ok(_) => {
                if bytes > 0 {
                    meter.moved(bytes);
                    meter.done = meter.total.saturating_sub(coming.intake().left());
                    link.moved();
                }
                return Ok(());
            }
            Err(again) if again.is_full() => error = again,
            Err(other) => return Err(other),
        }
    }
}

async fn attempt(
    session: &Session,
    wish: &Wish<'_>,
    fresh: bool,
    coming: &mut Option<(Coming, Arc<Bases>)>,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<(), TransferError> {
    let mut wanted = None;
    let (coming, bases) = match coming {
        Some(coming) => coming,
        None => {
            meter.stage(Stage::Listing);
            let Announced { manifest, told } = session
                .manifest(wish.path, wish.rule, fresh, |done, total| {
                    if total > 0 {
                        (meter.done, meter.total) = (done, total);
                        meter.stage(Stage::Listing);
                    }
                })
                .await?;
            env.fault("transfer.manifest")?;
            meter.stage(Stage::Comparing);
            let manifest = Arc::new(manifest);
            let straight = straight(wish, &manifest).await?;
            let begun = Coming::begin(wish.store, manifest, Vec::new(), straight, told).await?;
            (meter.total, meter.done) = begun.intake().totals();
            let missing = begun.wanted();
            let lens = missing.iter().map(|one| (one.file, u64::from(one.len)));
            meter.files = Files::new(begun.intake().manifest(), lens);
            wanted = Some(missing);
            tell_whole(&begun, meter, true);
            let bases = bases(wish, &begun).await?;
            coming.insert((begun, Arc::new(bases)))
        }
    };
    let wanted = wanted.unwrap_or_else(|| coming.wanted());
    fetch(session, wish, coming, bases, wanted, env, meter).await
}

/// The tree that becomes the place of what comes.
async fn straight(
    wish: &Wish<'_>,
    manifest: &Arc<Manifest>,
) -> Result<Option<Straight>, TransferError> {
    let Some(place) = wish.becomes.cloned() else {
        return Ok(None);
    };
    let (store, manifest) = (wish.store.clone(), Arc::clone(manifest));
    blocking(move || {
        let (parent, name) = beneath::parent_of(&place)?;
        Straight::begin(&store, &manifest, &parent, &name)
    })
    .await
}

/// What blocks may be sent as differences to.
async fn bases(wish: &Wish<'_>, coming: &Coming) -> Result<Bases, TransferError> {
    if wish.codec == Codec::Raw {
        return Ok(Bases::default());
    }
    let (store, named) = (wish.store.clone(), wish.base.to_vec());
    let manifest = Arc::clone(coming.intake().manifest());
    blocking(move || Bases::gather(&store, &manifest, &named)).await
}

/// Tells which files became whole: of those that nothing is missing of, or of all.
fn tell_whole(coming: &Coming, meter: &mut Meter<'_>, of_all: bool) {
    let intake = coming.intake();
    let home = |file: &u32| intake.is_home(*file);
    let whole: Vec<u32> = if of_all {
        meter.files.all().filter(home).collect()
    } else {
        meter.files.candidates().into_iter().filter(home).collect()
    };
    drop(intake);
    meter.whole(whole);
}

/// Fetches what is wanted, and waits until every file is whole.
async fn fetch(
    session: &Session,
    wish: &Wish<'_>,
    coming: &mut Coming,
    bases: &Arc<Bases>,
    wanted: Vec<Wanted>,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<(), TransferError> {
    let manifest = Arc::clone(coming.intake().manifest());
    let mut queue = Queue {
        wanted: wanted.into(),
        ready: VecDeque::new(),
        bases: Arc::clone(bases),
    };
    let (answers, mut receiver) = mpsc::unbounded_channel();
    let mut lanes = Lanes::new(session, answers);
    let (mut batch, mut asked) = (Vec::new(), Instant::now());
    meter.sent_there = None;
    // The last count that was asked for behind the last block.
    let mut late = None;
    meter.line = Some(session.line(None));
    meter.stage(Stage::Moving);
    loop {
        session.set_left(meter.total.saturating_sub(meter.done));
        let here = queue.prepare(&manifest).await?;
        if !here.is_empty() {
            let files: Vec<(u32, u64)> = here
                .iter()
                .map(|one| (one.wanted.file, one.wanted.len.into()))
                .collect();
            let (taken, _) = coming.put(here).await?;
            meter.done += taken.bytes;
            for (file, len) in files {
                meter.files.landed(file, len);
            }
            tell_whole(coming, meter, false);
            meter.stage(Stage::Moving);
            continue;
        }
        let paused = session.is_paused();
        if !paused {
            lanes
                .ask(session, wish, &manifest, &mut queue.ready)
                .await?;
        }
        // What is lost is known where it was sent. What is lost last is asked for while it comes: a round trip less at the end.
        let all_asked = queue.is_empty();
        let often = if all_asked { session.rtt() / 2 } else { LOOK };
        if session.kind() == CarrierKind::Quic && asked.elapsed() > often {
            asked = Instant::now();
            session.ask(0, Request::Stat, lanes.answers.clone()).await?;
        }
        let moving = !lanes.owed.is_empty();
        if paused && !moving && !queue.is_empty() {
            return Err(TransferError::cut("the limit pauses it"));
        }
        if !moving && queue.is_empty() && meter.sent_there.is_none() {
            meter.sent_there = Some(match late.and_then(|count| session.seen(count)) {
                Some((sent, loss)) => {
                    meter.line = Some(session.line(loss));
                    SentThere::Known(sent)
                }
                // It is answered while the last files are hashed and placed.
                None => SentThere::Asked(session.ask_sent().await?),
            });
        }
        if !moving && !coming.is_verifying() {
            return if queue.is_empty() {
                meter.whole(meter.files.all());
                meter.stage(Stage::Verifying);
                Ok(())
            } else {
                Err(TransferError::protocol("the agent allows no request"))
            };
        }
        tokio::select! {
            biased;
            _ = receiver.recv_many(&mut batch, BATCH), if moving => {
                let (mut blocks, mut landed) = (Vec::new(), Vec::new());
                let mut failed = None;
                for answer in batch.drain(..) {
                    if let Ok(ServerMessage::Done(Outcome::Stat(counted))) = answer.message {
                        meter.line = Some(session.line(loss_of(counted)));
                        late = all_asked.then_some(counted);
                        continue;
                    }
                    match lanes.take(answer) {
                        Ok(Some((lane, arrived))) => {
                            meter.crosses(
                                arrived.wanted.len,
                                &arrived.payload,
                                ServerMessage::BLOCK_OVERHEAD,
                            );
                            landed.push((lane, u64::from(arrived.wanted.len)));
                            blocks.push(arrived);
                        }
                        Ok(None) => {}
                        Err(error) => failed = Some(error),
                    }
                }
                if !blocks.is_empty() {
                    let files: Vec<(u32, u64)> = blocks
                        .iter()
                        .map(|one: &Arrived| (one.wanted.file, one.wanted.len.into()))
                        .collect();
                    let (taken, again) = coming.put(blocks).await?;
                    for (file, len) in files {
                        meter.files.landed(file, len);
                    }
                    for one in &again {
                        meter.files.lost(one.file, one.len.into());
                    }
                    tell_whole(coming, meter, false);
                    meter.line = Some(session.line(meter.line.and_then(|line| line.loss)));
                    let lost: u64 = again.iter().map(|wanted| u64::from(wanted.len)).sum();
                    let bytes: u64 = landed.iter().map(|(_, len)| len).sum();
                    meter.moved(bytes.saturating_sub(lost));
                    meter.done += taken.bytes;
                    for (lane, len) in landed {
                        lanes.landed(lane, len);
                    }
                    queue
                        .ready
                        .extend(again.into_iter().map(|wanted| Ready { wanted, base: None }));
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
                tell_whole(coming, meter, false);
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
    brought: &Brought,
    dest: &Utf8Path,
    how: Placement,
    env: &dyn Env,
) -> Result<(), TransferError> {
    env.fault("transfer.placing")?;
    let (store, dest) = (store.clone(), dest.to_owned());
    let (manifest, straight) = (Arc::clone(&brought.manifest), brought.straight.clone());
    let staged = blocking(move || {
        let (parent, name) = beneath::parent_of(&dest)?;
        let placing = Placing { store: &store, how };
        match &straight {
            Some(straight) => stage_straight(&placing, &manifest, straight, parent, name),
            None => stage(&placing, &manifest, parent, name),
        }
    })
    .await?;
    env.fault("transfer.placed")?;
    blocking(move || staged.publish()).await?;
    env.fault("transfer.published")?;
    Ok(())
}
