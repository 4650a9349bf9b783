//! Offers as columns: what a price list is kept as once it has been read.
//!
//! The format is in `docs/formats/offers-cache.md`. It is a cache and no archive: another version, a damaged byte or
//! another digest of what it was made from means that the lists are read again. The registry's formats were looked at:
//! postcard and rkyv write rows, arrow brings more crates than the whole room has.

mod read;
mod write;

use causeway_domain::Digest;

use crate::{MarketError, Offer};

/// The first bytes of a cache.
const MAGIC: [u8; 8] = *b"cwoffers";
/// The version that this program writes and the only one that it reads.
const VERSION: u16 = 1;
/// Magic, version, and the digest of what it was made from.
const HEAD: usize = 8 + 2 + 32;
/// The head and the digest of everything else.
const BODY: usize = HEAD + 32;

/// What a cache holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Cached {
    /// The digest that [`write()`] was given: of the lists, the tables and the program, as the caller counts them.
    pub made_from: Digest,
    /// The offers, in the order in which they were written.
    pub offers: Vec<Offer>,
}

/// Offers as a cache. `made_from` is a digest of everything that they were made from, so that a reader knows when they
/// are out of date.
#[must_use]
pub fn write<'a>(offers: impl IntoIterator<Item = &'a Offer>, made_from: &Digest) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(made_from.bytes());
    let body = write::body(offers);
    let digest = digest(&bytes, &body);
    bytes.extend(digest);
    bytes.extend(body);
    bytes
}

/// The digest of what a cache was made from: the first thing to look at, and cheap.
///
/// # Errors
/// [`MarketError::Cache`] when the bytes are no cache of this version.
pub fn made_from(bytes: &[u8]) -> Result<Digest, MarketError> {
    let broken = |why: &str| MarketError::Cache {
        why: why.to_owned(),
    };
    let rest = bytes
        .strip_prefix(&MAGIC)
        .ok_or_else(|| broken("it does not begin as one"))?;
    let (version, rest) = rest
        .split_first_chunk::<2>()
        .ok_or_else(|| broken("it is cut off"))?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(MarketError::Cache {
            why: format!("its version is {version}, this program reads {VERSION}"),
        });
    }
    let made_from = rest
        .first_chunk::<32>()
        .ok_or_else(|| broken("it is cut off"))?;
    Ok(Digest::new(*made_from))
}

/// Reads a cache.
///
/// # Errors
/// [`MarketError::Cache`] when the bytes are not exactly what [`write()`] made: of another version, cut off, damaged.
pub fn read(bytes: &[u8]) -> Result<Cached, MarketError> {
    let made_from = made_from(bytes)?;
    let broken = |why: &str| MarketError::Cache {
        why: why.to_owned(),
    };
    let (Some(head), Some(stored), Some(body)) =
        (bytes.get(..HEAD), bytes.get(HEAD..BODY), bytes.get(BODY..))
    else {
        return Err(broken("it is cut off"));
    };
    if digest(head, body) != stored {
        return Err(broken("its bytes are damaged"));
    }
    let offers = read::body(body).map_err(broken)?;
    Ok(Cached { made_from, offers })
}

fn digest(head: &[u8], body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head);
    hasher.update(body);
    *hasher.finalize().as_bytes()
}

/// For fuzzing: the body of a cache, past its digest, which no random bytes would have.
#[doc(hidden)]
pub fn read_unchecked_body(body: &[u8]) -> Option<Vec<Offer>> {
    read::body(body).ok()
}
