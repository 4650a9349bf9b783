//! The two forms: what their files may hold. Doc comments here are the descriptions in the JSON Schemas and in messages.
//!
//! What is not here can't be written: there is no field for a picture of a document, a card's number or a log of persons.

mod answer;
mod company;
mod customer;
mod end_use;
mod provider;
mod undertaking;

pub use answer::{Amount, Contract, Day, Evidence, EvidenceKind, Item, Seal};
pub use company::{
    Address, ControlMeans, Controller, HolderKind, Military, Names, Officer, Ownership, Places,
    Premises, Registration, Shareholding, TopParent,
};
pub use customer::{Customer, CustomerFormat};
pub use end_use::{
    Access, BaseModel, ContractingAs, DataSet, Destination, Domain, Goods, Person, Principal,
    PrincipalRole, Principals, Purpose, Size, WeightsAfter,
};
pub use provider::{
    Administrator, Chips, Identity, IncidentContact, LogRetention, Power, Provider, ProviderFormat,
    SiteAnswer, Subcontractor,
};
pub use undertaking::{Authorisation, Consents, History, Means, Payer, Signatory};
