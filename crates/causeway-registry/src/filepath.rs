//! Which texts may be the path of a file in a model.

/// Longest path, in bytes: what common filesystems take for one whole path, less room for a cache folder before it.
const MAX_PATH: usize = 1024;

/// Says why `path` can't be the path of a file in a model; `Ok` when it can.
///
/// Stricter than a filesystem: the path becomes part of a URL and, on the client's machine, of a folder that it must never
/// leave, on Windows too.
pub(crate) fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("it is empty");
    }
    if path.len() > MAX_PATH {
        return Err("it is longer than 1024 bytes");
    }
    if path.chars().any(char::is_control) {
        return Err("it has a control character");
    }
    if path.contains('\\') {
        return Err("it has a backslash");
    }
    if matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err("it starts with a drive letter");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("it has an empty part: it starts or ends with `/` or has `//`"),
            "." | ".." => return Err("it has a part `.` or `..`"),
            part if part.len() > 255 => return Err("it has a part longer than 255 bytes"),
            _ => {}
        }
    }
    Ok(())
}

/// The folders above a path, nearest first, without the root: `a/b/c` gives `a/b`, `a`.
pub(crate) fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(path.rsplit_once('/').map(|(above, _)| above), |above| {
        above.rsplit_once('/').map(|(above, _)| above)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_that_could_leave_a_folder_are_refused() {
        let long = "a/".repeat(600);
        let wide = "x".repeat(256);
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "C:x",
            "a\0b",
            "a\nb",
            &long,
            &wide,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in [
            "model.safetensors",
            "a/b/c.json",
            ".gitattributes",
            "..a",
            "ü 模型.txt",
            "a..b/c",
            "runs/12:00:00",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn folders_end_below_the_root() {
        assert_eq!(folders("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(folders("a").count(), 0);
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_below_its_folder(path in "[a./\\\\:é]{0,12}") {
            if check(&path).is_ok() {
                let joined = std::path::Path::new("/root").join(&path);
                prop_assert!(joined.starts_with("/root"));
                prop_assert!(joined.components().all(|part| part != std::path::Component::ParentDir));
            }
        }
    }
}
