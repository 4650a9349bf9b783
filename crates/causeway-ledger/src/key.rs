//! The log's private key.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signer as _, SigningKey};
use fs_err::os::unix::fs::OpenOptionsExt as _;

use crate::durable;
use crate::error::LedgerError;
use crate::note::{Verifier, is_note_name};

/// A PEM file with one Ed25519 key is about 120 bytes.
const KEY_LIMIT: u64 = 16 * 1024;

/// The Ed25519 key that signs a log's checkpoints and statements, under the log's name.
///
/// On disk it is a PKCS#8 PEM of mode 0600, readable by `openssl pkey`. It comes from the operating system's randomness
/// and never from a seed. `Debug` shows the public half alone.
#[derive(Clone)]
pub struct LogKey {
    origin: String,
    secret: SigningKey,
}

impl LogKey {
    /// Opens the key at `path`, or makes one there at first need. Of several processes that do so at once one makes the
    /// key and all get the same.
    ///
    /// `origin` names the log: a URL without its scheme, such as `acme.example/causeway`.
    ///
    /// # Errors
    /// [`LedgerError::KeyExposed`] when others can read the key, [`LedgerError::BadKey`] when it is none,
    /// [`LedgerError::BadOrigin`] for a name with blanks or `+`.
    pub fn open_or_create(path: &Utf8Path, origin: &str) -> Result<Self, LedgerError> {
        match Self::load(path, origin) {
            Err(LedgerError::NoKey { .. }) => {}
            loaded => return loaded,
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|_| LedgerError::NoRandomness)?;
        let pem = KeypairBytes {
            secret_key: secret,
            // Without the public half it is PKCS#8 version 1, which every OpenSSL reads.
            public_key: None,
        }
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| LedgerError::BadKey {
            path: path.to_owned(),
        })?;
        publish(path, pem.as_bytes())?;
        // Whoever was first: what stands in the file is the key.
        Self::load(path, origin)
    }

    /// Opens the key at `path`.
    ///
    /// # Errors
    /// [`LedgerError::NoKey`] when there is none, and those of [`LogKey::open_or_create`].
    pub fn load(path: &Utf8Path, origin: &str) -> Result<Self, LedgerError> {
        if !is_note_name(origin) {
            return Err(LedgerError::BadOrigin {
                origin: origin.chars().take(300).collect(),
            });
        }
        let Some(pem) = durable::read(path, KEY_LIMIT)? else {
            return Err(LedgerError::NoKey {
                path: path.to_owned(),
            });
        };
        let mode = fs_err::metadata(path)
            .map_err(LedgerError::io("reading the mode of", path))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(LedgerError::KeyExposed {
                path: path.to_owned(),
                mode: mode & 0o7777,
            });
        }
        let secret = std::str::from_utf8(&pem)
            .ok()
            .and_then(|pem| SigningKey::from_pkcs8_pem(pem).ok())
            .ok_or_else(|| LedgerError::BadKey {
                path: path.to_owned(),
            })?;
        Ok(Self {
            origin: origin.to_owned(),
            secret,
        })
    }

    #[cfg(test)]
    pub(crate) fn from_secret(secret: [u8; 32], origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            secret: SigningKey::from_bytes(&secret),
        }
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public half, to be given to everybody.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier::new(self.origin.clone(), self.secret.verifying_key())
    }

    /// Ed25519 over the bytes; the same bytes give the same signature.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.verifier())
    }
}

/// Puts the bytes at `path` unless something is there already. A crash leaves all of them or nothing under that name.
fn publish(path: &Utf8Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(LedgerError::io("making the folder", folder))?;
    let mut tag = [0; 8];
    getrandom::fill(&mut tag).map_err(|_| LedgerError::NoRandomness)?;
    let draft = Utf8PathBuf::from(format!("{path}.{:016x}.tmp", u64::from_be_bytes(tag)));
    let written = fs_err::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        // A link, unlike a rename, fails when a key is there: nobody's key is ever replaced.
        .and_then(|()| fs_err::hard_link(&draft, path));
    let removed = fs_err::remove_file(&draft);
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        written => written.map_err(LedgerError::io("writing the key", path))?,
    }
    removed.map_err(LedgerError::io("removing the draft of the key", path))?;
    durable::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("keys/log.pem")).unwrap();
        (folder, path)
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let (_folder, path) = folder();
        assert!(matches!(
            LogKey::load(&path, "acme"),
            Err(LedgerError::NoKey { .. })
        ));
        let made = LogKey::open_or_create(&path, "acme").unwrap();
        let again = LogKey::open_or_create(&path, "acme").unwrap();
        assert_eq!(made.verifier(), again.verifier());
        let mode = fs_err::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let names: Vec<_> = fs_err::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "no draft stays: {names:?}");
        assert_eq!(format!("{made:?}"), format!("LogKey({})", made.verifier()));

        fs_err::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let error = LogKey::open_or_create(&path, "acme").unwrap_err();
        assert!(
            matches!(error, LedgerError::KeyExposed { mode: 0o640, .. }),
            "{error}"
        );
    }

    #[test]
    fn two_keys_are_never_the_same() {
        let (_folder, path) = folder();
        let one = LogKey::open_or_create(&path, "acme").unwrap();
        let two = LogKey::open_or_create(&path.with_extension("two"), "acme").unwrap();
        assert_ne!(one.verifier(), two.verifier());
    }

    #[test]
    fn all_who_come_at_once_get_one_key() {
        let (_folder, path) = folder();
        let keys: Vec<String> = std::thread::scope(|scope| {
            let comers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let key = LogKey::open_or_create(&path, "acme").unwrap();
                        key.verifier().to_string()
                    })
                })
                .collect();
            comers
                .into_iter()
                .map(|comer| comer.join().unwrap())
                .collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[test]
    fn what_is_no_key_is_never_replaced() {
        let (_folder, path) = folder();
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, "").unwrap();
        fs_err::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(
            LogKey::open_or_create(&path, "acme"),
            Err(LedgerError::BadKey { .. })
        ));
        assert_eq!(fs_err::read(&path).unwrap(), b"");
        assert!(matches!(
            LogKey::load(&path, "two words"),
            Err(LedgerError::BadOrigin { .. })
        ));
    }
}
