//! The rule `us-acs-3a090a` alone: in Rego, and as a pack of its own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use causeway_domain::Country;
use causeway_law::{Act, FactValue, PackFile, Packs, Role};
use causeway_parties::ultimate_parent;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{CompiledPolicy, Engine, Value};
use serde_json::json;

const ENTRY: &str = "data.acs.license_required";
pub(crate) const RULE: &str = "us-acs-3a090a";

/// The packs with that rule alone, and what permits goods to move at all.
pub(crate) fn packs(root: &Path) -> Result<Packs> {
    let rules = root.join("rules");
    let mut files = Vec::new();
    for folder in std::fs::read_dir(&rules)? {
        let folder = folder?.path();
        if !folder.is_dir() || folder.ends_with("cases") || folder.ends_with("base") {
            continue;
        }
        for path in std::fs::read_dir(&folder)? {
            let path = path?.path();
            if path.extension().is_none_or(|kind| kind != "cedar") {
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            let own = format!("@id(\"{RULE}\")");
            let kept: Vec<&str> = text
                .split("\n@id(")
                .skip(1)
                .filter(|policy| policy.starts_with(&own["@id(".len()..]))
                .collect();
            files.push(PackFile {
                path: path
                    .strip_prefix(&rules)?
                    .to_str()
                    .context("a path that is not text")?
                    .to_owned(),
                text: kept
                    .iter()
                    .map(|policy| format!("@id({policy}\n"))
                    .collect(),
            });
        }
    }
    let packs = Packs::from_files(files)?;
    anyhow::ensure!(
        packs.rules().any(|rule| rule.id == RULE),
        "the rule is lost"
    );
    Ok(packs)
}

/// The rule in Rego: by the interpreter, and compiled for its virtual machine.
pub(crate) struct Rego {
    pub(crate) interpreter: CompiledPolicy,
    pub(crate) machine: RegoVM,
}

impl Rego {
    pub(crate) fn new() -> Result<Self> {
        let mut engine = Engine::new();
        engine.add_policy(
            "us-acs-3a090a.rego".to_owned(),
            include_str!("us-acs-3a090a.rego").to_owned(),
        )?;
        let interpreter = engine.compile_with_entrypoint(&ENTRY.into())?;
        let program = Compiler::compile_from_policy(&interpreter, &[ENTRY])
            .map_err(|error| anyhow!("{error:?}"))?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        Ok(Self {
            interpreter,
            machine,
        })
    }
}

/// What Rego is told of an act. Everything that is not the rule itself is worked out here, outside of what is measured.
pub(crate) struct Facts {
    chips: BTreeMap<String, serde_json::Value>,
    groups: serde_json::Value,
}

impl Facts {
    pub(crate) fn new(root: &Path) -> Result<Self> {
        let read = |path: &str| -> Result<serde_json::Value> {
            Ok(serde_json::from_str(&std::fs::read_to_string(
                root.join(path),
            )?)?)
        };
        let table = read("rules/chips/chips_tpp.json")?;
        let rows = table["chips"].as_array().context("no chips")?;
        let chips = rows
            .iter()
            .filter_map(|row| Some((row["id"].as_str()?.to_owned(), row.clone())))
            .collect();
        Ok(Self {
            chips,
            groups: read("rules/us/country_groups.json")?,
        })
    }

    /// The code of a country and its groups on a day.
    fn groups_of(&self, country: Country, day: &str) -> Vec<String> {
        let alias = &self.groups["aliases"][country.code()];
        let read_as = alias["as"]
            .as_str()
            .filter(|_| alias["from"].as_str().is_none_or(|from| from <= day))
            .unwrap_or(country.code());
        let dated = |group: &str| {
            let rows = self.groups["dated"].as_array()?.iter().rev();
            rows.clone()
                .find(|row| {
                    row["country"] == read_as
                        && row["group"] == group
                        && row["from"].as_str().is_none_or(|from| from <= day)
                        && row["to"].as_str().is_none_or(|to| day <= to)
                })
                .and_then(|row| row["state"].as_str())
        };
        let mut all = vec![country.code().to_owned()];
        for (group, members) in self.groups["groups"].as_object().into_iter().flatten() {
            let member = members
                .as_array()
                .is_some_and(|members| members.iter().any(|member| *member == read_as));
            if dated(group).map_or(member, |state| state == "in") {
                all.push(group.clone());
            }
        }
        all
    }

    /// `None`: something that the rule asks for is not known.
    pub(crate) fn input(&self, act: &Act) -> Option<Value> {
        let day = act.date.day().to_string();
        let chip = act.item.chip.as_ref()?;
        let (tpp, area, datacenter) = match (&chip.figures, &chip.id) {
            (None, Some(id)) => {
                let row = self.chips.get(id)?;
                let widths = row["tpp_by_bits"].as_object()?.values();
                let tpp = widths
                    .filter_map(serde_json::Value::as_f64)
                    .fold(0.0, f64::max);
                (
                    tpp,
                    row["die_area_mm2"].as_f64()?,
                    row["datacenter_marketed"].as_bool()?,
                )
            }
            _ => return None,
        };
        let recipients: Option<Vec<serde_json::Value>> = act
            .parties
            .iter()
            .filter(|party| [Role::Purchaser, Role::Consignee, Role::EndUser].contains(&party.role))
            .map(|party| {
                let registered = act.register.get(&party.id)?;
                let parent = ultimate_parent(&act.register, &party.id, 10.into()).country()?;
                Some(json!({
                    "hq": self.groups_of(*registered.headquarters.known()?, &day),
                    "parent": self.groups_of(parent, &day),
                    "listed": registered.listed.whole().known()?,
                }))
            })
            .collect();
        let end_use = match act.facts.get("end_use")?.known()? {
            FactValue::Word(word) => word.clone(),
            _ => return None,
        };
        let input = json!({
            "act": act.kind.word(),
            "day": day.replace('-', "").parse::<i64>().ok()?,
            "to": self.groups_of(*act.to.known()?, &day),
            "chip": {"tpp": tpp, "die_area": area, "datacenter": datacenter},
            "recipients": recipients?,
            "authorisations": act.authorisations,
            "end_use": end_use,
        });
        Value::from_json_str(&input.to_string()).ok()
    }
}
