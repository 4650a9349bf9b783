//! Sessions over lanes whose far end speaks as a test says, on a clock that stands still between events.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::protocol::server::{Effect, ServerLane};
use crate::signature::{ManifestSigner, SignerKey};

/// Whether the far end of a lane says something now.
type Speaks = Arc<dyn Fn(usize) -> bool + Send + Sync>;

/// Lanes in memory. While a request is open, the far end of each says once in 10 ms that it works. It knows one manifest, or none.
pub(crate) struct Spoken {
    speaks: Speaks,
    /// With the signature that it gives.
    manifest: Option<(Manifest, Option<ManifestSignature>)>,
    asked: Arc<AtomicU64>,
    opened: AtomicU64,
    begin: usize,
    most: usize,
    signer: Option<SignerKey>,
}

const OFTEN: Duration = Duration::from_millis(10);

impl Spoken {
    pub(crate) fn new(begin: usize, most: usize, speaks: Speaks) -> Arc<Self> {
        Self::knowing(None, begin, most, speaks)
    }

    fn knowing(
        manifest: Option<(Manifest, Option<ManifestSignature>)>,
        begin: usize,
        most: usize,
        speaks: Speaks,
    ) -> Arc<Self> {
        Arc::new(Self {
            speaks,
            manifest,
            asked: Arc::default(),
            opened: AtomicU64::new(0),
            begin,
            most,
            signer: None,
        })
    }
}

async fn far_end(
    index: usize,
    lane: tokio::io::DuplexStream,
    speaks: Speaks,
    manifest: Option<(Manifest, Option<ManifestSignature>)>,
    asked: Arc<AtomicU64>,
) {
    let (mut reader, mut writer) = tokio::io::split(lane);
    let (mut machine, mut open) = (ServerLane::new(None, false), None);
    let mut buffer = [0; 4096];
    loop {
        let read = match timeout(OFTEN, reader.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(read)) => read,
            Err(_) => {
                if let Some(id) = open.filter(|_| speaks(index)) {
                    let working = ServerMessage::Working { done: 0, total: 0 };
                    writer
                        .write_all(&machine.answer(id, &working).unwrap())
                        .await
                        .unwrap();
                }
                continue;
            }
        };
        let mut effects = Vec::new();
        machine.on_bytes(&buffer[..read], &mut effects).unwrap();
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(bytes) => out.extend(bytes),
                Effect::Serve { id, request } => {
                    asked.fetch_add(1, Ordering::Relaxed);
                    match (request, &manifest) {
                        (Request::Manifest { .. }, Some((manifest, signature))) => {
                            let outcome = Outcome::Manifest {
                                digest: manifest.digest(),
                                signature: signature.clone(),
                                skipped: Vec::new(),
                            };
                            for message in [
                                ServerMessage::Part(manifest.encode()),
                                ServerMessage::Done(outcome),
                            ] {
                                out.extend(machine.answer(id, &message).unwrap());
                            }
                        }
                        _ => open = Some(id),
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        writer.write_all(&out).await.unwrap();
    }
}

impl Carrier for Spoken {
    fn kind(&self) -> CarrierKind {
        CarrierKind::Tcp
    }

    fn lanes(&self) -> usize {
        self.begin
    }

    fn max_lanes(&self) -> usize {
        self.most
    }

    fn signer(&self) -> Option<SignerKey> {
        self.signer
    }

    fn token(&self) -> Option<crate::protocol::message::Token> {
        None
    }

    fn sent(&self) -> Option<u64> {
        None
    }

    fn open(&self) -> crate::carrier::BoxFuture<'_, std::io::Result<Lane>> {
        let index = usize::try_from(self.opened.fetch_add(1, Ordering::Relaxed)).unwrap();
        let (here, there) = tokio::io::duplex(64 << 10);
        tokio::spawn(far_end(
            index,
            there,
            Arc::clone(&self.speaks),
            self.manifest.clone(),
            Arc::clone(&self.asked),
        ));
        let (reader, writer) = tokio::io::split(here);
        Box::pin(async move {
            Ok(Lane {
                reader: Box::new(reader),
                writer: Box::new(writer),
                keep: None,
            })
        })
    }
}

pub(crate) const LONGEST: Duration = Duration::from_secs(15);

pub(crate) async fn over(carrier: Arc<Spoken>) -> Session {
    Session::open(carrier, LONGEST, LONGEST, None, None)
        .await
        .unwrap()
}

/// Waits until a session is silent: how long that took.
async fn until_silent(session: &Session) -> Duration {
    let begin = Instant::now();
    while !session.is_silent() {
        tokio::time::sleep(OFTEN).await;
    }
    begin.elapsed()
}

#[test]
fn silence_is_three_round_trips_and_a_second_within_bounds() {
    let ms = Duration::from_millis;
    assert_eq!(silence(ms(20), LONGEST), ms(2500));
    assert_eq!(silence(ms(700), LONGEST), ms(3100));
    assert_eq!(silence(ms(9000), LONGEST), LONGEST);
    assert_eq!(silence(ms(20), ms(300)), ms(300));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_silent_when_it_owes_an_answer_and_nothing_comes() {
    let session = over(Spoken::new(1, 1, Arc::new(|_| false))).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!session.is_silent(), "nothing is owed");
    let (answers, mut receiver) = mpsc::unbounded_channel();
    session.ask(0, Request::Stat, answers).await.unwrap();
    let took = until_silent(&session).await.as_millis();
    assert!((2500..2700).contains(&took), "{took} ms");
    let begin = Instant::now();
    let answer = receiver.recv().await.unwrap();
    assert!(answer.last && matches!(answer.message, Err(TransferError::Cut { .. })));
    let waited = begin.elapsed() + Duration::from_millis(2500);
    assert!(
        waited >= LONGEST && waited < LONGEST + Duration::from_secs(1),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lane_may_be_quiet_as_long_as_another_is_not() {
    let session = over(Spoken::new(2, 2, Arc::new(|lane| lane == 1))).await;
    let (answers, mut receiver) = mpsc::unbounded_channel();
    for lane in 0..2 {
        session
            .ask(lane, Request::Stat, answers.clone())
            .await
            .unwrap();
    }
    let begin = Instant::now();
    let cut = async {
        loop {
            let answer = receiver.recv().await.unwrap();
            if answer.message.is_err() {
                return begin.elapsed();
            }
        }
    };
    // Not replaced as a whole; the one lane ends the session when its own time is over.
    tokio::select! {
        took = until_silent(&session) => panic!("silent after {took:?}"),
        after = cut => assert!((15..17).contains(&after.as_secs()), "{after:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_ended_tells_who_waits() {
    let session = over(Spoken::new(2, 2, Arc::new(|_| false))).await;
    let (answers, mut receiver) = mpsc::unbounded_channel();
    session
        .ask(1, Request::Stat, answers.clone())
        .await
        .unwrap();
    session.end(&TransferError::cut("enough"));
    let answer = receiver.recv().await.unwrap();
    assert!(answer.message.unwrap_err().to_string().contains("enough"));
    assert!(session.ask(0, Request::Stat, answers).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_with_the_greeting_is_not_asked_again() {
    let manifest = Manifest::new(crate::manifest::Shape::Directory, Vec::new()).unwrap();
    let (rule, signer) = (Rule::default(), ManifestSigner::make().unwrap());
    let first = Some(Request::Manifest {
        path: "run".to_owned(),
        rule,
        fresh: false,
    });
    for (path, asks) in [("run", 1), ("other", 2)] {
        let signed = signer.sign(&manifest.digest(), path);
        let known = Some((manifest.clone(), Some(signed)));
        let carrier = Spoken::knowing(known, 3, 3, Arc::new(|_| false));
        let asked = Arc::clone(&carrier.asked);
        let session = Session::open(carrier, LONGEST, LONGEST, None, first.clone())
            .await
            .unwrap();
        let came = session
            .manifest(path, rule, false, |_, _| {})
            .await
            .unwrap();
        assert_eq!(came.manifest, manifest);
        assert_eq!(asked.load(Ordering::Relaxed), asks, "{path}");
        // Once it is taken, the same question is a new one.
        session
            .manifest(path, rule, false, |_, _| {})
            .await
            .unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), asks + 1, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_manifest_is_taken_with_the_right_signature_only() {
    let manifest = Manifest::new(crate::manifest::Shape::Directory, Vec::new()).unwrap();
    let (agent, other) = (
        ManifestSigner::make().unwrap(),
        ManifestSigner::make().unwrap(),
    );
    let digest = manifest.digest();
    let of = |signer: &ManifestSigner, digest, path| Some(signer.sign(digest, path));
    let not_its = Digest::new([1; 32]);
    for (signature, pinned, is_right) in [
        (of(&agent, &digest, "run"), Some(agent.key()), true),
        (of(&agent, &digest, "run"), None, true),
        (None, Some(agent.key()), false),
        (None, None, false),
        (of(&other, &digest, "run"), Some(agent.key()), false),
        (of(&agent, &digest, "next"), Some(agent.key()), false),
        (of(&agent, &not_its, "run"), Some(agent.key()), false),
    ] {
        let case = format!("{signature:?} {pinned:?}");
        let carrier = Arc::new(Spoken {
            signer: pinned,
            ..Arc::into_inner(Spoken::knowing(
                Some((manifest.clone(), signature.clone())),
                1,
                1,
                Arc::new(|_| false),
            ))
            .unwrap()
        });
        let session = over(carrier).await;
        let asked = session.manifest("run", Rule::default(), false, |_, _| {});
        match asked.await {
            Ok(listing) => {
                assert!(is_right, "{case}");
                assert_eq!(listing.told.signature, signature);
            }
            Err(error) => {
                let unsigned = matches!(error, TransferError::Unsigned { .. });
                assert!(!is_right && unsigned, "{case}: {error}");
            }
        }
    }
}
