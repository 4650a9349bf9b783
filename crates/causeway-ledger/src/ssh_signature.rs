//! Signatures of people: what `ssh-keygen -Y sign` makes (OpenSSH `PROTOCOL.sshsig`), with a key that only they hold. Pure.
//!
//! A reviewer needs no new tool and no new key: a key in a file, in an agent or on a card signs, and anybody checks with
//! `ssh-keygen -Y verify`. Only Ed25519 keys are taken.

use std::fmt;

use ssh_key::{Algorithm, HashAlg, PublicKey, SshSig};

use crate::error::LedgerError;

/// The namespace of reviewers' signatures: a signature made for another purpose does not count here.
pub const NAMESPACE: &str = "causeway-approval";

/// An armoured Ed25519 signature is about 300 bytes.
const SIGNATURE_LIMIT: usize = 16 * 1024;

/// A person's public key, as ssh writes it: `ssh-ed25519 AAAA... comment`.
#[derive(Clone, PartialEq, Eq)]
pub struct SshKey(PublicKey);

impl SshKey {
    /// Reads the line of a `.pub` file.
    ///
    /// # Errors
    /// [`LedgerError::BadSshKey`] for anything but an Ed25519 key.
    pub fn parse(line: &str) -> Result<Self, LedgerError> {
        let key = PublicKey::from_openssh(line.trim()).map_err(|error| LedgerError::BadSshKey {
            why: error.to_string(),
        })?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(LedgerError::BadSshKey {
                why: format!("it is a {} key", key.algorithm()),
            });
        }
        Ok(Self(key))
    }

    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether the signature is this key's, over exactly these bytes, for a namespace.
    #[must_use]
    pub fn signed(&self, namespace: &str, message: &[u8], signature: &SshSignature) -> bool {
        self.0.verify(namespace, message, &signature.0).is_ok()
    }
}

impl fmt::Debug for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshKey({})", self.fingerprint())
    }
}

/// A signature, as `ssh-keygen -Y sign` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSignature(SshSig);

impl SshSignature {
    /// Reads the armoured text: `-----BEGIN SSH SIGNATURE-----`. Proves nothing by itself.
    ///
    /// # Errors
    /// [`LedgerError::BadSshSignature`].
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let bad = |why: String| LedgerError::BadSshSignature { why };
        if text.len() > SIGNATURE_LIMIT {
            return Err(bad(format!("it is longer than {SIGNATURE_LIMIT} bytes")));
        }
        SshSig::from_pem(text.trim_ascii())
            .map(Self)
            .map_err(|error| bad(error.to_string()))
    }

    /// Fingerprint of the key that it names: who it says it is by, not who it is by.
    #[must_use]
    pub fn names(&self) -> String {
        PublicKey::from(self.0.public_key().clone())
            .fingerprint(HashAlg::Sha256)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `ssh-keygen -t ed25519` and `ssh-keygen -Y sign -n causeway-approval`.
    const KEY: &str = include_str!("../tests/data/reviewer.pub");
    const OTHER: &str = include_str!("../tests/data/other.pub");
    const MESSAGE: &[u8] = include_bytes!("../tests/data/approval.yaml");
    const SIGNATURE: &str = include_str!("../tests/data/approval.yaml.sig");

    #[test]
    fn what_ssh_keygen_signs_is_checked() {
        let (key, signature) = (
            SshKey::parse(KEY).unwrap(),
            SshSignature::parse(SIGNATURE).unwrap(),
        );
        assert!(key.signed(NAMESPACE, MESSAGE, &signature));
        assert_eq!(signature.names(), key.fingerprint());
        assert!(!key.signed("git", MESSAGE, &signature), "another purpose");
        assert!(!key.signed(NAMESPACE, b"another text", &signature));
        let other = SshKey::parse(OTHER).unwrap();
        assert!(!other.signed(NAMESPACE, MESSAGE, &signature));
    }

    #[test]
    fn other_keys_and_damaged_texts_are_refused() {
        assert!(SshKey::parse("ssh-rsa AAAAB3NzaC1yc2E=").is_err());
        assert!(SshKey::parse("").is_err());
        assert!(SshSignature::parse("-----BEGIN SSH SIGNATURE-----").is_err());
        assert!(SshSignature::parse(&SIGNATURE.repeat(100)).is_err());
    }
}
