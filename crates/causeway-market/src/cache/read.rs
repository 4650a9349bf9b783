//! Reading: every length is held against what is left before anything is made room for.

use std::sync::Arc;

use causeway_domain::{
    BitsPerSecond, Bytes, Country, Date, Fact, Hours, Source, Usd, UsdPerHour, UsdPerKilowattHour,
    Watts,
};
use rust_decimal::Decimal;

use crate::{CostBasis, Least, Offer, OfferSource, OwnedCost, Read, Sourced, Term};

/// How many columns a row has.
pub(super) const COLUMNS: usize = 18;

type No = &'static str;

const SHORT: No = "it is cut off";
const NO_ENTRY: No = "a number in it stands for nothing";
const NO_VALUE: No = "a value in it is none";

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], No> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], No> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, No> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u32, No> {
        self.array().map(u32::from_le_bytes)
    }

    /// A count of things of which each takes at least so many bytes.
    fn count(&mut self, each: usize) -> Result<usize, No> {
        let count = self.number()? as usize;
        if count > self.0.len() / each {
            return Err(SHORT);
        }
        Ok(count)
    }

    fn table<T>(
        &mut self,
        each: usize,
        mut entry: impl FnMut(&mut Self) -> Result<T, No>,
    ) -> Result<Vec<T>, No> {
        let count = self.count(each)?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(entry(self)?);
        }
        Ok(entries)
    }

    fn date(&mut self) -> Result<Option<Date>, No> {
        let bytes: [u8; 4] = self.array()?;
        if bytes == [0; 4] {
            return Ok(None);
        }
        let [low, high, month, day] = bytes;
        Date::new(
            i16::from_le_bytes([low, high]),
            i8::from_le_bytes([month]),
            i8::from_le_bytes([day]),
        )
        .map(Some)
        .map_err(|_| NO_VALUE)
    }

    fn of<T: Clone>(&mut self, table: &[T]) -> Result<T, No> {
        let id = self.number()?;
        entry(table, id)
    }

    fn sourced<T>(
        &mut self,
        sources: &[Source],
        value: impl FnOnce(u32) -> Result<T, No>,
    ) -> Result<Sourced<T>, No> {
        let value = value(self.number()?)?;
        let source = self.of(sources)?;
        Ok(Sourced { value, source })
    }
}

fn entry<T: Clone>(table: &[T], id: u32) -> Result<T, No> {
    table.get(id as usize).cloned().ok_or(NO_ENTRY)
}

/// 0 is none, else the id and one.
fn maybe<T: Clone>(table: &[T], id: u32) -> Result<Option<T>, No> {
    match id.checked_sub(1) {
        None => Ok(None),
        Some(id) => entry(table, id).map(Some),
    }
}

/// A number that is finite.
fn float(bits: u64) -> Result<f64, No> {
    Some(f64::from_bits(bits))
        .filter(|number| number.is_finite())
        .ok_or(NO_VALUE)
}

fn small(number: u64) -> Result<u32, No> {
    u32::try_from(number).map_err(|_| NO_VALUE)
}

/// The numbers of a column, widened one by one.
enum Column<'a> {
    Zeros,
    One(&'a [u8]),
    Two(&'a [[u8; 2]]),
    Four(&'a [[u8; 4]]),
}

impl<'a> Column<'a> {
    fn take(cursor: &mut Cursor<'a>, rows: usize) -> Result<Self, No> {
        let width = cursor.byte()?;
        let length = rows.checked_mul(usize::from(width)).ok_or(SHORT)?;
        let bytes = cursor.take(length)?;
        match width {
            0 => Ok(Self::Zeros),
            1 => Ok(Self::One(bytes)),
            2 => Ok(Self::Two(bytes.as_chunks().0)),
            4 => Ok(Self::Four(bytes.as_chunks().0)),
            _ => Err("a column of it has no known width"),
        }
    }

    fn get(&self, row: usize) -> u32 {
        match self {
            Self::Zeros => 0,
            Self::One(bytes) => bytes.get(row).copied().map_or(0, u32::from),
            Self::Two(pairs) => pairs
                .get(row)
                .map_or(0, |pair| u32::from(u16::from_le_bytes(*pair))),
            Self::Four(words) => words.get(row).map_or(0, |word| u32::from_le_bytes(*word)),
        }
    }
}

struct Tables {
    texts: Vec<Arc<str>>,
    decimals: Vec<Decimal>,
    integers: Vec<u64>,
    facts: Vec<Arc<Fact<Country>>>,
    reads: Vec<Arc<Read>>,
    kinds: Vec<OfferSource>,
    terms: Vec<Arc<[Term]>>,
    owned: Vec<CostBasis>,
}

impl Tables {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, No> {
        let texts: Vec<Arc<str>> = cursor.table(4, |cursor| {
            let length = cursor.number()? as usize;
            let text = std::str::from_utf8(cursor.take(length)?).map_err(|_| NO_VALUE)?;
            Ok(Arc::from(text))
        })?;
        let decimals = cursor.table(17, |cursor| {
            let mantissa = i128::from_le_bytes(cursor.array()?);
            let scale = u32::from(cursor.byte()?);
            Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| NO_VALUE)
        })?;
        let integers = cursor.table(8, |cursor| cursor.array().map(u64::from_le_bytes))?;
        let sources = cursor.table(12, |cursor| {
            let by = cursor.of(&texts)?;
            let evidence = maybe(&texts, cursor.number()?)?;
            Ok(Source {
                by: by.to_string(),
                evidence: evidence.map(|text| text.to_string()),
                on: cursor.date()?,
            })
        })?;
        let facts = cursor.table(5, |cursor| fact(cursor, &texts, &sources).map(Arc::new))?;
        let reads = cursor.table(8, |cursor| {
            let file = cursor.of(&texts)?;
            let date = cursor.date()?;
            Ok(Arc::new(Read { file, date }))
        })?;
        let kinds = cursor.table(1, |cursor| match cursor.byte()? {
            0 => Ok(OfferSource::Catalog),
            1 => Ok(OfferSource::File),
            2 => cursor
                .of(&texts)?
                .parse()
                .map(OfferSource::Site)
                .map_err(|_| NO_VALUE),
            _ => Err(NO_VALUE),
        })?;
        let terms = cursor.table(4, |cursor| {
            cursor
                .table(13, |cursor| term(cursor, &decimals, &integers))
                .map(Arc::from)
        })?;
        let owned = cursor.table(48, |cursor| {
            owned(cursor, &decimals, &integers, &sources)
                .map(|cost| CostBasis::Owned(Arc::new(cost)))
        })?;
        Ok(Self {
            texts,
            decimals,
            integers,
            facts,
            reads,
            kinds,
            terms,
            owned,
        })
    }
}

fn fact(
    cursor: &mut Cursor<'_>,
    texts: &[Arc<str>],
    sources: &[Source],
) -> Result<Fact<Country>, No> {
    match cursor.byte()? {
        0 => Ok(Fact::unknown(cursor.of(texts)?.to_string())),
        1 => {
            let country = cursor.of(texts)?.parse().map_err(|_| NO_VALUE)?;
            Ok(Fact::Known(country, cursor.of(sources)?))
        }
        _ => Err(NO_VALUE),
    }
}

fn term(cursor: &mut Cursor<'_>, decimals: &[Decimal], integers: &[u64]) -> Result<Term, No> {
    let tag = cursor.byte()?;
    let months = cursor.number()?;
    let hourly = UsdPerHour::new(cursor.of(decimals)?);
    let second = cursor.number()?;
    Ok(match tag {
        0 => Term::OnDemand(hourly),
        1 => Term::Spot(hourly),
        2 => Term::Reserved {
            months,
            upfront: Usd::new(entry(decimals, second)?),
            hourly,
        },
        3 => Term::Committed {
            months,
            hourly,
            least: Least::Spend(Usd::new(entry(decimals, second)?)),
        },
        4 => Term::Committed {
            months,
            hourly,
            least: Least::Hours(Hours::new(float(entry(integers, second)?)?)),
        },
        _ => return Err(NO_VALUE),
    })
}

fn owned(
    cursor: &mut Cursor<'_>,
    decimals: &[Decimal],
    integers: &[u64],
    sources: &[Source],
) -> Result<OwnedCost, No> {
    let decimal = |id| entry(decimals, id);
    Ok(OwnedCost {
        hardware: cursor.sourced(sources, |id| decimal(id).map(Usd::new))?,
        months_of_use: cursor.sourced(sources, Ok)?,
        power: cursor.sourced(sources, |id| {
            entry(integers, id).and_then(float).map(Watts::new)
        })?,
        price_of_power: cursor.sourced(sources, |id| decimal(id).map(UsdPerKilowattHour::new))?,
        pue: cursor.sourced(sources, decimal)?,
        staff: cursor.sourced(sources, |id| decimal(id).map(UsdPerHour::new))?,
    })
}

pub(super) fn body(bytes: &[u8]) -> Result<Vec<Offer>, No> {
    let mut cursor = Cursor(bytes);
    let tables = Tables::read(&mut cursor)?;
    // Each row has at least the number of its provider, which is never 0: a byte.
    let rows = cursor.count(1)?;
    let mut columns = Vec::with_capacity(COLUMNS);
    for _ in 0..COLUMNS {
        columns.push(Column::take(&mut cursor, rows)?);
    }
    if !cursor.0.is_empty() {
        return Err("something follows its end");
    }
    let columns: [Column<'_>; COLUMNS] = columns.try_into().map_err(|_| SHORT)?;
    let provider_is_written = !matches!(columns, [Column::Zeros, ..]);
    if rows > 0 && !provider_is_written {
        return Err(NO_ENTRY);
    }
    let no_terms: Arc<[Term]> = Arc::default();
    let mut offers = Vec::with_capacity(rows);
    for row in 0..rows {
        let numbers = columns.each_ref().map(|column| column.get(row));
        offers.push(offer(numbers, &tables, &no_terms)?);
    }
    Ok(offers)
}

fn offer(numbers: [u32; COLUMNS], tables: &Tables, no_terms: &Arc<[Term]>) -> Result<Offer, No> {
    let [
        provider,
        kind,
        read,
        instance,
        name,
        count,
        card,
        vcpus,
        memory,
        scale_out,
        on_demand,
        spot,
        terms,
        quota,
        basis,
        region,
        zone,
        country,
    ] = numbers;
    let integer = |id| maybe(&tables.integers, id);
    let accelerator = match (maybe(&tables.texts, name)?, integer(count)?) {
        (Some(name), Some(count)) => Some((name, small(count)?)),
        (None, None) => None,
        _ => return Err(NO_VALUE),
    };
    Ok(Offer {
        provider: maybe(&tables.texts, provider)?.ok_or(NO_ENTRY)?,
        source: entry(&tables.kinds, kind)?,
        read: entry(&tables.reads, read)?,
        instance_type: maybe(&tables.texts, instance)?,
        accelerator,
        accelerator_memory: integer(card)?.map(Bytes::new),
        vcpus: maybe(&tables.decimals, vcpus)?,
        memory: integer(memory)?.map(Bytes::new),
        scale_out: integer(scale_out)?
            .map(|bits| float(bits).map(BitsPerSecond::new))
            .transpose()?,
        on_demand: maybe(&tables.decimals, on_demand)?.map(UsdPerHour::new),
        spot: maybe(&tables.decimals, spot)?.map(UsdPerHour::new),
        terms: maybe(&tables.terms, terms)?.unwrap_or_else(|| Arc::clone(no_terms)),
        quota: integer(quota)?.map(small).transpose()?,
        cost_basis: maybe(&tables.owned, basis)?.unwrap_or_default(),
        region: maybe(&tables.texts, region)?,
        zone: maybe(&tables.texts, zone)?,
        country: entry(&tables.facts, country)?,
    })
}
