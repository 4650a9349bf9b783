//! Who says that a path holds a manifest: the key of the agent, or of who filled a bucket.
//!
//! Signed (Ed25519, RFC 8032) is the text `causeway manifest 1`, the manifest's digest in hex and the path, each on a line of
//! its own, the last without an end of line: `docs/formats/transfer.md`.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_domain::Digest;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::error::TransferError;

/// The first line of what is signed.
const HEAD: &str = "causeway manifest 1";
/// Bytes of a public key.
const KEY: usize = 32;
/// Bytes of a signature.
const SIGNATURE: usize = 64;

/// A public Ed25519 key; in text, its 32 bytes in base64.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignerKey([u8; KEY]);

impl SignerKey {
    pub(crate) const fn new(bytes: [u8; KEY]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl fmt::Display for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({self})")
    }
}

impl FromStr for SignerKey {
    type Err = TransferError;

    fn from_str(text: &str) -> Result<Self, TransferError> {
        let bytes = STANDARD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| TransferError::Unsigned {
                why: "a public key is 32 bytes in base64".to_owned(),
            })
    }
}

impl TryFrom<String> for SignerKey {
    type Error = TransferError;

    fn try_from(text: String) -> Result<Self, TransferError> {
        text.parse()
    }
}

impl From<SignerKey> for String {
    fn from(key: SignerKey) -> Self {
        key.to_string()
    }
}

/// A signature over a manifest and the path that it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct ManifestSignature {
    pub(crate) path: String,
    pub(crate) key: SignerKey,
    pub(crate) signature: [u8; SIGNATURE],
}

impl ManifestSignature {
    /// What the signer calls the place: for an agent the path as it was asked for, for a bucket its address.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whose it is.
    #[must_use]
    pub const fn key(&self) -> SignerKey {
        self.key
    }

    /// Checks it.
    ///
    /// # Errors
    /// [`TransferError::Unsigned`] when it is not that key's signature over this manifest and path.
    pub fn verify(&self, manifest: &Digest) -> Result<(), TransferError> {
        let signature = Signature::from_bytes(&self.signature);
        VerifyingKey::from_bytes(self.key.bytes())
            .and_then(|key| key.verify_strict(&message(manifest, &self.path), &signature))
            .map_err(|_| TransferError::Unsigned {
                why: format!(
                    "the signature of `{}` over `{}` does not fit",
                    self.key, self.path
                ),
            })
    }
}

/// As in JSON.
#[derive(Serialize, Deserialize)]
struct Text {
    path: String,
    key: SignerKey,
    signature: String,
}

impl From<ManifestSignature> for Text {
    fn from(signed: ManifestSignature) -> Self {
        Self {
            path: signed.path,
            key: signed.key,
            signature: STANDARD.encode(signed.signature),
        }
    }
}

impl TryFrom<Text> for ManifestSignature {
    type Error = TransferError;

    fn try_from(text: Text) -> Result<Self, TransferError> {
        let signature = STANDARD.decode(&text.signature).ok();
        let signature = signature.and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            path: text.path,
            key: text.key,
            signature: signature.ok_or_else(|| TransferError::Unsigned {
                why: "a signature is 64 bytes in base64".to_owned(),
            })?,
        })
    }
}

/// Signs manifests. `Debug` shows the public half alone.
#[derive(Clone)]
pub struct ManifestSigner(SigningKey);

impl ManifestSigner {
    /// A key of its own, from the system's randomness and never from a seed.
    pub(crate) fn make() -> Result<Self, TransferError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| TransferError::Io {
            doing: "making a key".to_owned(),
            source: error.into(),
        })?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// From a private key, PKCS#8 in PEM. `from` names it in errors.
    ///
    /// # Errors
    /// [`TransferError::Unsigned`] when it is no such key.
    pub fn from_pem(pem: &str, from: &str) -> Result<Self, TransferError> {
        SigningKey::from_pkcs8_pem(pem)
            .map(Self)
            .map_err(|_| TransferError::Unsigned {
                why: format!("`{from}` is no Ed25519 key in PEM"),
            })
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> SignerKey {
        SignerKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a manifest that was made of `path`.
    #[must_use]
    pub fn sign(&self, manifest: &Digest, path: &str) -> ManifestSignature {
        ManifestSignature {
            path: path.to_owned(),
            key: self.key(),
            signature: self.0.sign(&message(manifest, path)).to_bytes(),
        }
    }
}

impl fmt::Debug for ManifestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManifestSigner({})", self.key())
    }
}

fn message(manifest: &Digest, path: &str) -> Vec<u8> {
    format!("{HEAD}\n{manifest}\n{path}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key, and below what openssl signs with it.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";

    fn digest(text: &str) -> Digest {
        Digest::new(*blake3::hash(text.as_bytes()).as_bytes())
    }

    #[test]
    fn it_is_over_the_manifest_and_the_path() {
        let signer = ManifestSigner::make().unwrap();
        let signed = signer.sign(&digest("a"), "runs/step-400");
        signed.verify(&digest("a")).unwrap();
        assert!(signed.verify(&digest("b")).is_err());
        let elsewhere = ManifestSignature {
            path: "runs/step-500".to_owned(),
            ..signed.clone()
        };
        assert!(elsewhere.verify(&digest("a")).is_err());
        let by_another = ManifestSignature {
            key: ManifestSigner::make().unwrap().key(),
            ..signed
        };
        assert!(by_another.verify(&digest("a")).is_err());
    }

    #[test]
    fn golden_text_of_version_1() {
        let signer = ManifestSigner::from_pem(PEM, "t").unwrap();
        let signed = signer.sign(&digest("a"), "step-400");
        let text = r#"{"path":"step-400","key":"6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=","signature":"jCu4HqeZpdL/AfJcnHYOJ7u0GgSUmN9quOp5lwid3mG2vVnrzMsJqNV+K4AYwfu+jUzDl5QLPMwJwDl1QwWYCA=="}"#;
        assert_eq!(serde_json::to_string(&signed).unwrap(), text);
        assert_eq!(
            serde_json::from_str::<ManifestSignature>(text).unwrap(),
            signed
        );
        for bad in ["", "AA==", "*"] {
            let key = format!(r#"{{"path":"p","key":"{bad}","signature":"{bad}"}}"#);
            assert!(serde_json::from_str::<ManifestSignature>(&key).is_err());
        }
        assert!(ManifestSigner::from_pem("no key", "t").is_err());
    }

    #[test]
    fn the_private_half_is_not_shown() {
        let signer = ManifestSigner::make().unwrap();
        assert_eq!(
            format!("{signer:?}"),
            format!("ManifestSigner({})", signer.key())
        );
    }
}
