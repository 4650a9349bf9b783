//! GLEIF's golden copies as CSV: level 1 (LEI-CDF: names), level 2 (RR: parents), reporting exceptions.
//!
//! A parent here is one that consolidates the child in its accounts: control, with an unknown share.

use std::collections::BTreeMap;
use std::io::BufRead;

use causeway_domain::lei_is_valid;

use super::ftm::{dated, shared};
use super::identifier::Scheme;
use super::input::{Layout, Raw, each_row};
use super::reading::{Part, Reading};
use super::text::{clean, country_or_doubt, decode};
use super::{
    Address, Day, Doubt, DoubtKind, Edge, EdgeKind, Exception, Identifier, Item, Kind, ListError,
    ListedName, More, NameKind, Record, Relationship,
};

/// A row with its columns by name.
struct Row<'r> {
    columns: &'r BTreeMap<String, usize>,
    fields: &'r csv::ByteRecord,
    doubts: Vec<Doubt>,
}

impl Row<'_> {
    fn get(&mut self, name: &str) -> Option<String> {
        let bytes = self
            .columns
            .get(name)
            .and_then(|index| self.fields.get(*index))?;
        clean(&decode(bytes), &mut self.doubts)
    }

    fn doubt(&mut self, kind: DoubtKind, why: impl Into<String>) {
        self.doubts.push(Doubt::new(kind, why));
    }

    fn day(&mut self, name: &str) -> Option<Day> {
        self.get(name).map(|text| dated(text, &mut self.doubts))
    }

    fn country(&mut self, name: &str) -> Option<causeway_domain::Country> {
        let text = self.get(name)?;
        // A jurisdiction can be a part of a country: `US-DE`.
        let code = text.split('-').next().unwrap_or(&text);
        country_or_doubt(code, &mut self.doubts)
    }

    /// An LEI; in doubt where its check digits are wrong.
    fn lei(&mut self, name: &str) -> Option<String> {
        let lei = self.get(name)?;
        if !lei_is_valid(&lei) {
            self.doubt(
                DoubtKind::Identifier,
                format!("the check digits of the LEI `{lei}` are wrong"),
            );
        }
        Some(lei)
    }

    fn address(&mut self, prefix: &str) -> Address {
        let mut text = Vec::new();
        for part in [
            "FirstAddressLine",
            "AdditionalAddressLine.1",
            "AdditionalAddressLine.2",
            "AdditionalAddressLine.3",
            "City",
            "Region",
            "PostalCode",
        ] {
            text.extend(self.get(&format!("{prefix}.{part}")));
        }
        Address {
            text: text.join(", "),
            country: self.country(&format!("{prefix}.Country")),
        }
    }
}

pub(super) fn read(input: &mut dyn BufRead, reading: &mut Reading<'_>) -> Result<(), ListError> {
    let file = reading.as_.file.to_owned();
    let part = reading.as_.part;
    let needed: &[&str] = match part {
        Part::GleifEntities => &["LEI", "Entity.LegalName", "Registration.RegistrationStatus"],
        Part::GleifRelationships => &[
            "Relationship.StartNode.NodeID",
            "Relationship.EndNode.NodeID",
            "Relationship.RelationshipType",
            "Relationship.RelationshipStatus",
        ],
        _ => &["LEI", "Exception.Category", "Exception.Reason.1"],
    };
    let mut header: Option<BTreeMap<String, usize>> = None;
    each_row(&file, input, Layout::lenient(b','), |raw, fields| {
        let Some(columns) = &header else {
            let columns: BTreeMap<String, usize> = fields
                .iter()
                .enumerate()
                .map(|(index, name)| (decode(name).trim().to_owned(), index))
                .collect();
            if let Some(missing) = needed.iter().find(|name| !columns.contains_key(**name)) {
                return Err(ListError::AnotherFormat {
                    file: file.clone(),
                    format: "that file of GLEIF's",
                    why: format!("its first row names no column `{missing}`"),
                });
            }
            header = Some(columns);
            return Ok(());
        };
        let mut row = Row {
            columns,
            fields,
            doubts: Vec::new(),
        };
        if fields.len() != columns.len() {
            row.doubt(
                DoubtKind::Missing,
                format!(
                    "it has {} fields, the first row {}",
                    fields.len(),
                    columns.len()
                ),
            );
        }
        match part {
            Part::GleifEntities => entity(reading, raw, row),
            Part::GleifRelationships => relationship(reading, raw, row),
            _ => exception(reading, raw, row),
        }
    })
}

fn entity(reading: &mut Reading<'_>, raw: Raw<'_>, mut row: Row<'_>) -> Result<(), ListError> {
    let Some(lei) = row.lei("LEI") else {
        return reading.unread(raw, "it has no LEI");
    };
    let category = row.get("Entity.EntityCategory");
    let kind = match category.as_deref() {
        Some("GENERAL" | "BRANCH" | "FUND" | "INTERNATIONAL_ORGANIZATION") => Kind::Entity,
        Some("RESIDENT_GOVERNMENT_ENTITY") => Kind::State,
        Some("SOLE_PROPRIETOR") | None => Kind::Unstated,
        Some(word) => {
            let why = format!("no category is known as `{word}`");
            row.doubt(DoubtKind::UnknownKind, why);
            Kind::Other
        }
    };
    let mut record = Record::new(lei.clone(), kind, reading.origin(raw));
    record.kind_as_written = category;
    names(&mut record, &mut row);
    record.jurisdiction = row.country("Entity.LegalJurisdiction");
    record.countries.extend(record.jurisdiction);
    let legal = row.address("Entity.LegalAddress");
    record.address(legal);
    let headquarters = row.address("Entity.HeadquartersAddress");
    record.headquarters = headquarters.country;
    record.address(headquarters);
    let mut none = Vec::new();
    record
        .identifiers
        .push(Identifier::new(Scheme::Lei, "LEI", lei, None, &mut none));
    let authority = row.get("Entity.RegistrationAuthority.RegistrationAuthorityID");
    if let Some(number) = row.get("Entity.RegistrationAuthority.RegistrationAuthorityEntityID") {
        record.identifiers.push(Identifier::new(
            Scheme::Registration,
            authority.unwrap_or_else(|| "RegistrationAuthorityEntityID".to_owned()),
            number,
            record.jurisdiction,
            &mut none,
        ));
    }
    match row.get("Entity.EntityStatus").as_deref() {
        Some("ACTIVE") | None => {}
        Some(word) => record.notes.push(format!("entity status {word}")),
    }
    match row.get("Registration.RegistrationStatus").as_deref() {
        Some("ISSUED" | "PENDING_TRANSFER" | "PENDING_ARCHIVAL") => {}
        Some("LAPSED") => record
            .weak
            .push("the registration of its LEI lapsed".to_owned()),
        Some(word @ ("RETIRED" | "MERGED" | "DUPLICATE" | "ANNULLED")) => record
            .weak
            .push(format!("the registration of its LEI is {word}")),
        other => {
            let why = format!(
                "no status of registration is known as `{}`",
                other.unwrap_or_default()
            );
            row.doubt(DoubtKind::UnknownValue, why);
        }
    }
    record.weak.extend(weak_source(&mut row));
    let updated = row
        .day("Registration.LastUpdateDate")
        .and_then(|day| day.exact());
    record.asserted_on = updated;
    reading.seen_on(updated);
    record.doubts = row.doubts;
    reading.row(raw.line, [Item::Party(Box::new(record))])
}

fn weak_source(row: &mut Row<'_>) -> Option<String> {
    match row.get("Registration.ValidationSources").as_deref() {
        Some("ENTITY_SUPPLIED_ONLY") => Some("supplied by the party alone".to_owned()),
        Some("PENDING") => Some("not yet validated".to_owned()),
        _ => None,
    }
}

fn names(record: &mut Record, row: &mut Row<'_>) {
    match row.get("Entity.LegalName") {
        Some(name) => {
            let mut name = ListedName::new(name, NameKind::Primary);
            name.lang = row.get("Entity.LegalName.xmllang");
            record.name(name);
        }
        None => row.doubt(DoubtKind::Missing, "it has no legal name"),
    }
    for group in [
        "Entity.OtherEntityNames.OtherEntityName",
        "Entity.TransliteratedOtherEntityNames.TransliteratedOtherEntityName",
    ] {
        for index in 1.. {
            let column = format!("{group}.{index}");
            if !row.columns.contains_key(&column) {
                break;
            }
            let Some(text) = row.get(&column) else {
                continue;
            };
            let kind = match row.get(&format!("{column}.type")).as_deref() {
                Some("PREVIOUS_LEGAL_NAME") => NameKind::Former,
                _ => NameKind::Alias,
            };
            let mut name = ListedName::new(text, kind);
            name.lang = row.get(&format!("{column}.xmllang"));
            record.name(name);
        }
    }
}

fn relationship(
    reading: &mut Reading<'_>,
    raw: Raw<'_>,
    mut row: Row<'_>,
) -> Result<(), ListError> {
    let kind_of_node = ["StartNode", "EndNode"].map(|node| {
        row.get(&format!("Relationship.{node}.NodeIDType"))
            .unwrap_or_else(|| "LEI".to_owned())
    });
    for kind in kind_of_node.iter().filter(|kind| *kind != "LEI") {
        row.doubt(
            DoubtKind::UnknownValue,
            format!("one of its ends is named by `{kind}`, not by LEI"),
        );
    }
    let child = row.lei("Relationship.StartNode.NodeID");
    let parent = row.lei("Relationship.EndNode.NodeID");
    let (Some(child), Some(parent)) = (child, parent) else {
        return reading.unread(raw, "it lacks one of its ends");
    };
    let word = row.get("Relationship.RelationshipType").unwrap_or_default();
    let (kind, direct) = match word.as_str() {
        "IS_DIRECTLY_CONSOLIDATED_BY" => (EdgeKind::Consolidation, Some(true)),
        "IS_ULTIMATELY_CONSOLIDATED_BY" => (EdgeKind::Consolidation, Some(false)),
        // A branch is no party of its own: its head office is all of it.
        "IS_INTERNATIONAL_BRANCH_OF" => (EdgeKind::Control, Some(true)),
        "IS_FUND-MANAGED_BY" | "IS_SUBFUND_OF" | "IS_FEEDER_TO" => (EdgeKind::Control, None),
        _ => {
            row.doubt(
                DoubtKind::UnknownKind,
                format!("no relationship is known as `{word}`"),
            );
            (EdgeKind::Unknown, None)
        }
    };
    let id = format!("{child} {word} {parent}");
    let mut edge = Edge::new(parent, child, kind);
    edge.role = Some(word);
    edge.direct = direct;
    match row.get("Relationship.RelationshipStatus").as_deref() {
        Some("ACTIVE") => {}
        Some("INACTIVE" | "NULL") => edge.ended = true,
        other => {
            let why = format!(
                "no status of a relationship is known as `{}`",
                other.unwrap_or_default()
            );
            row.doubt(DoubtKind::UnknownValue, why);
        }
    }
    for index in 1.. {
        let period = format!("Relationship.Period.{index}");
        if !row.columns.contains_key(&format!("{period}.periodType")) {
            break;
        }
        let kind = row.get(&format!("{period}.periodType"));
        if kind.as_deref() == Some("RELATIONSHIP_PERIOD") {
            edge.start = row.day(&format!("{period}.startDate"));
            edge.end = row.day(&format!("{period}.endDate"));
        }
    }
    let amount = row.get("Relationship.Quantifiers.1.QuantifierAmount");
    let unit = row.get("Relationship.Quantifiers.1.QuantifierUnits");
    if let (Some(amount), Some("PERCENTAGE")) = (amount, unit.as_deref()) {
        edge.share = shared(&amount, &mut row.doubts);
    }
    edge.weak = match row.get("Registration.RegistrationStatus").as_deref() {
        Some("LAPSED") => Some("the registration of the relationship lapsed".to_owned()),
        _ => weak_source(&mut row),
    };
    let asserted_on = row
        .day("Registration.LastUpdateDate")
        .and_then(|day| day.exact());
    reading.seen_on(asserted_on);
    let relationship = Relationship {
        id,
        edges: vec![edge],
        component: false,
        sums_up: Vec::new(),
        asserted_on,
        replaces: false,
        doubts: row.doubts,
        origin: reading.origin(raw),
    };
    reading.row(raw.line, [Item::Relationship(Box::new(relationship))])
}

fn exception(reading: &mut Reading<'_>, raw: Raw<'_>, mut row: Row<'_>) -> Result<(), ListError> {
    let Some(lei) = row.lei("LEI") else {
        return reading.unread(raw, "it has no LEI");
    };
    let category = row.get("Exception.Category").unwrap_or_default();
    let mut more = More::about(lei, reading.origin(raw));
    for index in 1.. {
        let column = format!("Exception.Reason.{index}");
        if !row.columns.contains_key(&column) {
            break;
        }
        let description = row.get(&format!("Exception.Reference.{index}"));
        if let Some(reason) = row.get(&column) {
            more.exceptions.push(Exception {
                category: category.clone(),
                reason,
                description,
            });
        }
    }
    if more.exceptions.is_empty() || category.is_empty() {
        row.doubt(
            DoubtKind::Missing,
            "an exception without a category or a reason",
        );
    }
    more.doubts = row.doubts;
    reading.row(raw.line, [Item::More(Box::new(more))])
}
