//! The choice among encodings of a block, and its writing.

use super::choice::{
    Coding, Priced, by_place, classes, escaping, in_classes, in_merged, merge, of_counts, pays,
    sample_gains, smaller, without_contexts,
};
use super::kernels::{Instructions, Kernels};
use super::table::{self, Counts, EncodeTables, Frequencies, JointCounts};
use super::{
    Base, CODING_CONSTANT, CODING_ESCAPING, CODING_IN_CONTEXTS, CODING_ORDER_0, CODING_RAW, Effort,
    Element, MAX_LENGTH, METHOD_DIFFERENCE, METHOD_PLANES, METHOD_RAW, SOURCE_AVERAGE, SOURCE_BASE,
    SOURCE_PLACE, VERSION, places, rans,
};

/// Shorter planes have no tables in contexts: they would not pay.
const MIN_IN_CONTEXTS: usize = 1 << 12;
/// A plane at least this long is first tried on a sample by [`Effort::Fast`].
const MIN_SAMPLED: usize = 1 << 16;
/// Places that [`Effort::Fast`] counts together.
const PLACES_TOGETHER: usize = 16;

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
    /// Runs of a plane.
    sample: Vec<u8>,
    /// Places of symbols.
    places: Vec<u8>,
    /// What a plane's symbols had before them, on average.
    averages: Vec<u8>,
    /// A plane with its escape in the place of what is escaped.
    kept: Vec<u8>,
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
            let quick = match &as_difference {
                Some((_, _, size)) => {
                    let quick = self.choose(planes, count, &[], Effort::Fast, true);
                    // What is far from the difference stays so.
                    let hopeless = *size < quick.1 - quick.1 / 16;
                    (hopeless || effort == Effort::Fast).then_some(quick)
                }
                None => None,
            };
            let (codings, size) =
                quick.unwrap_or_else(|| self.choose(planes, count, &[], effort, true));
            (planes, codings, size)
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

    /// How each plane is best written, and what all of them need, in bytes. `exponents` is empty where there is no base;
    /// `plain` are planes of the block itself.
    fn choose(
        &mut self,
        planes: &[u8],
        count: usize,
        exponents: &[u8],
        effort: Effort,
        plain: bool,
    ) -> (Vec<Coding>, usize) {
        let mut codings = Vec::new();
        let mut total = 0;
        for (number, plane) in planes.chunks_exact(count).enumerate() {
            let hopeless = || plain && number > 0 && !sample_gains(plane);
            if effort == Effort::Fast && count >= MIN_SAMPLED && hopeless() {
                codings.push(Coding::Raw);
                total += 1 + count;
                continue;
            }
            let (coding, size) = match effort {
                Effort::Fast => self.quick(plane, plain),
                Effort::Small => {
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
                    // Differences have better sources, and mantissas only noise before them.
                    if plain && number == 0 {
                        sources.push((SOURCE_AVERAGE, &[]));
                    }
                    if !exponents.is_empty() {
                        sources.push((SOURCE_BASE, exponents));
                    }
                    self.best(plane, sources, plain)
                }
            };
            codings.push(coding);
            total += size;
        }
        (codings, total)
    }

    /// What costs little time and gives most of it.
    fn quick(&mut self, plane: &[u8], plain: bool) -> Priced {
        let averaged = if plain && plane.len() >= MIN_SAMPLED && self.averages_tell(plane) {
            self.in_averages(plane, None)
        } else {
            None
        };
        let best = averaged.unwrap_or_else(|| {
            let parts = by_place(plane, PLACES_TOGETHER);
            let (best, counts) = without_contexts(plane, &parts);
            // Unlike tensors in one block: worth a slower decoder only if it saves much.
            if plane.len() >= MIN_IN_CONTEXTS
                && let Some(better) = in_classes(SOURCE_PLACE, parts)
                && pays(better.1, best.1)
            {
                better
            } else {
                // Finding what is escaped takes time.
                let least = best.1 / 256;
                smaller(best, escaping(&counts), least)
            }
        });
        smaller(
            (Coding::Raw, 1 + plane.len()),
            Some(best),
            plane.len() / 100,
        )
    }

    /// The smallest.
    fn best(&mut self, plane: &[u8], mut sources: Vec<(u8, &[u8])>, plain: bool) -> Priced {
        let parts = by_place(plane, 1);
        let (mut best, counts) = without_contexts(plane, &parts);
        if matches!(best.0, Coding::Constant(_)) {
            return best;
        }
        best = smaller(best, escaping(&counts), 0);
        if plane.len() >= MIN_IN_CONTEXTS {
            if plane.len() >= MIN_SAMPLED && sources.len() > 1 {
                // The best one on a part of the plane, unless that is too short to tell.
                let part = plane.get(..plane.len() / 4).unwrap_or_default();
                let best = sources
                    .iter()
                    .filter_map(|&(source, bytes)| {
                        let (_, size) = self.in_contexts(source, bytes, part, None)?;
                        Some((size, source, bytes))
                    })
                    .min_by_key(|&(size, ..)| size);
                if let Some((_, source, bytes)) = best {
                    sources = vec![(source, bytes)];
                }
            }
            for (source, bytes) in sources {
                best = smaller(
                    best,
                    self.in_contexts(source, bytes, plane, Some(&counts)),
                    0,
                );
            }
            if plain {
                best = smaller(best, in_classes(SOURCE_PLACE, parts), 0);
            }
        }
        smaller((Coding::Raw, 1 + plane.len()), Some(best), 0)
    }

    /// Tables in contexts: neighbouring bytes of the source share one wherever that costs least.
    /// `counts` are those of the plane, where what is rare should be escaped.
    fn in_contexts(
        &mut self,
        source: u8,
        bytes: &[u8],
        plane: &[u8],
        counts: Option<&Counts>,
    ) -> Option<Priced> {
        if source == SOURCE_AVERAGE {
            return self.in_averages(plane, counts);
        }
        let joint = self.joint.count(bytes.get(..plane.len())?, plane);
        in_classes(source, classes(joint))
    }

    /// Tables by what came before, which a decoder has as it goes, but for what is escaped. `counts` as for contexts.
    fn in_averages(&mut self, plane: &[u8], counts: Option<&Counts>) -> Option<Priced> {
        let mut counts = counts.map_or([[0; 256]], |counts| [*counts]);
        let escape = table::escape(&mut counts);
        let [counts] = counts;
        let kept = match escape {
            Some((byte, _)) => {
                table::replace(byte, &counts.map(|count| count > 0), plane, &mut self.kept);
                &self.kept
            }
            None => plane,
        };
        self.averages.resize(plane.len(), 0);
        self.kernels.averages(kept, &mut self.averages);
        let mut classes = classes(self.joint.count(&self.averages, kept));
        merge(&mut classes);
        in_merged(SOURCE_AVERAGE, classes, escape)
    }

    /// Whether a sixteenth of a plane says that what came before tells something.
    fn averages_tell(&mut self, plane: &[u8]) -> bool {
        let mut sample = std::mem::take(&mut self.sample);
        sample.clear();
        for run in plane.chunks_exact(plane.len() / 64).step_by(16) {
            sample.extend_from_slice(run);
        }
        let (_, size) = of_counts(&table::count(&sample), None);
        // Twice what would pay: those by place, which are cheaper, are not asked then.
        let tell = self
            .in_averages(&sample, None)
            .is_some_and(|(_, other)| other + size / 16 < size);
        self.sample = sample;
        tell
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
                } if *source == SOURCE_AVERAGE => {
                    self.write_averaged(plane, firsts, frequencies, *escape);
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
                    self.write_tables(*source, firsts, frequencies, *escape);
                    self.write_symbols(&contexts, plane);
                    self.contexts = contexts;
                    self.close(place);
                }
            }
        }
    }

    /// Appends a plane whose contexts come from what came before.
    fn write_averaged(
        &mut self,
        plane: &[u8],
        firsts: &[u8],
        frequencies: &[Frequencies],
        escape: Option<u8>,
    ) {
        let place = self.open(CODING_IN_CONTEXTS, escape);
        let mut kept = std::mem::take(&mut self.kept);
        let symbols = match escape {
            Some(escape) => {
                table::replace(escape, &table::kept(frequencies), plane, &mut kept);
                self.out.push(escape);
                let place = self.out.len();
                self.out.extend([0; 4]);
                table::replaced(escape, &kept, plane, &mut self.out);
                self.close(place);
                &kept
            }
            None => plane,
        };
        let mut contexts = std::mem::take(&mut self.contexts);
        contexts.resize(plane.len(), 0);
        self.averages.resize(plane.len(), 0);
        self.kernels.averages(symbols, &mut self.averages);
        self.kernels.classify(&self.averages, firsts, &mut contexts);
        self.write_tables(SOURCE_AVERAGE, firsts, frequencies, None);
        self.write_symbols(&contexts, symbols);
        self.contexts = contexts;
        self.kept = kept;
        self.close(place);
    }

    /// Appends where contexts come from and their tables, and lays these out.
    fn write_tables(
        &mut self,
        source: u8,
        firsts: &[u8],
        frequencies: &[Frequencies],
        escape: Option<u8>,
    ) {
        let classes = u8::try_from(frequencies.len()).unwrap_or(u8::MAX);
        self.out.extend([source, classes]);
        self.out.extend_from_slice(firsts);
        for (context, frequencies) in frequencies.iter().enumerate() {
            frequencies.write(&mut self.out);
            self.tables.set(context, frequencies, escape);
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
