//! FollowTheMoney entities, one JSON object a line: parties, their entries on lists, who owns whom.
//!
//! Format: followthemoney.tech, "schema" and "properties"; every property is a list of texts.

use std::io::BufRead;

use rust_decimal::Decimal;

use super::identifier::{self, Scheme};
use super::input::{Raw, each_line};
use super::json::Object;
use super::reading::Reading;
use super::text::{country_or_doubt, decode, parts};
use super::{
    Address, Day, Doubt, DoubtKind, Edge, EdgeKind, Identifier, Item, Kind, ListError, ListedName,
    Listing, More, NameKind, Record, Relationship, Share, known_list,
};

pub(super) fn read(input: &mut dyn BufRead, reading: &mut Reading<'_>) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    each_line(&file, input, |raw, ended| {
        let text = decode(raw.bytes);
        let mut doubts = Vec::new();
        match Object::read(&text, &mut doubts) {
            Ok(entity) => row(reading, raw, &entity, doubts),
            Err(why) if !ended => Err(ListError::Truncated {
                file: file.clone(),
                line: raw.line,
                why,
            }),
            Err(why) => reading.unread(raw, why),
        }
    })
}

/// Kinds that hold neither a party nor an edge nor a listing.
const ASIDE: [&str; 4] = ["Position", "Occupancy", "CryptoWallet", "Event"];

fn row(
    reading: &mut Reading<'_>,
    raw: Raw<'_>,
    entity: &Object<'_>,
    mut doubts: Vec<Doubt>,
) -> Result<(), ListError> {
    let Some(id) = entity.text("id", &mut doubts) else {
        return reading.unread(raw, "it has no `id`");
    };
    let Some(schema) = entity.text("schema", &mut doubts) else {
        return reading.unread(raw, "it has no `schema`");
    };
    for field in ["last_seen", "last_change"] {
        let day = entity
            .text(field, &mut doubts)
            .and_then(|day| Day::written(day).exact());
        reading.seen_on(day);
    }
    if ASIDE.contains(&schema.as_str()) {
        reading.aside(&schema);
        return Ok(());
    }
    let properties = entity.object("properties", &mut doubts);
    let empty = Object::read("{}", &mut doubts).map_err(|why| ListError::Syntax {
        file: reading.as_.file.to_owned(),
        line: raw.line,
        why,
    })?;
    let properties = properties.unwrap_or(empty);
    let origin = reading.origin(raw);
    if let Some((from, to, kind)) = ends(&schema) {
        let relationship = relationship(id, &schema, &properties, (from, to, kind), doubts, origin);
        return reading.row(raw.line, [Item::Relationship(Box::new(relationship))]);
    }
    match schema.as_str() {
        "Sanction" => {
            let listing = sanction(&properties, &mut doubts);
            let about = properties.texts("entity", &mut doubts);
            if about.is_empty() {
                let mut record = Record::new(id, Kind::Other, origin);
                record.kind_as_written = Some(schema);
                record.listings.push(listing);
                doubts.push(Doubt::new(
                    DoubtKind::Dangling,
                    "an entry on a list that names no party",
                ));
                record.doubts = doubts;
                return reading.row(raw.line, [Item::Party(Box::new(record))]);
            }
            let items = about.into_iter().map(|party| {
                let mut more = More::about(party, origin);
                more.listings.push(listing.clone());
                more.doubts.clone_from(&doubts);
                Item::More(Box::new(more))
            });
            reading.row(raw.line, items.collect::<Vec<_>>())
        }
        "Identification" | "Passport" => {
            let word = properties
                .text_of("type", &mut doubts)
                .unwrap_or_else(|| schema.clone());
            let numbers = properties.texts("number", &mut doubts);
            let country = properties
                .texts("country", &mut doubts)
                .first()
                .and_then(|code| country_or_doubt(code, &mut doubts));
            let items = properties
                .texts("holder", &mut doubts)
                .into_iter()
                .map(|party| {
                    let mut more = More::about(party, origin);
                    more.identifiers
                        .extend(numbers.iter().map(|number| Identifier {
                            scheme: Scheme::Other,
                            value: number.clone(),
                            as_written: word.clone(),
                            country,
                        }));
                    more.doubts.clone_from(&doubts);
                    Item::More(Box::new(more))
                });
            let items: Vec<Item> = items.collect();
            if items.is_empty() {
                return reading.unread(raw, format!("`{schema}` names no `holder`"));
            }
            reading.row(raw.line, items)
        }
        _ => {
            let mut record = party(id, &schema, entity, &properties, &mut doubts, origin);
            record.doubts = doubts;
            reading.row(raw.line, [Item::Party(Box::new(record))])
        }
    }
}

impl Object<'_> {
    /// The first of a property's values.
    fn text_of(&self, name: &str, doubts: &mut Vec<Doubt>) -> Option<String> {
        self.texts(name, doubts).into_iter().next()
    }
}

fn kind(schema: &str) -> Option<Kind> {
    Some(match schema {
        "Person" => Kind::Person,
        "Company" | "Organization" => Kind::Entity,
        "PublicBody" => Kind::State,
        "LegalEntity" => Kind::Unstated,
        "Vessel" => Kind::Vessel,
        "Airplane" | "Vehicle" | "Asset" | "Security" => Kind::Other,
        "Address" => Kind::Address,
        _ => return None,
    })
}

/// The two ends of an edge, owner first, and its kind.
fn ends(schema: &str) -> Option<(&'static str, &'static str, EdgeKind)> {
    Some(match schema {
        "Ownership" => ("owner", "asset", EdgeKind::Share),
        "Directorship" => ("director", "organization", EdgeKind::Director),
        "Membership" => ("member", "organization", EdgeKind::Link),
        "Employment" => ("employee", "employer", EdgeKind::Link),
        "Representation" => ("agent", "client", EdgeKind::Link),
        "Family" => ("person", "relative", EdgeKind::Link),
        "Associate" => ("person", "associate", EdgeKind::Link),
        "UnknownLink" => ("subject", "object", EdgeKind::Link),
        "Succession" => ("predecessor", "successor", EdgeKind::Link),
        _ => return None,
    })
}

fn party(
    id: String,
    schema: &str,
    entity: &Object<'_>,
    properties: &Object<'_>,
    doubts: &mut Vec<Doubt>,
    origin: super::Origin,
) -> Record {
    let kind = kind(schema).unwrap_or_else(|| {
        doubts.push(Doubt::new(
            DoubtKind::UnknownKind,
            format!("no kind of party is known as `{schema}`"),
        ));
        Kind::Other
    });
    let mut record = Record::new(id, kind, origin);
    record.kind_as_written = Some(schema.to_owned());
    if let Some(caption) = entity.text("caption", doubts) {
        record.label = caption;
    }
    names(&mut record, properties, doubts);
    for name in ["country", "jurisdiction", "nationality", "citizenship"] {
        let found: Vec<_> = properties
            .texts(name, doubts)
            .iter()
            .filter_map(|code| country_or_doubt(code, doubts))
            .collect();
        if name == "jurisdiction" {
            record.jurisdiction = found.first().copied().filter(|_| found.len() == 1);
        }
        record.countries.extend(found);
    }
    for text in properties.texts("address", doubts) {
        record.address(Address {
            text,
            country: None,
        });
    }
    record.address_records = properties.texts("addressEntity", doubts);
    if kind == Kind::Address {
        let country = record.countries.first().copied();
        for text in properties.texts("full", doubts) {
            record.address(Address { text, country });
        }
        if record.addresses.is_empty() {
            let text: Vec<String> = ["street", "city", "postalCode", "state"]
                .iter()
                .flat_map(|name| properties.texts(name, doubts))
                .collect();
            record.address(Address {
                text: text.join(", "),
                country,
            });
        }
    }
    identifiers(&mut record, properties, doubts);
    for name in ["birthDate", "incorporationDate"] {
        record
            .born_or_founded
            .extend(properties.texts(name, doubts));
    }
    record.topics = properties.texts("topics", doubts);
    record.target = entity.flag("target", doubts).unwrap_or_default();
    record.merged_ids = entity.texts("referents", doubts);
    record.notes = properties.texts("notes", doubts);
    record
}

fn names(record: &mut Record, properties: &Object<'_>, doubts: &mut Vec<Doubt>) {
    if record.kind == Kind::Address {
        return;
    }
    let caption = record.label.clone();
    let mut main = properties.texts("name", doubts);
    // Several main names are one party's in several languages: the caption is the one that the publisher shows.
    if let Some(index) = main.iter().position(|name| *name == caption) {
        main.swap(0, index);
    }
    for (index, name) in main.into_iter().enumerate() {
        let kind = if index == 0 {
            NameKind::Primary
        } else {
            NameKind::Alias
        };
        record.name(ListedName::new(name, kind));
    }
    for (property, kind) in [
        ("alias", NameKind::Alias),
        ("weakAlias", NameKind::Weak),
        ("abbreviation", NameKind::Weak),
        ("previousName", NameKind::Former),
    ] {
        for name in properties.texts(property, doubts) {
            record.name(ListedName::new(name, kind));
        }
    }
    if record.names.is_empty() {
        let whole: Vec<String> = ["firstName", "middleName", "lastName"]
            .iter()
            .filter_map(|name| properties.text_of(name, doubts))
            .collect();
        record.name(ListedName::new(whole.join(" "), NameKind::Primary));
    }
    if record.names.is_empty() {
        doubts.push(Doubt::new(DoubtKind::Missing, "it has no name"));
    }
}

fn identifiers(record: &mut Record, properties: &Object<'_>, doubts: &mut Vec<Doubt>) {
    let names: Vec<String> = properties.names().map(str::to_owned).collect();
    for name in names {
        let known = identifier::scheme(&name);
        if known.is_none() && !name.ends_with("Number") && !name.ends_with("Code") {
            continue;
        }
        let country = match name.as_str() {
            "ogrnCode" | "innCode" => "RU".parse().ok(),
            _ => record.jurisdiction,
        };
        for value in properties.texts(&name, doubts) {
            let scheme = known.unwrap_or(Scheme::Other);
            record
                .identifiers
                .push(Identifier::new(scheme, &name, value, country, doubts));
        }
    }
}

fn sanction(properties: &Object<'_>, doubts: &mut Vec<Doubt>) -> Listing {
    let mut names = Vec::new();
    for property in ["programId", "program", "authority"] {
        names.extend(properties.texts(property, doubts));
    }
    let programmes = properties.texts("program", doubts);
    let authority = properties.text_of("authority", doubts);
    let known = names.iter().find_map(|name| known_list(name));
    let written = programmes
        .first()
        .or(names.first())
        .cloned()
        .unwrap_or_else(|| "no programme".to_owned());
    let mut listing = Listing::on(&written, known, doubts);
    listing.programmes = programmes;
    let reason = properties.texts("reason", doubts).join("; ");
    let reason = (!reason.is_empty()).then_some(reason);
    // Only the lists of BIS have a licence requirement; elsewhere the reason is one.
    if listing.regime.as_deref() == Some("us_ear") {
        listing.requiring(reason, doubts);
    } else {
        listing.requirement = reason;
    }
    let provisions = properties.texts("provisions", doubts).join("; ");
    listing.policy = (!provisions.is_empty()).then_some(provisions);
    listing.citations = properties
        .texts("authorityId", doubts)
        .iter()
        .flat_map(|text| parts(text, ";").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    listing.listed_on = properties
        .text_of("listingDate", doubts)
        .or_else(|| properties.text_of("startDate", doubts))
        .map(|text| dated(text, doubts));
    listing.ends_on = properties
        .text_of("endDate", doubts)
        .map(|text| dated(text, doubts));
    listing.authority = authority.or(listing.authority);
    listing.source_url = properties.text_of("sourceUrl", doubts);
    listing
}

/// A day, in doubt where it can't be read.
pub(super) fn dated(text: String, doubts: &mut Vec<Doubt>) -> Day {
    let day = Day::written(text);
    if day.bounds().is_none() {
        doubts.push(Doubt::new(
            DoubtKind::Date,
            format!("`{day}` is no date that can be read"),
        ));
    }
    day
}

/// A share, in doubt where it can't be read.
pub(super) fn shared(text: &str, doubts: &mut Vec<Doubt>) -> Share {
    Share::read(text).unwrap_or_else(|| {
        let start: String = text.chars().take(60).collect();
        doubts.push(Doubt::new(
            DoubtKind::Share,
            format!("`{start}` is no share of 0 to 100 percent"),
        ));
        Share::Unstated
    })
}

fn relationship(
    id: String,
    schema: &str,
    properties: &Object<'_>,
    (from, to, kind): (&str, &str, EdgeKind),
    mut doubts: Vec<Doubt>,
    origin: super::Origin,
) -> Relationship {
    let owners = properties.texts(from, &mut doubts);
    let owned = properties.texts(to, &mut doubts);
    let mut base = Edge::new("", "", kind);
    let role = properties.text_of("role", &mut doubts);
    let written = properties.text_of("ownershipType", &mut doubts);
    base.direct =
        [&written, &role]
            .into_iter()
            .flatten()
            .find_map(|text| match text.to_lowercase() {
                text if text.contains("indirect") => Some(false),
                text if text.contains("direct") && !text.contains("director") => Some(true),
                _ => None,
            });
    base.role = role.or(written).or_else(|| match kind {
        EdgeKind::Link => Some(schema.to_owned()),
        _ => None,
    });
    base.start = properties
        .text_of("startDate", &mut doubts)
        .map(|text| dated(text, &mut doubts));
    base.end = properties
        .text_of("endDate", &mut doubts)
        .map(|text| dated(text, &mut doubts));
    base.shares = properties
        .text_of("sharesCount", &mut doubts)
        .and_then(|text| {
            let number = Decimal::from_str_exact(&text.replace([',', ' '], "")).ok();
            if number.is_none() {
                doubts.push(Doubt::new(
                    DoubtKind::Share,
                    format!("`{text}` is no number of shares"),
                ));
            }
            number
        });
    let mut shares: Vec<Share> = properties
        .texts("percentage", &mut doubts)
        .iter()
        .map(|text| shared(text, &mut doubts))
        .collect();
    if shares.is_empty() {
        shares.push(Share::Unstated);
    }
    let mut edges = Vec::new();
    for owner in &owners {
        for owned in &owned {
            for share in &shares {
                edges.push(Edge {
                    owner: owner.clone(),
                    owned: owned.clone(),
                    share: share.clone(),
                    ..base.clone()
                });
            }
        }
    }
    if edges.is_empty() {
        doubts.push(Doubt::new(
            DoubtKind::Dangling,
            format!("`{schema}` lacks `{from}` or `{to}`"),
        ));
    }
    Relationship {
        id,
        edges,
        component: false,
        sums_up: Vec::new(),
        asserted_on: None,
        replaces: false,
        doubts,
        origin,
    }
}
