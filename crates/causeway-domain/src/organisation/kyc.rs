//! `kyc:` of `causeway.yaml`: the form that a provider gets, and the lines of the red-flag checks.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Percent;

/// What a provider gets, and from where on the checks of a run's records ask a question. The numbers are Causeway's own
/// defaults, not the law's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kyc {
    /// The filled and signed customer.yaml, relative to this file: it travels in the evidence
    pub form: Option<String>,
    /// The public key that must have signed it, as `causeway kyc sign` printed it
    pub signer: Option<String>,
    /// An order over this many chips is a large one (rf5, rf15)
    pub order_chips: u64,
    /// A listed holder from this share up is a question (rf3)
    pub stake: Percent,
    /// Other parties of the register at the same address that are still usual (rf7)
    pub neighbours: u32,
    /// How many times more, or less, arithmetic than the model needs is a question (rf8)
    #[schemars(range(min = 1))]
    pub plausible_factor: u32,
    /// What a run may take over its plan (rf9)
    pub overrun: Percent,
    /// What machines around the chips need on top of the chips' power (rf16)
    pub power_overhead: Percent,
    /// Days for which a list is fresh (rf20)
    pub list_days: u32,
    /// Days for which rules are fresh, counted from the day up to which they were checked (rf20)
    pub rules_days: u32,
    /// Days for which a clearance is good (rf24)
    pub clearance_days: u32,
}

impl Default for Kyc {
    fn default() -> Self {
        Self {
            form: None,
            signer: None,
            order_chips: 64,
            stake: Percent::new(10),
            neighbours: 3,
            plausible_factor: 3,
            overrun: Percent::new(25),
            power_overhead: Percent::new(30),
            list_days: 30,
            rules_days: 180,
            clearance_days: 30,
        }
    }
}
