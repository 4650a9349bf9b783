//! in-toto statements and the DSSE envelopes that sign them. Pure.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use causeway_domain::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::LogKey;
use crate::canonical::{self, NotCanonical};
use crate::error::LedgerError;
use crate::note::Verifier;

/// The `_type` of every statement.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The DSSE payload type of every envelope.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Bytes of a statement's text. Reports and plans are tens of kilobytes; weights never travel in a statement.
const STATEMENT_LIMIT: usize = 8 * 1024 * 1024;
/// Bytes of an envelope's text: base64 of the largest statement, and room for the rest.
pub(crate) const ENVELOPE_LIMIT: u64 = 12 * 1024 * 1024;

/// SHA-256 of some bytes: what [`Subject::sha256`] and an evidence pack's attachments are named by.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest::new(crate::merkle::sha256(bytes))
}

/// The one text of a JSON value, as statements and envelopes are written: what a digest or signature over a value is made of.
///
/// # Errors
/// [`LedgerError::BadStatement`] with a JSON pointer to a floating-point number, or to what nests deeper than 64 levels.
pub fn canonical_text(value: &Value) -> Result<String, LedgerError> {
    canonical::check(value)
        .map_err(|NotCanonical { at, why }| LedgerError::BadStatement { at, why })?;
    Ok(canonical::text(value))
}

/// A thing that a statement speaks of, and its digests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What it is called: a path, a model's name.
    pub name: String,
    /// Lower-case hex by algorithm: `sha256`, `blake3`.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    /// Named by its SHA-256.
    #[must_use]
    pub fn sha256(name: impl Into<String>, digest: Digest) -> Self {
        Self {
            name: name.into(),
            digest: BTreeMap::new(),
        }
        .and("sha256", digest)
    }

    /// Named by its BLAKE3.
    #[must_use]
    pub fn blake3(name: impl Into<String>, digest: Digest) -> Self {
        Self {
            name: name.into(),
            digest: BTreeMap::new(),
        }
        .and("blake3", digest)
    }

    /// With another digest of the same thing.
    #[must_use]
    pub fn and(mut self, algorithm: impl Into<String>, digest: Digest) -> Self {
        self.digest.insert(algorithm.into(), digest.to_string());
        self
    }
}

/// An in-toto Statement v1: what somebody says about some subjects.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it is about; at least one, each with a digest.
    pub subject: Vec<Subject>,
    /// URI of what kind of thing is said.
    pub predicate_type: String,
    /// What is said: a JSON object of integers, text, lists and objects. No floating-point numbers: their text differs
    /// between programs, and then the same statement would be another one.
    pub predicate: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementWire {
    #[serde(rename = "_type")]
    kind: String,
    predicate: Value,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

impl Statement {
    fn to_value(&self) -> Value {
        let subject: Vec<Value> = self
            .subject
            .iter()
            .map(|subject| json!({"name": subject.name, "digest": subject.digest}))
            .collect();
        json!({
            "_type": STATEMENT_TYPE,
            "predicate": self.predicate,
            "predicateType": self.predicate_type,
            "subject": subject,
        })
    }

    /// The one text of this statement: what is signed.
    ///
    /// # Errors
    /// [`LedgerError::BadStatement`] with a JSON pointer to what keeps it from being signed.
    pub fn to_text(&self) -> Result<String, LedgerError> {
        let bad = |at: String, why| Err(LedgerError::BadStatement { at, why });
        if self.subject.is_empty() {
            return bad("/subject".to_owned(), "no subject");
        }
        for (index, subject) in self.subject.iter().enumerate() {
            let hex = |text: &String| {
                !text.is_empty()
                    && text.len().is_multiple_of(2)
                    && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            };
            if subject.digest.is_empty() || !subject.digest.values().all(hex) {
                return bad(
                    format!("/subject/{index}/digest"),
                    "no digest in lower-case hex",
                );
            }
        }
        if self.predicate_type.is_empty() {
            return bad("/predicateType".to_owned(), "no predicate type");
        }
        if !self.predicate.is_object() {
            return bad("/predicate".to_owned(), "something that is no JSON object");
        }
        let value = self.to_value();
        if let Err(NotCanonical { at, why }) = canonical::check(&value) {
            return bad(at, why);
        }
        let text = canonical::text(&value);
        if text.len() > STATEMENT_LIMIT {
            return bad(String::new(), "more than 8 MiB");
        }
        Ok(text)
    }

    /// Reads what [`Statement::to_text`] wrote, and nothing that differs from it in a byte: for statements that waited in
    /// an outbox.
    ///
    /// # Errors
    /// [`LedgerError::BadEnvelope`] for anything else.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        Self::from_text(text).map_err(|why| LedgerError::BadEnvelope { why })
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let wire: StatementWire = canonical::read(text)?;
        if wire.kind != STATEMENT_TYPE {
            return Err(format!(
                "it is a `{}`, not an in-toto statement v1",
                wire.kind
            ));
        }
        let statement = Self {
            subject: wire.subject,
            predicate_type: wire.predicate_type,
            predicate: wire.predicate,
        };
        match statement.to_text() {
            Ok(_) => Ok(statement),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether a subject, or a text anywhere in the predicate, is this SHA-256.
    pub(crate) fn names(&self, digest: &Digest) -> bool {
        fn walk(value: &Value, hex: &str) -> bool {
            match value {
                Value::String(text) => text.strip_prefix("sha256:").unwrap_or(text) == hex,
                Value::Array(items) => items.iter().any(|item| walk(item, hex)),
                Value::Object(map) => map.values().any(|item| walk(item, hex)),
                _ => false,
            }
        }
        let hex = digest.to_string();
        self.subject
            .iter()
            .any(|subject| subject.digest.get("sha256") == Some(&hex))
            || walk(&self.predicate, &hex)
    }

    /// JSON pointer to the first difference.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<String> {
        canonical::first_difference(&self.to_value(), &other.to_value())
    }
}

/// A statement in a DSSE envelope with one Ed25519 signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: String,
    key_id: String,
    signature: [u8; 64],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeWire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureWire {
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Signs a statement. The same statement and key give the same envelope, byte for byte.
    ///
    /// # Errors
    /// [`LedgerError::BadStatement`] for one that has no canonical text.
    pub fn sign(statement: &Statement, key: &LogKey) -> Result<Self, LedgerError> {
        let payload = statement.to_text()?;
        Ok(Self {
            signature: key.sign(&pae(&payload)),
            key_id: key.verifier().key_id(),
            payload,
        })
    }

    /// Puts a statement together with a signature that was kept elsewhere, such as in the file that the statement is about.
    /// Proves nothing by itself.
    ///
    /// # Errors
    /// [`LedgerError::BadStatement`] for a statement without canonical text, [`LedgerError::BadEnvelope`] for a signature that
    /// is not base64 of 64 bytes.
    pub fn detached(
        statement: &Statement,
        verifier: &Verifier,
        signature: &str,
    ) -> Result<Self, LedgerError> {
        let bytes = BASE64.decode(signature).ok();
        Ok(Self {
            payload: statement.to_text()?,
            key_id: verifier.key_id(),
            signature: bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or_else(|| bad("its signature is not base64 of 64 bytes"))?,
        })
    }

    /// The signature alone, base64: what [`Envelope::detached`] takes.
    #[must_use]
    pub fn signature(&self) -> String {
        BASE64.encode(self.signature)
    }

    /// Verifies the signature and reads the statement.
    ///
    /// # Errors
    /// [`LedgerError::BadEnvelope`] when the signature is not this verifier's over this statement.
    pub fn verify(&self, verifier: &Verifier) -> Result<Statement, LedgerError> {
        let key_id = verifier.key_id();
        if self.key_id != key_id {
            return Err(bad(format!(
                "it names the key `{}`, not `{key_id}`",
                self.key_id
            )));
        }
        if !verifier.signed(&pae(&self.payload), &self.signature) {
            return Err(bad(format!(
                "its signature is not `{key_id}`'s over this statement"
            )));
        }
        self.statement()
    }

    /// Reads the statement without looking at the signature: for envelopes whose digest is proved otherwise, such as those that a
    /// [`Log`](crate::Log) gives out.
    ///
    /// # Errors
    /// [`LedgerError::BadEnvelope`] when the payload is no statement in canonical form.
    pub fn statement(&self) -> Result<Statement, LedgerError> {
        Statement::from_text(&self.payload).map_err(bad)
    }

    /// The statement's canonical text.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The envelope as canonical JSON: what is stored and what its digest is over.
    #[must_use]
    pub fn to_json(&self) -> String {
        canonical::text(&json!({
            "payload": BASE64.encode(&self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.key_id, "sig": BASE64.encode(self.signature)}],
        }))
    }

    /// Reads what [`Envelope::to_json`] wrote, and nothing that differs from it in a byte. Proves nothing by itself.
    ///
    /// # Errors
    /// [`LedgerError::BadEnvelope`] for anything else, and for more than 12 MiB.
    pub fn from_json(json: &str) -> Result<Self, LedgerError> {
        if json.len() as u64 > ENVELOPE_LIMIT {
            return Err(bad("it is larger than 12 MiB"));
        }
        let wire: EnvelopeWire = canonical::read(json).map_err(bad)?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(bad(format!("its payload is a `{}`", wire.payload_type)));
        }
        let [SignatureWire { keyid, sig }] = wire.signatures.as_slice() else {
            return Err(bad("it has not exactly one signature"));
        };
        let signature = BASE64.decode(sig).ok().and_then(|sig| sig.try_into().ok());
        let payload = BASE64.decode(&wire.payload).ok();
        Ok(Self {
            payload: payload
                .and_then(|payload| String::from_utf8(payload).ok())
                .ok_or_else(|| bad("its payload is not base64 of UTF-8 text"))?,
            key_id: keyid.clone(),
            signature: signature.ok_or_else(|| bad("its signature is not base64 of 64 bytes"))?,
        })
    }
}

fn bad(why: impl Into<String>) -> LedgerError {
    LedgerError::BadEnvelope { why: why.into() }
}

/// DSSE's pre-authentication encoding: what is really signed.
fn pae(payload: &str) -> Vec<u8> {
    format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} {payload}",
        PAYLOAD_TYPE.len(),
        payload.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LogKey {
        LogKey::from_secret([9; 32], "acme.example/log")
    }

    fn statement() -> Statement {
        Statement {
            subject: vec![Subject::sha256("task.yaml", sha256(b"task"))],
            predicate_type: "https://example.com/plan/v1".to_owned(),
            predicate: json!({"site": "johor-1", "cost_cents": 1250, "why": ["é", {"b": 1, "a": null}]}),
        }
    }

    #[test]
    fn what_is_signed_is_read_back() {
        let envelope = Envelope::sign(&statement(), &key()).unwrap();
        assert_eq!(envelope, Envelope::sign(&statement(), &key()).unwrap());
        let read = Envelope::from_json(&envelope.to_json()).unwrap();
        assert_eq!(read.verify(&key().verifier()).unwrap(), statement());
        assert!(
            read.payload()
                .starts_with(r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"cost"#)
        );
    }

    #[test]
    fn a_signature_kept_elsewhere_is_put_back() {
        let signature = Envelope::sign(&statement(), &key()).unwrap().signature();
        let verifier = key().verifier();
        let again = Envelope::detached(&statement(), &verifier, &signature).unwrap();
        assert_eq!(again.verify(&verifier).unwrap(), statement());
        let mut other = statement();
        other.predicate_type.push('x');
        let changed = Envelope::detached(&other, &verifier, &signature).unwrap();
        assert!(changed.verify(&verifier).is_err());
        assert!(Envelope::detached(&statement(), &verifier, "short").is_err());
    }

    #[test]
    fn the_pre_authentication_encoding_is_that_of_dsse() {
        assert_eq!(
            pae("{\"é\":1}"),
            "DSSEv1 28 application/vnd.in-toto+json 8 {\"é\":1}".as_bytes()
        );
    }

    #[test]
    fn other_keys_and_other_names_are_refused() {
        let envelope = Envelope::sign(&statement(), &key()).unwrap();
        for other in [
            LogKey::from_secret([8; 32], "acme.example/log"),
            LogKey::from_secret([9; 32], "evil.example/log"),
        ] {
            assert!(envelope.verify(&other.verifier()).is_err());
        }
    }

    #[test]
    fn what_cannot_be_signed_says_where() {
        let refused = |change: fn(&mut Statement)| {
            let mut statement = statement();
            change(&mut statement);
            match Envelope::sign(&statement, &key()) {
                Err(LedgerError::BadStatement { at, .. }) => at,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            refused(|s| s.predicate["loss"] = json!(0.5)),
            "/predicate/loss"
        );
        assert_eq!(refused(|s| s.predicate = json!([])), "/predicate");
        assert_eq!(refused(|s| s.subject.clear()), "/subject");
        assert_eq!(
            refused(|s| s.subject[0].digest.clear()),
            "/subject/0/digest"
        );
        assert_eq!(refused(|s| s.predicate_type.clear()), "/predicateType");
    }

    #[test]
    fn digests_are_found_wherever_a_statement_names_them() {
        let mut statement = statement();
        assert!(statement.names(&sha256(b"task")));
        assert!(!statement.names(&sha256(b"pack")));
        statement.predicate["packs"] = json!([{"digest": format!("sha256:{}", sha256(b"pack"))}]);
        assert!(statement.names(&sha256(b"pack")));
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_refused(place: prop::sample::Index, bit in 0u8..8) {
            let json = Envelope::sign(&statement(), &key()).unwrap().to_json();
            let mut bytes = json.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                let read = Envelope::from_json(&text);
                prop_assert!(read.and_then(|envelope| envelope.verify(&key().verifier())).is_err());
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = Envelope::from_json(&text);
            let _ = Statement::from_text(&text);
        }
    }
}
