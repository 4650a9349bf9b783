//! Checkpoints come home while training goes on.

mod watch;

use std::time::Duration;

use causeway_domain::{Digest, Env};
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use crate::codec::Codec;
use crate::connector::Connector;
use crate::error::TransferError;
use crate::link::Link;
use crate::path;
use crate::progress::{Meter, Progress, Stage, Summary};
use crate::pull::{MAX_CHANGES, Wish, bring, summary};
use crate::scan::Rule;
use crate::selection::Selection;
use crate::store::Store;

use watch::{Next, Watch};

/// How to follow a directory of checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowOptions {
    /// How long names, sizes and times of a checkpoint must stand still before it is taken.
    pub settle: Duration,
    /// How often the directory is listed.
    pub poll: Duration,
    /// How blocks cross.
    pub codec: Codec,
    /// What of each is taken.
    pub selection: Selection,
}

impl Default for FollowOptions {
    /// 2 s, 1 s, automatic.
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(2),
            poll: Duration::from_secs(1),
            codec: Codec::Auto,
            selection: Selection::default(),
        }
    }
}

/// A checkpoint that is home, whole and verified.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointArrived {
    /// Its name in the watched directory.
    pub name: String,
    /// Identity of its files: [`Store::manifest`] has them.
    pub manifest: Digest,
    /// What its transfer did.
    pub summary: Summary,
}

/// Watches the directories in `watched` at the site and brings each finished one into the store, the newest first, until
/// `stop` says that the job has ended; then the last one, completely. Gives all that came, the last one last. While the job
/// runs, one that is on its way is not left for a newer one: on a slow link none would ever be whole. When the job ends it is.
///
/// A checkpoint is finished when its name is neither hidden nor temporary, its safetensors files hold what their headers
/// promise, the shards that its index names are there, and nothing of it changed for [`FollowOptions::settle`]. After its
/// transfer the site is asked once more, and what changed meanwhile is taken again. A checkpoint whose name is written anew
/// arrives anew. A directory that is not there yet is waited for.
///
/// # Errors
/// As [`pull`](crate::pull).
#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing that the caller decides; half of them are the caller's ears"
)]
pub async fn follow(
    connector: &Connector,
    watched: &str,
    store: &Store,
    options: FollowOptions,
    mut stop: Receiver<bool>,
    env: &dyn Env,
    progress: impl Fn(Progress) + Send + Sync,
    mut on_checkpoint: impl FnMut(&CheckpointArrived) + Send,
) -> Result<Vec<CheckpointArrived>, TransferError> {
    let watched = path::clean_or_absolute(watched)?;
    let mut link = Link::new(connector, env);
    let mut watch = Watch::new(options.settle);
    let mut arrived: Vec<CheckpointArrived> = Vec::new();
    let start = Instant::now();
    let mut changes_after_end = 0;
    loop {
        // Read before the listing: what is listed after the end is all that there will be.
        let ended = *stop.borrow_and_update();
        let meter = Meter::new(&progress);
        let entries = match list(&mut link, &watched, &meter).await? {
            Some(entries) => entries,
            None => continue,
        };
        watch.saw(start.elapsed(), &entries);
        match watch.next(start.elapsed(), ended) {
            Next::Over => {
                arrived.sort_by_cached_key(|checkpoint: &CheckpointArrived| {
                    watch.age(&checkpoint.name)
                });
                return Ok(arrived);
            }
            Next::Wait => {
                let why = "the next finished checkpoint".to_owned();
                meter.stage(Stage::Waiting {
                    why,
                    pause: options.poll,
                });
                // A sender that is gone can't say that the job has ended: whoever dropped it drops this too.
                let heard = async {
                    if stop.changed().await.is_err() {
                        std::future::pending().await
                    }
                };
                tokio::time::timeout(options.poll, heard).await.ok();
            }
            Next::Take(name) => {
                let Some(stamp) = watch.stamp(&name) else {
                    continue;
                };
                let mut meter = Meter::new(&progress);
                let path = path::join(&watched, &name);
                let wish = Wish {
                    path: &path,
                    rule: Rule::finished(options.selection),
                    store,
                    // The checkpoint before is in the store.
                    base: &[],
                    becomes: None,
                    codec: options.codec,
                };
                let overtaken = Overtaken {
                    connector,
                    env,
                    watched: &watched,
                    name: &name,
                    watch: watch.clone(),
                    start,
                };
                let overtaken = overtaken.at_the_end(&mut stop, ended);
                let taking = take(&mut link, &name, &wish, env, &mut meter);
                let result = tokio::select! {
                    result = taking => result,
                    // The last one comes first. What came of this one stays: its blocks are not sent again.
                    () = overtaken => {
                        link.lost(&TransferError::cut("the job ended"));
                        continue;
                    }
                };
                match result {
                    Ok(Some(checkpoint)) => {
                        watch.took(&name, stamp);
                        on_checkpoint(&checkpoint);
                        env.fault("transfer.checkpoint")?;
                        arrived.retain(|before| before.name != name);
                        arrived.push(checkpoint);
                    }
                    // Somebody still writes into it, although the job has ended.
                    Ok(None) if ended && changes_after_end >= MAX_CHANGES => watch.pass_over(&name),
                    Ok(None) => {
                        changes_after_end += u32::from(ended);
                        watch.changed(start.elapsed(), &name);
                    }
                    // Rotated away, or still being written after all.
                    Err(TransferError::NotFound { .. }) => watch.pass_over(&name),
                    Err(error) if error.is_change() && ended => {
                        tracing::warn!(name, %error, "passed over");
                        watch.pass_over(&name);
                    }
                    Err(error) if error.is_change() => watch.changed(start.elapsed(), &name),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Whether another checkpoint is the last one, beside the transfer of this one.
struct Overtaken<'a> {
    connector: &'a Connector,
    env: &'a dyn Env,
    watched: &'a str,
    name: &'a str,
    watch: Watch,
    start: Instant,
}

impl Overtaken<'_> {
    /// Returns when the job ends meanwhile and another one is its last, if that ever is so.
    async fn at_the_end(mut self, stop: &mut Receiver<bool>, ended: bool) {
        if ended || stop.wait_for(|ended| *ended).await.is_err() {
            return std::future::pending().await;
        }
        // One that was newer already need not be looked for. What was written since does: on a connection of its own, since
        // what moves must not be cut for it, nor read again.
        if self.watch.is_newest(self.name) {
            let tell = |_| {};
            let (meter, mut link) = (Meter::new(&tell), Link::new(self.connector, self.env));
            let entries = loop {
                match list(&mut link, self.watched, &meter).await {
                    Ok(Some(entries)) => break entries,
                    Ok(None) => {}
                    // Whoever moves the checkpoint meets the same.
                    Err(_) => return std::future::pending().await,
                }
            };
            self.watch.saw(self.start.elapsed(), &entries);
            match self.watch.next(self.start.elapsed(), true) {
                Next::Take(last) if last != self.name => {}
                _ => std::future::pending().await,
            }
        }
    }
}

/// The entries of the watched directory, none while it is not there; `None` after a cut.
async fn list(
    link: &mut Link<'_>,
    watched: &str,
    meter: &Meter<'_>,
) -> Result<Option<Vec<crate::protocol::message::Entry>>, TransferError> {
    let session = link.session(meter).await?;
    let entries = match link.watched(&session, session.list(watched)).await {
        Ok(entries) => entries,
        Err(TransferError::NotFound { .. }) => Vec::new(),
        Err(error) if error.is_cut() => {
            link.lost(&error);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    link.moved();
    Ok(Some(entries))
}

/// Brings one checkpoint home; `None` when it changed meanwhile.
async fn take(
    link: &mut Link<'_>,
    name: &str,
    wish: &Wish<'_>,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<Option<CheckpointArrived>, TransferError> {
    let brought = bring(link, wish, env, meter).await?;
    let manifest = brought.manifest.digest();
    // Once more: files that stood still are not read again for this.
    loop {
        let session = link.session(meter).await?;
        let listing = session.manifest(wish.path, wish.rule, false, |_, _| {});
        match link.watched(&session, listing).await {
            Ok(now) if now.manifest.digest() == manifest => break,
            Ok(_) => return Ok(None),
            Err(error) if error.is_cut() => link.lost(&error),
            // It was rotated away just after: what is home is whole, and what was listed.
            Err(TransferError::NotFound { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    let summary = summary(&brought, link, meter).await;
    Ok(Some(CheckpointArrived {
        name: name.to_owned(),
        manifest,
        summary,
    }))
}
