//! The signature over a form: an in-toto statement of the form, signed as DSSE, of which the form keeps key and signature.

use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::SourceFile;
use causeway_ledger::{Envelope, LogKey, Statement, Subject, Verifier, canonical_text, sha256};
use causeway_parties::kyc::form::Seal;
use causeway_parties::kyc::{Filed, Form, SealState};
use serde_json::{Value, json};

use crate::{RunError, predicate_type, signable};

/// The name in keys that sign forms.
pub const SIGNER: &str = "causeway.local/kyc";

/// The statement that a seal signs: the form as JSON, without the seal. Comments, order and layout of the file don't count.
fn statement<F: Form>(form: &Filed<F>) -> Result<Statement, RunError> {
    let value = signable(form.signed());
    let digest = sha256(canonical_text(&value)?.as_bytes());
    Ok(Statement {
        subject: vec![Subject::sha256(format!("{}.yaml", F::ROLE), digest)],
        predicate_type: predicate_type("kyc-form"),
        predicate: json!({"form": value}),
    })
}

/// Signs a form: its text with the seal at the end, in place of an older one. What is given back was read again, and its
/// seal fits.
///
/// # Errors
/// When the form holds what can't be signed, or no seal can stand at its end.
pub fn sign<F: Form>(form: &Filed<F>, key: &LogKey) -> Result<String, RunError> {
    let signature = Envelope::sign(&statement(form)?, key)?.signature();
    let mut text = form.unsealed();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!(
        "seal: {{key: {}, signature: {}}}\n",
        Value::String(key.verifier().to_string()),
        Value::String(signature)
    ));
    let again = Arc::new(SourceFile::new(&form.source.name, &text));
    let fits = F::read(&again).ok().and_then(|signed| {
        let seal = signed.file.seal().cloned();
        seal_state(&signed, seal.as_ref(), None).ok()
    });
    match fits {
        Some(SealState::Fits { .. }) => Ok(text),
        _ => Err(RunError::Value {
            what: format!(
                "no seal can stand at the end of {}: write its fields at the left margin, one below the other, without `{{` around them and without `...` at the end",
                form.source.name
            ),
        }),
    }
}

/// Whether a form's seal is over this form, and by the key that was expected.
///
/// # Errors
/// When `signer` is no public key.
pub fn seal_state<F: Form>(
    form: &Filed<F>,
    seal: Option<&Seal>,
    signer: Option<&str>,
) -> Result<SealState, RunError> {
    let expected = signer.map(public_key).transpose()?;
    let Some(seal) = seal else {
        return Ok(SealState::Missing);
    };
    let broken = |why: String| SealState::Broken { why };
    let verifier: Verifier = match seal.key.parse() {
        Ok(verifier) => verifier,
        Err(error) => return Ok(broken(error_text(&error))),
    };
    let fits = statement(form).and_then(|statement| {
        Ok(Envelope::detached(&statement, &verifier, &seal.signature)?.verify(&verifier)?)
    });
    Ok(match (fits, expected) {
        (Err(_), _) => {
            broken("the seal is not over this form: it was changed after it was signed".to_owned())
        }
        (Ok(_), Some(expected)) if expected != verifier => broken(format!(
            "the form is signed by `{}`, not by the expected `{}`",
            verifier.key_id(),
            expected.key_id()
        )),
        (Ok(_), Some(_)) => SealState::Known {
            key: verifier.to_string(),
        },
        (Ok(_), None) => SealState::Fits {
            key: verifier.to_string(),
        },
    })
}

/// The public key that must have signed a form, as `causeway kyc sign` printed it.
fn public_key(text: &str) -> Result<Verifier, RunError> {
    text.parse()
        .map_err(|error: causeway_ledger::LedgerError| RunError::Value {
            what: format!(
                "the signatory's key: {error}; `causeway kyc sign` prints it (`--signer KEY`, or `kyc.signer` of causeway.yaml)"
            ),
        })
}

fn error_text(error: &impl std::fmt::Display) -> String {
    error.to_string()
}

/// Opens the signatory's key, or makes one at first need. It may not lie in the state directory: who runs Causeway is not
/// who answers for the form.
///
/// # Errors
/// When it lies there, can be read by others, or is no key.
pub fn signing_key(path: &Utf8Path, state: &Utf8Path) -> Result<LogKey, RunError> {
    let (key, inside) = (
        crate::files::absolute(path)?,
        crate::files::absolute(state)?,
    );
    // Links are followed where the folder is there: a link into the state directory lies in it.
    let folder = |path: &Utf8Path| {
        path.canonicalize_utf8()
            .unwrap_or_else(|_| causeway_plan::normal(path, "."))
    };
    let parent = key.parent().unwrap_or(Utf8Path::new("/"));
    if folder(parent).starts_with(folder(&inside)) {
        return Err(RunError::Value {
            what: format!(
                "the key `{path}` lies in the state directory `{state}`: keep the signatory's key elsewhere"
            ),
        });
    }
    Ok(LogKey::open_or_create(path, SIGNER)?)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use causeway_parties::kyc::customer;
    use causeway_parties::kyc::form::Customer;

    use super::*;

    const FORM: &str = "form: causeway-kyc/customer/1\n# a comment\nnames:\n  answer: {legal: Acme, former: [], local_script: []}\nsize:\n  answer: {parameters: 7e9, hours: 0.5}\n";

    fn read(text: &str) -> Filed<Customer> {
        customer(&Arc::new(SourceFile::new("customer.yaml", text))).unwrap()
    }

    fn state(text: &str, signer: Option<&str>) -> SealState {
        let form = read(text);
        let seal = form.file.seal.clone();
        seal_state(&form, seal.as_ref(), signer).unwrap()
    }

    #[test]
    fn a_seal_is_over_what_the_form_says_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let key = signing_key(&folder.join("keys/me.pem"), &folder.join(".causeway")).unwrap();
        let other = signing_key(&folder.join("keys/you.pem"), &folder.join(".causeway")).unwrap();
        assert_eq!(state(FORM, None), SealState::Missing);

        let signed = sign(&read(FORM), &key).unwrap();
        let own = key.verifier().to_string();
        assert_eq!(state(&signed, None), SealState::Fits { key: own.clone() });
        assert_eq!(
            state(&signed, Some(&own)),
            SealState::Known { key: own.clone() }
        );
        assert!(matches!(
            state(&signed, Some(&other.verifier().to_string())),
            SealState::Broken { .. }
        ));
        // Signing again replaces the seal.
        assert_eq!(sign(&read(&signed), &key).unwrap(), signed);
        // Layout and comments are free; an answer is not.
        let relaid = signed
            .replace("# a comment\n", "\n\n")
            .replace("0.5", "5.0e-1");
        assert!(matches!(state(&relaid, None), SealState::Fits { .. }));
        for (from, to) in [
            ("Acme", "Acne"),
            ("7e9", "7e8"),
            ("former: []", "former: [X]"),
        ] {
            assert!(
                matches!(
                    state(&signed.replace(from, to), None),
                    SealState::Broken { .. }
                ),
                "{from}"
            );
        }
        let stolen = signed.replace(&own, &other.verifier().to_string());
        assert!(matches!(state(&stolen, None), SealState::Broken { .. }));
    }

    #[test]
    fn a_form_at_whose_end_no_seal_can_stand_is_not_signed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let key = signing_key(&folder.join("keys/me.pem"), &folder.join(".causeway")).unwrap();
        for text in [
            "{form: causeway-kyc/customer/1, names: {answer: {legal: Acme}}}\n".to_owned(),
            format!("{FORM}...\n"),
            format!("  {}", FORM.replace('\n', "\n  ")),
        ] {
            let error = sign(&read(&text), &key).unwrap_err().to_string();
            assert!(error.contains("at the left margin"), "{text}: {error}");
        }
    }

    #[test]
    fn a_signer_that_is_no_key_is_named() {
        let form = read(FORM);
        let error = seal_state(&form, None, Some("rubbish")).unwrap_err();
        assert!(matches!(error, RunError::Value { .. }), "{error:?}");
        assert!(error.to_string().contains("`--signer KEY`"), "{error}");
    }

    #[test]
    fn the_key_stays_out_of_the_state_directory() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let home = folder.join(".causeway");
        fs_err::create_dir_all(home.join("keys")).unwrap();
        assert!(signing_key(&home.join("keys/me.pem"), &home).is_err());
        assert!(signing_key(&folder.join("x/../.causeway/me.pem"), &home).is_err());
        std::os::unix::fs::symlink(home.join("keys"), folder.join("link")).unwrap();
        assert!(signing_key(&folder.join("link/me.pem"), &home).is_err());
        assert!(!home.join("keys/me.pem").exists());
    }
}
