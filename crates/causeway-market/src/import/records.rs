//! Records of a CSV file, one at a time, out of bytes that nobody has checked.
//!
//! Our own scanner and not the `csv` crate, for two things that the crate has no words for: a record that grows past a
//! bound is given up where it stands and nothing of it is copied, and a cell keeps its place, so that a message can name
//! line and column. A property test holds the cells against those of the `csv` crate.

use std::borrow::Cow;

use super::BadRow;

/// The longest record of a price list that is read, bytes. The widest list in the wild has 40 kB in its longest line; one
/// line of a gigabyte is no list.
pub const LONGEST_RECORD: usize = 1 << 20;

/// What is left of a file.
#[derive(Debug)]
pub(super) struct Records<'a> {
    rest: &'a [u8],
    line: u64,
}

/// One record: its text, where it begins, and its cells.
#[derive(Debug)]
pub(super) struct Record<'a> {
    text: &'a str,
    line: u64,
}

/// A cell: a range of the record's text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    start: usize,
    end: usize,
    quoted: bool,
}

enum End {
    /// At this offset; the next record begins at the other.
    At(usize, usize),
    /// No end within the bound.
    TooLong,
    /// A quote that is opened at this offset and never closed.
    OpenQuote(usize),
}

impl<'a> Records<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Self { rest, line: 1 }
    }

    /// The next record and its cells, or why there is none where one begins. A bad record is left at its first line's
    /// end, so that an open quote costs one line and not the rest of the file.
    pub(super) fn next(&mut self, cells: &mut Vec<Cell>) -> Option<Result<Record<'a>, BadRow>> {
        self.skip_empty_lines();
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let bad = |raw: &[u8], offset: usize, why: String| {
            let (line, column) = place(line, raw, offset);
            Some(Err(BadRow { line, column, why }))
        };
        let rest = self.rest;
        match scan(rest, cells) {
            End::At(end, next) => {
                let raw = rest.get(..end).unwrap_or_default();
                self.advance(next);
                match std::str::from_utf8(raw) {
                    Ok(text) => Some(Ok(Record { text, line })),
                    Err(error) => {
                        let offset = error.valid_up_to();
                        let byte = raw.get(offset).copied().unwrap_or_default();
                        bad(
                            raw,
                            offset,
                            format!("not UTF-8: byte {byte:#04x} stands here"),
                        )
                    }
                }
            }
            End::TooLong => {
                self.skip_line();
                bad(
                    &[],
                    0,
                    format!("the line is longer than {} MiB", LONGEST_RECORD >> 20),
                )
            }
            End::OpenQuote(offset) => {
                self.skip_line();
                let raw = rest.get(..offset).unwrap_or_default();
                bad(
                    raw,
                    offset,
                    "a quote is opened here and not closed".to_owned(),
                )
            }
        }
    }

    fn skip_empty_lines(&mut self) {
        let blank = self
            .rest
            .iter()
            .position(|byte| !matches!(byte, b'\r' | b'\n'))
            .unwrap_or(self.rest.len());
        self.advance(blank);
    }

    fn skip_line(&mut self) {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.rest.len(), |at| at + 1);
        self.advance(end);
    }

    fn advance(&mut self, by: usize) {
        let (passed, rest) = self.rest.split_at_checked(by).unwrap_or((self.rest, &[]));
        self.line += lines(passed);
        self.rest = rest;
    }
}

/// Line ends in some text: `\n`, `\r\n`, and `\r` alone.
fn lines(text: &[u8]) -> u64 {
    let mut count = 0;
    let mut before = 0;
    for &byte in text {
        count += u64::from(byte == b'\n' || (before == b'\r'));
        // The pair is one end: the `\n` has just been counted.
        before = if byte == b'\n' { 0 } else { byte };
    }
    count + u64::from(before == b'\r')
}

/// Line and column (from 1, in characters) of an offset of a record that begins at `line`.
fn place(line: u64, raw: &[u8], offset: usize) -> (u64, u64) {
    let before = raw.get(..offset).unwrap_or(raw);
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let column = before
        .get(start..)
        .unwrap_or_default()
        .iter()
        .filter(|byte| (**byte & 0xc0) != 0x80)
        .count();
    (line + lines(before), column as u64 + 1)
}

/// Finds the end of the record and its cells. A quote counts at the start of a cell only, as in RFC 4180 and in pandas.
fn scan(bytes: &[u8], cells: &mut Vec<Cell>) -> End {
    cells.clear();
    let window = bytes.get(..LONGEST_RECORD).unwrap_or(bytes);
    let mut at = 0;
    loop {
        let start = at;
        let quoted = window.get(at) == Some(&b'"');
        if quoted {
            at += 1;
            loop {
                let Some(found) = find(window, at, |byte| byte == b'"') else {
                    return End::OpenQuote(start);
                };
                at = found + 1;
                if window.get(at) == Some(&b'"') {
                    at += 1;
                } else {
                    break;
                }
            }
        }
        let found = find(window, at, |byte| matches!(byte, b',' | b'\n' | b'\r'));
        let end = match found {
            Some(end) => end,
            None if window.len() == bytes.len() => bytes.len(),
            None => return End::TooLong,
        };
        cells.push(Cell { start, end, quoted });
        match window.get(end) {
            Some(b',') => at = end + 1,
            Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => return End::At(end, end + 2),
            Some(_) => return End::At(end, end + 1),
            None => return End::At(end, end),
        }
    }
}

fn find(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    bytes
        .get(from..)?
        .iter()
        .position(|byte| wanted(*byte))
        .map(|at| from + at)
}

impl<'a> Record<'a> {
    /// A cell's text, without its quotes and the blanks around it.
    pub(super) fn cell(&self, cell: Cell) -> Cow<'a, str> {
        let raw = self.text.get(cell.start..cell.end).unwrap_or_default();
        if !cell.quoted {
            return Cow::Borrowed(raw.trim());
        }
        let inner = raw.strip_prefix('"').unwrap_or(raw);
        if let Some(plain) = inner.strip_suffix('"')
            && !plain.contains('"')
        {
            return Cow::Borrowed(plain.trim());
        }
        // Doubled quotes, or text after the closing one, which is taken as it stands.
        let mut text = String::with_capacity(inner.len());
        let mut open = true;
        let mut letters = inner.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '"' && open {
                if letters.peek() == Some(&'"') {
                    letters.next();
                    text.push('"');
                } else {
                    open = false;
                }
            } else {
                text.push(letter);
            }
        }
        Cow::Owned(text.trim().to_owned())
    }

    /// Line and column where a cell begins.
    pub(super) fn place(&self, cell: Cell) -> (u64, u64) {
        place(self.line, self.text.as_bytes(), cell.start)
    }

    /// Line on which the record begins.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> (Vec<Vec<String>>, Vec<BadRow>) {
        let mut records = Records::new(bytes);
        let mut cells = Vec::new();
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        while let Some(found) = records.next(&mut cells) {
            match found {
                Ok(record) => rows.push(
                    cells
                        .iter()
                        .map(|cell| record.cell(*cell).into_owned())
                        .collect(),
                ),
                Err(row) => bad.push(row),
            }
        }
        (rows, bad)
    }

    #[test]
    fn a_line_that_is_too_long_is_one_bad_row() {
        let mut text = b"a,b\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', LONGEST_RECORD + 1));
        text.extend(b"\nc,d\n");
        let (rows, bad) = all(&text);
        assert_eq!(rows, [["a", "b"], ["c", "d"]]);
        assert_eq!(bad.len(), 1);
        assert_eq!((bad[0].line, bad[0].column), (2, 1));
        assert_eq!(bad[0].why, "the line is longer than 1 MiB");
    }

    #[test]
    fn an_open_quote_costs_its_own_line() {
        let (rows, bad) = all(b"a,b\nc,\"d\ne,f\ng,h");
        assert_eq!(rows, [["a", "b"], ["e", "f"], ["g", "h"]]);
        assert_eq!((bad[0].line, bad[0].column), (2, 3));
    }

    #[test]
    fn bytes_that_are_no_text_are_named_where_they_stand() {
        let (rows, bad) = all(b"a,b\nZ\xc3\xbc,M\xfcnchen\nc,d\n");
        assert_eq!(rows, [["a", "b"], ["c", "d"]]);
        assert_eq!((bad[0].line, bad[0].column), (2, 5));
        assert_eq!(bad[0].why, "not UTF-8: byte 0xfc stands here");
    }

    #[test]
    fn lines_count_every_kind_of_end() {
        assert_eq!(lines(b"a\nb\r\nc\rd"), 3);
        assert_eq!(lines(b"\r\r\n\n\r"), 4);
    }

    proptest! {
        /// Held against the `csv` crate wherever both read the text: no quote left open.
        #[test]
        fn cells_are_those_of_the_csv_crate(text in "[ab \",\n\r\u{e9}]{0,60}") {
            let (rows, bad) = all(text.as_bytes());
            if bad.is_empty() {
                let mut reader = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .trim(csv::Trim::All)
                    .from_reader(text.as_bytes());
                let theirs: Vec<Vec<String>> = reader
                    .records()
                    .map(|row| row.unwrap().iter().map(str::to_owned).collect())
                    .collect();
                prop_assert_eq!(rows, theirs);
            } else {
                prop_assert!(bad.iter().all(|row| row.why.contains("not closed")));
            }
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (_, bad) = all(&bytes);
            let end = lines(&bytes) + 1;
            prop_assert!(bad.iter().all(|row| row.line <= end && row.column >= 1));
        }
    }
}
