//! Signed notes and checkpoints (C2SP `signed-note`, `tlog-checkpoint`). Pure.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use causeway_domain::Digest;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::LogKey;
use crate::error::LedgerError;
use crate::merkle::{Hash, sha256};

/// The type byte of an Ed25519 key in a key id and a verifier key.
const ED25519: u8 = 0x01;

/// A checkpoint with a handful of witnesses' signatures is far smaller.
pub(crate) const CHECKPOINT_LIMIT: u64 = 64 * 1024;

/// The public half of a [`LogKey`]: a name and an Ed25519 key, written as a C2SP verifier key,
/// `acme.example/causeway+1a2b3c4d+AbC...=`. All that a stranger needs to verify a log or an evidence pack.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

/// Whether a signed note can carry the name, with a bound on its length.
pub(crate) fn is_note_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.contains('+')
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl Verifier {
    pub(crate) fn new(name: String, key: VerifyingKey) -> Self {
        Self { name, key }
    }

    /// The log's name: the first line of its checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `name+1a2b3c4d`: which key made a signature. Not a proof of anything.
    #[must_use]
    pub fn key_id(&self) -> String {
        let id = u32::from_be_bytes(self.short_id());
        format!("{}+{id:08x}", self.name)
    }

    /// First four bytes of SHA-256 of name, newline, type and public key.
    fn short_id(&self) -> [u8; 4] {
        let mut bytes = self.name.as_bytes().to_vec();
        bytes.extend([b'\n', ED25519]);
        bytes.extend(self.key.as_bytes());
        let [a, b, c, d, ..] = sha256(&bytes);
        [a, b, c, d]
    }

    /// Whether the signature is this key's over exactly these bytes.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{}", self.key_id(), BASE64.encode(key))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({self})")
    }
}

impl FromStr for Verifier {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let bad = |why| LedgerError::BadVkey {
            text: text.chars().take(300).collect(),
            why,
        };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("it has no three parts with `+` between them"));
        };
        if !is_note_name(name) {
            return Err(bad("its name is empty, too long, or has blanks"));
        }
        let bytes = BASE64
            .decode(key)
            .map_err(|_| bad("its last part is not base64"))?;
        let key = match bytes.split_first() {
            Some((&ED25519, key)) => <[u8; 32]>::try_from(key).ok(),
            _ => None,
        }
        .ok_or_else(|| bad("it holds no Ed25519 key"))?;
        let key = VerifyingKey::from_bytes(&key)
            .ok()
            .filter(|key| !key.is_weak())
            .ok_or_else(|| bad("it holds no point that can be an Ed25519 key"))?;
        let verifier = Self::new(name.to_owned(), key);
        if verifier.to_string() != text {
            return Err(bad(
                "the eight digits in the middle belong to another name or key",
            ));
        }
        Ok(verifier)
    }
}

impl TryFrom<String> for Verifier {
    type Error = LedgerError;

    fn try_from(text: String) -> Result<Self, LedgerError> {
        text.parse()
    }
}

impl From<Verifier> for String {
    fn from(verifier: Verifier) -> Self {
        verifier.to_string()
    }
}

/// What a log's key signs: how many entries there are and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root of those entries, SHA-256.
    pub root: Digest,
}

impl Checkpoint {
    pub(crate) fn new(origin: &str, size: u64, root: Hash) -> Self {
        Self {
            origin: origin.to_owned(),
            size,
            root: Digest::new(root),
        }
    }

    fn body(&self) -> String {
        let root = BASE64.encode(self.root.bytes());
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// The signed note: body, blank line, signature line.
    pub(crate) fn sign(&self, key: &LogKey) -> String {
        let body = self.body();
        let verifier = key.verifier();
        let mut signature = verifier.short_id().to_vec();
        signature.extend(key.sign(body.as_bytes()));
        format!(
            "{body}\n\u{2014} {} {}\n",
            verifier.name,
            BASE64.encode(signature)
        )
    }

    /// Reads a signed note and verifies the log's signature in it. Signatures of other keys (witnesses) are ignored,
    /// as the specification wants.
    ///
    /// # Errors
    /// [`LedgerError::BadCheckpoint`] when a byte of body or signature is not as signed.
    pub fn verify(note: &str, verifier: &Verifier) -> Result<Self, LedgerError> {
        let bad = |why: &str| LedgerError::BadCheckpoint {
            origin: verifier.name.clone(),
            why: why.to_owned(),
        };
        let (body, signatures) = note
            .rfind("\n\n")
            .and_then(|end| note.split_at_checked(end + 1))
            .and_then(|(body, rest)| Some((body, rest.strip_prefix('\n')?)))
            .ok_or_else(|| bad("it has no blank line before its signatures"))?;
        let signatures = signatures
            .strip_suffix('\n')
            .ok_or_else(|| bad("it does not end with a newline"))?;

        let mut ours = 0;
        for line in signatures.split('\n') {
            let (name, signature) = line
                .strip_prefix("\u{2014} ")
                .and_then(|line| line.split_once(' '))
                .ok_or_else(|| bad("a signature line is malformed"))?;
            let signature = BASE64
                .decode(signature)
                .map_err(|_| bad("a signature is not base64"))?;
            let Some((id, signature)) = signature.split_first_chunk::<4>() else {
                return Err(bad("a signature is too short"));
            };
            if name != verifier.name || *id != verifier.short_id() {
                continue;
            }
            let signature = <&[u8; 64]>::try_from(signature)
                .map_err(|_| bad("its signature has not the length of an Ed25519 signature"))?;
            if !verifier.signed(body.as_bytes(), signature) {
                return Err(bad("its signature is not over this text"));
            }
            ours += 1;
        }
        if ours != 1 {
            return Err(bad(&format!(
                "it has {ours} signatures by `{}`, not one",
                verifier.key_id()
            )));
        }

        let lines: Vec<&str> = body.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            return Err(bad("it has not three lines: name, size and root"));
        };
        let checkpoint = size
            .parse()
            .ok()
            .zip(
                BASE64
                    .decode(root)
                    .ok()
                    .and_then(|root| root.try_into().ok()),
            )
            .map(|(size, root)| Self::new(origin, size, root))
            .ok_or_else(|| bad("its size or root cannot be read"))?;
        if checkpoint.origin != verifier.name {
            return Err(bad(&format!("it is a checkpoint of `{origin}`")));
        }
        if checkpoint.body() != body {
            return Err(bad("its size is not written in the one way"));
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LogKey {
        LogKey::from_secret([9; 32], "acme.example/log")
    }

    #[test]
    fn the_key_id_is_that_of_the_specification() {
        // golang.org/x/mod/sumdb/note documents this key.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let verifier: Verifier = text.parse().unwrap();
        assert_eq!(verifier.name(), "PeterNeumann");
        assert_eq!(verifier.key_id(), "PeterNeumann+c74f20a3");
        assert_eq!(verifier.to_string(), text);
    }

    #[test]
    fn the_note_of_the_specification_verifies() {
        // The example of golang.org/x/mod/sumdb/note: same text, same key, same signature.
        let verifier: Verifier =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
                .parse()
                .unwrap();
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let signature = BASE64
            .decode("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=")
            .unwrap();
        let signature: [u8; 64] = signature[4..].try_into().unwrap();
        assert!(verifier.signed(text.as_bytes(), &signature));
    }

    #[test]
    fn verifier_keys_that_lie_are_refused() {
        let good = key().verifier().to_string();
        assert_eq!(good.parse::<Verifier>().unwrap(), key().verifier());
        for bad in [
            String::new(),
            "acme+12345678".to_owned(),
            good.replacen("acme", "evil", 1),
            good.replacen('/', " ", 1),
            format!("{good}A"),
            format!(" {good}"),
            // The neutral element: everything verifies under it.
            "x+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        ] {
            assert!(bad.parse::<Verifier>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_checkpoint_reads_back_and_any_changed_byte_is_refused() {
        let checkpoint = Checkpoint::new("acme.example/log", 12, [5; 32]);
        let note = checkpoint.sign(&key());
        let verifier = key().verifier();
        assert_eq!(Checkpoint::verify(&note, &verifier).unwrap(), checkpoint);
        for place in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[place] ^= 1 << (place % 7);
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(Checkpoint::verify(&text, &verifier).is_err(), "{text}");
            }
        }
        let other = LogKey::from_secret([8; 32], "acme.example/log").verifier();
        assert!(Checkpoint::verify(&note, &other).is_err());
        let renamed = Checkpoint::new("evil.example/log", 12, [5; 32]).sign(&key());
        assert!(Checkpoint::verify(&renamed, &verifier).is_err());
    }

    #[test]
    fn witnesses_may_sign_too() {
        let note = Checkpoint::new("acme.example/log", 12, [5; 32]).sign(&key());
        let witnessed = format!("{note}\u{2014} witness.example AAAAAAAA\n");
        assert!(Checkpoint::verify(&witnessed, &key().verifier()).is_ok());
        // A second signature under our own id is not a witness.
        let doubled = format!("{note}{}\n", note.lines().last().unwrap());
        assert!(Checkpoint::verify(&doubled, &key().verifier()).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(.|\n|\u{2014}){0,80}") {
            let _ = Checkpoint::verify(&text, &key().verifier());
            let _ = text.parse::<Verifier>();
        }
    }
}
