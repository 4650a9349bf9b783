//! C1 to C20: the customer's form.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Access, Authorisation, BaseModel, Consents, Contract, Controller, DataSet, Day, Destination,
    History, Item, Military, Names, Officer, Ownership, Payer, Places, Principals, Purpose,
    Registration, Seal, Signatory, Size,
};

/// The word of the customer's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum CustomerFormat {
    /// Version 1.
    #[serde(rename = "causeway-kyc/customer/1")]
    V1,
}

/// Who the customer is, filled and signed by the renter.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "customer.yaml")]
pub struct Customer {
    /// The format: `causeway-kyc/customer/1`
    pub form: CustomerFormat,
    /// SHA-256 of the questionnaire that was answered
    pub questionnaire: Option<String>,
    /// The contract
    pub contract: Option<Contract>,
    /// C1: names
    pub names: Option<Item<Names>>,
    /// C2: registration
    pub registration: Option<Item<Registration>>,
    /// C3: addresses and headquarters
    pub places: Option<Item<Places>>,
    /// C4: day of incorporation
    pub incorporated: Option<Item<Day>>,
    /// C5: owners
    pub owners: Option<Item<Ownership>>,
    /// C6: control without shares
    pub controllers: Option<Item<Vec<Controller>>>,
    /// C7: directors and signatory
    pub officers: Option<Item<Vec<Officer>>>,
    /// C8: state and military ties
    pub military: Option<Item<Military>>,
    /// C9: for whom the work is done
    pub principals: Option<Item<Principals>>,
    /// C10: purpose
    pub purpose: Option<Item<Purpose>>,
    /// C11: size of model and training
    pub size: Option<Item<Size>>,
    /// C12: base model
    pub base_model: Option<Item<BaseModel>>,
    /// C13: training data
    pub data: Option<Item<Vec<DataSet>>>,
    /// C14: who has access
    pub access: Option<Item<Access>>,
    /// C15: payer
    pub payer: Option<Item<Payer>>,
    /// C16: where weights, checkpoints and logs go
    pub destinations: Option<Item<Vec<Destination>>>,
    /// C17: authorisations relied on
    pub authorisations: Option<Item<Vec<Authorisation>>>,
    /// C18: refusals, disclosures, penalties
    pub history: Option<Item<History>>,
    /// C19: consents
    pub consents: Option<Item<Consents>>,
    /// C20: who signs
    pub signature: Option<Item<Signatory>>,
    /// The signature itself; `causeway kyc sign` writes it
    pub seal: Option<Seal>,
}
