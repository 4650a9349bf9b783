//! Who takes part in an act of a case, and who owns them.

use causeway_domain::yaml::{Content, Node};
use causeway_domain::{Country, Fact, Percent, Source};
use causeway_parties::{Holding, Listed, Party, PartyKind, Register};

use super::read::{BY, Reader, WRITTEN, default, items, text, words};
use crate::{ActParty, Role};

impl Reader<'_> {
    pub(super) fn party(
        &mut self,
        index: usize,
        node: &Node,
        register: &mut Register,
    ) -> Option<ActParty> {
        let keys = [
            "role",
            "in",
            "hq",
            "parent",
            "incorporated",
            "listed",
            "owners",
            "owners_complete",
            "ciio",
            "name",
        ];
        self.keys(node, "party", &keys);
        let role_word = node.get("role").and_then(text).unwrap_or_default();
        let Ok(role) = role_word.parse::<Role>() else {
            self.odd(format!("role: {role_word}"));
            return None;
        };
        let key = format!("{role} {}", index + 1);
        let name = node
            .get("name")
            .and_then(text)
            .unwrap_or_else(|| key.clone());
        let headquarters = node.get("hq").map(|hq| self.country("hq", hq));
        let located = match node.get("in") {
            Some(place) => self.country("in", place),
            None => headquarters
                .clone()
                .unwrap_or_else(|| Fact::unknown("not in the case")),
        };
        let party = self.registered(
            name,
            headquarters.unwrap_or_else(|| located.clone()),
            node,
            register,
        );
        register.insert(key.clone(), party);
        let ciio = node
            .get("ciio")
            .map_or_else(|| default(false), |ciio| self.flag("ciio", ciio));
        Some(ActParty {
            role,
            id: key,
            located,
            ciio,
        })
    }

    fn registered(
        &mut self,
        name: String,
        headquarters: Fact<Country>,
        node: &Node,
        register: &mut Register,
    ) -> Party {
        let listed = match words(node.get("listed")) {
            lists if lists.iter().any(|list| list == "unknown") => Listed::unknown(WRITTEN),
            lists => Listed::on(
                lists.into_iter().filter(|list| list != "none"),
                Source::named(BY),
            ),
        };
        let owners = match node.get("owners") {
            Some(list) if matches!(list.content, Content::List(_)) => items(list)
                .iter()
                .map(|owner| self.owner(owner, register))
                .collect(),
            _ => Vec::new(),
        };
        let complete = match node.get("owners_complete").and_then(text).as_deref() {
            None => node.get("owners").and_then(text).as_deref() != Some("unknown"),
            Some(word) => word == "true",
        };
        Party {
            name,
            kind: PartyKind::Company,
            headquarters,
            incorporated: node
                .get("incorporated")
                .map(|place| self.country("incorporated", place)),
            listed,
            owners,
            owners_complete: complete,
            parent: node
                .get("parent")
                .map(|parent| self.country("parent", parent)),
        }
    }

    /// A holder, with holders of its own. One name is one holder, wherever it stands.
    fn owner(&mut self, node: &Node, register: &mut Register) -> Holding {
        let keys = [
            "name",
            "pct",
            "hq",
            "listed",
            "owners",
            "owners_complete",
            "parent",
            "incorporated",
            "control",
            "in",
        ];
        self.keys(node, "owner", &keys);
        let name = node
            .get("name")
            .and_then(text)
            .unwrap_or_else(|| format!("holder {}", register.parties.len() + 1));
        let share = node
            .get("pct")
            .map_or_else(
                || Fact::unknown("not in the case"),
                |share| self.number("owner.pct", share),
            )
            .map(Percent::new);
        let control = node.get("control").and_then(text).as_deref() == Some("true");
        let key = format!("holder {name}");
        if name == "dispersed" {
            register.insert(
                key.clone(),
                Party {
                    kind: PartyKind::Dispersed,
                    ..Party::company(name)
                },
            );
            return Holding {
                holder: key,
                share,
                control: false,
            };
        }
        let headquarters = match node.get("hq") {
            Some(hq) if text(hq).as_deref() == Some("various") => Fact::unknown("various"),
            Some(hq) => self.country("owner.hq", hq),
            None => Fact::unknown("not in the case"),
        };
        let mut party = self.registered(name, headquarters, node, register);
        if let Some(known) = register.parties.remove(&key) {
            // Named before: what either place says counts.
            if party.owners.is_empty() {
                party.owners = known.owners;
            }
            party.listed = party
                .listed
                .and_on(known.listed.certain().clone(), known.listed.source());
            if !party.headquarters.is_known() {
                party.headquarters = known.headquarters;
            }
        }
        register.insert(key.clone(), party);
        Holding {
            holder: key,
            share,
            control,
        }
    }
}
