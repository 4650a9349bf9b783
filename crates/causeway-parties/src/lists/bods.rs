//! Beneficial Ownership Data Standard 0.4: statements about entities, persons and relationships, as one JSON array or one a
//! line.
//!
//! A later statement with the same `recordId` takes the place of an earlier one; `closed` ends a record. A relationship
//! with `isComponent: true` is a link of a chain that another one sums up: both are kept, and
//! [`super::Graph`] adds only one of them.

use std::io::BufRead;

use causeway_domain::Date;

use super::ftm::dated;
use super::identifier::{self, Scheme};
use super::input::{Raw, each_element, each_line};
use super::json::Object;
use super::reading::Reading;
use super::share::percent;
use super::text::{country_or_doubt, decode};
use super::{
    Address, Closed, Doubt, DoubtKind, Edge, EdgeKind, Exception, Identifier, Item, Kind,
    ListError, ListedName, More, NameKind, Record, Relationship, Share,
};

pub(super) fn read_array(
    input: &mut dyn BufRead,
    reading: &mut Reading<'_>,
) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    each_element(&file, input, "statements", &mut |raw| {
        let text = decode(raw.bytes);
        let mut doubts = Vec::new();
        match Object::read(&text, &mut doubts) {
            Ok(object) => statement(reading, raw, &object, doubts),
            Err(why) => reading.unread(raw, why),
        }
    })
}

pub(super) fn read_lines(
    input: &mut dyn BufRead,
    reading: &mut Reading<'_>,
) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    each_line(&file, input, |raw, ended| {
        let text = decode(raw.bytes);
        let mut doubts = Vec::new();
        match Object::read(&text, &mut doubts) {
            Ok(object) => statement(reading, raw, &object, doubts),
            Err(why) if !ended => Err(ListError::Truncated {
                file: file.clone(),
                line: raw.line,
                why,
            }),
            Err(why) => reading.unread(raw, why),
        }
    })
}

fn statement(
    reading: &mut Reading<'_>,
    raw: Raw<'_>,
    object: &Object<'_>,
    mut doubts: Vec<Doubt>,
) -> Result<(), ListError> {
    let Some(id) = object.text("recordId", &mut doubts) else {
        return reading.unread(
            raw,
            "it has no `recordId`: a statement of another version than BODS 0.4",
        );
    };
    let published = object.object("publicationDetails", &mut doubts);
    if let Some(version) = published
        .as_ref()
        .and_then(|details| details.text("bodsVersion", &mut doubts))
        .filter(|version| version != "0.4")
    {
        doubts.push(Doubt::new(
            DoubtKind::UnknownValue,
            format!("BODS version `{version}` is read as 0.4"),
        ));
    }
    let mut day = |found: Option<String>| {
        found
            .map(|text| dated(text, &mut doubts))
            .and_then(|day| day.exact())
    };
    let stated = day(object.text("statementDate", &mut Vec::new()));
    let publication = published
        .as_ref()
        .and_then(|details| details.text("publicationDate", &mut Vec::new()));
    let publication = day(publication);
    reading.seen_on(publication);
    let origin = reading.origin(raw);
    match object.text("recordStatus", &mut doubts).as_deref() {
        Some("closed") => {
            let closed = Item::Closed(Closed {
                id,
                asserted_on: stated,
                origin,
            });
            return reading.row(raw.line, [closed]);
        }
        Some("new" | "updated") => {}
        other => doubts.push(Doubt::new(
            DoubtKind::UnknownValue,
            format!(
                "no status of a record is known as `{}`",
                other.unwrap_or_default()
            ),
        )),
    }
    let Some(details) = object.object("recordDetails", &mut doubts) else {
        return reading.unread(raw, "it has no `recordDetails`");
    };
    let record_type = object.text("recordType", &mut doubts);
    if record_type.as_deref() == Some("relationship") {
        return relationship(reading, raw, id, &details, stated, doubts);
    }
    let mut record = Record::new(id, Kind::Other, origin);
    record.asserted_on = stated;
    record.replaces = true;
    match record_type.as_deref() {
        Some("entity") => entity(&mut record, &details, &mut doubts),
        Some("person") => person(&mut record, &details, &mut doubts),
        other => {
            doubts.push(Doubt::new(
                DoubtKind::UnknownKind,
                format!(
                    "no type of record is known as `{}`",
                    other.unwrap_or_default()
                ),
            ));
            record.kind_as_written = other.map(str::to_owned);
            entity(&mut record, &details, &mut doubts);
            record.kind = Kind::Other;
        }
    }
    addresses(&mut record, &details, &mut doubts);
    identifiers(&mut record, &details, &mut doubts);
    record.doubts = doubts;
    reading.row(raw.line, [Item::Party(Box::new(record))])
}

fn entity(record: &mut Record, details: &Object<'_>, doubts: &mut Vec<Doubt>) {
    let word = details
        .object("entityType", doubts)
        .and_then(|kind| kind.text("type", doubts));
    record.kind = match word.as_deref() {
        Some("registeredEntity" | "legalEntity" | "arrangement") => Kind::Entity,
        Some("anonymousEntity" | "unknownEntity") => {
            record.notes.push("the source does not name it".to_owned());
            Kind::Entity
        }
        Some("state" | "stateBody") => Kind::State,
        other => {
            doubts.push(Doubt::new(
                DoubtKind::UnknownKind,
                format!(
                    "no type of entity is known as `{}`",
                    other.unwrap_or_default()
                ),
            ));
            Kind::Entity
        }
    };
    record.kind_as_written = word;
    if let Some(name) = details.text("name", doubts) {
        record.name(ListedName::new(name, NameKind::Primary));
    }
    for name in details.texts("alternateNames", doubts) {
        record.name(ListedName::new(name, NameKind::Alias));
    }
    record.jurisdiction = coded(details.object("jurisdiction", doubts), doubts);
    record.countries.extend(record.jurisdiction);
    record
        .born_or_founded
        .extend(details.text("foundingDate", doubts));
}

fn person(record: &mut Record, details: &Object<'_>, doubts: &mut Vec<Doubt>) {
    record.kind = Kind::Person;
    record.kind_as_written = details.text("personType", doubts);
    if record.kind_as_written.as_deref() != Some("knownPerson") {
        record.notes.push("the source does not name it".to_owned());
    }
    for name in details.objects("names", doubts) {
        let kind = match name.text("type", doubts).as_deref() {
            Some("former" | "birth") => NameKind::Former,
            Some("alternative" | "transliteration") => NameKind::Alias,
            _ if record.names.is_empty() => NameKind::Primary,
            _ => NameKind::Alias,
        };
        let full = name.text("fullName", doubts).or_else(|| {
            let parts: Vec<String> = ["givenName", "patronymicName", "familyName"]
                .iter()
                .filter_map(|part| name.text(part, doubts))
                .collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        });
        if let Some(full) = full {
            record.name(ListedName::new(full, kind));
        }
    }
    for nationality in details.objects("nationalities", doubts) {
        let country = coded(Some(nationality), doubts);
        record.countries.extend(country);
    }
    record
        .born_or_founded
        .extend(details.text("birthDate", doubts));
}

/// A place as BODS writes it: `{code, name}`.
fn coded(place: Option<Object<'_>>, doubts: &mut Vec<Doubt>) -> Option<causeway_domain::Country> {
    let place = place?;
    let text = place
        .text("code", doubts)
        .or_else(|| place.text("name", doubts))?;
    let code = text.split('-').next().unwrap_or(&text);
    country_or_doubt(code, doubts)
}

fn addresses(record: &mut Record, details: &Object<'_>, doubts: &mut Vec<Doubt>) {
    for address in details.objects("addresses", doubts) {
        let country = coded(address.object("country", doubts), doubts);
        let text = address.text("address", doubts).unwrap_or_default();
        if record.kind == Kind::Person
            && address.text("type", doubts).as_deref() == Some("residence")
        {
            record.headquarters = country;
        }
        record.address(Address { text, country });
    }
}

fn identifiers(record: &mut Record, details: &Object<'_>, doubts: &mut Vec<Doubt>) {
    for number in details.objects("identifiers", doubts) {
        let word = number
            .text("scheme", doubts)
            .or_else(|| number.text("schemeName", doubts))
            .unwrap_or_else(|| "a number".to_owned());
        let Some(value) = number.text("id", doubts) else {
            continue;
        };
        // Codes of org-id.guide: a country and its register (`GB-COH`); `XI-LEI` is the LEI.
        let (place, register) = word.split_once('-').unwrap_or(("", &word));
        let country = place.parse().ok();
        let scheme = match identifier::scheme(register) {
            Some(scheme) => scheme,
            None if country.is_some() && record.kind != Kind::Person => Scheme::Registration,
            None => Scheme::Other,
        };
        let found = Identifier::new(scheme, &word, value, country, doubts);
        record.identifiers.push(found);
    }
}

fn kind(word: &str) -> Option<EdgeKind> {
    Some(match word {
        "shareholding" => EdgeKind::Share,
        "votingRights" => EdgeKind::Votes,
        "appointmentOfBoard"
        | "otherInfluenceOrControl"
        | "controlViaCompanyRulesOrArticles"
        | "controlByLegalFramework"
        | "rightsGrantedByContract"
        | "conditionalRightsGrantedByContract"
        | "settlor"
        | "trustee"
        | "protector"
        | "beneficiaryOfLegalArrangement"
        | "nominee"
        | "nominator" => EdgeKind::Control,
        "boardMember" | "boardChair" | "seniorManagingOfficial" => EdgeKind::Director,
        "rightsToSurplusAssetsOnDissolution"
        | "rightsToProfitOrIncome"
        | "rightToProfitOrIncomeFromAssets"
        | "enjoymentAndUseOfAssets"
        | "unknownInterest"
        | "unpublishedInterest" => EdgeKind::Unknown,
        _ => return None,
    })
}

fn relationship(
    reading: &mut Reading<'_>,
    raw: Raw<'_>,
    id: String,
    details: &Object<'_>,
    asserted_on: Option<Date>,
    mut doubts: Vec<Doubt>,
) -> Result<(), ListError> {
    let origin = reading.origin(raw);
    let mut items = Vec::new();
    let subject = details.text("subject", &mut Vec::new());
    let unspecified = details
        .get("interestedParty")
        .filter(|value| value.get().starts_with('{'))
        .and_then(|_| details.object("interestedParty", &mut doubts));
    let owner = match &unspecified {
        // Nobody is named: the holder is one that no record has, so that what it holds stays open.
        Some(_) => Some(format!("unspecified:{id}")),
        None => details.text("interestedParty", &mut doubts),
    };
    let (Some(subject), Some(owner)) = (subject, owner) else {
        return reading.unread(raw, "it names no `subject` or no `interestedParty`");
    };
    let mut edges = Vec::new();
    for interest in details.objects("interests", &mut doubts) {
        edges.push(edge(&interest, &owner, &subject, &mut doubts));
    }
    if edges.is_empty() {
        edges.push(Edge::new(&owner, &subject, EdgeKind::Unknown));
    }
    if let Some(nobody) = unspecified {
        let words: Vec<&str> = edges
            .iter()
            .filter_map(|edge| edge.role.as_deref())
            .collect();
        let mut more = More::about(&subject, origin);
        more.exceptions.push(Exception {
            category: words.join(", "),
            reason: nobody
                .text("reason", &mut doubts)
                .unwrap_or_else(|| "no reason given".to_owned()),
            description: nobody.text("description", &mut doubts),
        });
        items.push(Item::More(Box::new(more)));
    }
    let relationship = Relationship {
        id,
        edges,
        component: details.flag("isComponent", &mut doubts).unwrap_or_default(),
        sums_up: details.texts("componentRecords", &mut doubts),
        asserted_on,
        replaces: true,
        doubts,
        origin,
    };
    items.push(Item::Relationship(Box::new(relationship)));
    reading.row(raw.line, items)
}

fn edge(interest: &Object<'_>, owner: &str, subject: &str, doubts: &mut Vec<Doubt>) -> Edge {
    let word = interest.text("type", doubts);
    let known = match word.as_deref() {
        None => EdgeKind::Unknown,
        Some(word) => kind(word).unwrap_or_else(|| {
            doubts.push(Doubt::new(
                DoubtKind::UnknownKind,
                format!("no interest is known as `{word}`"),
            ));
            EdgeKind::Unknown
        }),
    };
    let mut edge = Edge::new(owner, subject, known);
    edge.role = word;
    edge.direct = match interest.text("directOrIndirect", doubts).as_deref() {
        Some("direct") => Some(true),
        Some("indirect") => Some(false),
        _ => None,
    };
    edge.beneficial = interest
        .flag("beneficialOwnershipOrControl", doubts)
        .unwrap_or_default();
    let mut day = |name: &str| interest.text(name, doubts).map(|text| dated(text, doubts));
    edge.start = day("startDate");
    edge.end = day("endDate");
    if let Some(share) = interest.object("share", doubts) {
        edge.share = share_of(&share, doubts);
    }
    edge
}

/// `exact`, or bounds, of which either may be exclusive.
fn share_of(share: &Object<'_>, doubts: &mut Vec<Doubt>) -> Share {
    let mut bound = |name: &str| {
        let text = share.text(name, doubts)?;
        let found = percent(&text);
        if found.is_none() {
            doubts.push(Doubt::new(
                DoubtKind::Share,
                format!("`{name}` `{text}` is no share of 0 to 100 percent"),
            ));
        }
        found
    };
    if let Some(exact) = bound("exact") {
        return Share::Exact(exact);
    }
    let (least, above) = (bound("minimum"), bound("exclusiveMinimum"));
    let (most, below) = (bound("maximum"), bound("exclusiveMaximum"));
    if [least, above, most, below].iter().all(Option::is_none) {
        return Share::Unstated;
    }
    let number = |whole: u32| causeway_domain::Percent::new(rust_decimal::Decimal::from(whole));
    let min = least.max(above).unwrap_or_else(|| number(0));
    let max = match (most, below) {
        (Some(most), Some(below)) => most.min(below),
        (most, below) => most.or(below).unwrap_or_else(|| number(100)),
    };
    if min > max {
        doubts.push(Doubt::new(
            DoubtKind::Share,
            format!("its bounds {min} and {max} exclude each other"),
        ));
        return Share::Unstated;
    }
    Share::between(min, above == Some(min), max, below == Some(max))
}
