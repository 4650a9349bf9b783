//! The choice among encodings of a block, and its writing.

use super::kernels::{Instructions, Kernels};
use super::table::{self, BIT, Counts, EncodeTables, Frequencies, JointCounts, MAX_CONTEXTS};
use super::{
    Base, CODING_CONSTANT, CODING_ESCAPING, CODING_IN_CONTEXTS, CODING_ORDER_0, CODING_RAW, Effort,
    Element, MAX_LENGTH, METHOD_DIFFERENCE, METHOD_PLANES, METHOD_RAW, SOURCE_BASE, SOURCE_PLACE,
    VERSION, places, rans, run_of_places,
};

/// Shorter planes have no tables in contexts: they would not pay.
const MIN_IN_CONTEXTS: usize = 1 << 12;
/// A plane at least this long is first tried on a sample by [`Effort::Fast`].
const MIN_SAMPLED: usize = 1 << 16;
/// Bytes of a plane that are looked at together in a sample; one such run of 16 is taken.
const SAMPLE: usize = 1 << 10;
/// Places that [`Effort::Fast`] counts together.
const PLACES_TOGETHER: usize = 16;
/// States of a coded plane, in bytes.
const STATES: usize = 4 * super::kernels::LANES;

/// How one plane is written.
enum Coding {
    Raw,
    Constant(u8),
    Order0 {
        frequencies: Box<Frequencies>,
        /// Stands for symbols that are given apart.
        escape: Option<u8>,
    },
    InContexts {
        /// Where contexts come from: the number of an earlier plane, [`SOURCE_PLACE`] or [`SOURCE_BASE`].
        source: u8,
        /// The first byte of each context but the first.
        firsts: Vec<u8>,
        frequencies: Vec<Frequencies>,
        escape: Option<u8>,
    },
}

/// Turns blocks into encoded blocks. Holds the buffers that it works in; one for each thread.
#[derive(Default)]
pub struct Encoder {
    kernels: Kernels,
    tables: EncodeTables,
    /// Planes of the block itself, one after the other.
    plain: Vec<u8>,
    /// Planes of the difference.
    difference: Vec<u8>,
    /// Exponents of the base.
    exponents: Vec<u8>,
    /// Places of symbols.
    places: Vec<u8>,
    contexts: Vec<u8>,
    joint: JointCounts,
    words: Vec<u8>,
    out: Vec<u8>,
}

impl Encoder {
    /// Uses the given instructions, or plain ones where the machine does not have them.
    #[must_use]
    pub fn with(instructions: Instructions) -> Self {
        Self {
            kernels: Kernels::new(instructions),
            ..Self::default()
        }
    }

    /// Encodes a block, with the smallest of the encodings that `effort` tries; equal arguments give equal bytes on every
    /// machine. The result is at most 2 bytes longer than the block.
    ///
    /// A base of another length than the block is left unused. A block longer than [`MAX_LENGTH`] comes out raw, and no
    /// [`super::Decoder`] takes it.
    pub fn encode<'s>(
        &'s mut self,
        block: &[u8],
        element: Element,
        base: Option<Base<'_>>,
        effort: Effort,
    ) -> &'s [u8] {
        self.out.clear();
        let base = base.filter(|base| base.bytes.len() == block.len());
        if block.len() <= MAX_LENGTH && block.len() >= element.width() {
            self.write_planes(block, element, base, effort);
        }
        if self.out.is_empty() || self.out.len() > block.len() + 2 {
            self.out.clear();
            self.out.extend([VERSION, METHOD_RAW]);
            self.out.extend_from_slice(block);
        }
        &self.out
    }

    /// Appends the smaller one of difference and planes.
    fn write_planes(
        &mut self,
        block: &[u8],
        element: Element,
        base: Option<Base<'_>>,
        effort: Effort,
    ) {
        let width = element.width();
        let count = block.len() / width;
        let (elements, rest) = block.split_at(count * width);
        let mut difference = std::mem::take(&mut self.difference);
        let mut plain = std::mem::take(&mut self.plain);
        let mut exponents = std::mem::take(&mut self.exponents);

        let as_difference = base.map(|base| {
            if difference.len() < elements.len() {
                difference.resize(elements.len(), 0);
            }
            let planes = difference.get_mut(..elements.len()).unwrap_or_default();
            self.kernels
                .split_difference(element, elements, base.bytes, planes);
            if effort == Effort::Small {
                exponents.resize(count, 0);
                self.kernels.exponents(element, base.bytes, &mut exponents);
            } else {
                exponents.clear();
            }
            let (codings, size) = self.choose(planes, count, &exponents, effort, false);
            (base.hash, codings, size)
        });
        // Half of the block is less than planes ever give.
        let close = as_difference
            .as_ref()
            .is_some_and(|(_, _, size)| *size < elements.len() / 2);
        let as_planes = (!close).then(|| {
            let planes = if width == 1 {
                elements
            } else {
                if plain.len() < elements.len() {
                    plain.resize(elements.len(), 0);
                }
                let planes = plain.get_mut(..elements.len()).unwrap_or_default();
                self.kernels.split_plain(element, elements, planes);
                &*planes
            };
            let mut best = self.choose(planes, count, &[], Effort::Fast, true);
            // What is far from the difference stays so.
            let hopeless = as_difference
                .as_ref()
                .is_some_and(|(_, _, size)| *size < best.1 - best.1 / 16);
            if effort == Effort::Small && !hopeless {
                best = self.choose(planes, count, &[], Effort::Small, true);
            }
            (planes, best.0, best.1)
        });

        self.out.push(VERSION);
        let length = u32::try_from(block.len()).unwrap_or(u32::MAX).to_le_bytes();
        match (as_difference, as_planes) {
            (Some((hash, codings, size)), as_planes)
                if as_planes
                    .as_ref()
                    .is_none_or(|(_, _, other)| size + 32 < *other) =>
            {
                self.out.extend([METHOD_DIFFERENCE, element.code()]);
                self.out.extend(length);
                self.out.extend(hash.as_bytes());
                self.write(&difference, count, &exponents, &codings);
            }
            (_, Some((planes, codings, _))) => {
                self.out.extend([METHOD_PLANES, element.code()]);
                self.out.extend(length);
                self.write(planes, count, &[], &codings);
            }
            (_, None) => {}
        }
        self.out.extend_from_slice(rest);
        self.difference = difference;
        self.plain = plain;
        self.exponents = exponents;
    }

    /// How each plane is best written, and what all of them need, in bytes. `exponents` is empty where there is no base.
    fn choose(
        &mut self,
        planes: &[u8],
        count: usize,
        exponents: &[u8],
        effort: Effort,
        sample: bool,
    ) -> (Vec<Coding>, usize) {
        let mut codings = Vec::new();
        let mut total = 0;
        for (number, plane) in planes.chunks_exact(count).enumerate() {
            let hopeless = || sample && number > 0 && !sample_gains(plane);
            if effort == Effort::Fast && count >= MIN_SAMPLED && hopeless() {
                codings.push(Coding::Raw);
                total += 1 + count;
                continue;
            }
            let (mut coding, mut size) = without_contexts(plane, effort);
            if effort == Effort::Small
                && count >= MIN_IN_CONTEXTS
                && !matches!(coding, Coding::Constant(_))
            {
                // The first plane and the one before say most; a constant one says nothing.
                let earlier = planes.chunks_exact(count).zip(&codings);
                let mut sources: Vec<(u8, &[u8])> = (0_u8..)
                    .zip(earlier)
                    .filter(|(other, (_, coding))| {
                        (*other == 0 || usize::from(*other) + 1 == number)
                            && !matches!(coding, Coding::Constant(_))
                    })
                    .map(|(other, (plane, _))| (other, plane))
                    .collect();
                if !exponents.is_empty() {
                    sources.push((SOURCE_BASE, exponents));
                }
                if count >= MIN_SAMPLED && sources.len() > 1 {
                    // The best one on a part of the plane, unless that is too short to tell.
                    let part = plane.get(..count / 4).unwrap_or_default();
                    let best = sources
                        .iter()
                        .filter_map(|&(source, bytes)| {
                            let (_, size) = self.in_contexts(source, bytes, part)?;
                            Some((size, source, bytes))
                        })
                        .min_by_key(|&(size, ..)| size);
                    if let Some((_, source, bytes)) = best {
                        sources = vec![(source, bytes)];
                    }
                }
                let mut tried: Vec<_> = sources
                    .into_iter()
                    .filter_map(|(source, bytes)| self.in_contexts(source, bytes, plane))
                    .collect();
                // A difference has better sources.
                if exponents.is_empty() {
                    tried.extend(in_classes(SOURCE_PLACE, by_place(plane, 1)));
                }
                for (better, smaller) in tried {
                    if smaller < size {
                        (coding, size) = (better, smaller);
                    }
                }
            }
            codings.push(coding);
            total += size;
        }
        (codings, total)
    }

    /// Tables in contexts: neighbouring bytes of the source share one wherever that costs least.
    fn in_contexts(&mut self, source: u8, bytes: &[u8], plane: &[u8]) -> Option<(Coding, usize)> {
        let joint = self.joint.count(bytes.get(..plane.len())?, plane);
        let classes: Vec<Class> = (0_u8..=255)
            .zip(joint)
            .filter(|(_, counts)| counts.iter().any(|&count| count > 0))
            .map(|(first, counts)| Class::new(first, *counts))
            .collect();
        in_classes(source, classes)
    }

    /// Appends all planes.
    fn write(&mut self, planes: &[u8], count: usize, exponents: &[u8], codings: &[Coding]) {
        for (plane, coding) in planes.chunks_exact(count).zip(codings) {
            match coding {
                Coding::Raw => {
                    self.out.push(CODING_RAW);
                    self.out.extend_from_slice(plane);
                }
                Coding::Constant(byte) => self.out.extend([CODING_CONSTANT, *byte]),
                Coding::Order0 {
                    frequencies,
                    escape,
                } => {
                    let place = self.open(CODING_ORDER_0, *escape);
                    if let Some(escape) = *escape {
                        let frequencies = std::slice::from_ref(&**frequencies);
                        self.write_escaped(escape, frequencies, &[], plane);
                    }
                    frequencies.write(&mut self.out);
                    self.tables.set(0, frequencies, *escape);
                    self.write_symbols(&[], plane);
                    self.close(place);
                }
                Coding::InContexts {
                    source,
                    firsts,
                    frequencies,
                    escape,
                } => {
                    let bytes = match *source {
                        SOURCE_BASE => exponents,
                        SOURCE_PLACE => {
                            places(count, &mut self.places);
                            &self.places
                        }
                        earlier => planes
                            .get(usize::from(earlier) * count..)
                            .unwrap_or_default(),
                    };
                    let mut contexts = std::mem::take(&mut self.contexts);
                    contexts.resize(count, 0);
                    self.kernels.classify(bytes, firsts, &mut contexts);

                    let place = self.open(CODING_IN_CONTEXTS, *escape);
                    if let Some(escape) = *escape {
                        self.write_escaped(escape, frequencies, &contexts, plane);
                    }
                    let classes = u8::try_from(frequencies.len()).unwrap_or(u8::MAX);
                    self.out.extend([*source, classes]);
                    self.out.extend_from_slice(firsts);
                    for (context, frequencies) in frequencies.iter().enumerate() {
                        frequencies.write(&mut self.out);
                        self.tables.set(context, frequencies, *escape);
                    }
                    self.write_symbols(&contexts, plane);
                    self.contexts = contexts;
                    self.close(place);
                }
            }
        }
    }

    /// Appends the escape, how many symbols it stands for, and these.
    fn write_escaped(
        &mut self,
        escape: u8,
        frequencies: &[Frequencies],
        contexts: &[u8],
        plane: &[u8],
    ) {
        self.out.push(escape);
        let place = self.out.len();
        self.out.extend([0; 4]);
        table::escaped(escape, frequencies, contexts, plane, &mut self.out);
        self.close(place);
    }

    fn write_symbols(&mut self, contexts: &[u8], plane: &[u8]) {
        rans::encode(
            self.kernels,
            &self.tables,
            contexts,
            plane,
            &mut self.words,
            &mut self.out,
        );
    }

    /// Begins a plane whose length is known once it is written. Gives the place of that length.
    fn open(&mut self, coding: u8, escape: Option<u8>) -> usize {
        let escaping = if escape.is_some() { CODING_ESCAPING } else { 0 };
        self.out.push(coding | escaping);
        let place = self.out.len();
        self.out.extend([0; 4]);
        place
    }

    /// Puts the number of bytes behind a field into it.
    fn close(&mut self, place: usize) {
        let length = u32::try_from(self.out.len() - place - 4).unwrap_or(u32::MAX);
        if let Some(field) = self.out.get_mut(place..place + 4) {
            field.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// Whether a sixteenth of a plane says that coding it saves a hundredth.
fn sample_gains(plane: &[u8]) -> bool {
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

/// A table for each class of bytes of `source`, once neighbours are joined, and the size of the plane in bytes; nothing if one
/// class is left.
fn in_classes(source: u8, mut classes: Vec<Class>) -> Option<(Coding, usize)> {
    merge(&mut classes);
    if classes.len() < 2 {
        return None;
    }
    let firsts: Vec<u8> = classes.iter().skip(1).map(|class| class.first).collect();
    let mut counts: Vec<Counts> = classes.into_iter().map(|class| *class.counts).collect();
    let escape = table::escape(&mut counts);
    let mut size = 5 + 2 + firsts.len() + STATES + escape_bytes(escape);
    let mut cost = 0;
    let mut frequencies = Vec::new();
    let mut table = Vec::new();
    for counts in &counts {
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
fn by_place(plane: &[u8], together: usize) -> Vec<Class> {
    let parts = plane.chunks(together * run_of_places(plane.len()));
    (0..=u8::MAX)
        .step_by(together)
        .zip(parts)
        .map(|(first, part)| Class::new(first, table::count(part)))
        .collect()
}

/// The best coding that needs nothing but the plane, and its size in bytes.
fn without_contexts(plane: &[u8], effort: Effort) -> (Coding, usize) {
    let raw = (Coding::Raw, 1 + plane.len());
    let parts = by_place(plane, PLACES_TOGETHER);
    let mut counts = [0; 256];
    for part in &parts {
        for (sum, count) in counts.iter_mut().zip(&*part.counts) {
            *sum += count;
        }
    }
    if let Some(&byte) = plane.first()
        && counts.get(usize::from(byte)).map(|&count| count as usize) == Some(plane.len())
    {
        return (Coding::Constant(byte), 2);
    }
    let (mut coding, mut size) = of_counts(&counts, None);
    let mut kept = [counts];
    if let Some(escape) = table::escape(&mut kept) {
        let [kept] = kept;
        let (escaping, smaller) = of_counts(&kept, Some(escape));
        // Finding what is escaped takes time.
        let least = match effort {
            Effort::Fast => size / 256,
            Effort::Small => 0,
        };
        if smaller + least < size {
            (coding, size) = (escaping, smaller);
        }
    }
    if effort == Effort::Fast && plane.len() >= MIN_IN_CONTEXTS {
        // Unlike tensors in one block: worth a slower decoder only if it saves much.
        let by_place = in_classes(SOURCE_PLACE, parts);
        if let Some((better, smaller)) = by_place.filter(|(_, other)| other + size / 32 < size) {
            (coding, size) = (better, smaller);
        }
    }
    let least = match effort {
        Effort::Fast => plane.len() / 100,
        Effort::Small => 0,
    };
    if size + least < raw.1 {
        (coding, size)
    } else {
        raw
    }
}

/// One table for these counts, and the size of the plane in bytes.
fn of_counts(counts: &Counts, escape: Option<(u8, u64)>) -> (Coding, usize) {
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
struct Class {
    first: u8,
    counts: Box<Counts>,
    cost: u64,
    /// What it costs more to share a table with the next class; negative if it saves. In [`BIT`]s.
    with_next: i64,
}

impl Class {
    fn new(first: u8, counts: Counts) -> Self {
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
fn merge(classes: &mut Vec<Class>) {
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
