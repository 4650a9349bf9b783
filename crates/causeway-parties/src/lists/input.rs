//! Bytes into records, one at a time: lines, elements of a JSON array, rows of a CSV file. What is held in memory is one
//! record and one buffer, whatever the size of the file.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::ListError;

/// The longest record, bytes. The longest of a real list has some hundred kilobytes.
pub const LONGEST_RECORD: u64 = 16 * 1024 * 1024;

/// Hashes what is read through it.
pub(super) struct Hashing<'r> {
    inner: &'r mut dyn Read,
    sha256: Sha256,
    bytes: u64,
}

impl<'r> Hashing<'r> {
    pub(super) fn new(inner: &'r mut dyn Read) -> Self {
        Self {
            inner,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    /// SHA-256 and number of all bytes read.
    pub(super) fn finish(self) -> (causeway_domain::Digest, u64) {
        let digest: [u8; 32] = self.sha256.finalize().into();
        (digest.into(), self.bytes)
    }
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sha256.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }
}

/// A record as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'b> {
    /// Line of its first byte, from 1.
    pub(super) line: u64,
    pub(super) bytes: &'b [u8],
}

/// Hands out the lines that are not blank, without their ends, and whether each has one.
pub(super) fn each_line(
    file: &str,
    input: &mut dyn BufRead,
    mut take: impl FnMut(Raw<'_>, bool) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let mut buffer = Vec::new();
    let mut line = 0;
    loop {
        buffer.clear();
        line += 1;
        let read = input
            .take(LONGEST_RECORD + 1)
            .read_until(b'\n', &mut buffer)
            .map_err(|error| read_error(file, line, error))?;
        if read == 0 {
            return Ok(());
        }
        let ended = buffer.last() == Some(&b'\n');
        if !ended && read as u64 > LONGEST_RECORD {
            return Err(too_long(file, line));
        }
        let bytes = buffer.trim_ascii();
        if !bytes.is_empty() {
            take(Raw { line, bytes }, ended)?;
        }
    }
}

fn read_error(file: &str, line: u64, error: io::Error) -> ListError {
    ListError::Read {
        file: file.to_owned(),
        line,
        error,
    }
}

fn too_long(file: &str, line: u64) -> ListError {
    ListError::TooLong {
        file: file.to_owned(),
        line,
        limit: LONGEST_RECORD,
    }
}

/// What a counting reader has seen.
#[derive(Debug, Default)]
struct Seen {
    line_ends: Cell<u64>,
    since: Cell<u64>,
    too_long: Cell<bool>,
}

struct Counting<'r> {
    inner: &'r mut dyn BufRead,
    seen: Rc<Seen>,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.seen.since.get() > LONGEST_RECORD {
            self.seen.too_long.set(true);
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the record is too long",
            ));
        }
        let count = self.inner.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        let ends = read.iter().filter(|byte| **byte == b'\n').count();
        self.seen.since.set(self.seen.since.get() + count as u64);
        self.seen
            .line_ends
            .set(self.seen.line_ends.get() + ends as u64);
        Ok(count)
    }
}

/// Hands out the elements of a JSON array: the file's whole value, or the field `inside` of the object that it is.
pub(super) fn each_element(
    file: &str,
    input: &mut dyn BufRead,
    inside: &'static str,
    take: &mut dyn FnMut(Raw<'_>) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let seen = Rc::new(Seen::default());
    let mut stopped = None;
    let mut found = false;
    let mut deserializer = serde_json::Deserializer::from_reader(Counting {
        inner: input,
        seen: Rc::clone(&seen),
    });
    let top = Top {
        inside,
        seen: &seen,
        stopped: &mut stopped,
        found: &mut found,
        take,
    };
    let done = top
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    if let Some(error) = stopped {
        return Err(error);
    }
    let line = seen.line_ends.get() + 1;
    match done {
        Ok(()) if found => Ok(()),
        Ok(()) => Err(ListError::AnotherFormat {
            file: file.to_owned(),
            format: "a JSON list",
            why: format!("it is no array and has no array `{inside}`"),
        }),
        Err(_) if seen.too_long.get() => Err(too_long(file, line)),
        Err(error) if error.is_eof() => Err(ListError::Truncated {
            file: file.to_owned(),
            line,
            why: "the JSON value is not closed".to_owned(),
        }),
        Err(error) => match error.io_error_kind() {
            Some(kind) => Err(read_error(file, line, io::Error::from(kind))),
            None => Err(ListError::Syntax {
                file: file.to_owned(),
                line: error.line().try_into().unwrap_or(line),
                why: error.to_string(),
            }),
        },
    }
}

struct Top<'t> {
    inside: &'static str,
    seen: &'t Seen,
    stopped: &'t mut Option<ListError>,
    found: &'t mut bool,
    take: &'t mut dyn FnMut(Raw<'_>) -> Result<(), ListError>,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an array, or an object with an array `{}`", self.inside)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        *self.found = true;
        self.seen.since.set(0);
        while let Some(element) = elements.next_element::<Box<RawValue>>()? {
            self.seen.since.set(0);
            let bytes = element.get().as_bytes();
            let inner_ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            let line = (self.seen.line_ends.get() + 1).saturating_sub(inner_ends);
            if let Err(error) = (self.take)(Raw { line, bytes }) {
                *self.stopped = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Top {
            inside,
            seen,
            stopped,
            found,
            take,
        } = self;
        while let Some(name) = fields.next_key::<String>()? {
            if name == inside {
                fields.next_value_seed(Top {
                    inside,
                    seen,
                    stopped: &mut *stopped,
                    found: &mut *found,
                    take: &mut *take,
                })?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
            seen.since.set(0);
        }
        Ok(())
    }
}

/// Bytes read since the last record that was handed out.
#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    start: u64,
    line_ends: u64,
    too_long: bool,
}

struct Keeping<'r> {
    inner: &'r mut dyn BufRead,
    kept: Rc<RefCell<Kept>>,
}

impl Read for Keeping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut kept = self.kept.borrow_mut();
        if kept.bytes.len() as u64 > LONGEST_RECORD {
            kept.too_long = true;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the record is too long",
            ));
        }
        let count = self.inner.read(buffer)?;
        kept.bytes
            .extend_from_slice(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// How the rows of a CSV file are told apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// What stands between fields.
    pub(super) delimiter: u8,
    /// Whether the publisher ends the last row, too.
    pub(super) must_end: bool,
}

impl Layout {
    /// The last row may lack its end.
    pub(super) const fn lenient(delimiter: u8) -> Self {
        Self {
            delimiter,
            must_end: false,
        }
    }
}

/// Hands out the rows of a CSV file, the header too, each with its fields.
pub(super) fn each_row(
    file: &str,
    input: &mut dyn BufRead,
    layout: Layout,
    mut take: impl FnMut(Raw<'_>, &csv::ByteRecord) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let kept = Rc::new(RefCell::new(Kept::default()));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(layout.delimiter)
        .from_reader(Keeping {
            inner: input,
            kept: Rc::clone(&kept),
        });
    let mut fields = csv::ByteRecord::new();
    let mut width = 0;
    let mut cut = None;
    loop {
        let more = reader.read_byte_record(&mut fields);
        let end = reader.position().byte();
        let mut kept = kept.borrow_mut();
        let line = kept.line_ends + 1;
        match more {
            Ok(true) => {}
            Ok(false) => {
                // The last row was open or short: what follows it is missing.
                return cut.map_or(Ok(()), |(line, count)| {
                    Err(ListError::Truncated {
                        file: file.to_owned(),
                        line,
                        why: format!(
                            "the last row has {count} of {width} fields, or lacks its end"
                        ),
                    })
                });
            }
            Err(_) if kept.too_long => return Err(too_long(file, line)),
            Err(error) => {
                let why = error.to_string();
                return Err(match error.into_kind() {
                    csv::ErrorKind::Io(error) => read_error(file, line, error),
                    _ => ListError::Syntax {
                        file: file.to_owned(),
                        line,
                        why,
                    },
                });
            }
        }
        let length = usize::try_from(end.saturating_sub(kept.start))
            .unwrap_or(usize::MAX)
            .min(kept.bytes.len());
        let whole: Vec<u8> = kept.bytes.drain(..length).collect();
        kept.start = end;
        let ends = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let bytes = whole.trim_ascii();
        let blank = whole.len() - whole.trim_ascii_start().len();
        let line = line + ends(whole.get(..blank).unwrap_or_default());
        kept.line_ends += ends(&whole);
        let ended = matches!(whole.last(), Some(b'\n' | b'\r'));
        drop(kept);
        let open = bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        let short = !ended
            && (layout.must_end || fields.len() < width)
            && !bytes.is_empty()
            && bytes != b"\x1a";
        cut = (open || short).then(|| (line, fields.len()));
        width = width.max(fields.len());
        if !bytes.is_empty() {
            take(Raw { line, bytes }, &fields)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<(u64, String, usize)>, ListError> {
        let mut out = Vec::new();
        each_row(
            "f.csv",
            &mut text.as_bytes(),
            Layout::lenient(b','),
            |raw, fields| {
                out.push((
                    raw.line,
                    String::from_utf8_lossy(raw.bytes).into_owned(),
                    fields.len(),
                ));
                Ok(())
            },
        )?;
        Ok(out)
    }

    #[test]
    fn rows_know_their_line_and_bytes() {
        let found = rows("a,b\r\n\r\n\"x\r\ny\",2\r\n3,4\r\n").unwrap();
        assert_eq!(
            found,
            [
                (1, "a,b".to_owned(), 2),
                (3, "\"x\r\ny\",2".to_owned(), 2),
                (5, "3,4".to_owned(), 2)
            ]
        );
        assert_eq!(rows("a,b\n1,2").unwrap().len(), 2, "the end may be missing");
        assert!(rows("").unwrap().is_empty());
    }

    #[test]
    fn a_row_that_was_cut_off_is_an_error() {
        for text in ["a,b,c\n1,2", "a,b\n1,\"2", "a,b\n1,2\n3,\"x\n4,5\n"] {
            assert!(
                matches!(rows(text), Err(ListError::Truncated { .. })),
                "{text:?}: {:?}",
                rows(text)
            );
        }
    }

    fn elements(text: &str) -> Result<Vec<(u64, String)>, ListError> {
        let mut out = Vec::new();
        each_element("f.json", &mut text.as_bytes(), "results", &mut |raw| {
            out.push((raw.line, String::from_utf8_lossy(raw.bytes).into_owned()));
            Ok(())
        })?;
        Ok(out)
    }

    #[test]
    fn elements_know_their_line_and_bytes() {
        let expected = [(3, "{\"a\":\n 1}".to_owned()), (5, "2".to_owned())];
        assert_eq!(
            elements("{\"total\": 2, \"results\": [\n\n {\"a\":\n 1},\n 2], \"x\": []}").unwrap(),
            expected
        );
        assert_eq!(elements("[\n\n{\"a\":\n 1},\n2]").unwrap(), expected);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["[1, 2", "{\"results\": [{\"a\": 1}", "", "[{\"a\": \"x"] {
            assert!(
                matches!(elements(text), Err(ListError::Truncated { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            elements("{\"total\": 1}"),
            Err(ListError::AnotherFormat { .. })
        ));
        for text in ["[1 2]", "[1]]", "\"text\"", "{\"results\": 7}"] {
            assert!(
                matches!(elements(text), Err(ListError::Syntax { .. })),
                "{text}"
            );
        }
    }

    /// An endless record.
    struct Endless(&'static [u8]);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if !self.0.is_empty() {
                let count = self.0.read(buffer)?;
                return Ok(count);
            }
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }

    #[test]
    fn an_endless_record_is_given_up() {
        let mut input = io::BufReader::with_capacity(1 << 16, Endless(b"a,b\n\"y"));
        let csv = each_row("f", &mut input, Layout::lenient(b','), |_, _| Ok(()));
        assert!(
            matches!(csv, Err(ListError::TooLong { line: 2, .. })),
            "{csv:?}"
        );
        let mut input = io::BufReader::with_capacity(1 << 16, Endless(b"[1,\n\"y"));
        let json = each_element("f", &mut input, "results", &mut |_| Ok(()));
        assert!(
            matches!(json, Err(ListError::TooLong { line: 2, .. })),
            "{json:?}"
        );
        let mut input = io::BufReader::with_capacity(1 << 16, Endless(b"{}\ny"));
        let lines = each_line("f", &mut input, |_, _| Ok(()));
        assert!(
            matches!(lines, Err(ListError::TooLong { line: 2, .. })),
            "{lines:?}"
        );
    }
}
