//! The acts that a plan consists of: what the law will look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_domain::organisation::{
    DataClass, Dataset as DatasetFile, Organisation, Persons, SiteOffer, WorkKind, Workload,
};
use causeway_domain::{Country, DatasetId, Fact, PartyId, SiteId, Stated, Timestamp};
use causeway_law::{
    Act, ActKind, ActParty, Chip, Dataset, Described, FactValue, Item, Role, Technology, Weights,
    When,
};
use causeway_parties::Register;
use rust_decimal::Decimal;

use crate::records::{self, Move, Records};

/// What closes a doubt about a party counts only inside a reviewer's signed determination: stated in the file, it is as
/// good as unknown.
const ONLY_DETERMINED: [(&str, &str); 2] = [("red_flags", "resolved"), ("kyc", "complete")];

/// Everything that the acts of one candidate are made from.
#[derive(Debug, Clone)]
pub(crate) struct Undertaking {
    pub(crate) organisation: Arc<Organisation>,
    pub(crate) register: Arc<Register>,
    /// The legal entity that rents.
    pub(crate) customer: String,
    /// The party that operates the machines; a key of the register.
    pub(crate) operator: String,
    pub(crate) site: Option<SiteId>,
    pub(crate) country: Fact<Country>,
    /// The accelerator's id in the law's table, or its name where the table lacks it; and how many.
    pub(crate) chip: Option<(String, u64)>,
    pub(crate) offer: Option<SiteOffer>,
    pub(crate) datasets: BTreeSet<DatasetId>,
    /// Paths that the task sends and nobody declared.
    pub(crate) undeclared: Vec<String>,
    pub(crate) sends_code: bool,
    pub(crate) workload: Option<Workload>,
    pub(crate) train_ops: Option<f64>,
    /// Approvals, and what runs moved before.
    pub(crate) records: Arc<Records>,
}

impl Undertaking {
    fn file(&self) -> &str {
        &self.organisation.source.name
    }

    fn located(&self, party: &str) -> Fact<Country> {
        self.register.get(party).map_or_else(
            || Fact::unknown(format!("`{party}` is in no register")),
            |party| party.headquarters.clone(),
        )
    }

    fn party(&self, role: Role, id: &str, located: Fact<Country>) -> ActParty {
        let ciio = id.parse::<PartyId>().map_or_else(
            |_| Fact::unknown("not stated"),
            |id| {
                self.organisation
                    .party_fact(&id, "ciio", |party| party.ciio.as_ref())
            },
        );
        ActParty {
            role,
            id: id.to_owned(),
            located,
            ciio,
        }
    }

    /// The acts, as they would be done at an instant, with the approvals that cover them.
    pub(crate) fn acts(&self, at: Timestamp) -> Vec<Act> {
        self.described(at)
            .into_iter()
            .map(|described| described.act)
            .collect()
    }

    /// The acts with the words for what they are done with.
    pub(crate) fn described(&self, at: Timestamp) -> Vec<Described> {
        let mut acts = self.bare(at);
        self.records.approvals.apply(&mut acts);
        acts
    }

    /// The same before any approval.
    pub(crate) fn bare(&self, at: Timestamp) -> Vec<Described> {
        let describe = |act: Act, dataset: Option<&str>| Described {
            items: records::items(&act, dataset),
            act,
        };
        let mut acts = vec![describe(self.rent(at), None)];
        for id in &self.datasets {
            if let Some(dataset) = self.organisation.datasets().get(id) {
                acts.push(describe(
                    self.send_dataset(at, id, dataset),
                    Some(id.as_str()),
                ));
            }
        }
        if !self.undeclared.is_empty() {
            acts.push(describe(self.send_undeclared(at), None));
        }
        if self.sends_code {
            acts.push(describe(self.send_code(at), None));
        }
        acts.push(describe(self.bring_weights_home(at), None));
        acts
    }

    /// What it moves, for the runs that come after.
    pub(crate) fn moves(&self, at: Timestamp) -> Vec<Move> {
        self.datasets
            .iter()
            .filter_map(|id| Some((id, self.organisation.datasets().get(id)?)))
            .map(|(id, dataset)| self.moved(at, id, dataset))
            .collect()
    }

    fn moved(&self, at: Timestamp, id: &DatasetId, dataset: &DatasetFile) -> Move {
        let origin = Stated::fact(dataset.origin.as_ref(), self.file(), "origin");
        Move {
            at,
            dataset: id.to_string(),
            sender: records::top(&self.register, self.controller(dataset).as_str()),
            receiver: records::top(&self.register, &self.operator),
            from: origin.known().copied(),
            persons: self
                .counts(id, dataset)
                .known()
                .into_iter()
                .flatten()
                .filter_map(|(class, persons)| Some((class.clone(), *persons.known()?)))
                .collect(),
        }
    }

    fn controller<'a>(&'a self, dataset: &'a DatasetFile) -> &'a PartyId {
        dataset
            .controller
            .as_ref()
            .unwrap_or(&self.organisation.file.organisation)
    }

    /// Persons by class.
    fn counts(&self, id: &DatasetId, dataset: &DatasetFile) -> Fact<BTreeMap<String, Fact<u64>>> {
        let field = |name: &str| format!("datasets.{id}.{name}");
        let classes = Stated::fact(dataset.class.as_ref(), self.file(), &field("class"));
        let persons = Stated::fact(dataset.persons.as_ref(), self.file(), &field("persons"));
        classes.map(|classes| {
            classes
                .0
                .iter()
                .map(|class| {
                    (
                        class.word().to_owned(),
                        count(&persons, *class, &field("persons")),
                    )
                })
                .collect()
        })
    }

    /// What went before and what goes beside it is added to a dataset: nothing is split to stay under a line.
    fn add_up(&self, at: Timestamp, id: &DatasetId, dataset: &DatasetFile, act: &mut Act) {
        let this = self.moved(at, id, dataset);
        let mut moves = self.records.moves.clone();
        moves.extend(self.moves(at));
        let prior = records::twelve_months(&moves, &this.dataset, &this.receiver, at);
        let name = "prior_12_months";
        if let Some(Fact::Known(before, source)) = act.facts.get(name) {
            let mut persons = match before {
                FactValue::Persons(persons) => persons.clone(),
                _ => BTreeMap::new(),
            };
            let none = matches!(before, FactValue::Persons(_))
                || matches!(before, FactValue::Word(word) if word == "none");
            if none && !prior.is_empty() {
                for (class, count) in prior {
                    let sum = persons.entry(class).or_default();
                    *sum = sum.saturating_add(count);
                }
                let source = causeway_domain::Source {
                    evidence: Some("and the runs of the log and of this plan".to_owned()),
                    ..source.clone()
                };
                act.facts.insert(
                    name.to_owned(),
                    Fact::Known(FactValue::Persons(persons), source),
                );
            }
        }
        let (Some(from), Some(item)) = (this.from, act.item.dataset.as_mut()) else {
            return;
        };
        let year = records::since_january(&moves, &this.dataset, &this.sender, from, at);
        for (class, before) in year.iter().filter(|(class, _)| class.starts_with("cn_")) {
            let sum = match item.persons.get(class) {
                Some(Fact::Known(persons, source)) => Fact::Known(
                    persons.saturating_add(*before),
                    causeway_domain::Source {
                        evidence: Some(format!(
                            "{persons} in this set, {before} in others since 1 January"
                        )),
                        ..source.clone()
                    },
                ),
                Some(Fact::Unknown(why)) => Fact::Unknown(why.clone()),
                // What this set does not hold, it does not move.
                None => continue,
            };
            item.persons.insert(class.clone(), sum);
        }
    }

    fn act(&self, kind: ActKind, at: Timestamp, from: Option<Country>, to: Fact<Country>) -> Act {
        let mut act = Act::new(kind, When::Instant(at), to);
        act.from = from;
        act.register = Arc::clone(&self.register);
        act.facts = self.facts();
        act
    }

    fn facts(&self) -> BTreeMap<String, Fact<FactValue>> {
        let file = self.file();
        let mut facts = BTreeMap::new();
        for (name, stated) in &self.organisation.file.facts {
            let fact = Stated::fact(Some(stated), file, &format!("facts.{name}"));
            let fact = match &fact {
                Fact::Known(value, _)
                    if ONLY_DETERMINED.contains(&(name.as_str(), value.0.as_str())) =>
                {
                    Fact::unknown(format!(
                        "`facts.{name}: {}` counts only in a reviewer's signed determination",
                        value.0
                    ))
                }
                _ => fact.map(|text| FactValue::from(text.0.as_str())),
            };
            facts.insert(name.clone(), fact);
        }
        let end_use = self
            .workload
            .as_ref()
            .and_then(|workload| workload.end_use.as_ref());
        let end_use = Stated::fact(end_use, file, "workloads.<task>.end_use")
            .map(|word| FactValue::Word(word.word().to_owned()));
        facts.insert("end_use".to_owned(), end_use);
        if let Some(offer) = &self.offer {
            let path = |field: &str| {
                format!(
                    "sites.{}.offers.{field}",
                    self.site
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default()
                )
            };
            let mut add = |name: &str, fact: Fact<FactValue>| {
                facts.insert(name.to_owned(), fact);
            };
            if let Some(day) = offer.chips_received {
                add("chips_received", Fact::stated(FactValue::Day(day), file));
            }
            for (name, stated) in [
                ("chips_licence", &offer.chips_licence),
                ("supplier_authorisation", &offer.supplier_authorisation),
            ] {
                if stated.is_some() {
                    add(
                        name,
                        Stated::fact(stated.as_ref(), file, &path(name))
                            .map(|text| FactValue::from(text.0.as_str())),
                    );
                }
            }
        }
        facts
    }

    fn rent(&self, at: Timestamp) -> Act {
        let kind = if self.customer == self.operator {
            ActKind::UseChip
        } else {
            ActKind::RentIaas
        };
        let mut act = self.act(kind, at, None, self.country.clone());
        act.item = match &self.chip {
            Some((chip, count)) => Item {
                chip: Some(Chip::listed(chip.as_str(), *count)),
                ..Item::default()
            },
            None => Item {
                other: Some("machines without accelerators".to_owned()),
                ..Item::default()
            },
        };
        act.parties
            .push(self.party(Role::Provider, &self.operator, self.country.clone()));
        act.parties
            .push(self.party(Role::Customer, &self.customer, self.located(&self.customer)));
        act
    }

    fn send_dataset(&self, at: Timestamp, id: &DatasetId, dataset: &DatasetFile) -> Act {
        let file = self.file();
        let field = |name: &str| format!("datasets.{id}.{name}");
        let origin = Stated::fact(dataset.origin.as_ref(), file, &field("origin"));
        let controller = self.controller(dataset).to_string();
        let mut act = self.act(
            ActKind::TransferDataset,
            at,
            origin.known().copied(),
            self.country.clone(),
        );
        let classes = Stated::fact(dataset.class.as_ref(), file, &field("class"));
        let known_origin = origin.is_known();
        act.item.dataset = Some(Dataset {
            persons: self
                .counts(id, dataset)
                .known()
                .cloned()
                .unwrap_or_default(),
            important: Some(Stated::fact(
                dataset.important.as_ref(),
                file,
                &field("important"),
            )),
            // Data of an unknown place could be under any law that asks where they come from.
            classified: Some(match (&classes, known_origin) {
                (Fact::Known(_, source), true) => Fact::Known(true, source.clone()),
                (Fact::Unknown(why), _) => Fact::unknown(why.clone()),
                (_, false) => Fact::unknown(format!("{file} does not state `{}`", field("origin"))),
            }),
        });
        act.parties
            .push(self.party(Role::Controller, &controller, self.located(&controller)));
        act.parties
            .push(self.party(Role::Provider, &self.operator, self.country.clone()));
        self.add_up(at, id, dataset, &mut act);
        act
    }

    /// Nobody says what these paths hold: they may hold anything.
    fn send_undeclared(&self, at: Timestamp) -> Act {
        let mut act = self.act(ActKind::TransferDataset, at, None, self.country.clone());
        let why = format!(
            "{} does not declare {} as a dataset or as code",
            self.file(),
            self.undeclared.join(", ")
        );
        act.item.dataset = Some(Dataset {
            classified: Some(Fact::unknown(why.clone())),
            important: Some(Fact::unknown(why)),
            ..Dataset::default()
        });
        let owner = self.organisation.file.organisation.to_string();
        act.parties
            .push(self.party(Role::Controller, &owner, self.located(&owner)));
        act.parties
            .push(self.party(Role::Provider, &self.operator, self.country.clone()));
        act
    }

    fn send_code(&self, at: Timestamp) -> Act {
        let file = self.file();
        let workload = self.workload.as_ref();
        let from = Stated::fact(
            workload.and_then(|workload| workload.code_from.as_ref()),
            file,
            "workloads.<task>.code_from",
        );
        let entry = Stated::fact(
            workload.and_then(|workload| workload.code_entry.as_ref()),
            file,
            "workloads.<task>.code_entry",
        )
        .map(|text| text.0);
        let mut act = self.act(
            ActKind::TransferTechnology,
            at,
            from.known().copied(),
            self.country.clone(),
        );
        let entry = match (&from, entry) {
            (Fact::Unknown(why), _) => Fact::unknown(why.clone()),
            (_, entry) => entry,
        };
        act.item.technology = Some(Technology {
            entry,
            text: "training code".to_owned(),
        });
        let owner = self.organisation.file.organisation.to_string();
        act.parties
            .push(self.party(Role::Owner, &owner, self.located(&owner)));
        act.parties
            .push(self.party(Role::EndUser, &self.operator, self.country.clone()));
        act
    }

    /// Operations of all the training of the model that comes home: thresholds of models count them together (Regulation
    /// (EU) 2024/1689, Art. 51(2)).
    fn cumulative_ops(&self) -> Fact<Decimal> {
        let workload = self.workload.as_ref();
        let kind = workload.map(|workload| workload.kind).unwrap_or_default();
        let before = workload.and_then(|workload| workload.base_train_ops);
        let (before, words) = match (kind, before) {
            (WorkKind::PreTrain, None) => (0.0, "6 N D of the workload"),
            (_, Some(before)) => (before, "`base_train_ops`, and 6 N D of the workload"),
            (_, None) => {
                return Fact::unknown(
                    "what the model's training took before this run is not stated (`base_train_ops`)",
                );
            }
        };
        let of_run = match (kind, self.train_ops) {
            // A forward pass trains nothing.
            (WorkKind::Throughput, _) => 0.0,
            (_, Some(ops)) => ops,
            (_, None) => {
                return Fact::unknown("the workload's parameters or tokens are not stated");
            }
        };
        match Decimal::from_f64_retain(before + of_run) {
            Some(ops) => Fact::stated(ops.round(), words),
            None => Fact::unknown("the operations of the training are beyond counting"),
        }
    }

    fn bring_weights_home(&self, at: Timestamp) -> Act {
        let file = self.file();
        let home = Stated::fact(
            Some(&self.organisation.file.home.country),
            file,
            "home.country",
        );
        let mut act = self.act(
            ActKind::TransferWeights,
            at,
            self.country.known().copied(),
            home.clone(),
        );
        let closed = Stated::fact(
            self.workload
                .as_ref()
                .and_then(|workload| workload.closed.as_ref()),
            file,
            "workloads.<task>.closed",
        );
        let train_ops = self.cumulative_ops();
        // What only moves home is not published by moving.
        act.item.weights = Some(Weights {
            published: closed.clone().map(|_| false),
            closed,
            train_ops,
        });
        let owner = self.organisation.file.organisation.to_string();
        act.parties
            .push(self.party(Role::Owner, &owner, self.located(&owner)));
        act.parties.push(self.party(Role::EndUser, &owner, home));
        act
    }
}

fn count(persons: &Fact<Persons>, class: DataClass, field: &str) -> Fact<u64> {
    match persons {
        Fact::Known(Persons::All(count), source) => Fact::Known(*count, source.clone()),
        Fact::Known(Persons::ByClass(counts), source) => counts.get(&class).map_or_else(
            || Fact::unknown(format!("`{field}` gives no number for {}", class.word())),
            |count| Fact::Known(*count, source.clone()),
        ),
        Fact::Unknown(why) => Fact::unknown(why.clone()),
    }
}
