//! Counterfactuals as a tree.

use super::{Answered, Counterfactuals, Proposal, Searched, Step};
use crate::{Outcome, Tree};

/// Alternatives that are named; the document has all.
const NAMED: usize = 10;
/// Sets of several changes that are shown.
const SETS: usize = 12;

impl Counterfactuals {
    /// What would have to change, as a tree: one change first, alternatives of one kind together.
    #[must_use]
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new("changes of plan that would give allow");
        if self.outcome == Outcome::Allow {
            tree.push("none is needed: it is allowed as planned");
            return tree;
        }
        let (single, several): (Vec<&Proposal>, Vec<&Proposal>) = self
            .proposals
            .iter()
            .partition(|proposal| proposal.steps.len() == 1);
        let mut groups: Vec<(&Step, &Proposal, Vec<String>)> = Vec::new();
        for proposal in single {
            let Some(step) = proposal.steps.first() else {
                continue;
            };
            let same = groups.iter_mut().find(|(first, whole, _)| {
                first.change.kind() == step.change.kind()
                    && listed(step)
                    && first.answers == step.answers
                    && first.caveat == step.caveat
                    && whole.obligations == proposal.obligations
            });
            match same {
                Some((_, _, things)) => things.push(step.change.thing()),
                None => groups.push((step, proposal, vec![step.change.thing()])),
            }
        }
        if !groups.is_empty() {
            tree.push(
                Tree::new("one change is enough").with(
                    groups
                        .into_iter()
                        .map(|(step, proposal, things)| alternatives(step, proposal, &things)),
                ),
            );
        }
        if !several.is_empty() {
            let mut node = Tree::new("several changes together");
            for proposal in several.iter().take(SETS) {
                node.push(together(proposal));
            }
            if several.len() > SETS {
                node.push(format!(
                    "and {} more: `--json` has all",
                    several.len() - SETS
                ));
            }
            tree.push(node);
        }
        if self.proposals.is_empty() {
            tree.push(
                "none was found: within the bound below, no lawful change of this plan gives allow",
            );
        }
        if !self.open.is_empty() {
            tree.push(
                Tree::new("open, and to be found out: no change of plan settles it").with(
                    self.open.iter().map(|open| match open.why.is_empty() {
                        true => open.fact.clone(),
                        false => format!("{}: {}", open.fact, open.why),
                    }),
                ),
            );
        }
        tree.push(self.searched.words());
        tree.push("never proposed: another party, owner, headquarters, label, list, residence or role, and no splitting");
        tree
    }
}

impl Searched {
    fn words(&self) -> String {
        let left_out = match self.pairs_left_out {
            0 => String::new(),
            some => format!(" ({some} more pairs were left out)"),
        };
        format!(
            "looked at: {} single changes, {} pairs{left_out}, all open papers together; {} judgements",
            self.singles, self.pairs, self.judged
        )
    }
}

/// Whether alternatives of this kind are named in one line.
fn listed(step: &Step) -> bool {
    matches!(
        step.change.kind(),
        "place" | "chip" | "date" | "authorisation"
    )
}

fn alternatives(step: &Step, proposal: &Proposal, things: &[String]) -> Tree {
    let text = if things.len() == 1 {
        step.says.clone()
    } else {
        let lead = match step.change.kind() {
            "place" => "do it in another place",
            "chip" => "use other chips",
            "date" => "do it on another day",
            _ => "obtain an authorisation for exactly this, before it is done",
        };
        let named: Vec<&str> = things.iter().take(NAMED).map(String::as_str).collect();
        let more = match things.len().checked_sub(NAMED) {
            Some(0) | None => String::new(),
            Some(more) => format!(", and {more} more (`--json` has all)"),
        };
        format!("{lead}, one of: {}{more}", named.join(", "))
    };
    let mut node = Tree::new(text);
    below(step, &mut node);
    obliges(proposal, &mut node);
    node
}

fn together(proposal: &Proposal) -> Tree {
    let mut node = Tree::new(format!("these {}", proposal.steps.len()));
    for step in &proposal.steps {
        let mut child = Tree::new(step.says.as_str());
        below(step, &mut child);
        node.push(child);
    }
    obliges(proposal, &mut node);
    node
}

fn below(step: &Step, node: &mut Tree) {
    for rule in &step.answers {
        node.push(answers(rule));
    }
    if let Some(caveat) = &step.caveat {
        node.push(caveat.as_str());
    }
}

fn answers(rule: &Answered) -> Tree {
    let citation = if rule.citation.is_empty() {
        String::new()
    } else {
        format!(" ({})", rule.citation.join("; "))
    };
    Tree::new(format!("answers to {}: {}{citation}", rule.id, rule.title))
}

fn obliges(proposal: &Proposal, node: &mut Tree) {
    if !proposal.obligations.is_empty() {
        node.push(format!(
            "the allow would oblige to: {}",
            proposal.obligations.join(", ")
        ));
    }
}
