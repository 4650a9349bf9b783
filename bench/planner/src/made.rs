//! A made-up organisation with any number of sites, and the files to plan with.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use camino::Utf8Path;
use causeway_domain::organisation::Organisation;
use causeway_domain::{Problem, SourceFile, organisation, portfolio, scenario, task};
use causeway_law::Packs;
use causeway_market::{Market, PriceList, import_csv};
use causeway_plan::{Comparison, Inputs, plan};

/// A dense model of 70 billion parameters.
const CONFIG: &str = r#"{"model_type":"llama","hidden_size":8192,"num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,"intermediate_size":28672,"vocab_size":128256}"#;
const RENTER: &str = "organisation: acme
parties:
  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}
  nebius: {name: Nebius, headquarters: NL, listed: none, owners: [], owners_complete: true}
presences: [{entity: acme, provider: nebius, account: a, cloud: nebius}]
team: {SG: 3}
home: {country: SG}
workloads: {seventy: {model: a/m, config: config.json, tokens: 1.4e12, sequence_length: 8192, batch: 512, end_use: civil, closed: true}}
";

/// A market of so many made-up offers: no package holds a full catalog.
pub fn offers(rows: usize, seed: u64) -> Result<Market> {
    let mut market = Market::empty()?;
    for list in crate::lists::lists(rows, seed)? {
        let prices = PriceList {
            cloud: list.cloud,
            file: "made.csv",
            bytes: &list.text,
            date: None,
        };
        let import = import_csv(&prices, &market.regions, &market.dialects)?.whole("made.csv")?;
        market = market.with_offers(import.offers);
    }
    Ok(market)
}

/// What plans are made from.
pub struct Made {
    pub organisation: Arc<Organisation>,
    pub packs: Packs,
    market: Market,
    renter: Arc<Organisation>,
}

fn file(name: &str, text: String) -> Arc<SourceFile> {
    Arc::new(SourceFile::new(name, text))
}

fn fine<T>(read: Result<T, Vec<Problem>>) -> Result<T> {
    read.map_err(|problems| {
        anyhow!(
            "{:?}",
            problems
                .iter()
                .map(|problem| &problem.message)
                .collect::<Vec<_>>()
        )
    })
}

impl Made {
    /// Sites in four countries, of one operator each, slower and cheaper by turns. Runs take 20 to 60 days.
    pub fn new(places: usize) -> Result<Self> {
        let mut text = "organisation: acme\nparties:\n  acme: {name: Acme, headquarters: SG, listed: none, owners: [], owners_complete: true}\n".to_owned();
        let countries = ["MY", "ID", "SG", "JP"];
        for country in countries {
            writeln!(
                text,
                "  hub-{country}: {{name: Hub {country}, headquarters: {country}, listed: none, owners: [], owners_complete: true}}"
            )?;
        }
        let of = |place: usize| countries[place % countries.len()];
        text.push_str("presences:\n");
        for place in 0..places {
            writeln!(
                text,
                "  - {{entity: acme, provider: hub-{}, account: a, site: s{place}}}",
                of(place)
            )?;
        }
        text.push_str("sites:\n");
        for place in 0..places {
            let (rate, price) = (1000 + 10 * (place * 37 % 200), 3 + place * 53 % 20);
            writeln!(
                text,
                "  s{place}: {{country: {}, operator: hub-{}, engine: {{local: {{directory: s}}}}, offers: [{{cpus: 8, memory: 64 GB, price_per_hour: {price}, tokens_per_second: {rate}}}]}}",
                of(place),
                of(place)
            )?;
        }
        text.push_str("home: {country: SG}\nworkloads: {t: {model: a/m, parameters: 1e6, tokens: 5e9, sequence_length: 64, end_use: civil, closed: true}}\n");
        Ok(Self {
            organisation: Arc::new(fine(organisation::parse(&file("causeway.yaml", text)))?),
            packs: Packs::builtin()?,
            market: Market::empty()?,
            renter: Arc::new(fine(organisation::parse(&file(
                "causeway.yaml",
                RENTER.to_owned(),
            )))?),
        })
    }

    pub fn compare(&self, name: &str) -> Result<Comparison> {
        let text = format!("name: {name}\nresources: {{cpus: 2+}}\nrun: x\n");
        let task = fine(task::parse(&file("task.yaml", text)))?;
        let folder = Utf8Path::new("/home");
        Ok(plan(&Inputs {
            task: &task,
            task_folder: folder,
            organisation: &self.organisation,
            organisation_folder: folder,
            market: &self.market,
            config: None,
            packs: &self.packs,
            at: "2026-11-29T00:00:00Z".parse()?,
            site: None,
            records: &Arc::default(),
            every_offer: false,
        })?)
    }

    /// A model of 70 billion parameters on nodes that are rented.
    pub fn rent(&self, market: &Market, chips: &str) -> Result<Comparison> {
        let text = format!(
            "name: seventy\nnum_nodes: 32\nresources: {{accelerators: {{{chips}}}}}\nrun: x\n"
        );
        let task = fine(task::parse(&file("task.yaml", text)))?;
        let folder = Utf8Path::new("/home");
        Ok(plan(&Inputs {
            task: &task,
            task_folder: folder,
            organisation: &self.renter,
            organisation_folder: folder,
            market,
            config: Some(CONFIG),
            packs: &self.packs,
            at: "2026-11-29T00:00:00Z".parse()?,
            site: None,
            records: &Arc::default(),
            every_offer: false,
        })?)
    }

    pub fn scenarios(&self) -> Result<scenario::File> {
        let mut text = "format: causeway/scenarios/1\nevents:\n".to_owned();
        for pack in [
            "hyp-remote-access",
            "us-iaas-kyc-nprm",
            "hyp-chip-security",
            "hyp-ai-overwatch",
        ] {
            writeln!(
                text,
                "  {pack}: {{title: a bill, pack: {pack}, when: {{to: 2027-06-30, probability: 0.3}}, assumption: true}}"
            )?;
        }
        for country in ["MY", "ID", "JP"] {
            writeln!(
                text,
                "  lost-{country}: {{title: a country, lost: {{country: {country}}}, when: {{per_year: 0.3}}, assumption: true}}"
            )?;
        }
        text.push_str("  dearer: {title: dearer, price: {factor: {low: 0.9, mid: 1.1, high: 2}}, when: {to: 2027-03-31, probability: 0.5}, assumption: true}\n");
        text.push_str("answers: {review: {days: {low: 2, mid: 10, high: 40}, granted: 0.8, assumption: true}}\n");
        fine(scenario::parse(&file("scenarios.yaml", text)))
    }

    pub fn portfolio(&self, tasks: usize) -> Result<portfolio::File> {
        let mut text = "format: causeway/portfolio/1\nbudget: 90000\nlimits:\n".to_owned();
        for limit in [
            "country: MY, nodes: 3",
            "country: ID, nodes: 2",
            "country: SG, spend: 9000",
            "country: JP, spend: 20000",
            "site: s3, nodes: 1",
        ] {
            writeln!(text, "  - {{{limit}}}")?;
        }
        text.push_str("tasks:\n");
        for number in 0..tasks {
            let more = match number % 3 {
                0 => "",
                1 => ", deadline: 2027-01-15",
                _ => ", worth: 6000",
            };
            writeln!(text, "  - {{task: t{number}{more}}}")?;
        }
        fine(portfolio::parse(&file("portfolio.yaml", text)))
    }
}
