//! What a plane would take in each of the codings.

use super::run_of_places;
use super::table::{self, BIT, Counts, Frequencies, MAX_CONTEXTS};

/// Bytes of a plane that are looked at together in a sample; one such run of 16 is taken.
const SAMPLE: usize = 1 << 10;
/// States of a coded plane, in bytes.
const STATES: usize = 4 * super::kernels::LANES;

/// How one plane is written, and the bytes that takes.
pub(super) type Priced = (Coding, usize);

/// How one plane is written.
pub(super) enum Coding {
    Raw,
    Constant(u8),
    Order0 {
        frequencies: Box<Frequencies>,
        /// Stands for symbols that are given apart.
        escape: Option<u8>,
    },
    InContexts {
        /// Where contexts come from: the number of an earlier plane, or one of the others.
        source: u8,
        /// The first byte of each context but the first.
        firsts: Vec<u8>,
        frequencies: Vec<Frequencies>,
        escape: Option<u8>,
    },
}

/// Whether a sixteenth of a plane says that coding it saves a hundredth.
pub(super) fn sample_gains(plane: &[u8]) -> bool {
    let mut counts = [0; 256];
    let mut looked_at = 0;
    for run in plane.chunks_exact(SAMPLE).step_by(16) {
        for (sum, count) in counts.iter_mut().zip(table::count(run)) {
            *sum += count;
        }
        looked_at += run.len();
    }
    // The table counts in a sample as it does in the whole: little.
    let present = counts.iter().filter(|&&count| count > 0).count();
    in_bytes(table::entropy(&counts)).saturating_sub(present * 10 / 8) < looked_at - looked_at / 100
}

/// Whether a slower decoder is worth `other` bytes instead of `size`.
pub(super) const fn pays(other: usize, size: usize) -> bool {
    other + size / 32 < size
}

/// A class for each byte of a source that is there.
pub(super) fn classes<'a>(joint: impl Iterator<Item = (u8, &'a Counts)>) -> Vec<Class> {
    joint
        .map(|(first, counts)| Class::new(first, *counts))
        .collect()
}

/// A table for each class of bytes of `source`, once neighbours are joined, and the size of the plane in bytes; nothing if one
/// class is left.
pub(super) fn in_classes(source: u8, mut classes: Vec<Class>) -> Option<Priced> {
    merge(&mut classes);
    let mut counts: Vec<Counts> = classes.iter().map(|class| *class.counts).collect();
    let escape = table::escape(&mut counts);
    for (class, counts) in classes.iter_mut().zip(counts) {
        *class.counts = counts;
    }
    in_merged(source, classes, escape)
}

/// A table for each class, what is escaped counted as that, and the size of the plane in bytes; nothing if there is one class.
pub(super) fn in_merged(
    source: u8,
    classes: Vec<Class>,
    escape: Option<(u8, u64)>,
) -> Option<Priced> {
    if classes.len() < 2 {
        return None;
    }
    let firsts: Vec<u8> = classes.iter().skip(1).map(|class| class.first).collect();
    let mut size = 5 + 2 + firsts.len() + STATES + escape_bytes(escape);
    let mut cost = 0;
    let mut frequencies = Vec::new();
    let mut table = Vec::new();
    for Class { counts, .. } in &classes {
        let of_class = Frequencies::of(counts);
        cost += of_class.cost(counts);
        of_class.write(&mut table);
        frequencies.push(of_class);
    }
    size += table.len() + in_bytes(cost);
    let coding = Coding::InContexts {
        source,
        firsts,
        frequencies,
        escape: escape.map(|(byte, _)| byte),
    };
    Some((coding, size))
}

/// What is counted in `together` places at a time.
pub(super) fn by_place(plane: &[u8], together: usize) -> Vec<Class> {
    let parts = plane.chunks(together * run_of_places(plane.len()));
    (0..=u8::MAX)
        .step_by(together)
        .zip(parts)
        .map(|(first, part)| Class::new(first, table::count(part)))
        .collect()
}

/// One table for the plane, if that, and what is counted in it.
pub(super) fn without_contexts(plane: &[u8], parts: &[Class]) -> (Priced, Counts) {
    let mut counts = [0; 256];
    for part in parts {
        for (sum, count) in counts.iter_mut().zip(&*part.counts) {
            *sum += count;
        }
    }
    let coding = match plane.first() {
        Some(&byte)
            if counts.get(usize::from(byte)).map(|&count| count as usize) == Some(plane.len()) =>
        {
            (Coding::Constant(byte), 2)
        }
        _ => of_counts(&counts, None),
    };
    (coding, counts)
}

/// One table without what is rare, if anything is.
pub(super) fn escaping(counts: &Counts) -> Option<Priced> {
    let mut kept = [*counts];
    let escape = table::escape(&mut kept)?;
    let [kept] = kept;
    Some(of_counts(&kept, Some(escape)))
}

/// The other one if it has more than `least` bytes fewer.
pub(super) fn smaller(one: Priced, other: Option<Priced>, least: usize) -> Priced {
    match other {
        Some(other) if other.1 + least < one.1 => other,
        _ => one,
    }
}

/// One table for these counts, and the size of the plane in bytes.
pub(super) fn of_counts(counts: &Counts, escape: Option<(u8, u64)>) -> Priced {
    let frequencies = Frequencies::of(counts);
    let mut table = Vec::new();
    frequencies.write(&mut table);
    let cost = in_bytes(frequencies.cost(counts));
    let size = 5 + table.len() + STATES + cost + escape_bytes(escape);
    let coding = Coding::Order0 {
        frequencies: Box::new(frequencies),
        escape: escape.map(|(byte, _)| byte),
    };
    (coding, size)
}

/// Bytes that escaped symbols take apart from the plane.
fn escape_bytes(escape: Option<(u8, u64)>) -> usize {
    escape.map_or(0, |(_, count)| {
        5 + usize::try_from(count).unwrap_or(usize::MAX / 2)
    })
}

/// Bytes that hold a cost in [`BIT`]s.
fn in_bytes(cost: u64) -> usize {
    usize::try_from(cost.div_ceil(8 * BIT)).unwrap_or(usize::MAX)
}

/// Neighbouring bytes of a source, and the symbols seen with them.
pub(super) struct Class {
    first: u8,
    counts: Box<Counts>,
    cost: u64,
    /// What it costs more to share a table with the next class; negative if it saves. In [`BIT`]s.
    with_next: i64,
}

impl Class {
    pub(super) fn new(first: u8, counts: Counts) -> Self {
        Self {
            first,
            cost: table::entropy(&counts),
            counts: Box::new(counts),
            with_next: i64::MAX,
        }
    }

    fn joined(&self, next: &Self) -> Self {
        let mut counts = *self.counts;
        for (count, more) in counts.iter_mut().zip(&*next.counts) {
            *count += more;
        }
        Self::new(self.first, counts)
    }

    fn price(&mut self, next: &Self) {
        let apart = self.cost + next.cost;
        let joined = self.joined(next).cost;
        self.with_next =
            i64::try_from(joined).unwrap_or(i64::MAX) - i64::try_from(apart).unwrap_or(i64::MAX);
    }
}

/// Joins neighbours, the cheapest first, while that saves or there are more than [`MAX_CONTEXTS`].
pub(super) fn merge(classes: &mut Vec<Class>) {
    fn price(classes: &mut [Class], place: usize) {
        match classes.get_mut(place..) {
            Some([class, next, ..]) => class.price(next),
            Some([last]) => last.with_next = i64::MAX,
            _ => {}
        }
    }
    for place in 0..classes.len() {
        price(classes, place);
    }
    while classes.len() > 1 {
        let best = classes
            .iter()
            .map(|class| class.with_next)
            .enumerate()
            .min_by_key(|&(_, price)| price);
        let Some((place, cheapest)) = best else {
            return;
        };
        if cheapest >= 0 && classes.len() <= MAX_CONTEXTS {
            return;
        }
        let next = classes.remove(place + 1);
        if let Some(class) = classes.get_mut(place) {
            *class = class.joined(&next);
        }
        price(classes, place);
        if let Some(before) = place.checked_sub(1) {
            price(classes, before);
        }
    }
}
