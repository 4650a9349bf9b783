//! The mirror: from here to a site.

use std::collections::VecDeque;
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
use crate::protocol::message::{ClientMessage, MANIFEST_PART, Request, ServerMessage};
use crate::protocol::outcome::Outcome;
use crate::pull::MAX_CHANGES;
use crate::scan::{Scan, scan};
use crate::session::{Answer, Session};

/// What may be sent and not yet on disk at the site: blocks, and bytes of them.
const BLOCKS_UNDER_WAY: usize = 16;
const SMALL_BYTES_UNDER_WAY: u64 = 16 << 20;

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
        let result = link.watched(&session, work).await;
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
        let unknown =
            || TransferError::protocol("the agent wants a block that is not in the manifest");
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
    let request = Request::Put {
        path: remote.to_owned(),
        len: encoded.len() as u64,
    };
    let id = session.ask(0, request, answers).await?;
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
    let mut outgoing = Outgoing {
        wanted: VecDeque::new(),
        said: false,
        under_way: VecDeque::new(),
        bytes: 0,
    };
    loop {
        if session.is_paused() && outgoing.is_idle() {
            return Err(TransferError::cut("the limit pauses it"));
        }
        while let Some((file, block)) = outgoing.next(may_send(session), &manifest)? {
            let source = Arc::clone(source);
            let turn = encoding.encoders.turn().await?;
            let (codec, rates) = (encoding.codec, Arc::clone(&encoding.rates));
            let len = len_of(&manifest, file, block).unwrap_or_default();
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
            session.send(0, id, &message).await?;
            encoding
                .rates
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .sent(meter.started.elapsed(), count);
        }
        let Answer { message, .. } = receiver
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
                        .map(|(file, block)| len_of(&manifest, *file, *block))
                        .sum::<Option<u64>>()
                        .ok_or_else(|| {
                            TransferError::protocol(
                                "the agent wants a block that is not in the manifest",
                            )
                        })?;
                    meter.done = meter.total.saturating_sub(left);
                    let missing = outgoing.wanted.iter().filter_map(|(file, block)| {
                        Some((*file, len_of(&manifest, *file, *block)?))
                    });
                    meter.files = Files::new(&manifest, missing);
                    // What nothing is missing of lies there already, verified.
                    meter.whole(meter.files.complete());
                    meter.stage(Stage::Moving);
                }
            }
            ServerMessage::Stored { blocks } => {
                full = None;
                for _ in 0..blocks {
                    let (file, len) = outgoing.stored();
                    meter.moved(len);
                    meter.files.landed(file, len);
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
            ServerMessage::Failed(failure) => return Err(failure.into_error()),
            _ => {}
        }
    }
}

fn len_of(manifest: &Manifest, file: u32, block: u32) -> Option<u64> {
    let file = manifest.files().get(usize::try_from(file).ok()?)?;
    Some(u64::from(
        file.blocks.get(usize::try_from(block).ok()?)?.len,
    ))
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

/// Blocks that the agent wants, and those under way, in order.
struct Outgoing {
    wanted: VecDeque<(u32, u32)>,
    said: bool,
    /// The file of each, and its bytes.
    under_way: VecDeque<(u32, u64)>,
    bytes: u64,
}

impl Outgoing {
    /// The next block to send, if one may be sent now: not while `most` bytes are under way. Nothing is sent before all is wanted that will be.
    fn next(
        &mut self,
        most: u64,
        manifest: &Manifest,
    ) -> Result<Option<(u32, u32)>, TransferError> {
        let may = self.said && self.bytes < most;
        let Some((file, block)) = self.wanted.front().copied().filter(|_| may) else {
            return Ok(None);
        };
        let unknown =
            || TransferError::protocol("the agent wants a block that is not in the manifest");
        let len = len_of(manifest, file, block).ok_or_else(unknown)?;
        if self.under_way.len() >= BLOCKS_UNDER_WAY && self.bytes + len > SMALL_BYTES_UNDER_WAY {
            return Ok(None);
        }
        self.wanted.pop_front();
        self.under_way.push_back((file, len));
        self.bytes += len;
        Ok(Some((file, block)))
    }

    fn stored(&mut self) -> (u32, u64) {
        let (file, len) = self.under_way.pop_front().unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(len);
        (file, len)
    }

    /// Something is wanted, and nothing is under way.
    fn is_idle(&self) -> bool {
        self.said && !self.wanted.is_empty() && self.under_way.is_empty()
    }

    fn is_over(&self) -> bool {
        self.said && self.wanted.is_empty() && self.under_way.is_empty()
    }
}
