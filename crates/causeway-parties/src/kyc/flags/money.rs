//! rf11: who pays.

use causeway_domain::organisation::Kyc;

use super::parties::declared;
use super::{FORM, Finding, Look, plain};
use crate::kyc::records::Records;

pub(super) fn payer(records: &Records, _: &Kyc) -> Finding {
    let mut look = Look::default();
    if let Some(payer) = look.answer(records, "C15", |form| form.payer.as_ref()) {
        if look.part("C15 is_customer", payer.is_customer.as_ref()) == Some(&false) {
            look.raise("the form says that the payer is not the customer", FORM);
        }
        if let Some(name) = look.part("C15 name", payer.name.as_ref())
            && let Some(names) = look.answer(records, "C1", |form| form.names.as_ref())
            && let Some(legal) = look.part("C1 legal name", names.legal.as_ref())
            && plain(name) != plain(legal)
        {
            look.raise(
                format!("the payer is `{name}`, the customer `{legal}`"),
                FORM,
            );
        }
        if let Some(country) = look.part("C15 bank_country", payer.bank_country.as_ref())
            && let Some(places) = look.answer(records, "C3", |form| form.places.as_ref())
        {
            let known = declared(places);
            if known.is_empty() {
                look.lack("C3 names no country");
            } else if !known.contains(country) {
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                look.raise(
                    format!(
                        "the bank is in {country}; the company declares {}",
                        known.join(", ")
                    ),
                    FORM,
                );
            }
        }
    }
    look.end(
        "why does this party pay, from this country, and where does the money come from?",
        "the customer pays, from a country that it declares",
    )
}
