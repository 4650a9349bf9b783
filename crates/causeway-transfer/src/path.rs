//! Paths that cross the link.

use crate::error::TransferError;

/// Longest path, in bytes (`PATH_MAX` of Linux, less the end mark).
pub(crate) const MAX_PATH: usize = 4095;
/// Longest part between two `/`, in bytes (`NAME_MAX` of Linux).
const MAX_NAME: usize = 255;
/// Where an agent keeps what is on its way to the site: below its root, never served.
pub(crate) const INCOMING: &str = ".causeway-incoming";

/// What PyTorch's distributed checkpoint writes last into its directory, under another name that it then changes
/// (`torch/distributed/checkpoint/filesystem.py`).
pub(crate) const DCP_METADATA: &str = ".metadata";
/// How the names of its other files end.
pub(crate) const DCP_SHARD: &str = ".distcp";

/// Checks that a path stays below the directory that it is applied to: relative, `/` between its parts, no `.` or `..`.
pub(crate) fn check(path: &str) -> Result<(), TransferError> {
    let bad = |why: &str| {
        Err(TransferError::BadPath {
            path: path.chars().take(200).collect(),
            why: why.to_owned(),
        })
    };
    if path.is_empty() {
        return bad("it is empty");
    }
    if path.len() > MAX_PATH {
        return bad("it is longer than 4095 bytes");
    }
    if path.starts_with('/') {
        return bad("it is absolute");
    }
    for part in path.split('/') {
        match part {
            "" => return bad("a part of it is empty"),
            "." | ".." => return bad("it contains `.` or `..`"),
            _ if part.len() > MAX_NAME => return bad("a part of it is longer than 255 bytes"),
            _ if part.contains('\0') => return bad("it contains a zero byte"),
            _ => {}
        }
    }
    Ok(())
}

/// What a user wrote, with `./`, doubled and trailing `/` taken away; empty for the root itself.
pub(crate) fn clean(path: &str) -> Result<String, TransferError> {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let cleaned = parts.join("/");
    if !cleaned.is_empty() {
        check(&cleaned)?;
    }
    Ok(cleaned)
}

/// As [`clean`], for a path at a site, which may be absolute: the agent looks for the root that it lies in.
pub(crate) fn clean_or_absolute(path: &str) -> Result<String, TransferError> {
    let cleaned = clean(path)?;
    Ok(if path.starts_with('/') {
        format!("/{cleaned}")
    } else {
        cleaned
    })
}

/// Checks that a link at `path` stays within the directory that `path` is relative to, whatever its links are: its target is
/// relative, and climbs only at its beginning and no higher than that directory. What a later part leads to is such a link.
pub(crate) fn check_target(path: &str, target: &str) -> Result<(), TransferError> {
    let bad = |why: &str| {
        Err(TransferError::BadPath {
            path: path.chars().take(200).collect(),
            why: format!("it is a link that {why}"),
        })
    };
    if target.is_empty() || target.len() > MAX_PATH || target.contains('\0') {
        return bad("leads nowhere");
    }
    if target.starts_with('/') {
        return bad("is absolute");
    }
    let above = path.matches('/').count();
    let mut parts = target.split('/').skip_while(|part| *part == ".").peekable();
    let mut climbed = 0;
    while parts.next_if_eq(&"..").is_some() {
        climbed += 1;
    }
    if climbed > above {
        return bad("leads out of the directory");
    }
    if parts.any(|part| part == "..") {
        return bad("climbs on its way");
    }
    Ok(())
}

/// Joins two cleaned paths, either of which may be empty.
pub(crate) fn join(above: &str, below: &str) -> String {
    match (above.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (_, true) => above.to_owned(),
        _ => format!("{above}/{below}"),
    }
}

/// The last part.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The parts before the last; empty when there is none.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Whether a name says that its writer is not done with it: hidden, or a temporary name of a saver or a downloader.
#[must_use]
pub fn unfinished(name: &str) -> bool {
    name.starts_with('.')
        || [".tmp", ".partial", ".incomplete"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_stay_below_pass() {
        for good in ["a", "a/b.c", "..a", "a..", "ü/é", ".hidden/x"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a//b", "a/", "../a", "a/../b", "a/.", ".", "a\0b"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(256)).is_err());
        assert!(check(&"x/".repeat(2100)).is_err());
    }

    #[test]
    fn what_people_write_is_cleaned_but_never_climbs() {
        assert_eq!(clean("./runs//a/").unwrap(), "runs/a");
        assert_eq!(clean(".").unwrap(), "");
        assert!(clean("runs/../../etc").is_err());
    }

    #[test]
    fn a_link_stays_within() {
        for (path, target) in [
            ("a", "b"),
            ("x/a", "../b"),
            ("x/y/a", "../../z/b"),
            ("a", "./b/./c/"),
            ("x/a", ".."),
        ] {
            assert!(check_target(path, target).is_ok(), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", ""),
            ("a", "/b"),
            ("a", ".."),
            ("a", "../b"),
            ("x/a", "../../b"),
            ("x/a", "./../../b"),
            // `y` may be a link.
            ("x/a", "y/../../b"),
            ("x/a", "y/../b"),
        ] {
            assert!(check_target(path, target).is_err(), "{path} -> {target}");
        }
    }

    #[test]
    fn temporary_names_are_unfinished() {
        for name in [
            ".step-1",
            "step-1.tmp",
            "x.partial",
            "model.safetensors.incomplete",
        ] {
            assert!(unfinished(name));
        }
        assert!(!unfinished("step-1"));
    }
}
