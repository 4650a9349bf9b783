//! Everything that can go wrong, and the exit code it stands for.

use std::path::Path;

/// A shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The command line, the environment or a file that the user named is wrong: exit code 2.
    Input(String),
    /// Something failed on the way, though the request was fine: exit code 1.
    Failed(String),
}

impl Error {
    /// The user's mistake, in the user's words.
    pub fn input(message: impl Into<String>) -> Self {
        Self::Input(message.into())
    }

    /// A failure while doing something: `writing the checkpoint: no space left on device`.
    pub fn failed(doing: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::Failed(format!("{doing}: {why}"))
    }

    /// An I/O failure at a path, for `map_err`.
    pub fn at(verb: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let doing = format!("{verb} `{}`", path.display());
        move |why| Self::failed(doing, why)
    }

    /// 1 or 2; see the variants.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Input(message) | Self::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl From<candle_core::Error> for Error {
    fn from(why: candle_core::Error) -> Self {
        Self::failed("computing", why)
    }
}
