//! The ticket: where an agent listens, which key it holds, and the token that it asks for.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::durable;
use crate::error::TransferError;
use crate::signature::SignerKey;

/// The version of the file.
pub const TICKET_VERSION: u32 = 2;
/// The longest ticket that is read, in bytes.
const MAX_TICKET: usize = 64 << 10;
/// Most addresses of a ticket that are tried.
const MAX_ADDRESSES: usize = 64;

/// What a caller needs to reach an agent and to know that it is the one. Whoever reads it may do what the agent allows: it
/// travels over the backend's own channel only, and its file has mode 0600.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    certificate: Vec<u8>,
    token: [u8; 32],
    signer: SignerKey,
    addresses: Vec<SocketAddr>,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    certificate: String,
    token: String,
    signer: String,
    addresses: Vec<SocketAddr>,
}

impl Ticket {
    pub(crate) const fn new(
        certificate: Vec<u8>,
        token: [u8; 32],
        signer: SignerKey,
        addresses: Vec<SocketAddr>,
    ) -> Self {
        Self {
            certificate,
            token,
            signer,
            addresses,
        }
    }

    /// Reads a ticket from its text. `from` names it in errors.
    ///
    /// # Errors
    /// [`TransferError::BadTicket`].
    pub fn parse(text: &str, from: &str) -> Result<Self, TransferError> {
        let bad = |why: String| TransferError::BadTicket {
            file: from.to_owned(),
            why,
        };
        if text.len() > MAX_TICKET {
            return Err(bad("it is longer than 64 KiB".to_owned()));
        }
        // The parser's message could repeat the token.
        let file: File = serde_json::from_str(text)
            .map_err(|error| bad(format!("line {}, column {}", error.line(), error.column())))?;
        if file.version != TICKET_VERSION {
            return Err(bad(format!("version {} is not known here", file.version)));
        }
        let certificate = STANDARD
            .decode(&file.certificate)
            .map_err(|_| bad("`certificate` is not base64".to_owned()))?;
        let token = STANDARD
            .decode(&file.token)
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        let token = token.ok_or_else(|| bad("`token` is not 32 bytes of base64".to_owned()))?;
        let signer = file.signer.parse();
        let signer = signer.map_err(|_| bad("`signer` is not 32 bytes of base64".to_owned()))?;
        if file.addresses.is_empty() || file.addresses.len() > MAX_ADDRESSES {
            return Err(bad("it names no address, or more than 64".to_owned()));
        }
        Ok(Self {
            certificate,
            token,
            signer,
            addresses: file.addresses,
        })
    }

    /// Reads a ticket file.
    ///
    /// # Errors
    /// [`TransferError::BadTicket`], [`TransferError::NoTicket`], [`TransferError::Io`].
    pub fn read(path: &Utf8Path) -> Result<Self, TransferError> {
        use std::io::Read;
        let mut text = String::new();
        fs_err::File::open(path)
            .and_then(|file| file.take(MAX_TICKET as u64 + 1).read_to_string(&mut text))
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => TransferError::NoTicket {
                    file: path.to_owned(),
                },
                _ => TransferError::io("reading the ticket")(error),
            })?;
        Self::parse(&text, path.as_str())
    }

    /// The ticket's text, one line of JSON. It holds the token.
    #[must_use]
    pub fn to_text(&self) -> String {
        let file = File {
            version: TICKET_VERSION,
            certificate: STANDARD.encode(&self.certificate),
            token: STANDARD.encode(self.token),
            signer: self.signer.to_string(),
            addresses: self.addresses.clone(),
        };
        serde_json::to_string(&file).unwrap_or_default() + "\n"
    }

    /// Writes the ticket file anew: mode 0600, whole or not at all.
    pub(crate) fn write(&self, path: &Utf8Path) -> Result<(), TransferError> {
        if let Some(parent) = path.parent() {
            durable::create_directories(parent)?;
        }
        durable::replace(path, self.to_text().as_bytes(), 0o600, durable::unique())
    }

    /// The same agent at other addresses (`--at HOST:PORT`, a forwarded port).
    #[must_use]
    pub fn at(self, addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The key that the agent signs manifests with.
    #[must_use]
    pub const fn signer(&self) -> SignerKey {
        self.signer
    }

    pub(crate) const fn token(&self) -> [u8; 32] {
        self.token
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket::new(
            vec![1, 2, 3],
            [9; 32],
            SignerKey::new([5; 32]),
            vec![
                "127.0.0.1:4433".parse().unwrap(),
                "[::1]:4433".parse().unwrap(),
            ],
        )
    }

    #[test]
    fn reads_what_it_writes_and_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path())
            .unwrap()
            .join("a/ticket.json");
        ticket().write(&path).unwrap();
        assert_eq!(Ticket::read(&path).unwrap(), ticket());
        assert_eq!(
            fs_err::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        ticket().write(&path).unwrap();
        assert_eq!(fs_err::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn golden_text_of_version_2() {
        let text = r#"{"version":2,"certificate":"AQID","token":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=","signer":"BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=","addresses":["127.0.0.1:4433","[::1]:4433"]}"#;
        assert_eq!(ticket().to_text().trim_end(), text);
        assert_eq!(Ticket::parse(text, "t").unwrap(), ticket());
        for (from, to) in [
            (r#""version":2"#, r#""version":1"#),
            ("CQkJ", "CQ=="),
            ("BQUF", "BQ=="),
            ("AQID", "*"),
            (r#"["127.0.0.1:4433","[::1]:4433"]"#, "[]"),
        ] {
            assert!(
                Ticket::parse(&text.replacen(from, to, 1), "t").is_err(),
                "{to}"
            );
        }
    }

    #[test]
    fn the_token_is_not_shown() {
        assert!(!format!("{:?}", ticket()).contains('9'));
        let error = Ticket::parse(&ticket().to_text().replace('}', ""), "t").unwrap_err();
        assert!(!error.to_string().contains("CQkJ"));
    }
}
