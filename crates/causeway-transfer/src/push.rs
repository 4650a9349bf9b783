//! The mirror: from here to a site.

mod outgoing;

use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::Env;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::beneath::Beneath;
use crate::codec::{Codec, Encoders, Job, Rates};
use crate::coming::blocking;
use crate::connector::Connector;
use crate::error::TransferError;
use crate::link::Link;
use crate::manifest::{Manifest, Shape};
use crate::path;
use crate::progress::{Files, Meter, Progress, Stage, Summary};
use crate::protocol::message::{ClientMessage, MANIFEST_PART, PutKey, Request, ServerMessage};
use crate::protocol::outcome::Outcome;
use crate::pull::MAX_CHANGES;
use crate::scan::{Scan, scan};
use crate::session::{Answer, Answers, Session};

use outgoing::{Next, Outgoing, len_of, unknown};

/// Brings a local file or directory to `remote` at the site: a directory's files into it, a file as it. What lies there
/// already with the right bytes, and verified blocks of an earlier try, are not sent. A new directory becomes visible only
/// whole; into one that holds something, file after file is put whole, and what else is there stays.
///
/// # Errors
/// [`TransferError`]; [`TransferError::Denied`] when the agent takes nothing in (it runs without `--writable`).
pub async fn push(
    connector: &Connector,
    local: &Utf8Path,
    remote: &str,
    codec: Codec,
    env: &dyn Env,
    progress: impl Fn(Progress) + Send + Sync,
) -> Result<Summary, TransferError> {
    let remote = path::clean_or_absolute(remote)?;
    if path::name(&remote).is_empty() {
        return Err(TransferError::BadPath {
            path: remote,
            why: "name the directory or file that it becomes".to_owned(),
        });
    }
    let mut link = Link::new(connector, env).putting();
    let mut meter = Meter::new(&progress);
    let mut changes = 0;
    let encoding = Encoding {
        codec,
        encoders: Encoders::new(),
        rates: Arc::new(Mutex::new(Rates::new(1))),
    };
    let (mut scanned, mut source) = source(local, &meter).await?;
    loop {
        (meter.total, meter.done) = (scanned.manifest.bytes(), 0);
        let before = meter.received;
        let session = link.session(&meter).await?;
        let work = attempt(
            &session,
            &scanned.manifest,
            &source,
            &remote,
            &encoding,
            connector.patience().give_up,
            env,
            &mut meter,
        );
        let result = link.putting_on(&session, work).await;
        if meter.received > before || result.is_ok() {
            link.moved();
        }
        match result {
            Ok(()) => break,
            Err(error) if error.is_cut() => link.lost(&error),
            Err(error) if error.is_change() && changes < MAX_CHANGES => {
                changes += 1;
                link.lost(&error);
                link.rest(&meter, &format!("the source to settle ({error})"), changes)
                    .await;
                (scanned, source) = self::source(local, &meter).await?;
            }
            Err(error) => return Err(error),
        }
    }
    let (carrier, why) = link.carrier();
    let raw = scanned.manifest.bytes();
    Ok(Summary {
        files: scanned.manifest.files().len() as u64,
        raw_bytes: raw,
        wire_bytes: meter.wire,
        sent_bytes: link.sent_here().max(meter.wire),
        reused_bytes: raw.saturating_sub(meter.received),
        codec_saved_bytes: meter.saved_by_codec,
        difference_saved_bytes: meter.saved_by_difference,
        loss: meter.line.and_then(|line| line.loss),
        rtt_seconds: meter.line.map(|line| line.rtt_seconds),
        seconds: meter.started.elapsed().as_secs_f64(),
        carrier,
        why,
        manifest: scanned.manifest.digest(),
        signed: None,
        skipped: scanned.skipped,
    })
}

/// What makes blocks smaller on their way.
struct Encoding {
    codec: Codec,
    encoders: Encoders,
    rates: Arc<Mutex<Rates>>,
}

/// Where the blocks are read from.
struct Source(Beneath);

async fn source(local: &Utf8Path, meter: &Meter<'_>) -> Result<(Scan, Arc<Source>), TransferError> {
    meter.stage(Stage::Listing);
    let local: Utf8PathBuf = local.to_owned();
    blocking(move || {
        let scanned = scan(&local)?;
        let base = match scanned.manifest.shape() {
            Shape::Directory => local.as_path(),
            Shape::File => local.parent().unwrap_or(Utf8Path::new("")),
        };
        let tree = Beneath::open(base).map_err(TransferError::io(format!("opening `{base}`")))?;
        Ok((scanned, Arc::new(Source(tree))))
    })
    .await
}

impl Source {
    /// A block's bytes, if they are still the ones that were listed.
    fn read(&self, manifest: &Manifest, file: u32, block: u32) -> Result<Vec<u8>, TransferError> {
        let entry = usize::try_from(file)
            .ok()
            .and_then(|file| manifest.files().get(file))
            .ok_or_else(unknown)?;
        let number = usize::try_from(block).map_err(|_| unknown())?;
        let (offset, block) = entry.blocks_at().nth(number).ok_or_else(unknown)?;
        let changing = |_| TransferError::Changing {
            path: entry.path.clone(),
        };
        let (mut handle, _) = self.0.file(&entry.path).map_err(changing)?;
        let mut bytes = vec![0; usize::try_from(block.len).unwrap_or_default()];
        handle
            .seek(SeekFrom::Start(offset))
            .and_then(|_| handle.read_exact(&mut bytes))
            .map_err(changing)?;
        if *blake3::hash(&bytes).as_bytes() == *block.blake3.bytes() {
            Ok(bytes)
        } else {
            Err(TransferError::Changing {
                path: entry.path.clone(),
            })
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing; none belongs to another"
)]
async fn attempt(
    session: &Session,
    manifest: &Manifest,
    source: &Arc<Source>,
    remote: &str,
    encoding: &Encoding,
    patience: Duration,
    env: &dyn Env,
    meter: &mut Meter<'_>,
) -> Result<(), TransferError> {
    if !session.welcome().writable {
        return Err(TransferError::Denied {
            path: remote.to_owned(),
            why: "it takes nothing in: start it with `--writable`".to_owned(),
        });
    }
    let encoded = manifest.encode();
    let (answers, mut receiver) = mpsc::unbounded_channel();
    let mut key = PutKey::default();
    getrandom::fill(&mut key).map_err(|error| TransferError::Io {
        doing: "making the key of a put".to_owned(),
        source: error.into(),
    })?;
    let request = Request::Put {
        path: remote.to_owned(),
        len: encoded.len() as u64,
        key,
    };
    let id = session.ask(0, request, answers.clone()).await?;
    let mut lanes = Lanes {
        session,
        key,
        answers,
        open: vec![Some(id)],
    };
    for part in encoded.chunks(MANIFEST_PART) {
        session
            .send(0, id, &ClientMessage::PutManifest(part.to_vec()))
            .await?;
    }
    env.fault("transfer.manifest")?;
    meter.line = Some(session.line(None));
    meter.stage(Stage::Comparing);
    // Since when the disk there is full.
    let mut full: Option<Instant> = None;
    let manifest = Arc::new(manifest.clone());
    let mut outgoing = Outgoing::default();
    loop {
        if session.is_paused() && outgoing.is_idle() {
            return Err(TransferError::cut("the limit pauses it"));
        }
        while let Some(next) = outgoing.next(session.lanes(), may_send(session), &manifest)? {
            let Next {
                lane,
                block: (file, block),
                len,
            } = next;
            let source = Arc::clone(source);
            let turn = encoding.encoders.turn().await?;
            let (codec, rates) = (encoding.codec, Arc::clone(&encoding.rates));
            let listed = Arc::clone(&manifest);
            let payload = blocking(move || {
                let block = source.read(&listed, file, block)?;
                Ok(turn.encode(Job {
                    block,
                    // A guess costs little beside the encoding.
                    element: None,
                    base: None,
                    codec,
                    rates: &rates,
                }))
            })
            .await?;
            let frame = ServerMessage::BLOCK_OVERHEAD + 4;
            meter.crosses(u32::try_from(len).unwrap_or(u32::MAX), &payload, frame);
            let count = payload.bytes.len() as u64;
            let message = ClientMessage::PutBlock {
                file,
                block,
                payload,
            };
            lanes.send(lane, &message).await?;
            encoding
                .rates
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .sent(meter.started.elapsed(), count);
        }
        let Answer {
            id: of, message, ..
        } = receiver
            .recv()
            .await
            .ok_or_else(|| TransferError::cut("the answer did not end"))?;
        match message? {
            ServerMessage::Want { blocks, last } => {
                outgoing.wanted.extend(blocks);
                outgoing.said = last;
                if last {
                    let left: u64 = outgoing
                        .wanted
                        .iter()
                        .map(|block| len_of(&manifest, *block))
                        .sum::<Result<u64, _>>()?;
                    meter.done = meter.total.saturating_sub(left);
                    let missing = outgoing
                        .wanted
                        .iter()
                        .filter_map(|block| Some((block.0, len_of(&manifest, *block).ok()?)));
                    meter.files = Files::new(&manifest, missing);
                    // What nothing is missing of lies there already, verified.
                    meter.whole(meter.files.complete());
                    meter.stage(Stage::Moving);
                }
            }
            ServerMessage::Stored { blocks } => {
                full = None;
                for block in blocks {
                    let len = outgoing.stored(block)?;
                    session.add_stored(len);
                    meter.moved(len);
                    meter.files.landed(block.0, len);
                    meter.done += len;
                    env.fault("transfer.block")?;
                }
                meter.line = Some(session.line(session.loss_here()));
                meter.stage(Stage::Moving);
            }
            ServerMessage::Waiting { why } => {
                let since = full.get_or_insert_with(Instant::now);
                if since.elapsed() > patience {
                    return Err(TransferError::Site {
                        path: remote.to_owned(),
                        why: format!("it waits for {why}"),
                    });
                }
                // It says so each time that it tries again.
                let pause = Duration::ZERO;
                meter.stage(Stage::Waiting { why, pause });
            }
            ServerMessage::Working { .. } if outgoing.is_over() && full.is_none() => {
                meter.stage(Stage::Placing);
            }
            ServerMessage::Done(Outcome::Put { digest }) => {
                if digest != manifest.digest() {
                    return Err(TransferError::protocol(
                        "the agent published something else",
                    ));
                }
                meter.whole(meter.files.all());
                meter.line = Some(session.line(session.loss_here()));
                meter.stage(Stage::Placing);
                return Ok(());
            }
            ServerMessage::Failed(failure) if of == id => return Err(failure.into_error()),
            // A lane came when the put was over: why that is, the other lane says, now or the next time.
            ServerMessage::Failed(failure) => return Err(TransferError::cut(failure.why)),
            _ => {}
        }
    }
}

/// Lanes of one put: that on which it was asked for, and others once there is something for them.
struct Lanes<'a> {
    session: &'a Session,
    key: PutKey,
    answers: Answers,
    /// The number of the request that a lane's blocks belong to.
    open: Vec<Option<u32>>,
}

impl Lanes<'_> {
    async fn send(&mut self, lane: usize, block: &ClientMessage) -> Result<(), TransferError> {
        if lane >= self.open.len() {
            self.open.resize(lane + 1, None);
        }
        let known = self.open.get(lane).copied().flatten();
        let id = match known {
            Some(id) => id,
            None => {
                let request = Request::PutLane { key: self.key };
                let id = self
                    .session
                    .ask(lane, request, self.answers.clone())
                    .await?;
                if let Some(open) = self.open.get_mut(lane) {
                    *open = Some(id);
                }
                id
            }
        };
        self.session.send(lane, id, block).await
    }
}

/// How many bytes may be under way when one more block is sent.
fn may_send(session: &Session) -> u64 {
    let Some(throttle) = session.throttle() else {
        return u64::MAX;
    };
    if throttle.is_paused() {
        return 0;
    }
    throttle.under_way(session.rtt()).unwrap_or(u64::MAX)
}
