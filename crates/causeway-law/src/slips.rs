//! Words that the packs don't know, and the act in words.

use causeway_domain::Fact;

use crate::{Act, FactValue, OpenFact, Packs, Settings};

/// Words that the packs don't know: each gives a review whatever else is said. `facts_fit`: it is known already that no fact
/// is or has such a word.
pub(crate) fn slips(
    packs: &Packs,
    settings: &Settings,
    act: &Act,
    facts_fit: bool,
) -> Vec<OpenFact> {
    let mut all = Vec::new();
    let mut say = |fact: String, why: String| {
        all.push(OpenFact {
            fact,
            why,
            gives: Vec::new(),
        })
    };
    for (name, fact) in act.facts.iter().filter(|_| !facts_fit) {
        match (packs.vocabulary.facts.get(name), fact) {
            (None, _) => say(name.clone(), "the packs know no such fact".to_owned()),
            (Some(spec), Fact::Known(value, _)) if !spec.takes(value) => {
                say(name.clone(), format!("`{value}` is not a value of it"))
            }
            (Some(_), Fact::Known(FactValue::Persons(counts), _)) => {
                for class in counts
                    .keys()
                    .filter(|class| !packs.vocabulary.data_classes.contains(class))
                {
                    say(
                        format!("{name}.{class}"),
                        "the packs know no such class of data".to_owned(),
                    );
                }
            }
            (Some(_), _) => {}
        }
    }
    for kind in &act.item.unknown {
        say(
            format!("item.{kind}"),
            "the packs know no such kind of item".to_owned(),
        );
    }
    if let Some(chip) = &act.item.chip {
        match &chip.id {
            Some(id) if chip.figures.is_none() && !packs.chips.contains_key(id) => say(
                "chip".to_owned(),
                format!("`{id}` is not in the chip table"),
            ),
            _ => {}
        }
    }
    for class in act
        .item
        .dataset
        .iter()
        .flat_map(|dataset| dataset.persons.keys())
    {
        if !packs.vocabulary.data_classes.contains(class) {
            say(
                format!("dataset.{class}"),
                "the packs know no such class of data".to_owned(),
            );
        }
    }
    if let Some(Fact::Known(by, _)) = act.item.evidence.as_ref().map(|part| &part.requested_by)
        && !packs.vocabulary.requesters.contains(by)
    {
        say(
            "evidence.requested_by".to_owned(),
            format!("`{by}` is not a value of it"),
        );
    }
    for (key, party) in &act.register.parties {
        for list in party
            .listed
            .certain()
            .iter()
            .filter(|list| !packs.vocabulary.lists.contains(list))
        {
            say(
                format!("{key}.listed"),
                format!("the packs know no list `{list}`"),
            );
        }
    }
    for pack in settings
        .packs
        .iter()
        .filter(|pack| !packs.packs.contains(*pack))
    {
        say("packs".to_owned(), format!("there is no pack `{pack}`"));
    }
    all
}

/// The act in a line.
pub(crate) fn about(packs: &Packs, act: &Act) -> String {
    let item = &act.item;
    let mut parts: Vec<String> = Vec::new();
    if let Some(chip) = &item.chip {
        let name = chip.id.as_ref().map_or("chips with stated figures", |id| {
            packs.chip_name(id).unwrap_or(id)
        });
        parts.push(format!("{} x {name}", chip.count));
    }
    parts.extend(item.other.clone());
    if let Some(dataset) = &item.dataset {
        let classes: Vec<&str> = dataset.persons.keys().map(String::as_str).collect();
        parts.push(if classes.is_empty() {
            "a dataset".to_owned()
        } else {
            format!("a dataset ({})", classes.join(", "))
        });
    }
    parts.extend(item.weights.as_ref().map(|_| "model weights".to_owned()));
    parts.extend(item.model.as_ref().map(|_| "a model".to_owned()));
    parts.extend(
        item.technology
            .as_ref()
            .map(|technology| technology.text.clone()),
    );
    parts.extend(item.service.as_ref().map(|service| service.text.clone()));
    parts.extend(item.evidence.as_ref().map(|evidence| evidence.text.clone()));
    let from = act
        .from
        .map_or_else(String::new, |from| format!(" from {from}"));
    let to = act
        .to
        .known()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let word = if act.from.is_some() { "to" } else { "in" };
    format!(
        "{} of {}{from} {word} {to} on {}",
        act.kind.word().replace('_', " "),
        if parts.is_empty() {
            "nothing stated".to_owned()
        } else {
            parts.join(" and ")
        },
        act.date.day()
    )
}
