//! Where a tile stands and what an entry bundle looks like (C2SP `tlog-tiles`). Pure.

use camino::{Utf8Path, Utf8PathBuf};

/// Entries of a full bundle and hashes of a full tile.
pub(crate) const WIDTH: u64 = 256;

/// A level of tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The entries themselves.
    Entries,
    /// Hashes of subtrees of 256^L entries.
    Hashes(u8),
}

impl Level {
    /// How many entries stand under one item of this level; `None` when that is beyond 64 bits.
    pub(crate) fn entries_per_item(self) -> Option<u64> {
        match self {
            Self::Entries => Some(1),
            Self::Hashes(level) => 1u64.checked_shl(8 * u32::from(level)),
        }
    }

    /// Items of this level in a log of `size` entries.
    pub(crate) fn items(self, size: u64) -> u64 {
        self.entries_per_item().map_or(0, |per| size / per)
    }
}

/// A file below `tile/`: `width` items of `level`, from item `index` * 256 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tile {
    pub(crate) level: Level,
    pub(crate) index: u64,
    /// 1 to 256.
    pub(crate) width: u64,
}

impl Tile {
    /// The first item.
    pub(crate) fn start(&self) -> u64 {
        self.index.saturating_mul(WIDTH)
    }

    /// The item after the last.
    pub(crate) fn end(&self) -> u64 {
        self.start().saturating_add(self.width)
    }

    /// The same place, full.
    pub(crate) fn full(&self) -> Self {
        Self {
            width: WIDTH,
            ..*self
        }
    }

    /// The first entry under item number `nth` of this tile.
    pub(crate) fn first_entry(&self, nth: u64) -> u64 {
        let per = self.level.entries_per_item().unwrap_or(u64::MAX);
        self.start().saturating_add(nth).saturating_mul(per)
    }

    /// The path below the log's folder: `tile/0/x001/x234/067.p/8`.
    pub(crate) fn path(&self) -> Utf8PathBuf {
        let level = match self.level {
            Level::Entries => "entries".to_owned(),
            Level::Hashes(level) => level.to_string(),
        };
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        let part = match self.width {
            WIDTH => String::new(),
            width => format!(".p/{width}"),
        };
        Utf8PathBuf::from(format!("tile/{level}/{number}{part}"))
    }

    /// The tile that stands at a path below the log's folder; `None` for any other path.
    pub(crate) fn parse(path: &Utf8Path) -> Option<Self> {
        let rest = path.as_str().strip_prefix("tile/")?;
        let (level, rest) = rest.split_once('/')?;
        let level = match level {
            "entries" => Level::Entries,
            number => Level::Hashes(number.parse().ok().filter(|level| *level < 64)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, WIDTH),
        };
        let index = number.split('/').try_fold(0u64, |index, group| {
            let digits = group.strip_prefix('x').unwrap_or(group);
            index.checked_mul(1000)?.checked_add(digits.parse().ok()?)
        })?;
        let tile = Self {
            level,
            index,
            width,
        };
        // One path a tile: leading zeros, a forgotten `x` and widths out of range end here.
        ((1..=WIDTH).contains(&width) && tile.path() == path).then_some(tile)
    }
}

/// The tiles of one level that a log of `size` entries has: all full, the last one perhaps partial.
pub(crate) fn tiles(level: Level, size: u64) -> impl Iterator<Item = Tile> {
    let items = level.items(size);
    (0..items.div_ceil(WIDTH)).map(move |index| Tile {
        level,
        index,
        width: (items - index * WIDTH).min(WIDTH),
    })
}

/// The hash tiles that change when the log reaches `size` entries, lowest level first.
pub(crate) fn changed_hash_tiles(size: u64) -> impl Iterator<Item = Tile> {
    (0..8u8)
        .map(Level::Hashes)
        .take_while(move |level| {
            let per = level.entries_per_item();
            size > 0 && per.is_some_and(|per| size.is_multiple_of(per))
        })
        .map(move |level| {
            let last = level.items(size) - 1;
            Tile {
                level,
                index: last / WIDTH,
                width: last % WIDTH + 1,
            }
        })
}

/// Appends an entry to a bundle's bytes. Returns `false`, and appends nothing, when it is longer than 65,535 bytes.
#[must_use]
pub(crate) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The entries of a bundle: those that could be read, and what was wrong after them.
pub(crate) fn read_bundle(bytes: &[u8], width: u64) -> (Vec<&[u8]>, Option<&'static str>) {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while (entries.len() as u64) < width {
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return (entries, Some("the bundle ends before this entry"));
        };
        let Some((entry, after)) = after.split_at_checked(u16::from_be_bytes(*length).into())
        else {
            return (entries, Some("the entry is longer than its bundle"));
        };
        entries.push(entry);
        rest = after;
    }
    let trailing = (!rest.is_empty()).then_some("there are bytes after the last entry");
    (entries, trailing)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(level: Level, index: u64, width: u64) -> String {
        Tile {
            level,
            index,
            width,
        }
        .path()
        .into_string()
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(
            path(Level::Hashes(0), 1_234_067, 256),
            "tile/0/x001/x234/067"
        );
        assert_eq!(path(Level::Hashes(2), 0, 1), "tile/2/000.p/1");
        assert_eq!(path(Level::Entries, 1000, 8), "tile/entries/x001/000.p/8");
        for bad in [
            "tile/0/0",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/257",
            "tile/0/000.p/08",
            "tile/0/000.p/+8",
            "tile/00/000",
            "tile/64/000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/x001",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/000.tmp",
            "tiles/0/000",
        ] {
            assert_eq!(Tile::parse(Utf8Path::new(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_log_of_70000_has_the_tiles_that_the_specification_counts() {
        let last = |level| tiles(Level::Hashes(level), 70_000).last();
        let count = |level| tiles(Level::Hashes(level), 70_000).count();
        assert_eq!((count(0), last(0).unwrap().width), (274, 112));
        assert_eq!((count(1), last(1).unwrap().width), (2, 17));
        assert_eq!((count(2), last(2).unwrap().width), (1, 1));
        assert_eq!(count(3), 0);
        let reached_256: Vec<_> = changed_hash_tiles(256)
            .map(|tile| tile.path().into_string())
            .collect();
        assert_eq!(reached_256, ["tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(changed_hash_tiles(257).count(), 1);
    }

    #[test]
    fn a_bundle_says_where_it_breaks() {
        let mut bundle = Vec::new();
        assert!(push_entry(&mut bundle, b"one"));
        assert!(push_entry(&mut bundle, b""));
        assert!(!push_entry(&mut bundle, &vec![0; 65_536]));
        assert_eq!(read_bundle(&bundle, 2), (vec![&b"one"[..], b""], None));
        assert!(read_bundle(&bundle, 1).1.is_some());
        assert!(read_bundle(&bundle, 3).1.is_some());
        bundle[1] = 9;
        let (entries, problem) = read_bundle(&bundle, 2);
        assert!(entries.is_empty() && problem.is_some());
    }

    proptest! {
        #[test]
        fn a_path_leads_back_to_its_tile(level in 0u8..64, index: u64, width in 1u64..=256, entries: bool) {
            let level = if entries { Level::Entries } else { Level::Hashes(level) };
            let tile = Tile { level, index, width };
            prop_assert_eq!(Tile::parse(&tile.path()), Some(tile));
        }

        #[test]
        fn no_path_and_no_bundle_panics(text in ".{0,40}", bytes: Vec<u8>, width in 0u64..300) {
            let _ = Tile::parse(Utf8Path::new(&text));
            let _ = Tile::parse(Utf8Path::new(&format!("tile/0/{text}")));
            let _ = read_bundle(&bytes, width);
        }
    }
}
