//! The provider's side, gathered from a run's own records: see [`causeway_parties::kyc`] for what is asked and checked.
//!
//! Papers come out of a state directory or an evidence pack ([`Papers`]); [`records`] turns them into the facts that the
//! checks look at; [`examine`] checks a form; [`record`] puts form and answers into a run's evidence.

mod changes;
mod hosts;
mod lists;
mod notice;
mod packs;
mod papers;
mod prefill;
mod record;
mod records;
mod seal;

use causeway_ledger::sha256;
use causeway_parties::kyc::form::{Customer, Provider};
use causeway_parties::kyc::{
    Checked, Filed, Form, Questionnaire, Sheet, check, check_provider, questionnaire_digest,
};

use crate::RunError;

pub use lists::{Lists, lists};
pub use notice::notice;
pub use packs::triggers;
pub use papers::Papers;
pub use prefill::{Known, prefill};
pub use record::{Recorded, record};
pub use records::{Sources, records};
pub use seal::{SIGNER, seal_state, sign, signing_key};

/// The built-in questionnaire and its digest.
///
/// # Errors
/// Never for a build whose tests passed.
pub fn questionnaire() -> Result<(Questionnaire, String), RunError> {
    let questions = Questionnaire::builtin().map_err(|problem| RunError::Files {
        problems: vec![problem],
    })?;
    Ok((questions, questionnaire_digest(sha256)))
}

/// Checks a customer's form: what it lacks, its seal, how long it is kept, the red flags.
///
/// # Errors
/// When `signer` is no public key.
pub fn examine(
    form: &Filed<Customer>,
    sources: &Sources<'_>,
    signer: Option<&str>,
) -> Result<Checked, RunError> {
    let (questions, digest) = questionnaire()?;
    Ok(check(
        sheet(form, sources, signer, &questions, &digest)?,
        records(sources),
        sources.kyc,
    ))
}

/// Checks a provider's form: what it lacks, its seal, whether its power carries its chips.
///
/// # Errors
/// When `signer` is no public key.
pub fn examine_provider(
    form: &Filed<Provider>,
    sources: &Sources<'_>,
    signer: Option<&str>,
) -> Result<Checked, RunError> {
    let (questions, digest) = questionnaire()?;
    Ok(check_provider(
        sheet(form, sources, signer, &questions, &digest)?,
        records(sources),
        sources.kyc,
    ))
}

fn sheet<'a, F: Form>(
    form: &'a Filed<F>,
    sources: &'a Sources<'_>,
    signer: Option<&str>,
    questions: &'a Questionnaire,
    digest: &'a str,
) -> Result<Sheet<'a, F>, RunError> {
    Ok(Sheet {
        form,
        seal: seal_state(form, form.file.seal(), signer)?,
        questions,
        digest,
        observed: sources.observed.map(|observed| &observed.file),
    })
}
