//! What the user's files and a plan say already, for a form to start from. Nothing is invented: each answer names its
//! source, and what no file says stays blank.

use std::collections::{BTreeMap, BTreeSet};

use causeway_domain::organisation::{DataClass, IdentifierScheme, Organisation, Site};
use causeway_domain::{DatasetId, Fact, SiteId, Stated};
use causeway_parties::kyc::{Prefilled, Role};
use causeway_parties::{Parent, PartyKind, Register, ultimate_parent};
use causeway_plan::{Candidate, Comparison};
use serde_json::{Value, json};

/// What a form starts from.
pub struct Known<'a> {
    /// The day whose holdings count.
    pub day: causeway_domain::Date,
    /// The organisation.
    pub organisation: &'a Organisation,
    /// The task's name and its comparison of places, where a task was given.
    pub plan: Option<(&'a str, &'a Comparison)>,
    /// The place that was chosen.
    pub chosen: Option<&'a Candidate>,
}

type Answers = BTreeMap<String, Prefilled>;

/// Answers that are known already, by field.
#[must_use]
pub fn prefill(role: Role, known: &Known<'_>) -> Answers {
    match role {
        Role::Customer => customer(known),
        Role::Provider => provider(known),
    }
}

fn add(answers: &mut Answers, field: &str, answer: Value, source: String) {
    if holds_something(&answer) {
        answers.insert(field.to_owned(), Prefilled { answer, source });
    }
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().any(holds_something),
        Value::Object(map) => map.values().any(holds_something),
        _ => true,
    }
}

fn site<'a>(known: &Known<'a>) -> Option<(&'a SiteId, &'a Site)> {
    let sites = &known.organisation.file.sites;
    match known.chosen.and_then(|chosen| chosen.site.as_ref()) {
        Some(id) => sites.get_key_value(id),
        None => sites.iter().next().filter(|_| sites.len() == 1),
    }
}

fn customer(known: &Known<'_>) -> Answers {
    let organisation = known.organisation;
    let file = &organisation.source.name;
    let register =
        causeway_plan::register(organisation, &causeway_plan::Screened::default(), known.day);
    let place = site(known);
    let party = place
        .and_then(|(id, _)| organisation.presences_at(id).next())
        .map_or(&organisation.file.organisation, |presence| &presence.entity);
    let key = party.as_str();
    let at = |field: &str| format!("{file}, parties.{party}{field}");
    let mut answers = Answers::new();
    if let Some(found) = register.get(key) {
        add(
            &mut answers,
            "names",
            json!({"legal": found.name}),
            at(".name"),
        );
        let number = |schemes: &[IdentifierScheme]| {
            let numbers = &organisation.file.parties.get(party)?.identifiers;
            let found = numbers.iter().find(|one| schemes.contains(&one.scheme))?;
            Some(found.value.clone())
        };
        let registered = number(&[IdentifierScheme::Registration, IdentifierScheme::Uscc]);
        let lei = number(&[IdentifierScheme::Lei]);
        if registered.is_some() || lei.is_some() {
            add(
                &mut answers,
                "registration",
                json!({"number": registered, "lei": lei}),
                at(".identifiers"),
            );
        }
        let headquarters = found.headquarters.known();
        add(
            &mut answers,
            "places",
            json!({"headquarters": headquarters}),
            at(".headquarters"),
        );
        add(
            &mut answers,
            "owners",
            owners(organisation, &register, key),
            at(" and its owners"),
        );
    }
    let workload = organisation.workload(known.plan.map(|(task, _)| task));
    if let Some((name, workload)) = workload {
        let field = format!("{file}, workloads.{name}");
        let closed = Stated::fact(workload.closed.as_ref(), file, "closed");
        let after = closed
            .known()
            .map(|closed| if *closed { "closed" } else { "open" });
        add(
            &mut answers,
            "base_model",
            json!({"weights_after": after}),
            format!("{field}.closed"),
        );
        let size = size(workload.parameters, workload.tokens, known.chosen);
        let source = match known.chosen {
            Some(chosen) => format!("{field}; plan at {}", chosen.label),
            None => field,
        };
        add(&mut answers, "size", size, source);
    }
    let shipped: Option<BTreeSet<DatasetId>> = known
        .plan
        .map(|(_, comparison)| comparison.shipments.datasets());
    let sets: Vec<Value> = organisation
        .datasets()
        .iter()
        .filter(|(id, _)| shipped.as_ref().is_none_or(|shipped| shipped.contains(*id)))
        .map(|(id, set)| {
            let classes = Stated::fact(set.class.as_ref(), file, "class");
            let words = classes.known().map(|classes| {
                let words: Vec<&str> = classes.0.iter().map(|class| class.word()).collect();
                if words.is_empty() {
                    vec!["none"]
                } else {
                    words
                }
            });
            // That no class says so does not make it unrelated: only a yes is known.
            let government = classes
                .known()
                .filter(|classes| classes.0.contains(&DataClass::UsGovernmentRelated))
                .map(|_| true);
            json!({
                "name": id,
                "classes": words,
                "records": Stated::fact(set.records.as_ref(), file, "records").known(),
                "persons_countries": null,
                "government_related": government,
                "origin": Stated::fact(set.origin.as_ref(), file, "origin").known(),
                "licence": null,
            })
        })
        .collect();
    add(
        &mut answers,
        "data",
        Value::Array(sets),
        format!("{file}, datasets"),
    );
    destinations(&mut answers, known, place);
    answers
}

/// C5: every holding on the way up that the file names.
fn owners(organisation: &Organisation, register: &Register, key: &str) -> Value {
    let (mut holdings, mut complete) = (Vec::new(), true);
    let mut seen = BTreeSet::new();
    let mut waiting = vec![key.to_owned()];
    while let Some(key) = waiting.pop() {
        if !seen.insert(key.clone()) {
            continue;
        }
        let Some(party) = register.get(&key) else {
            complete = false;
            continue;
        };
        complete &= party.owners_complete || party.kind != PartyKind::Company;
        for holding in &party.owners {
            let holder = register.get(&holding.holder);
            holdings.push(json!({
                "owner": holder.map_or(holding.holder.as_str(), |holder| holder.name.as_str()),
                "of": party.name,
                "share": holding.share.known(),
                "votes": null,
                "kind": holder.map(|holder| holder.kind),
                "country": holder.and_then(|holder| holder.headquarters.known()),
                "from": null,
            }));
            waiting.push(holding.holder.clone());
        }
    }
    let floor = organisation.file.kyc.stake.get();
    let top = match ultimate_parent(register, key, floor) {
        Parent::Known { country, chain } => json!({
            "name": chain.last().and_then(|key| register.get(key)).map(|party| party.name.clone()),
            "headquarters": country,
        }),
        Parent::Unclear { .. } => Value::Null,
    };
    if holdings.is_empty() && !complete {
        return json!({"ultimate_parent": top});
    }
    // Completeness is the signatory's word: only a register that is known to be open says no by itself.
    let complete = if complete { json!(true) } else { json!(false) };
    json!({"holdings": holdings, "complete": complete, "ultimate_parent": top})
}

/// C11: numbers of the workload and of the plan.
fn size(parameters: Option<f64>, tokens: Option<f64>, chosen: Option<&Candidate>) -> Value {
    let text = |number: f64| format!("{number:e}");
    let estimate = chosen.and_then(|chosen| chosen.estimate.as_ref().ok());
    let chips = chosen.map(|chosen| {
        let each = chosen.accelerator.as_ref().map_or(0, |(_, count)| *count);
        u64::from(each) * u64::from(chosen.nodes)
    });
    json!({
        "parameters": parameters.map(text),
        "tokens": tokens.map(text),
        "flop": estimate.map(|estimate| text(estimate.flops.get())),
        "chip": chosen.and_then(|chosen| chosen.accelerator.as_ref()).map(|(name, _)| name),
        "chips": chips,
        "hours": chosen.and_then(Candidate::hours).map(|hours| format!("{:.4}", hours.get())),
    })
}

/// C16: what Causeway itself moves, and what lies at the site.
fn destinations(answers: &mut Answers, known: &Known<'_>, place: Option<(&SiteId, &Site)>) {
    let organisation = known.organisation;
    let file = &organisation.source.name;
    let receiver = organisation
        .party(&organisation.file.organisation)
        .map(|party| party.name.clone());
    let home = Stated::fact(Some(&organisation.file.home.country), file, "home.country");
    let mut list: Vec<Value> = ["weights", "checkpoints", "logs"]
        .into_iter()
        .map(|what| {
            json!({"what": what, "place": "home", "country": home.known(), "receiver": receiver})
        })
        .collect();
    let mut source = format!("{file}, home");
    if let Some((id, site)) = place {
        let operator = organisation
            .party(&site.operator)
            .map(|party| party.name.clone());
        let country = Stated::fact(Some(&site.country), file, "country");
        list.extend(["checkpoints", "logs"].map(|what| {
            json!({"what": what, "place": id, "country": country.known(), "receiver": operator})
        }));
        source.push_str(&format!(" and sites.{id}"));
    }
    add(answers, "destinations", Value::Array(list), source);
}

fn provider(known: &Known<'_>) -> Answers {
    let mut answers = Answers::new();
    let organisation = known.organisation;
    let file = &organisation.source.name;
    let Some((id, site)) = site(known) else {
        return answers;
    };
    let register =
        causeway_plan::register(organisation, &causeway_plan::Screened::default(), known.day);
    let operator = site.operator.as_str();
    if let Some(party) = register.get(operator) {
        let owned = owners(organisation, &register, operator);
        let answer = json!({
            "legal": party.name,
            "holdings": owned.get("holdings"),
            "complete": owned.get("complete"),
        });
        add(
            &mut answers,
            "identity",
            answer,
            format!("{file}, parties.{operator}"),
        );
        let country = match Stated::fact(Some(&site.country), file, "country") {
            Fact::Known(country, _) => Some(country),
            Fact::Unknown(_) => None,
        };
        add(
            &mut answers,
            "site",
            json!({"address": {"country": country}, "operator": party.name}),
            format!("{file}, sites.{id}"),
        );
    }
    let chips: Vec<Value> = site
        .offers
        .iter()
        .filter_map(|offer| {
            let model = offer.accelerator.as_ref()?;
            let count = u64::from(offer.accelerators_per_node) * u64::from(offer.nodes);
            let licence = Stated::fact(offer.chips_licence.as_ref(), file, "chips_licence");
            Some(json!({
                "model": model,
                "count": count,
                "eccn": null,
                "received_under": licence.known().map(|text| text.0.clone()),
                "received_on": offer.chips_received,
            }))
        })
        .collect();
    add(
        &mut answers,
        "chips",
        Value::Array(chips),
        format!("{file}, sites.{id}.offers"),
    );
    answers
}
