//! What is known about a run and its parties, fact by fact: the only thing that a red-flag check looks at.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::DataClass;
use causeway_domain::{Country, Date, Digest, Fact, Timestamp};
use rust_decimal::Decimal;

use super::form::{Customer, Goods, Provider};
use super::observed::{AccessSeen, EgressSeen, Telemetry, Watched};
use crate::Certainty;

/// An entry of a list that a party's name, alias or address met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The list and the entry.
    pub entry: String,
    /// Whether screening called it a hit; else it is in the band for review.
    pub hit: bool,
    /// Since when the entry is on the list.
    pub listed_on: Option<Date>,
}

/// A party and what screening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screened {
    /// The party.
    pub party: String,
    /// What it met; empty when it was screened and met nothing.
    pub matches: Fact<Vec<Match>>,
}

/// A party and what ownership says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The party.
    pub party: String,
    /// The regime: `OFAC 50 %`, `listed parties 50 %`.
    pub regime: String,
    /// Whether listed parties hold the line in sum; open where unknown shares could reach it.
    pub caught: Certainty,
    /// Listed holders that are there for certain.
    pub holders: BTreeSet<String>,
    /// Why there may be more.
    pub possible: BTreeSet<String>,
}

/// How much was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Accelerators; 0 for machines without.
    pub chips: Fact<u64>,
    /// Hours.
    pub hours: Fact<Decimal>,
    /// Floating-point operations of the stated model: 6 x parameters x tokens.
    pub six_n_d: Fact<Decimal>,
    /// Floating-point operations that the planned chips do in the planned hours: chips x hours x peak x utilisation.
    pub capacity: Fact<Decimal>,
    /// The last day on which something is to be transferred.
    pub last_transfer: Fact<Date>,
}

/// How much was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actual {
    /// Hours from start to end of the job.
    pub hours: Fact<Decimal>,
    /// What the machines counted, where somebody states it.
    pub telemetry: Fact<Telemetry>,
}

/// Something that Causeway itself moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What.
    pub what: Goods,
    /// To which country.
    pub country: Fact<Country>,
    /// When.
    pub at: Timestamp,
}

/// A dataset that was put at the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its name.
    pub dataset: String,
    /// Its classes.
    pub classes: Fact<BTreeSet<DataClass>>,
    /// Its records, as the organisation states them.
    pub records: Fact<u64>,
}

/// A run's part of what one group ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The run.
    pub run: String,
    /// The account that ordered.
    pub account: String,
    /// What it has in common with this run: `ultimate parent Acme`, `payer Acme`.
    pub common: String,
    /// Accelerators.
    pub chips: Fact<u64>,
    /// Floating-point operations.
    pub flop: Fact<Decimal>,
}

/// A list or a set of rules, and its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// Which.
    pub what: String,
    /// Whether it is a list; else rules.
    pub list: bool,
    /// Its day.
    pub day: Fact<Date>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// `launch`, `staging`, `transfer home`.
    pub what: String,
    /// When.
    pub at: Timestamp,
}

/// What came home and what was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Digests of the signed manifest of what the site sent, by path.
    pub manifest: BTreeMap<String, Digest>,
    /// Digests of what was admitted, by path.
    pub admitted: BTreeMap<String, Digest>,
}

/// Hosts that a job and its specification name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// In the specification.
    pub spec: BTreeSet<String>,
    /// In what the job printed.
    pub seen: BTreeSet<String>,
}

/// When a run was cleared and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Every clearance that allowed it, in order.
    pub cleared: Vec<Timestamp>,
    /// The start of the job.
    pub started: Timestamp,
}

/// A threshold of training compute, as the rule packs have it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trigger {
    /// The class or rule that uses it, with its jurisdiction.
    pub rule: String,
    /// Floating-point operations.
    pub operations: Decimal,
    /// Whether the threshold itself counts.
    pub inclusive: bool,
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

impl Trigger {
    /// Whether so many operations reach it on a day.
    #[must_use]
    pub fn reached(&self, operations: Decimal, day: Date) -> bool {
        let on = self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to);
        let over =
            operations > self.operations || (self.inclusive && operations == self.operations);
        on && over
    }
}

/// Everything that the checks look at. What nobody stated is unknown, with why.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The day of the check.
    pub day: Date,
    /// The customer's form.
    pub form: Fact<Customer>,
    /// The provider's form.
    pub provider: Fact<Provider>,
    /// Every party of the run, and whom the form names, with what is stated of them and what screening found.
    pub screening: Fact<Vec<Screened>>,
    /// The lists that they were screened against, with their days: enough to say that somebody stands on none.
    pub lists: Fact<Vec<String>>,
    /// Addresses of the entries of these lists.
    pub listed_addresses: Fact<Vec<Watched>>,
    /// Every party of the run, with what ownership says.
    pub ownership: Fact<Vec<Owned>>,
    /// Countries of group D:5, and Macau, on the day.
    pub embargoed: Fact<BTreeSet<Country>>,
    /// Where the contracting entity is incorporated.
    pub entity: Fact<Country>,
    /// Where its headquarters are.
    pub headquarters: Fact<Country>,
    /// Where its ultimate parent has its headquarters.
    pub parent: Fact<Country>,
    /// Contacts of listed and refused parties.
    pub watched: Fact<Vec<Watched>>,
    /// Other parties of the register at the customer's address.
    pub at_address: Fact<u32>,
    /// How much was planned.
    pub planned: Planned,
    /// How much was done.
    pub actual: Actual,
    /// The last transfer of weights away from the site.
    pub transferred: Fact<Date>,
    /// Uses of access.
    pub access: Fact<Vec<AccessSeen>>,
    /// What Causeway itself moved away from the site.
    pub sent: Fact<Vec<Sent>>,
    /// Every endpoint to which the site sent.
    pub egress: Fact<Vec<EgressSeen>>,
    /// What was put at the site.
    pub moved: Fact<Vec<Moved>>,
    /// Changes of parties, owners, directors or end users between clearance and end.
    pub changes: Fact<Vec<String>>,
    /// What the group ordered, this run among it, over all runs that are known.
    pub orders: Fact<Vec<Order>>,
    /// Thresholds of training compute in the rule packs.
    pub triggers: Fact<Vec<Trigger>>,
    /// Design power by chip name, watts, for the chips that the provider names.
    pub watts: BTreeMap<String, Fact<Decimal>>,
    /// Authorisations that the run rests on, from its signed approvals: name, number, last day.
    pub licences: Fact<Vec<(String, String, Date)>>,
    /// Lists and rules, with their days.
    pub versions: Fact<Vec<Dated>>,
    /// Launch, staging and transfer home.
    pub moments: Fact<Vec<Moment>>,
    /// What came home and what was admitted.
    pub delivered: Fact<Delivered>,
    /// Hosts that job and specification name.
    pub hosts: Fact<Hosts>,
    /// When the run was cleared and started.
    pub timing: Fact<Timing>,
}

impl Records {
    /// Records of which nothing is known but the day.
    #[must_use]
    pub fn unknown(day: Date, why: &str) -> Self {
        fn no<T>(why: &str) -> Fact<T> {
            Fact::unknown(why)
        }
        Self {
            day,
            form: no(why),
            provider: no(why),
            screening: no(why),
            lists: no(why),
            listed_addresses: no(why),
            ownership: no(why),
            embargoed: no(why),
            entity: no(why),
            headquarters: no(why),
            parent: no(why),
            watched: no(why),
            at_address: no(why),
            planned: Planned {
                chips: no(why),
                hours: no(why),
                six_n_d: no(why),
                capacity: no(why),
                last_transfer: no(why),
            },
            actual: Actual {
                hours: no(why),
                telemetry: no(why),
            },
            transferred: no(why),
            access: no(why),
            sent: no(why),
            egress: no(why),
            moved: no(why),
            changes: no(why),
            orders: no(why),
            triggers: no(why),
            watts: BTreeMap::new(),
            licences: no(why),
            versions: no(why),
            moments: no(why),
            delivered: no(why),
            hosts: no(why),
            timing: no(why),
        }
    }
}
