//! How blocks are written on their way: as they are, or encoded (`causeway_weights::codec`).
//!
//! The sender encodes, and the block says how; so the receiver needs no word about it beforehand. Whether it pays is measured
//! while bytes move ([`Rates`]): on a link that takes bytes faster than the processor makes them smaller, they cross as they
//! are. Hashes are always those of the block itself.

mod bases;
mod encoders;
mod rates;

use serde::{Deserialize, Serialize};

pub(crate) use bases::{Base, Bases};
pub(crate) use encoders::{Encoders, Job, threads};
pub(crate) use rates::Rates;

/// What a caller wants of the sender's encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// Whatever brings the block home soonest, by the rates that are measured.
    #[default]
    Auto,
    /// No encoding.
    Raw,
    /// At least the quick one (`causeway_weights::codec::Effort::Fast`), however fast the link is.
    Fast,
    /// The smallest, however fast the link is.
    Small,
}

impl Codec {
    /// Its code in a request.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Auto => 0,
            Self::Raw => 1,
            Self::Fast => 2,
            Self::Small => 3,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Auto),
            1 => Some(Self::Raw),
            2 => Some(Self::Fast),
            3 => Some(Self::Small),
            _ => None,
        }
    }

    /// From the name that it is shown with.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Auto, Self::Raw, Self::Fast, Self::Small]
            .into_iter()
            .find(|codec| codec.to_string() == name)
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Raw => "raw",
            Self::Fast => "fast",
            Self::Small => "small",
        })
    }
}
