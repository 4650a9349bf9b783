//! What a cell of a price list says.

use causeway_domain::Bytes;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// A number that is not negative; `1e-3` as well as `0.001`. `nan` and `inf` are no amounts.
pub(super) fn amount(column: &str, text: &str) -> Result<Decimal, String> {
    let number = text
        .parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(text));
    match number {
        Ok(number) if number.is_zero() => Ok(Decimal::ZERO),
        Ok(number) if number.is_sign_positive() => Ok(number.normalize()),
        Ok(_) => Err(format!(
            "`{column}` is `{}`: it can't be negative",
            shown(text)
        )),
        Err(_) => Err(format!("`{column}` is `{}`: not a number", shown(text))),
    }
}

/// How many accelerators a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Whole cards.
    Whole(u32),
    /// A share of one: `0.5`.
    Share,
}

/// `8`, `8.0`: both are seen.
pub(super) fn count(text: Option<&str>, name: &str) -> Result<Count, String> {
    let Some(text) = text else {
        return Err(format!(
            "`AcceleratorCount` is empty beside `{}`",
            shown(name)
        ));
    };
    let number = amount("AcceleratorCount", text)?;
    if number > Decimal::ZERO && number < Decimal::ONE {
        return Ok(Count::Share);
    }
    number
        .is_integer()
        .then(|| number.to_u32())
        .flatten()
        .filter(|count| *count > 0)
        .map(Count::Whole)
        .ok_or_else(|| {
            format!(
                "`AcceleratorCount` is `{}`: not a whole number of accelerators",
                shown(text)
            )
        })
}

pub(super) fn gib(text: &str) -> Result<Bytes, String> {
    amount("MemoryGiB", text)?
        .checked_mul(Decimal::from(1u64 << 30))
        .and_then(|bytes| bytes.round().to_u64())
        .map(Bytes::new)
        .ok_or_else(|| format!("`MemoryGiB` is `{}`: too large", shown(text)))
}

/// Memory of one card out of a `GpuInfo` cell: `{'Gpus': [{..., 'MemoryInfo': {'SizeInMiB': 81920}}]}` in Python's
/// quoting or JSON's. Only this number is wanted, so it is looked for and nothing else is parsed.
///
/// RunPod's list prints GB under that name (80 for an 80 GB card); no card has less than 1 GiB. The total beside it is
/// not used: Lambda's list does not multiply it by the count. `cards` is by how many the number is to be divided: 1, or,
/// where a list prints the memory of all cards (Vast, Prime Intellect), the count.
pub(super) fn gpu_memory(text: &str, cards: u32) -> Option<Bytes> {
    const KEY: &str = "sizeinmib";
    // DigitalOcean's list has the keys in lower case.
    let at = text
        .as_bytes()
        .windows(KEY.len())
        .position(|window| window.eq_ignore_ascii_case(KEY.as_bytes()))?;
    let rest = text.get(at + KEY.len()..)?;
    let rest = rest
        .trim_start_matches(['\'', '"'])
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let size = digits.parse::<u64>().ok()? / u64::from(cards.max(1));
    match size {
        0 => None,
        gb @ 1..1024 => Some(Bytes::new(gb * 1_000_000_000)),
        mib => mib.checked_mul(1 << 20).map(Bytes::new),
    }
}

/// The beginning of a text, for a message: a cell may be a megabyte long.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().nth(MOST).is_none() {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("...".chars()).collect()
}
