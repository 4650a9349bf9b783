//! How a shell is opened at a site, and one call of the control script through it. All that the two backends differ in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use causeway_domain::{Env, SiteId};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::{BackendError, Refusal, site};

/// What every site has, however it is reached.
#[derive(Clone)]
pub struct Ground {
    /// The site.
    pub site: SiteId,
    /// The site's own directory: jobs, binaries and agents are below it, and nothing else is ever removed. Absolute, or
    /// in the home directory there (`~/causeway`).
    pub root: Utf8PathBuf,
    /// A metadata service to ask for the region in place of the cloud's usual one: private clouds and tests.
    pub metadata_url: Option<String>,
    /// How long a site that can't be reached is tried again before a call gives up.
    pub patience: Duration,
    /// Time, chance and faults.
    pub env: Arc<dyn Env>,
}

impl Ground {
    /// A site with the usual patience of ten minutes.
    #[must_use]
    pub fn new(site: SiteId, root: Utf8PathBuf, env: Arc<dyn Env>) -> Self {
        Self {
            site,
            root,
            metadata_url: None,
            patience: Duration::from_mins(10),
            env,
        }
    }
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground")
            .field("site", &self.site)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// A reader of bytes from a site.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
/// A writer of bytes to a site.
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// How a process at a site ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With this exit code.
    Code(i32),
    /// The way to it was cut, or a signal ended it: what is known.
    Cut(String),
}

/// A shell at a site that waits for its script.
pub(crate) struct Opened {
    pub(crate) stdin: Writer,
    pub(crate) stdout: Reader,
    pub(crate) stderr: Reader,
    /// Resolves when the process has ended; dropping it ends the process (here) or lets go of it (there).
    pub(crate) ended: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

/// A way to open shells at one site.
pub(crate) trait Place: Send + Sync {
    /// What every site has.
    fn ground(&self) -> &Ground;

    /// Starts `sh -c program` at the site with pipes on its standard streams.
    fn open(
        &self,
        program: &str,
        doing: &'static str,
    ) -> impl Future<Output = Result<Opened, BackendError>> + Send;

    /// Whether the site has ever been reached: one that was not is not waited for, since its name may be wrong.
    fn was_reached(&self) -> bool;

    /// The name under which people know the other end.
    fn host(&self) -> &str;

    /// Whether programs of this machine can be started at the site by their path here.
    fn is_here(&self) -> bool;
}

/// What follows the script on standard input.
pub(crate) enum Payload<'a> {
    /// Nothing: the end comes at once.
    Nothing,
    /// Nothing, and no end either: the call lasts until it answers or this side goes away.
    Held,
    /// These bytes.
    Bytes(&'a [u8]),
    /// All of a file of this machine.
    File(&'a camino::Utf8Path),
}

/// One call of the control script.
pub(crate) struct Call<'a> {
    pub(crate) doing: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) arguments: Vec<&'a str>,
    pub(crate) payload: Payload<'a>,
    /// How long one try may take; none for a call that waits for the job.
    pub(crate) limit: Option<Duration>,
}

/// Receives standard output piece by piece.
pub(crate) trait Sink: Send {
    fn take(&mut self, bytes: &[u8]) -> Result<(), String>;
}

/// Answers are small; a site that sends more is not answering.
const LONGEST_ANSWER: usize = 1 << 20;
/// As much of standard error as an error message may quote from.
const LONGEST_COMPLAINT: usize = 16 << 10;
/// The first pause before another try; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

struct Whole(Vec<u8>);

impl Sink for Whole {
    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.0.len() + bytes.len() > LONGEST_ANSWER {
            return Err(format!("it is longer than {LONGEST_ANSWER} bytes"));
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Asks until the site answers or patience ends. Every verb may be repeated: a cut call is asked again.
pub(crate) async fn ask(place: &impl Place, call: &Call<'_>) -> Result<Answer, BackendError> {
    let mut retry = Retry::new(place);
    loop {
        let mut whole = Whole(Vec::new());
        retry.begin();
        match once(place, call, &mut whole).await {
            Ok(()) => return Answer::read(&place.ground().site, call.doing, &whole.0),
            Err(error) => retry.after(error, !whole.0.is_empty()).await?,
        }
    }
}

/// Tries of one call: pauses between them, and the end of patience.
pub(crate) struct Retry<'a, P> {
    place: &'a P,
    /// When this try began.
    began: Instant,
    /// Since when nothing works.
    since: Option<Instant>,
    pause: Duration,
}

impl<'a, P: Place> Retry<'a, P> {
    pub(crate) fn new(place: &'a P) -> Self {
        Self {
            place,
            began: Instant::now(),
            since: None,
            pause: FIRST_PAUSE,
        }
    }

    /// Another try begins.
    pub(crate) fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// Waits before the next try. `answered` when the site had begun to answer this one: after a try that then went on for a
    /// while (hours, for a call that waits for a job) patience starts anew.
    ///
    /// # Errors
    /// `error` itself, when another try is useless or patience has ended.
    pub(crate) async fn after(
        &mut self,
        error: BackendError,
        answered: bool,
    ) -> Result<(), BackendError> {
        let ground = self.place.ground();
        if !matches!(error, BackendError::Unreachable { .. }) || !self.place.was_reached() {
            return Err(error);
        }
        if answered && self.began.elapsed() >= LONGEST_PAUSE {
            (self.since, self.pause) = (None, FIRST_PAUSE);
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + self.pause > ground.patience {
            return Err(error);
        }
        tracing::debug!(site = %ground.site, %error, pause = ?self.pause, "trying again");
        // A quarter of the pause is chance: many runs that lost one site do not come back in step.
        let quarter = u64::try_from(self.pause.as_millis()).unwrap_or(0) / 4 + 1;
        tokio::time::sleep(self.pause + Duration::from_millis(ground.env.random() % quarter)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// One try. Standard output goes to the sink; anything but a clean end is an error.
pub(crate) async fn once(
    place: &impl Place,
    call: &Call<'_>,
    sink: &mut impl Sink,
) -> Result<(), BackendError> {
    let run = attempt(place, call, sink);
    match call.limit {
        None => run.await,
        Some(limit) => match tokio::time::timeout(limit, run).await {
            Ok(result) => result,
            Err(_) => Err(BackendError::Slow {
                site: place.ground().site.clone(),
                doing: call.doing,
                seconds: limit.as_secs(),
            }),
        },
    }
}

async fn attempt(
    place: &impl Place,
    call: &Call<'_>,
    sink: &mut impl Sink,
) -> Result<(), BackendError> {
    let site = &place.ground().site;
    let script = site::script(call.verb, &call.arguments);
    let opened = place.open(&site::reader(script.len()), call.doing).await?;
    let Opened {
        mut stdin,
        mut stdout,
        mut stderr,
        ended,
    } = opened;

    let mut complaint = Vec::new();
    let done = {
        let feed = feed(&mut stdin, script.as_bytes(), &call.payload);
        let receive = async {
            let mut buffer = vec![0; 64 << 10];
            loop {
                match stdout.read(&mut buffer).await {
                    Ok(0) | Err(_) => return Ok::<_, String>(()),
                    Ok(length) => sink.take(buffer.get(..length).unwrap_or_default())?,
                }
            }
        };
        let hear = async {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                complaint.extend_from_slice(buffer.get(..length).unwrap_or_default());
                let excess = complaint.len().saturating_sub(LONGEST_COMPLAINT);
                complaint.drain(..excess);
            }
            Ok(())
        };
        tokio::try_join!(async { Ok(feed.await) }, receive, hear)
    };
    // Closing standard input lets go of a call that was held; dropping `ended` ends one whose answer is not wanted.
    drop(stdin);
    let (sent, (), ()) = done.map_err(|what| BackendError::Answer {
        site: site.clone(),
        doing: call.doing,
        what,
    })?;
    let end = ended.await;
    let complaint = String::from_utf8_lossy(&complaint);
    match end {
        // A script may end before it has read what it does not need: a broken pipe matters only when the end is bad.
        Ended::Code(0) => {
            sent.or_else(|unread| unread.forgive())
                .map_err(|source| BackendError::Binary {
                    site: site.clone(),
                    source,
                })
        }
        Ended::Code(3) => Err(refusal(site, call.doing, &complaint)),
        Ended::Code(code) => Err(BackendError::Shell {
            site: site.clone(),
            doing: call.doing,
            code,
            said: last_words(&complaint),
        }),
        Ended::Cut(said) => {
            let said = if complaint.trim().is_empty() {
                said
            } else {
                last_words(&complaint)
            };
            Err(BackendError::Unreachable {
                site: site.clone(),
                host: place.host().to_owned(),
                doing: call.doing,
                said,
            })
        }
    }
}

/// Why not everything was sent.
enum Unsent {
    /// The other side took no more.
    There,
    /// The file here could not be read.
    Here(std::io::Error),
}

impl Unsent {
    fn forgive(self) -> Result<(), std::io::Error> {
        match self {
            Self::There => Ok(()),
            Self::Here(source) => Err(source),
        }
    }
}

async fn feed(stdin: &mut Writer, script: &[u8], payload: &Payload<'_>) -> Result<(), Unsent> {
    let there = |_| Unsent::There;
    stdin.write_all(script).await.map_err(there)?;
    match payload {
        Payload::Nothing => {}
        Payload::Held => {
            stdin.flush().await.map_err(there)?;
            // The end comes when the other streams have ended and the caller drops the writer.
            return Ok(());
        }
        Payload::Bytes(bytes) => stdin.write_all(bytes).await.map_err(there)?,
        Payload::File(path) => {
            let mut file = tokio::fs::File::from_std(
                fs_err::File::open(path)
                    .map_err(Unsent::Here)?
                    .into_parts()
                    .0,
            );
            let mut buffer = vec![0; 256 << 10];
            loop {
                let length = file.read(&mut buffer).await.map_err(Unsent::Here)?;
                if length == 0 {
                    break;
                }
                stdin
                    .write_all(buffer.get(..length).unwrap_or_default())
                    .await
                    .map_err(there)?;
            }
        }
    }
    stdin.flush().await.map_err(there)?;
    // A pipe has no shutdown of its own: the end is given by dropping it.
    *stdin = Box::new(tokio::io::sink());
    Ok(())
}

pub(crate) fn refusal(site: &SiteId, doing: &'static str, complaint: &str) -> BackendError {
    let line = complaint
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("causeway: "))
        .unwrap_or_default();
    let (word, said) = line.split_once(": ").unwrap_or(("", line));
    let refusal = Refusal::of(word);
    BackendError::Refused {
        site: site.clone(),
        doing,
        refusal,
        said: said.trim_end_matches(": ").to_owned(),
        help: refusal.help(),
    }
}

/// The last line that says something, short enough for a message.
pub(crate) fn last_words(text: &str) -> String {
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("nothing was said");
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// A site that answers by script: output, complaint and end of each try.
    struct Scripted {
        ground: Ground,
        reached: bool,
        tries: Mutex<VecDeque<(&'static str, &'static str, Ended)>>,
    }

    impl Place for Scripted {
        fn ground(&self) -> &Ground {
            &self.ground
        }

        async fn open(&self, _program: &str, _doing: &'static str) -> Result<Opened, BackendError> {
            let (output, complaint, end) = self
                .tries
                .lock()
                .unwrap()
                .pop_front()
                .expect("a try too many");
            let (stdout, stderr) = (Box::new(output.as_bytes()), Box::new(complaint.as_bytes()));
            Ok(Opened {
                stdin: Box::new(tokio::io::sink()),
                stdout,
                stderr,
                ended: Box::pin(async { end }),
            })
        }

        fn was_reached(&self) -> bool {
            self.reached
        }

        fn host(&self) -> &str {
            "scripted"
        }

        fn is_here(&self) -> bool {
            false
        }
    }

    fn asked(
        reached: bool,
        patience: u64,
        tries: impl Into<VecDeque<(&'static str, &'static str, Ended)>>,
    ) -> (Result<Answer, BackendError>, usize) {
        let mut ground = crate::test_ground();
        ground.patience = Duration::from_secs(patience);
        let place = Scripted {
            ground,
            reached,
            tries: Mutex::new(tries.into()),
        };
        let call = Call {
            doing: "testing",
            verb: "probe",
            arguments: vec![],
            payload: Payload::Nothing,
            limit: Some(Duration::from_secs(9)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answer = runtime.block_on(ask(&place, &call));
        let left = place.tries.lock().unwrap().len();
        (answer, left)
    }

    const FINE: (&str, &str, Ended) = ("a=1\nend=1\n", "", Ended::Code(0));

    fn cut() -> (&'static str, &'static str, Ended) {
        ("", "", Ended::Cut("gone".to_owned()))
    }

    #[test]
    fn a_cut_call_is_asked_again_and_no_other() {
        let (answer, left) = asked(
            true,
            60,
            [cut(), ("a=2\n", "", Ended::Cut(String::new())), FINE],
        );
        assert_eq!((answer.unwrap().get("a"), left), (Some("1"), 0));
        for (end, complaint) in [
            (Ended::Code(3), "causeway: tool: no curl"),
            (Ended::Code(1), "sh: not found"),
        ] {
            let (answer, left) = asked(true, 60, [("", complaint, end), FINE]);
            assert!(!answer.unwrap_err().may_pass());
            assert_eq!(left, 1, "{complaint}");
        }
    }

    #[test]
    fn patience_ends_and_a_stranger_is_not_waited_for() {
        let (answer, left) = asked(true, 0, [cut(), FINE]);
        assert!(matches!(answer, Err(BackendError::Unreachable { said, .. }) if said == "gone"));
        assert_eq!(left, 1);
        let (answer, left) = asked(false, 60, [cut(), FINE]);
        assert!(answer.is_err() && left == 1);
    }

    #[test]
    fn an_endless_answer_is_cut_off() {
        let endless: &'static str = Box::leak("x".repeat(LONGEST_ANSWER + 1).into_boxed_str());
        let (answer, _) = asked(true, 60, [(endless, "", Ended::Code(0))]);
        assert!(
            matches!(answer, Err(BackendError::Answer { what, .. }) if what.contains("longer than"))
        );
    }

    #[test]
    fn a_refusal_is_the_last_line_of_ours() {
        let error = refusal(
            &"s".parse().unwrap(),
            "a launch",
            "motd\ncauseway: running: `/d` still runs (process 7)\nbye\n",
        );
        assert_eq!(
            error.to_string(),
            "site `s`: a launch was refused: `/d` still runs (process 7)"
        );
        assert!(matches!(
            error,
            BackendError::Refused {
                refusal: Refusal::Running,
                ..
            }
        ));
    }

    #[test]
    fn last_words_are_one_short_line() {
        assert_eq!(last_words("a\nb \n\n"), "b");
        assert_eq!(last_words(""), "nothing was said");
        assert_eq!(last_words(&"x".repeat(1000)).len(), 300);
    }
}
