//! Who may ask.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use causeway_domain::Secret;

use super::ServeOptions;
use super::refusal::Refusal;

/// Lets a request pass, or says why not. `repo`: its path is that of a repository.
pub(super) fn check(
    options: &ServeOptions,
    headers: &HeaderMap,
    repo: bool,
) -> Result<(), Refusal> {
    match &options.token {
        Some(token) if shown(headers).is_some_and(|shown| same(shown, token)) => Ok(()),
        Some(_) => Err(Refusal::Unauthorized { repo }),
        None => match headers
            .get(header::HOST)
            .map(|host| host.to_str().unwrap_or_default())
        {
            // Only HTTP/1.0 goes without a host, and no browser speaks it.
            None => Ok(()),
            Some(host) if is_local(host) => Ok(()),
            Some(_) => Err(Refusal::ForeignHost),
        },
    }
}

fn shown(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in a time that tells nothing about the token: digests of equal length, by BLAKE3's constant-time equality.
fn same(shown: &str, token: &Secret) -> bool {
    !token.reveal().is_empty()
        && blake3::hash(shown.as_bytes()) == blake3::hash(token.reveal().as_bytes())
}

/// Whether a `Host` header names this machine itself.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_the_whole_token_opens() {
        let options = ServeOptions {
            token: Some(Secret::new("hf_0123456789abcdef")),
            ..ServeOptions::default()
        };
        for good in [
            "Bearer hf_0123456789abcdef",
            "bearer hf_0123456789abcdef",
            "Bearer  hf_0123456789abcdef",
        ] {
            assert!(
                check(&options, &headers(&[("authorization", good)]), true).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer hf_0123456789abcde",
            "Basic hf_0123456789abcdef",
            "hf_0123456789abcdef",
            "Bearer hf_0123456789abcdef x",
        ] {
            let refused = check(&options, &headers(&[("authorization", bad)]), true);
            assert!(
                matches!(refused, Err(Refusal::Unauthorized { repo: true })),
                "{bad}"
            );
        }
        assert!(check(&options, &HeaderMap::new(), false).is_err());
        let empty = ServeOptions {
            token: Some(Secret::new("")),
            ..ServeOptions::default()
        };
        assert!(
            check(&empty, &headers(&[("authorization", "Bearer ")]), false).is_err(),
            "an empty token opens nothing"
        );
    }

    #[test]
    fn without_a_token_the_host_must_be_this_machine() {
        let options = ServeOptions::default();
        for good in [
            "127.0.0.1:8000",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8000",
            "hub.localhost:80",
            "127.0.0.9",
        ] {
            assert!(
                check(&options, &headers(&[("host", good)]), false).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "localhost.evil.example",
            "192.168.0.1:80",
            "",
            "[::2]:80",
        ] {
            assert!(
                check(&options, &headers(&[("host", bad)]), false).is_err(),
                "{bad}"
            );
        }
    }
}
