//! Ranges and conditions (RFC 9110, sections 13 and 14), as far as one file needs them.

use axum::http::{HeaderMap, header};

/// Which bytes to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of them.
    Whole,
    /// From `first` to `last`, both included. INVARIANT: `first <= last < size`.
    Bytes { first: u64, last: u64 },
    /// A range that has no byte in this file.
    Unsatisfiable,
}

/// What a GET's `Range` and `If-Range` ask for. `etag` without quotes.
///
/// A header that is not one range of bytes is ignored, as the RFC allows: the whole file is a right answer to any of them.
pub(super) fn asked(headers: &HeaderMap, size: u64, etag: &str) -> Part {
    if let Some(condition) = headers.get(header::IF_RANGE)
        && condition.to_str().ok() != Some(format!("\"{etag}\"").as_str())
    {
        return Part::Whole;
    }
    let mut ranges = headers.get_all(header::RANGE).iter();
    match (
        ranges.next().and_then(|range| range.to_str().ok()),
        ranges.next(),
    ) {
        (Some(range), None) => parse(range, size).unwrap_or(Part::Whole),
        _ => Part::Whole,
    }
}

fn parse(text: &str, size: u64) -> Option<Part> {
    let (unit, range) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let end = size.checked_sub(1);
    let (first, last) = match (first.trim(), last.trim()) {
        ("", "") => return None,
        ("", length) => (
            size.saturating_sub(number(length)?),
            if number(length)? == 0 { None } else { end },
        ),
        (first, "") => (number(first)?, end),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, end.map(|end| end.min(last)))
        }
    };
    Some(match last {
        Some(last) if first <= last => Part::Bytes { first, last },
        _ => Part::Unsatisfiable,
    })
}

/// Whether the caller has this file already: `If-None-Match` names its tag, or `*`.
pub(super) fn unchanged(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(range: &str, size: u64) -> Part {
        asked(
            &HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]),
            size,
            "tag",
        )
    }

    #[test]
    fn ranges_of_the_rfc() {
        let bytes = |first, last| Part::Bytes { first, last };
        for (range, expected) in [
            ("bytes=0-0", bytes(0, 0)),
            ("bytes=0-100000", bytes(0, 9)),
            ("bytes=3-", bytes(3, 9)),
            ("bytes=-3", bytes(7, 9)),
            ("bytes=-30", bytes(0, 9)),
            ("Bytes = 2-4", bytes(2, 4)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=10-20", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=99999999999999999999999-", Part::Unsatisfiable),
            ("bytes=4-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Unsatisfiable);
        assert_eq!(part("bytes=-5", 0), Part::Unsatisfiable);
    }

    #[test]
    fn a_range_of_another_version_is_ignored() {
        let with = |condition: &str| {
            let headers = [
                (header::RANGE, "bytes=1-2".parse().unwrap()),
                (header::IF_RANGE, condition.parse().unwrap()),
            ];
            asked(&HeaderMap::from_iter(headers), 10, "tag")
        };
        assert_eq!(with("\"tag\""), Part::Bytes { first: 1, last: 2 });
        for other in ["\"old\"", "W/\"tag\"", "Tue, 24 Nov 2026 13:15:00 GMT"] {
            assert_eq!(with(other), Part::Whole, "{other}");
        }
    }

    #[test]
    fn known_tags_are_recognised() {
        let with = |value: &str| {
            unchanged(
                &HeaderMap::from_iter([(header::IF_NONE_MATCH, value.parse().unwrap())]),
                "tag",
            )
        };
        for known in ["\"tag\"", "W/\"tag\"", "*", "\"old\", \"tag\"", "tag"] {
            assert!(with(known), "{known}");
        }
        for other in ["\"tags\"", "", "\"\"", "W/\"old\""] {
            assert!(!with(other), "{other}");
        }
        assert!(!unchanged(&HeaderMap::new(), "tag"));
    }

    proptest! {
        #[test]
        fn a_part_lies_inside_the_file(range in "(bytes=)?[0-9,\\- ]{0,12}", size in 0u64..30) {
            if let Part::Bytes { first, last } = part(&range, size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
