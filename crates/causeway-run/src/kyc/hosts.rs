//! Hosts that a text names by an address with a scheme, or as git over ssh writes them.

use std::collections::BTreeSet;

/// Names of this machine itself.
const OWN: [&str; 5] = ["localhost", "127.0.0.1", "0.0.0.0", "::1", ""];

/// Every host that a text names.
pub(super) fn of(text: &str) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for (_, rest) in pieces(text, "://") {
        let end = rest
            .find(|c: char| c.is_whitespace() || "/?#\"'<>)]},;`\\".contains(c))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        // What stands before an @ is a user, and may be a secret: it is not kept.
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = match host.strip_prefix('[') {
            Some(six) => six.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        hosts.insert(host.trim_end_matches('.').to_lowercase());
    }
    for (_, rest) in pieces(text, "git@") {
        if let Some((host, _)) = rest.split_once([':', '/'])
            && !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
        {
            hosts.insert(host.to_lowercase());
        }
    }
    hosts.retain(|host| {
        !OWN.contains(&host.as_str())
            && host
                .chars()
                .all(|c| c.is_alphanumeric() || ".-:_".contains(c))
    });
    hosts
}

fn pieces<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.match_indices(mark)
        .filter_map(move |(at, _)| Some((at, text.get(at + mark.len()..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_and_users_are_not_kept() {
        let text = "get https://user:hush@Files.Example:8443/a?b \"s3://bucket/x\", git@github.com:a/b.git\nhttp://[2001:db8::1]:80/ http://localhost:8080 http://127.0.0.1/ ssh://h.example.";
        let found: Vec<String> = of(text).into_iter().collect();
        assert_eq!(
            found,
            [
                "2001:db8::1",
                "bucket",
                "files.example",
                "github.com",
                "h.example"
            ]
        );
        assert!(of("no :// host, git@ neither, ://").is_empty());
    }
}
