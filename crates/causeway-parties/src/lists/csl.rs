//! The US Consolidated Screening List: JSON, CSV and tab-separated. Columns are found by name: their order and even the
//! name of the id differ by year.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::ftm::dated;
use super::identifier;
use super::input::{Layout, Raw, each_element, each_row};
use super::json::Object;
use super::reading::Reading;
use super::text::{clean, country, country_or_doubt, decode, parts};
use super::{
    Address, Doubt, DoubtKind, Identifier, Item, Kind, ListError, ListedName, Listing, NameKind,
    Record, identifier::Scheme, known_list,
};

/// One entry, in whichever form it was written.
#[derive(Default)]
struct Entry {
    id: Option<String>,
    source: Option<String>,
    kind: Option<String>,
    programmes: Vec<String>,
    name: Option<String>,
    aliases: Vec<String>,
    addresses: Vec<Address>,
    notices: Vec<String>,
    start: Option<String>,
    end: Option<String>,
    requirement: Option<String>,
    policy: Option<String>,
    nationalities: Vec<String>,
    born: Vec<String>,
    identifiers: Vec<Identifier>,
    notes: Vec<String>,
    country: Option<String>,
    url: Option<String>,
}

pub(super) fn read_json(
    input: &mut dyn BufRead,
    reading: &mut Reading<'_>,
) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    each_element(&file, input, "results", &mut |raw| {
        let text = decode(raw.bytes);
        let mut doubts = Vec::new();
        match Object::read(&text, &mut doubts) {
            Ok(object) => {
                let entry = from_object(&object, &mut doubts);
                give(reading, raw, entry, doubts)
            }
            Err(why) => reading.unread(raw, why),
        }
    })
}

fn from_object(object: &Object<'_>, doubts: &mut Vec<Doubt>) -> Entry {
    let mut entry = Entry {
        id: object
            .text("id", doubts)
            .or_else(|| object.text("_id", doubts)),
        source: object.text("source", doubts),
        kind: object.text("type", doubts),
        programmes: object.texts("programs", doubts),
        name: object.text("name", doubts),
        aliases: object.texts("alt_names", doubts),
        start: object.text("start_date", doubts),
        end: object.text("end_date", doubts),
        requirement: object.text("license_requirement", doubts),
        policy: object.text("license_policy", doubts),
        born: object.texts("dates_of_birth", doubts),
        country: object.text("country", doubts),
        url: object.text("source_list_url", doubts),
        ..Entry::default()
    };
    if let Some(notices) = object.text("federal_register_notice", doubts) {
        entry.notices = parts(&notices, ";").map(str::to_owned).collect();
    }
    for name in ["citizenships", "nationalities"] {
        entry.nationalities.extend(object.texts(name, doubts));
    }
    for address in object.objects("addresses", doubts) {
        let text: Vec<String> = ["address", "city", "state", "postal_code"]
            .iter()
            .filter_map(|name| address.text(name, doubts))
            .collect();
        let country = address
            .text("country", doubts)
            .and_then(|code| country_or_doubt(&code, doubts));
        entry.addresses.push(Address {
            text: text.join(", "),
            country,
        });
    }
    for id in object.objects("ids", doubts) {
        let word = id
            .text("type", doubts)
            .unwrap_or_else(|| "a number".to_owned());
        let country = id
            .text("country", doubts)
            .and_then(|code| country_or_doubt(&code, doubts));
        if let Some(number) = id.text("number", doubts) {
            number_or_note(&mut entry, &word, &number, country, doubts);
        }
    }
    for name in NOTES {
        entry.note(name, object.text(name, doubts));
    }
    entry
}

/// Fields that are kept as prose.
const NOTES: [&str; 9] = [
    "title",
    "standard_order",
    "call_sign",
    "vessel_type",
    "gross_tonnage",
    "gross_registered_tonnage",
    "vessel_flag",
    "vessel_owner",
    "remarks",
];

/// The other columns that the list is known to have.
const COLUMNS: [&str; 23] = [
    "_id",
    "id",
    "source",
    "entity_number",
    "type",
    "programs",
    "name",
    "addresses",
    "federal_register_notice",
    "start_date",
    "end_date",
    "license_requirement",
    "license_policy",
    "source_list_url",
    "alt_names",
    "citizenships",
    "dates_of_birth",
    "nationalities",
    "places_of_birth",
    "source_information_url",
    "ids",
    "country",
    "force_annotation",
];

impl Entry {
    fn note(&mut self, name: &str, text: Option<String>) {
        match (name, text) {
            (_, None) => {}
            ("remarks", Some(text)) => self.notes.push(text),
            (_, Some(text)) => self.notes.push(format!("{name}: {text}")),
        }
    }
}

fn number_or_note(
    entry: &mut Entry,
    word: &str,
    number: &str,
    country: Option<causeway_domain::Country>,
    doubts: &mut Vec<Doubt>,
) {
    match identifier::scheme(word) {
        Some(scheme) => {
            let country = country.or_else(|| prefix_country(word));
            let found = Identifier::new(scheme, word, number, country, doubts);
            entry.identifiers.push(found);
        }
        None if word.to_lowercase().contains("number") || word.contains("No.") => {
            entry.identifiers.push(Identifier {
                scheme: Scheme::Other,
                value: number.to_owned(),
                as_written: word.to_owned(),
                country,
            });
        }
        None => entry.notes.push(format!("{word} {number}")),
    }
}

/// `UK Company Number`: the country stands before the words.
pub(super) fn prefix_country(word: &str) -> Option<causeway_domain::Country> {
    word.split_once(' ').and_then(|(first, _)| {
        (first.len() == 2 && first.bytes().all(|byte| byte.is_ascii_uppercase()))
            .then(|| country(first))
            .flatten()
    })
}

pub(super) fn read_rows(
    input: &mut dyn BufRead,
    delimiter: u8,
    reading: &mut Reading<'_>,
) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    let mut header: Option<BTreeMap<String, usize>> = None;
    let mut unknown = Vec::new();
    each_row(&file, input, Layout::lenient(delimiter), |raw, fields| {
        let Some(columns) = &header else {
            let columns: BTreeMap<String, usize> = fields
                .iter()
                .enumerate()
                .map(|(index, name)| (decode(name).trim().to_lowercase(), index))
                .collect();
            for needed in ["source", "name"] {
                if !columns.contains_key(needed) {
                    return Err(ListError::AnotherFormat {
                        file: file.clone(),
                        format: "the Consolidated Screening List",
                        why: format!("its first row names no column `{needed}`"),
                    });
                }
            }
            unknown = columns
                .keys()
                .filter(|name| !COLUMNS.contains(&name.as_str()) && !NOTES.contains(&name.as_str()))
                .cloned()
                .collect();
            header = Some(columns);
            return Ok(());
        };
        let mut doubts = Vec::new();
        let mut get = |name: &str| {
            let bytes = columns.get(name).and_then(|index| fields.get(*index))?;
            clean(&decode(bytes), &mut doubts)
        };
        let mut entry = Entry {
            id: get("id").or_else(|| get("_id")),
            source: get("source"),
            kind: get("type"),
            name: get("name"),
            start: get("start_date"),
            end: get("end_date"),
            requirement: get("license_requirement"),
            policy: get("license_policy"),
            country: get("country"),
            url: get("source_list_url"),
            ..Entry::default()
        };
        let mut list = |name: &str| -> Vec<String> {
            get(name)
                .map(|text| parts(&text, ";").map(str::to_owned).collect())
                .unwrap_or_default()
        };
        entry.programmes = list("programs");
        entry.aliases = list("alt_names");
        entry.notices = list("federal_register_notice");
        entry.nationalities = list("citizenships");
        entry.nationalities.extend(list("nationalities"));
        entry.born = list("dates_of_birth");
        entry.addresses = list("addresses")
            .iter()
            .map(|text| one_line(text))
            .collect();
        let ids = list("ids");
        for name in NOTES
            .iter()
            .chain(&unknown.iter().map(String::as_str).collect::<Vec<_>>())
        {
            let text = get(name);
            entry.note(name, text);
        }
        for id in ids {
            let Some((word, rest)) = id.split_once(", ") else {
                entry.notes.push(id);
                continue;
            };
            let (number, place) = match rest.rsplit_once(", ") {
                Some((number, code)) if country(code).is_some() => (number, country(code)),
                _ => (rest, None),
            };
            number_or_note(&mut entry, word, number, place, &mut doubts);
        }
        if fields.len() != columns.len() {
            doubts.push(Doubt::new(
                DoubtKind::Missing,
                format!(
                    "it has {} fields, the first row {}",
                    fields.len(),
                    columns.len()
                ),
            ));
        }
        give(reading, raw, entry, doubts)
    })
}

/// An address on one line, its country last, as a code or a name.
fn one_line(text: &str) -> Address {
    let (before, last) = text.rsplit_once(", ").unwrap_or(("", text));
    match country(last) {
        Some(country) => Address {
            text: before.to_owned(),
            country: Some(country),
        },
        None => Address {
            text: text.to_owned(),
            country: None,
        },
    }
}

fn give(
    reading: &mut Reading<'_>,
    raw: Raw<'_>,
    entry: Entry,
    mut doubts: Vec<Doubt>,
) -> Result<(), ListError> {
    let origin = reading.origin(raw);
    let id = entry.id.unwrap_or_else(|| {
        doubts.push(Doubt::new(DoubtKind::Missing, "it has no `id`"));
        format!("row-{}", origin.hash.short())
    });
    let kind = match entry.kind.as_deref().map(str::to_lowercase).as_deref() {
        None => Kind::Unstated,
        Some("individual") => Kind::Person,
        Some("entity") => Kind::Entity,
        Some("vessel") => Kind::Vessel,
        Some("aircraft") => Kind::Other,
        Some(_) => {
            doubts.push(Doubt::new(
                DoubtKind::UnknownKind,
                "no type of party is known by this name",
            ));
            Kind::Other
        }
    };
    let mut record = Record::new(id, kind, origin);
    record.kind_as_written = entry.kind;
    for address in entry.addresses {
        record.address(address);
    }
    match &entry.name {
        Some(name) if is_address_entry(name) => {
            record.kind = Kind::Address;
            record.label.clone_from(name);
        }
        Some(name) => {
            let (name, reach) = without_reach(name);
            if let Some(reach) = reach {
                doubts.push(Doubt::new(
                    DoubtKind::Reach,
                    format!("the entry covers more than its name: `{reach}`"),
                ));
            }
            spelled(&mut record, name, NameKind::Primary);
        }
        None => doubts.push(Doubt::new(DoubtKind::Missing, "it has no name")),
    }
    for alias in &entry.aliases {
        let (alias, kind) = match alias.split_once(':') {
            Some((word, rest)) if word.trim().eq_ignore_ascii_case("affiliated entity") => {
                doubts.push(Doubt::new(
                    DoubtKind::Reach,
                    format!("`{}` is named as an affiliate", rest.trim()),
                ));
                (rest.trim(), NameKind::Alias)
            }
            _ => (alias.as_str(), NameKind::Alias),
        };
        spelled(&mut record, alias, kind);
    }
    for text in entry.nationalities.iter().chain(&entry.country) {
        record.countries.extend(country_or_doubt(text, &mut doubts));
    }
    record.born_or_founded = entry.born;
    record.identifiers = entry.identifiers;
    record.notes = entry.notes;
    match &entry.source {
        Some(source) => {
            let mut listing = Listing::on(source, known_list(source), &mut doubts);
            listing.programmes = entry.programmes;
            listing.requiring(entry.requirement, &mut doubts);
            listing.policy = entry.policy;
            listing.citations = entry.notices;
            listing.listed_on = entry.start.map(|text| dated(text, &mut doubts));
            listing.ends_on = entry.end.map(|text| dated(text, &mut doubts));
            listing.source_url = entry.url;
            record.listings.push(listing);
        }
        None => {
            doubts.push(Doubt::new(
                DoubtKind::Missing,
                "it names no list (`source`)",
            ));
            record
                .listings
                .push(Listing::on("no list", None, &mut doubts));
        }
    }
    record.doubts = doubts;
    reading.row(raw.line, [Item::Party(Box::new(record))])
}

/// `Address 7`, `Address 01`: the entry is its address, and no name to match.
fn is_address_entry(name: &str) -> bool {
    name.strip_prefix("Address ").is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A name without what the entry covers besides (`; and any successor, sub-unit, or subsidiary thereof`).
fn without_reach(name: &str) -> (&str, Option<&str>) {
    match name.split_once(';') {
        Some((first, rest)) if rest.to_lowercase().contains("any successor") => {
            (first.trim(), Some(rest.trim()))
        }
        _ => (name, None),
    }
}

/// Adds a name; where an acronym stands behind it in brackets, the name without it too, and the acronym as a weak alias.
fn spelled(record: &mut Record, name: &str, kind: NameKind) {
    record.name(ListedName::new(name, kind));
    let Some((before, short)) = name
        .strip_suffix(')')
        .and_then(|open| open.rsplit_once(" ("))
    else {
        return;
    };
    let acronym = short.chars().count() <= 12
        && short
            .chars()
            .all(|letter| letter.is_uppercase() || letter.is_numeric() || " -&".contains(letter));
    if acronym && !before.trim().is_empty() {
        record.name(ListedName::new(before.trim(), NameKind::Alias));
        record.name(ListedName::new(short, NameKind::Weak));
    }
}
