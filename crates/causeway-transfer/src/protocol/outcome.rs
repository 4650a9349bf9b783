//! How a request ends.

use causeway_domain::Digest;

use super::Broken;
use crate::error::TransferError;
use crate::scan::Skipped;
use crate::signature::{ManifestSignature, SignerKey};
use crate::wire::{Reader, Writer};

/// Most skipped entries that are named; a manifest's end says nothing of more.
pub(crate) const MAX_SKIPPED: usize = 500;

/// How a request ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Listed,
    Manifest {
        digest: Digest,
        signature: Option<ManifestSignature>,
        skipped: Vec<Skipped>,
    },
    Read,
    Put {
        digest: Digest,
    },
    Stat(Counted),
    Noise,
    Sunk {
        bytes: u64,
    },
    /// The put that a lane was for is over.
    PutLane,
}

impl Outcome {
    pub(super) fn write(&self, out: &mut Writer) {
        match self {
            Self::Listed => out.u8(1),
            Self::Manifest {
                digest,
                signature,
                skipped,
            } => {
                let named = skipped.iter().take(MAX_SKIPPED);
                out.u8(2).digest(digest).u8(u8::from(signature.is_some()));
                if let Some(signed) = signature {
                    out.text(&signed.path)
                        .raw(signed.key.bytes())
                        .raw(&signed.signature);
                }
                out.u32(u32::try_from(named.len()).unwrap_or(0));
                for skipped in named {
                    out.text(&skipped.path)
                        .text(skipped.why.get(..100).unwrap_or(&skipped.why));
                }
                out
            }
            Self::Read => out.u8(3),
            Self::Put { digest } => out.u8(4).digest(digest),
            Self::Stat(counted) => counted.write(out.u8(5)),
            Self::Noise => out.u8(6),
            Self::Sunk { bytes } => out.u8(7).u64(*bytes),
            Self::PutLane => out.u8(8),
        };
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, Broken> {
        Ok(match input.u8()? {
            1 => Self::Listed,
            2 => {
                let digest = input.digest()?;
                let signature = if input.flag()? {
                    Some(ManifestSignature {
                        path: input.text()?.to_owned(),
                        key: SignerKey::new(input.array()?),
                        signature: input.array()?,
                    })
                } else {
                    None
                };
                let count = input.count(4)?;
                let skipped = (0..count)
                    .map(|_| {
                        Ok(Skipped {
                            path: input.text()?.to_owned(),
                            why: input.text()?.to_owned(),
                        })
                    })
                    .collect::<Result<_, Broken>>()?;
                Self::Manifest {
                    digest,
                    signature,
                    skipped,
                }
            }
            3 => Self::Read,
            4 => Self::Put {
                digest: input.digest()?,
            },
            5 => Self::Stat(Counted::read(input)?),
            6 => Self::Noise,
            7 => Self::Sunk {
                bytes: input.u64()?,
            },
            8 => Self::PutLane,
            _ => return Err(Broken("an outcome that is not known here")),
        })
    }
}

/// What a side put on a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Bytes, those that were sent again included.
    pub(crate) sent: u64,
    /// Bytes of them that were lost, where the carrier tells.
    pub(crate) lost: Option<u64>,
}

impl Counted {
    fn write(self, out: &mut Writer) -> &mut Writer {
        out.u64(self.sent).u8(u8::from(self.lost.is_some()));
        match self.lost {
            Some(lost) => out.u64(lost),
            None => out,
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, Broken> {
        Ok(Self {
            sent: input.u64()?,
            lost: if input.flag()? {
                Some(input.u64()?)
            } else {
                None
            },
        })
    }
}

/// How a request failed. The lane stays usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) path: String,
    pub(crate) why: String,
}

/// Kinds of failure that a caller treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    NotFound = 1,
    Denied = 2,
    Changing = 3,
    Other = 4,
}

impl Failure {
    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(self.code as u8).text(&self.path).text(&self.why);
    }

    pub(super) fn read(input: &mut Reader<'_>) -> Result<Self, Broken> {
        let code = match input.u8()? {
            1 => Code::NotFound,
            2 => Code::Denied,
            3 => Code::Changing,
            // A kind of failure that a newer agent knows is a failure all the same.
            _ => Code::Other,
        };
        Ok(Self {
            code,
            path: input.text()?.to_owned(),
            why: input.text()?.to_owned(),
        })
    }

    /// For the other side: what happened, without this side's chain of causes in parts.
    pub(crate) fn of(error: &TransferError, path: &str) -> Self {
        let mut why = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            why = format!("{why}: {cause}");
            source = cause.source();
        }
        let (code, path) = match error {
            TransferError::NotFound { path } => (Code::NotFound, path.as_str()),
            TransferError::Denied { path, why: reason } => {
                why.clone_from(reason);
                (Code::Denied, path.as_str())
            }
            TransferError::BadPath { path, why: reason } => {
                why.clone_from(reason);
                (Code::Denied, path.as_str())
            }
            TransferError::Changing { path } | TransferError::Mismatch { path, .. } => {
                (Code::Changing, path.as_str())
            }
            _ => (Code::Other, path),
        };
        Self {
            code,
            path: path.to_owned(),
            why,
        }
    }

    /// For the caller.
    pub(crate) fn into_error(self) -> TransferError {
        let Self { code, path, why } = self;
        match code {
            Code::NotFound => TransferError::NotFound { path },
            Code::Denied => TransferError::Denied { path, why },
            Code::Changing => TransferError::Changing { path },
            Code::Other => TransferError::Site { path, why },
        }
    }
}
