//! What can go wrong between here and a site.

use camino::Utf8PathBuf;
use causeway_domain::{Crash, SiteId};

/// Why a site did not do what it was asked.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum BackendError {
    /// No connection, or none any more, for as long as patience lasted. May pass.
    #[error("site `{site}`: `{host}` can't be reached while {doing}: {said}")]
    #[diagnostic(
        code(causeway::backends::unreachable),
        help(
            "try `ssh {host}` by hand; `causeway resume` goes on when it answers, and a job that runs there is not harmed"
        )
    )]
    Unreachable {
        /// The site.
        site: SiteId,
        /// The host as the user's ssh configuration knows it.
        host: String,
        /// What was being done, in words.
        doing: &'static str,
        /// What `ssh` said.
        said: String,
    },

    /// The host's key is not known, or not the known one.
    #[error("site `{site}`: the host key of `{host}` {problem}")]
    #[diagnostic(code(causeway::backends::host_key), help("{help}"))]
    HostKey {
        /// The site.
        site: SiteId,
        /// The host.
        host: String,
        /// `is not known`, `has changed`.
        problem: &'static str,
        /// What to do.
        help: String,
    },

    /// The host refused the login.
    #[error("site `{site}`: `{host}` refuses the login: {said}")]
    #[diagnostic(
        code(causeway::backends::login),
        help(
            "check user and key with `ssh -o BatchMode=yes {host} true`: a key that needs a passphrase must be in the ssh agent, passwords are never asked for"
        )
    )]
    Login {
        /// The site.
        site: SiteId,
        /// The host.
        host: String,
        /// What `ssh` said.
        said: String,
    },

    /// The ssh configuration or the host's name is wrong.
    #[error("site `{site}`: `ssh` can't use the destination `{host}`: {said}")]
    #[diagnostic(
        code(causeway::backends::destination),
        help(
            "`host` of the site must be a destination that `ssh HOST` knows: a name of `~/.ssh/config`, `user@host` or `ssh://user@host:port`"
        )
    )]
    Destination {
        /// The site.
        site: SiteId,
        /// The host.
        host: String,
        /// What `ssh` said, or what is wrong.
        said: String,
    },

    /// A program that is needed on this machine did not start.
    #[error("site `{site}`: can't start `{program}` on this machine")]
    #[diagnostic(
        code(causeway::backends::program),
        help(
            "install it and see that it is in PATH: `{program}` comes with every Linux distribution"
        )
    )]
    Program {
        /// The site.
        site: SiteId,
        /// `ssh`, `sh`.
        program: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// The site says no, with the reason.
    #[error("site `{site}`: {doing} was refused: {said}")]
    #[diagnostic(code(causeway::backends::refused), help("{help}"))]
    Refused {
        /// The site.
        site: SiteId,
        /// What was being done, in words.
        doing: &'static str,
        /// Why, by kind.
        refusal: Refusal,
        /// Why, as the site says it.
        said: String,
        /// What to do.
        help: &'static str,
    },

    /// The shell at the site failed in a way that it has no word for.
    #[error("site `{site}`: {doing} failed with exit code {code}: {said}")]
    #[diagnostic(
        code(causeway::backends::shell),
        help(
            "the site must run POSIX `sh` with the usual tools (dd, ln, mv, grep, date) for a non-interactive login that prints nothing of its own"
        )
    )]
    Shell {
        /// The site.
        site: SiteId,
        /// What was being done, in words.
        doing: &'static str,
        /// The shell's exit code.
        code: i32,
        /// The last words of its standard error.
        said: String,
    },

    /// The answer is not one of ours.
    #[error("site `{site}`: the answer can't be read while {doing}: {what}")]
    #[diagnostic(
        code(causeway::backends::answer),
        help(
            "a start-up file of the login shell at the site may print text: it must be silent for non-interactive logins"
        )
    )]
    Answer {
        /// The site.
        site: SiteId,
        /// What was being done, in words.
        doing: &'static str,
        /// What is wrong with it.
        what: String,
    },

    /// It took longer than it ever should.
    #[error("site `{site}`: {doing} took longer than {seconds} s")]
    #[diagnostic(
        code(causeway::backends::slow),
        help("the site may be overloaded or its disk may hang; try again, nothing is done twice")
    )]
    Slow {
        /// The site.
        site: SiteId,
        /// What was being done, in words.
        doing: &'static str,
        /// The limit, seconds.
        seconds: u64,
    },

    /// A job description that no site can run.
    #[error("the job can't be started at site `{site}`: {what}")]
    #[diagnostic(code(causeway::backends::job), help("{help}"))]
    Job {
        /// The site.
        site: SiteId,
        /// What is wrong, with the user's words.
        what: String,
        /// What to write instead.
        help: &'static str,
    },

    /// A path that is not below the site's own directory.
    #[error("site `{site}`: `{directory}` is not below the site's directory `{root}`")]
    #[diagnostic(
        code(causeway::backends::outside),
        help("Causeway removes only what is below the `directory` of the site")
    )]
    Outside {
        /// The site.
        site: SiteId,
        /// The path.
        directory: Utf8PathBuf,
        /// The site's directory.
        root: Utf8PathBuf,
    },

    /// The agent's binary is for another platform than the site's.
    #[error("site `{site}` is `{there}`, but `{binary}` is a program for `{here}`")]
    #[diagnostic(
        code(causeway::backends::platform),
        help("build `causeway` for `{there}` and name it as the site's agent")
    )]
    Platform {
        /// The site.
        site: SiteId,
        /// The binary.
        binary: Utf8PathBuf,
        /// The binary's platform.
        here: String,
        /// The site's platform.
        there: String,
    },

    /// A file of this machine can't be read.
    #[error("can't read the program for site `{site}`")]
    #[diagnostic(
        code(causeway::backends::binary),
        help("see that the file is there and readable")
    )]
    Binary {
        /// The site.
        site: SiteId,
        /// With the path.
        #[source]
        source: std::io::Error,
    },

    /// A test asked for a crash.
    #[error(transparent)]
    #[diagnostic(code(causeway::backends::crash))]
    Crash(#[from] Crash),
}

/// The kinds of [`BackendError::Refused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Another attempt of the run still runs, or a job runs in what should be removed.
    Running,
    /// The job was started on another machine that shares the directory: nobody here can tell whether it lives.
    Elsewhere,
    /// A directory can't be made, entered, written or removed.
    Directory,
    /// The directory is not below the site's own.
    Outside,
    /// Fewer bytes arrived than were sent, or the disk is full.
    Cut,
    /// The file system can't hold the job's claim (no hard links).
    Claim,
    /// The job's supervisor did not start.
    Start,
    /// The agent's binary is not there or not executable.
    Binary,
    /// The agent ended at once or never wrote its ticket.
    Agent,
    /// A tool is missing at the site.
    Tool,
    /// A word of a newer script.
    Other,
}

impl Refusal {
    /// From the word of the control script.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "elsewhere" => Self::Elsewhere,
            "directory" => Self::Directory,
            "outside" => Self::Outside,
            "cut" => Self::Cut,
            "claim" => Self::Claim,
            "start" => Self::Start,
            "binary" => Self::Binary,
            "agent" => Self::Agent,
            "tool" => Self::Tool,
            _ => Self::Other,
        }
    }

    /// What to do about it.
    pub(crate) const fn help(self) -> &'static str {
        match self {
            Self::Running => {
                "wait for it or stop it first: `causeway status` shows it, `causeway stop` ends it"
            }
            Self::Elsewhere => {
                "reach the site by the name of that machine, not by one that stands for several"
            }
            Self::Directory => {
                "give the site a `directory` that the login may write, on a disk with room"
            }
            Self::Outside => "Causeway removes only what is below the `directory` of the site",
            Self::Cut => "see whether the site's disk is full, then try again",
            Self::Claim => {
                "give the site a `directory` on a file system with hard links (any local Linux disk or NFS)"
            }
            Self::Start => {
                "log in and see whether the process limit of the account (`ulimit -u`) is reached"
            }
            Self::Binary => "see that the path is right and the file is executable",
            Self::Agent => {
                "a message about GLIBC means that the site's system is older than the one that built `causeway`"
            }
            Self::Tool => "install curl or wget at the site",
            Self::Other => "see the site's own words above",
        }
    }
}

impl BackendError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Slow { .. })
    }
}
