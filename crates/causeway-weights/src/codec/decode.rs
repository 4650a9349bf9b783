//! An encoded block, taken apart and put together again.

use super::error::CodecError;
use super::kernels::{Averages, Contexts, Instructions, Kernels, Planes};
use super::reader::Reader;
use super::table::{DecodeTables, Frequencies, MAX_CONTEXTS};
use super::{
    Base, CODING_CONSTANT, CODING_ESCAPING, CODING_IN_CONTEXTS, CODING_ORDER_0, CODING_RAW,
    Described, Element, MAX_LENGTH, METHOD_DIFFERENCE, METHOD_PLANES, METHOD_RAW, Method,
    SOURCE_AVERAGE, SOURCE_BASE, SOURCE_PLACE, VERSION, places, rans,
};

/// Turns encoded blocks back into blocks. Holds the buffers that it works in; one for each thread.
#[derive(Default)]
pub struct Decoder {
    kernels: Kernels,
    tables: DecodeTables,
    scratch: Vec<u8>,
    exponents: Vec<u8>,
    places: Vec<u8>,
    contexts: Vec<u8>,
}

/// The part of an encoded block before its planes.
struct Header {
    described: Described,
    element: Element,
}

/// Reads up to the planes; after `raw`, up to the bytes.
fn header(reader: &mut Reader<'_>) -> Result<Header, CodecError> {
    let found = reader.byte()?;
    if found != VERSION {
        return Err(CodecError::Version { found });
    }
    let method = reader.byte()?;
    if method == METHOD_RAW {
        let described = Described {
            method: Method::Raw,
            length: reader.0.len() as u64,
            base: None,
        };
        return Ok(Header {
            described,
            element: Element::Opaque,
        });
    }
    let element = Element::from_code(reader.byte()?).ok_or(CodecError::Damaged {
        why: "its element type is unknown",
    })?;
    let length = reader.u32()?.into();
    let (method, base) = match method {
        METHOD_PLANES => (Method::Planes, None),
        METHOD_DIFFERENCE => {
            let base = blake3::Hash::from_bytes(reader.array()?);
            (Method::Difference, Some(base))
        }
        _ => {
            return Err(CodecError::Damaged {
                why: "its method is unknown",
            });
        }
    };
    Ok(Header {
        described: Described {
            method,
            length,
            base,
        },
        element,
    })
}

/// What an encoded block says of itself: method, length, the base that it needs. The rest of it is not looked at.
///
/// # Errors
///
/// It has another version, or ends inside its header, or has a method or element type that no encoder writes.
pub fn describe(encoded: &[u8]) -> Result<Described, CodecError> {
    header(&mut Reader(encoded)).map(|header| header.described)
}

impl Decoder {
    /// Uses the given instructions, or plain ones where the machine does not have them.
    #[must_use]
    pub fn with(instructions: Instructions) -> Self {
        Self {
            kernels: Kernels::new(instructions),
            ..Self::default()
        }
    }

    /// Puts the block of `length` bytes into `out`, in place of what was there; after an error `out` is empty.
    ///
    /// Whether the bytes are the right ones is not known here: compare their hash with the manifest's. Memory is bounded by
    /// a few times `length`, which is at most [`MAX_LENGTH`].
    ///
    /// # Errors
    ///
    /// The encoded bytes are not an encoding of `length` bytes, or need another base than the one given.
    pub fn decode(
        &mut self,
        encoded: &[u8],
        length: usize,
        base: Option<Base<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let decoded = self.decode_into(encoded, length, base, out);
        if decoded.is_err() {
            out.clear();
        }
        decoded
    }

    fn decode_into(
        &mut self,
        encoded: &[u8],
        length: usize,
        base: Option<Base<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let expected = length as u64;
        if length > MAX_LENGTH {
            return Err(CodecError::TooLong { expected });
        }
        let mut reader = Reader(encoded);
        let Header { described, element } = header(&mut reader)?;
        if described.length != expected {
            return Err(CodecError::Length {
                found: described.length,
                expected,
            });
        }
        if described.method == Method::Raw {
            out.clear();
            out.extend_from_slice(reader.0);
            return Ok(());
        }
        let base = base_bytes(&described, base)?;
        let width = element.width();
        let count = length / width;
        let elements = count * width;
        if count == 0 {
            return Err(CodecError::Damaged {
                why: "it is too short for planes",
            });
        }

        if self.scratch.len() < elements {
            self.scratch.resize(elements, 0);
        }
        self.exponents.clear();
        let mut scratch = std::mem::take(&mut self.scratch);
        let planes = self.planes(&mut reader, element, base, count, &mut scratch);
        let merged = planes.map(|planes| {
            out.resize(length, 0);
            let (words, rest) = out.split_at_mut(elements);
            match base {
                Some(base) => self.kernels.merge_difference(element, planes, base, words),
                None => self.kernels.merge_plain(element, planes, words),
            }
            rest
        });
        self.scratch = scratch;
        let rest = merged?;
        rest.copy_from_slice(reader.take(rest.len())?);
        if reader.0.is_empty() {
            Ok(())
        } else {
            Err(CodecError::Damaged {
                why: "bytes follow its end",
            })
        }
    }

    /// The planes, one after the other: those that are raw where they lie, the others decoded into `scratch`.
    fn planes<'a, 'encoded: 'a>(
        &mut self,
        reader: &mut Reader<'encoded>,
        element: Element,
        base: Option<&[u8]>,
        count: usize,
        scratch: &'a mut [u8],
    ) -> Result<Planes<'a>, CodecError> {
        let mut planes: Planes<'a> = [&[]; 4];
        let mut scratch = scratch.chunks_exact_mut(count);
        for number in 0..element.width() {
            let coding = reader.byte()?;
            let plane = if coding == CODING_RAW {
                reader.take(count)?
            } else {
                let plane = scratch.next().unwrap_or_default();
                let before = planes.get(..number).unwrap_or_default();
                self.plane(reader, coding, element, base, before, plane)?;
                plane
            };
            if let Some(place) = planes.get_mut(number) {
                *place = plane;
            }
        }
        Ok(planes)
    }

    /// Decodes one plane. `before` are the planes before it.
    fn plane(
        &mut self,
        reader: &mut Reader<'_>,
        coding: u8,
        element: Element,
        base: Option<&[u8]>,
        before: &[&[u8]],
        plane: &mut [u8],
    ) -> Result<(), CodecError> {
        if coding == CODING_CONSTANT {
            plane.fill(reader.byte()?);
            return Ok(());
        }
        let shape = coding & !CODING_ESCAPING;
        if !matches!(shape, CODING_ORDER_0 | CODING_IN_CONTEXTS) {
            return Err(CodecError::Damaged {
                why: "a plane's coding is unknown",
            });
        }
        let length = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        let mut coded = Reader(reader.take(length)?);
        let escaped = if coding & CODING_ESCAPING == 0 {
            None
        } else {
            let escape = coded.byte()?;
            let count = usize::try_from(coded.u32()?).unwrap_or(usize::MAX);
            Some((escape, coded.take(count)?))
        };
        let contexts = if shape == CODING_ORDER_0 {
            self.tables.set(0, &Frequencies::read(&mut coded)?);
            Contexts::One
        } else {
            match self.read_contexts(&mut coded, element, base, plane.len(), before)? {
                Some(averages) => Contexts::Averaged(averages),
                None => Contexts::Given(&self.contexts),
            }
        };
        rans::decode(self.kernels, &self.tables, contexts, coded.0, plane)?;
        match escaped {
            Some((escape, escaped)) => unescape(plane, escape, escaped),
            None => Ok(()),
        }
    }

    /// Reads the tables of a plane, and works out the context of each of its symbols unless they follow from averages.
    /// `before` has the planes before it.
    fn read_contexts(
        &mut self,
        coded: &mut Reader<'_>,
        element: Element,
        base: Option<&[u8]>,
        count: usize,
        before: &[&[u8]],
    ) -> Result<Option<Box<Averages>>, CodecError> {
        const NOWHERE: CodecError = CodecError::Damaged {
            why: "a plane has its contexts from nowhere",
        };
        let source = coded.byte()?;
        let classes = usize::from(coded.byte()?);
        if !(2..=MAX_CONTEXTS).contains(&classes) {
            return Err(CodecError::Damaged {
                why: "a plane has no such number of contexts",
            });
        }
        let firsts = coded.take(classes - 1)?;
        for context in 0..classes {
            self.tables.set(context, &Frequencies::read(coded)?);
        }
        if source == SOURCE_AVERAGE {
            return Ok(Some(Box::new(Averages::new(firsts))));
        }
        let bytes = if source == SOURCE_BASE {
            let base = base.ok_or(NOWHERE)?;
            if self.exponents.is_empty() {
                self.exponents.resize(count, 0);
                self.kernels.exponents(element, base, &mut self.exponents);
            }
            self.exponents.as_slice()
        } else if source == SOURCE_PLACE {
            places(count, &mut self.places);
            self.places.as_slice()
        } else {
            before.get(usize::from(source)).ok_or(NOWHERE)?
        };
        self.contexts.resize(count, 0);
        self.kernels.classify(bytes, firsts, &mut self.contexts);
        Ok(None)
    }
}

/// Puts symbols that were given apart into the places of the byte that stands for them.
fn unescape(plane: &mut [u8], escape: u8, escaped: &[u8]) -> Result<(), CodecError> {
    const COUNT: CodecError = CodecError::Damaged {
        why: "a plane has another number of escaped symbols",
    };
    let mut escaped = escaped.iter();
    for symbols in plane.chunks_mut(64) {
        if symbols
            .iter()
            .fold(false, |any, &symbol| any | (symbol == escape))
        {
            for symbol in symbols.iter_mut().filter(|symbol| **symbol == escape) {
                *symbol = *escaped.next().ok_or(COUNT)?;
            }
        }
    }
    if escaped.next().is_some() {
        return Err(COUNT);
    }
    Ok(())
}

/// The bytes of the base that the block needs, if it needs one.
fn base_bytes<'a>(
    described: &Described,
    base: Option<Base<'a>>,
) -> Result<Option<&'a [u8]>, CodecError> {
    let Some(needs) = described.base else {
        return Ok(None);
    };
    let base = base.ok_or(CodecError::BaseMissing { needs })?;
    if base.hash != needs {
        return Err(CodecError::BaseDiffers {
            needs,
            given: base.hash,
        });
    }
    if base.bytes.len() as u64 != described.length {
        return Err(CodecError::BaseLength {
            needs: described.length,
            given: base.bytes.len() as u64,
        });
    }
    Ok(Some(base.bytes))
}
