//! What an act of a case is done with.

use causeway_domain::Fact;
use causeway_domain::yaml::Node;

use super::read::{BY, Reader, WRITTEN, default, entries, text};
use crate::{Chip, Dataset, Evidence, Figures, Item, Model, Service, Technology, Weights};

impl Reader<'_> {
    pub(super) fn item(&mut self, node: &Node) -> Item {
        let mut item = Item::default();
        let count = node
            .get("count")
            .and_then(text)
            .and_then(|text| text.parse().ok())
            .unwrap_or(1);
        for (key, part) in entries(node) {
            match key.text.as_str() {
                "count" => {}
                "chip" => match text(part).as_deref() {
                    Some("unknown") => {
                        item.chip = Some(Chip {
                            id: None,
                            count,
                            figures: None,
                        })
                    }
                    Some(id) => item.chip = Some(Chip::listed(id, count)),
                    None => self.odd("item.chip"),
                },
                "custom_chip" => {
                    item.chip = Some(Chip {
                        id: None,
                        count,
                        figures: Some(self.figures(part)),
                    })
                }
                "other" => item.other = Some(text(part).unwrap_or_default()),
                "dataset" => item.dataset = Some(self.dataset(part)),
                "weights" => item.weights = Some(self.weights(part)),
                "model" => {
                    self.keys(part, "model", &["train_ops", "gpai", "text"]);
                    item.model = Some(Model {
                        gpai: part
                            .get("gpai")
                            .map_or_else(|| default(false), |gpai| self.flag("model.gpai", gpai)),
                        train_ops: part.get("train_ops").map_or_else(
                            || Fact::unknown("not in the case"),
                            |ops| self.number("model.train_ops", ops),
                        ),
                    });
                }
                "technology" => {
                    self.keys(part, "technology", &["entry", "text"]);
                    let entry = part
                        .get("entry")
                        .and_then(text)
                        .unwrap_or_else(|| "unclassified".to_owned());
                    let entry = if entry == "unknown" {
                        Fact::unknown(WRITTEN)
                    } else {
                        Fact::stated(entry, BY)
                    };
                    item.technology = Some(Technology {
                        entry,
                        text: part.get("text").and_then(text).unwrap_or_default(),
                    });
                }
                "service" => {
                    self.keys(part, "service", &["public", "text"]);
                    let public = part.get("public").map_or_else(
                        || Fact::unknown("not in the case"),
                        |public| self.flag("service.public", public),
                    );
                    item.service = Some(Service {
                        public,
                        text: part.get("text").and_then(text).unwrap_or_default(),
                    });
                }
                "evidence" => {
                    self.keys(part, "evidence", &["stored_in", "requested_by", "text"]);
                    let stored_in = part.get("stored_in").map_or_else(
                        || Fact::unknown("not in the case"),
                        |place| self.country("evidence.stored_in", place),
                    );
                    let requested_by = match part.get("requested_by").and_then(text) {
                        Some(by) if by != "unknown" => Fact::stated(by, BY),
                        _ => Fact::unknown(WRITTEN),
                    };
                    item.evidence = Some(Evidence {
                        stored_in,
                        requested_by,
                        text: part.get("text").and_then(text).unwrap_or_default(),
                    });
                }
                other => {
                    item.unknown.insert(other.to_owned());
                }
            }
        }
        item
    }

    fn figures(&mut self, node: &Node) -> Figures {
        self.keys(
            node,
            "custom_chip",
            &[
                "tpp",
                "performance_density",
                "datacenter",
                "io_total",
                "dram_bandwidth",
            ],
        );
        let mut figure = |key: &str| {
            node.get(key).map_or_else(
                || Fact::unknown("not in the case"),
                |value| self.number(&format!("custom_chip.{key}"), value),
            )
        };
        let (tpp, performance_density, io_total, dram_bandwidth) = (
            figure("tpp"),
            figure("performance_density"),
            figure("io_total"),
            figure("dram_bandwidth"),
        );
        let datacenter = node.get("datacenter").map_or_else(
            || Fact::unknown("not in the case"),
            |value| self.flag("custom_chip.datacenter", value),
        );
        Figures {
            tpp,
            performance_density,
            datacenter,
            io_total,
            dram_bandwidth,
        }
    }

    fn dataset(&mut self, node: &Node) -> Dataset {
        let mut dataset = Dataset {
            important: Some(default(false)),
            ..Dataset::default()
        };
        for (key, value) in entries(node) {
            if key.text == "important" {
                dataset.important = Some(self.flag("dataset.important", value));
            } else if key.text != "text" {
                let persons = self.persons(&format!("dataset.{}", key.text), value);
                dataset.persons.insert(key.text.clone(), persons);
            }
        }
        dataset
    }

    /// Closed and published exclude each other: where one is written the other follows.
    fn weights(&mut self, node: &Node) -> Weights {
        self.keys(
            node,
            "weights",
            &["closed", "published", "train_ops", "text"],
        );
        let closed = node
            .get("closed")
            .map(|closed| self.flag("weights.closed", closed));
        let published = node
            .get("published")
            .map(|published| self.flag("weights.published", published));
        let other = |fact: &Option<Fact<bool>>, otherwise: bool| {
            fact.clone()
                .map_or_else(|| default(otherwise), |fact| fact.map(|flag| !flag))
        };
        Weights {
            closed: closed.clone().unwrap_or_else(|| other(&published, true)),
            published: published.unwrap_or_else(|| other(&closed, false)),
            train_ops: node.get("train_ops").map_or_else(
                || Fact::unknown("not in the case"),
                |ops| self.number("weights.train_ops", ops),
            ),
        }
    }
}
