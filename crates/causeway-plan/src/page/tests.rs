use std::sync::Arc;

use causeway_domain::{Hours, SourceFile, scenario};
use causeway_market::Market;

use super::*;
use crate::compared::{Asked, parsed};
use crate::scenario::{BASE, Sampling, outlook};
use crate::settings;

/// A firm of Singapore with two places in Malaysia, chips in Indonesia, a place that the law forbids, one that is too small,
/// and one of which neither price nor time is stated.
const ORGANISATION: &str = "
organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
  hub: {name: Hub <& \"Sons\">, headquarters: MY, listed: none, owners: [], owners_complete: true}
  jaya: {name: Jaya, headquarters: ID, listed: none, owners: [], owners_complete: true}
  shady: {name: Shady, headquarters: KP, listed: none, owners: [], owners_complete: true}
presences:
  - {entity: acme, provider: hub, account: a, site: near}
  - {entity: acme, provider: hub, account: a, site: dear}
  - {entity: acme, provider: jaya, account: a, site: chips}
  - {entity: acme, provider: shady, account: a, site: north}
sites:
  near: {country: MY, operator: hub, encrypted_at_rest: true, engine: {local: {directory: near}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 1, tokens_per_second: 1000}]}
  dear: {country: MY, operator: hub, engine: {local: {directory: dear}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 9, tokens_per_second: 2000}]}
  chips: {country: ID, operator: jaya, engine: {local: {directory: chips}}, offers: [{accelerator: H100, accelerators_per_node: 8, cpus: 96, memory: 800 GB, price_per_hour: 20, tokens_per_second: 9000}]}
  north: {country: KP, operator: shady, engine: {local: {directory: north}}, offers: [{cpus: 2, memory: 8 GB, price_per_hour: 0.5, tokens_per_second: 1000}]}
  small: {country: SG, operator: acme, engine: {local: {directory: small}}, offers: [{cpus: 1, memory: 1 GB, price_per_hour: 0, tokens_per_second: 500}]}
  mute: {country: VN, operator: acme, engine: {local: {directory: mute}}, offers: [{cpus: 2, memory: 8 GB}]}
home: {country: SG}
team: {SG: 3, MY: 1}
datasets: {corpus: {path: data, class: none, records: 1, origin: SG, controller: acme}}
workloads: {t: {model: a/m, parameters: 1e5, tokens: 8.64e8, sequence_length: 64, end_use: civil, closed: true, code: [bin], code_from: SG, code_entry: free}}
";
const TASK: &str = "resources: {any_of: [{cpus: 2+}, {accelerators: 'H100:8'}]}
file_mounts: {data: ./data, bin: ./bin}
run: x
";

struct Made {
    comparison: Comparison,
    outlook: Option<Outlook>,
    packs: Packs,
    settings: Settings,
}

impl Made {
    fn of(organisation: &str, task: &str, market: &Market, draws: usize) -> Self {
        let organisation = parsed(organisation);
        let packs = Packs::builtin().unwrap();
        let comparison = Asked {
            at: "2026-11-24T00:00:00Z",
            market,
            packs: &packs,
            every_offer: false,
        }
        .compare(&organisation, task);
        let settings = settings(&organisation);
        let file = scenario::parse(&Arc::new(SourceFile::new("base.yaml", BASE))).unwrap();
        let sampling = Sampling {
            draws,
            seed: 1,
            plans: 200,
            home_every: Hours::new(24.0),
        };
        let outlook =
            (draws > 0).then(|| outlook(&comparison, &file, &packs, &settings, sampling).unwrap());
        Self {
            comparison,
            outlook,
            packs,
            settings,
        }
    }

    fn small() -> Self {
        Self::of(ORGANISATION, TASK, &Market::empty().unwrap(), 500)
    }

    fn page<'a>(&'a self, title: &'a str) -> Page<'a> {
        Page {
            comparison: &self.comparison,
            outlook: self.outlook.as_ref(),
            packs: &self.packs,
            settings: &self.settings,
            home: "SG".parse().ok(),
            title,
        }
    }

    fn render(&self) -> String {
        render(&self.page("Where to train t"))
    }
}

pub(super) fn comparison() -> Comparison {
    Made::of(ORGANISATION, TASK, &Market::empty().unwrap(), 0).comparison
}

/// Checks the whole page as XML, each picture by itself, and that nothing is loaded; gives the pictures.
fn checked(html: &str) -> Vec<String> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(html, options)
        .unwrap_or_else(|error| panic!("{error}\n{html}"));
    let mut ids: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id twice");
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let tag = node.tag_name().name();
        assert!(
            ![
                "script", "link", "img", "iframe", "object", "embed", "image", "use", "a"
            ]
            .contains(&tag),
            "{tag}"
        );
        for attribute in node.attributes() {
            assert!(
                !["src", "href", "style", "srcset"].contains(&attribute.name()),
                "{}",
                attribute.name()
            );
            assert!(!attribute.name().starts_with("on"), "{}", attribute.name());
            assert!(
                !attribute.value().contains("NaN") && !attribute.value().contains("inf"),
                "{}",
                attribute.value()
            );
            for id in attribute.value().split("url(#").skip(1) {
                let id = id.split(')').next().unwrap();
                assert!(ids.binary_search(&id).is_ok(), "{id}");
            }
        }
        match tag {
            "table" => assert!(node.children().any(|child| child.has_tag_name("caption"))),
            "th" => assert!(node.attribute("scope").is_some()),
            "svg" => assert_eq!(node.attribute("role"), Some("img")),
            _ => {}
        }
    }
    let style = document
        .descendants()
        .find(|node| node.has_tag_name("style"))
        .unwrap();
    assert!(!style.text().unwrap().contains("@import") && !style.text().unwrap().contains("url("));
    let levels: Vec<&str> = document
        .descendants()
        .map(|node| node.tag_name().name())
        .filter(|tag| ["h1", "h2", "h3", "h4"].contains(tag))
        .collect();
    assert_eq!(levels.first(), Some(&"h1"));
    assert!(
        levels.iter().skip(1).all(|level| *level == "h2"),
        "{levels:?}"
    );
    let pictures: Vec<String> = html
        .match_indices("<svg")
        .map(|(at, _)| {
            let text = html.get(at..).unwrap();
            let end = text.find("</svg>").unwrap() + "</svg>".len();
            text.get(..end).unwrap().to_owned()
        })
        .collect();
    for picture in &pictures {
        let parsed = roxmltree::Document::parse(picture).unwrap();
        let first: Vec<&str> = parsed
            .root_element()
            .children()
            .filter(roxmltree::Node::is_element)
            .take(2)
            .map(|node| node.tag_name().name())
            .collect();
        assert_eq!(first, ["title", "desc"]);
    }
    pictures
}

fn picture(pictures: &[String], name: &str) -> String {
    pictures
        .iter()
        .find(|picture| picture.contains(&format!("{name}-title")))
        .cloned()
        .unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn each_picture_of_a_small_comparison() {
    let html = Made::small().render();
    let pictures = checked(&html);
    let names = [
        "matrix", "pareto", "factors", "map", "timeline", "fans", "readings",
    ];
    assert_eq!(pictures.len(), names.len());
    for name in names {
        insta::assert_snapshot!(name, picture(&pictures, name));
    }
}

#[test]
fn the_page_begins_with_the_answer_and_asks_in_order() {
    let made = Made::small();
    let html = made.render();
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}\n{html}"));
    let order = [
        "The best lawful place for <code>t</code> on 24 November 2026 is",
        "Where may I?",
        "What does it cost?",
        "What speaks for it?",
        "What moves?",
        "What may change? The rules",
        "What may change? The futures",
        "Where this comes from",
    ];
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])));
    for standing in Standing::ALL {
        assert!(html.contains(standing.words()) && html.contains(standing.letter()));
    }
    insta::assert_snapshot!(
        "answer",
        html.get(at("<section class=\"answer")..at("<dl")).unwrap()
    );
}

#[test]
fn same_input_same_bytes() {
    assert_eq!(Made::small().render(), Made::small().render());
}

#[test]
fn names_are_text_wherever_they_stand() {
    let made = Made::small();
    let evil = "</title><script>alert('1' & \"2\")</script>\u{8}";
    let html = render(&made.page(evil));
    checked(&html);
    assert!(!html.contains("<script"));
    assert!(
        html.contains("Hub &lt;&amp; &quot;Sons&quot;&gt;"),
        "in a picture"
    );
    assert!(
        html.contains(", Hub &lt;&amp; &quot;Sons&quot;&gt;</th>"),
        "in a table"
    );
}

#[test]
fn nothing_to_compare_is_a_page_too() {
    let nowhere = "organisation: acme\nparties: {acme: {name: Acme}}\nhome: {country: SG}\n";
    let task = "resources: {cpus: 2+}\nrun: x\n";
    let made = Made::of(nowhere, task, &Market::empty().unwrap(), 100);
    assert!(made.comparison.candidates.is_empty());
    let html = made.render();
    checked(&html);
    assert!(html.contains("No place can run <code>t</code>"), "{html}");
    let without = Made {
        outlook: None,
        ..made
    };
    assert!(without.render().contains("No futures were drawn"));
}

#[test]
fn one_candidate_without_home_or_country_is_a_page_too() {
    let alone = "
organisation: acme
parties: {acme: {name: Acme}}
presences: [{entity: acme, provider: acme, account: a, site: here}]
sites: {here: {country: unknown, operator: acme, engine: {local: {directory: here}}, offers: [{cpus: 2}]}}
home: {country: SG}
";
    let made = Made::of(
        alone,
        "resources: {cpus: 2+}\nrun: x\n",
        &Market::empty().unwrap(),
        50,
    );
    assert_eq!(made.comparison.candidates.len(), 1);
    let html = render(&Page {
        home: None,
        ..made.page("Alone")
    });
    let pictures = checked(&html);
    assert!(
        !pictures.iter().any(|one| one.contains("pareto-title")),
        "neither price nor time is known"
    );
    assert!(html.contains("needs review") && html.contains("country unknown"));
    assert!(html.contains("are not known"));
}

#[test]
fn what_costs_nothing_has_its_place() {
    let free = ORGANISATION.replace("price_per_hour: 1,", "price_per_hour: 0,");
    let made = Made::of(&free, TASK, &Market::empty().unwrap(), 50);
    let html = made.render();
    checked(&html);
    assert!(html.contains("It costs $0.00"), "{html}");
}

#[test]
fn two_hundred_offers_are_half_a_megabyte_at_most() {
    let clouds = ORGANISATION.replace(
        "  - {entity: acme, provider: shady",
        "  - {entity: acme, provider: hub, account: b, cloud: nebius}\n  - {entity: acme, provider: shady",
    );
    let chips = "A100, A100-80GB, H100, H200, B200, L4, L40S, V100, RTXA6000, A10, T4, MI300X";
    let any: Vec<String> = chips
        .split(", ")
        .flat_map(|chip| [1, 2, 4, 8].map(|count| format!("{{accelerators: '{chip}:{count}'}}")))
        .collect();
    let task = format!(
        "resources: {{any_of: [{{cpus: 2+}}, {}]}}\nfile_mounts: {{data: ./data, bin: ./bin}}\nrun: x\n",
        any.join(", ")
    );
    let mut made = Made::of(&clouds, &task, &Market::builtin().unwrap(), 100);
    // As many again until there are two hundred, each with a name of its own.
    let found = made.comparison.candidates.clone();
    assert!(found.len() > 60, "{}", found.len());
    for (number, mut candidate) in found.into_iter().cycle().take(200).enumerate() {
        candidate.label += &format!(" {number}");
        made.comparison.candidates.push(candidate);
    }
    made.comparison.candidates.truncate(200);
    let html = made.render();
    checked(&html);
    assert!(html.len() < 500_000, "{}", html.len());
}

#[test]
fn small_bars_tell_what_is_open_from_what_is_nothing() {
    let made = Made::small();
    let near = made
        .comparison
        .candidates
        .iter()
        .find(|one| one.label.starts_with("near"))
        .unwrap();
    let mute = made
        .comparison
        .candidates
        .iter()
        .find(|one| one.label.starts_with("mute"))
        .unwrap();
    let lines: Vec<String> = [near, mute]
        .iter()
        .flat_map(|one| [bars(&one.factors, false), bars(&one.factors, true)])
        .collect();
    assert!(lines[1].is_ascii() && lines[3].is_ascii());
    insta::assert_snapshot!("small_bars", lines.join("\n"));
}
