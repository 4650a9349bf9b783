//! What a schema can't say about `causeway.yaml`: keys that are ids, references that must resolve, sums, dates.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Engine, File, IdentifierScheme, Owner, Party, Stated, stated_total};
use crate::yaml::{Content, Node};
use crate::{Country, Date, PartyId, Problem, SourceFile, lei_is_valid, near, uscc_is_valid};

/// Keys that are ids or countries.
pub(super) fn names(source: &Arc<SourceFile>, root: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    for section in ["parties", "sites", "datasets", "team"] {
        let Some(Content::Map(entries)) = root.get(section).map(|node| &node.content) else {
            continue;
        };
        for (key, _) in entries {
            if section == "team" {
                if let Err(error) = key.text.parse::<Country>() {
                    problems.push(
                        Problem::error(source, key.place, error.to_string())
                            .help("write an ISO 3166 code such as SG"),
                    );
                }
            } else if let Err(error) = key.text.parse::<PartyId>() {
                problems.push(
                    Problem::error(source, key.place, format!("`{}` can't be an id", key.text))
                        .help(error.rule),
                );
            }
        }
    }
    problems
}

struct References<'a> {
    source: &'a Arc<SourceFile>,
    root: &'a Node,
    problems: Vec<Problem>,
}

impl References<'_> {
    fn known<'k>(
        &mut self,
        what: &str,
        section: &str,
        word: &str,
        pointer: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        if known.clone().any(|name| name == word) {
            return;
        }
        let all: Vec<&str> = known.clone().collect();
        let help = near(word, known).map_or_else(
            || {
                if all.is_empty() {
                    format!("declare it under `{section}`")
                } else {
                    format!("declared under `{section}`: {}", all.join(", "))
                }
            },
            |name| format!("did you mean `{name}`?"),
        );
        let place = self.root.at(pointer).place;
        self.problems.push(
            Problem::error(self.source, place, format!("unknown {what} `{word}`"))
                .label("named here")
                .help(help),
        );
    }

    /// Four eyes are two people with two keys.
    fn reviewers(&mut self, file: &File) {
        let mut names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for (index, reviewer) in file.reviewers.iter().enumerate() {
            let mut words = reviewer.public_key.split_whitespace();
            let (kind, key) = (words.next(), words.next());
            if kind != Some("ssh-ed25519") || key.is_none() {
                self.error(
                    &format!("/reviewers/{index}/public_key"),
                    format!("the key of `{}` is no Ed25519 key", reviewer.name),
                    "write the line of the `.pub` file: `ssh-ed25519 AAAA...`; `ssh-keygen -t ed25519` makes one",
                );
            } else if !keys.insert(key) {
                self.error(
                    &format!("/reviewers/{index}/public_key"),
                    format!("`{}` has the key of another reviewer", reviewer.name),
                    "a key is one person's",
                );
            }
            if !names.insert(reviewer.name.trim().to_lowercase()) {
                self.error(
                    &format!("/reviewers/{index}/name"),
                    format!("there are two reviewers `{}`", reviewer.name),
                    "one entry a person",
                );
            }
        }
        if file.approvals.four_eyes && file.reviewers.len() < 2 {
            self.error(
                "/approvals/four_eyes",
                "four eyes need two reviewers".to_owned(),
                "name a second person under `reviewers`",
            );
        }
    }

    fn error(&mut self, pointer: &str, message: String, help: &str) {
        let place = self.root.at(pointer).place;
        self.problems
            .push(Problem::error(self.source, place, message).help(help));
    }
}

impl References<'_> {
    /// Numbers whose check digits are right and whose register is known; addresses that say something.
    fn identity(&mut self, id: &PartyId, party: &Party) {
        for (index, number) in party.identifiers.iter().enumerate() {
            let pointer = format!("/parties/{id}/identifiers/{index}");
            let value = format!("{pointer}/value");
            let word = number.scheme.word();
            match number.scheme {
                IdentifierScheme::Lei if !lei_is_valid(&number.value) => self.error(
                    &value,
                    format!("the check digits of the LEI `{}` are wrong", number.value),
                    "copy it from the register: 20 letters and digits (ISO 17442)",
                ),
                IdentifierScheme::Uscc if !uscc_is_valid(&number.value) => self.error(
                    &value,
                    format!("the check character of the USCC `{}` is wrong", number.value),
                    "copy it from the business licence: 18 letters and digits (GB 32100-2015); an older number of China's register is `scheme: registration, country: CN`",
                ),
                IdentifierScheme::Imo if !imo(&number.value) => self.error(
                    &value,
                    format!("`{}` is no IMO number", number.value),
                    "write its seven digits",
                ),
                _ if !number.value.chars().any(char::is_alphanumeric) => self.error(
                    &value,
                    format!("this {word} of `{id}` is empty"),
                    "write the number, or leave the entry out",
                ),
                _ => {}
            }
            match number.country {
                None if number.scheme.has_country() => self.error(
                    &pointer,
                    format!("this {word} of `{id}` is of no country's register"),
                    "add `country:`: a number means nothing without its register",
                ),
                Some(country) if !number.scheme.has_country() => self.error(
                    &format!("{pointer}/country"),
                    format!("a {word} is no country's, and this one says {country}"),
                    "leave `country` out",
                ),
                _ => {}
            }
        }
        for (index, address) in party.addresses.iter().enumerate() {
            if !address.chars().any(char::is_alphanumeric) {
                self.error(
                    &format!("/parties/{id}/addresses/{index}"),
                    format!("this address of `{id}` is empty"),
                    "write it on one line, its country last",
                );
            }
        }
    }

    /// Shares, counts and days of one party's owners.
    fn holdings(&mut self, id: &PartyId, owners: &[Owner]) {
        for (index, owner) in owners.iter().enumerate() {
            let pointer = format!("/parties/{id}/owners/{index}");
            if let (Some(from), Some(to)) = (owner.from, owner.to)
                && to < from
            {
                self.error(
                    &format!("{pointer}/to"),
                    format!("`{}` stops holding `{id}` before it begins", owner.party),
                    "both days are included",
                );
            }
            if let Some(Stated::Value(count, _)) = &owner.count
                && (count.of == 0 || count.held > count.of)
            {
                self.error(
                    &format!("{pointer}/count"),
                    format!(
                        "`{}` holds {} of {} shares",
                        owner.party, count.held, count.of
                    ),
                    "write the shares held, and all shares that were issued",
                );
            }
            if owner.count.is_some() && (owner.share.is_some() || !owner.claims.is_empty()) {
                self.error(
                    &format!("{pointer}/count"),
                    format!("the share of `{}` is stated twice", owner.party),
                    "write a count or a percentage; what another source says goes into `claims`",
                );
            }
        }
        // Holdings follow one another: what counts is what is held on one day.
        let days = owners.iter().flat_map(|owner| {
            let after = owner.to.and_then(|to| to.tomorrow().ok());
            [owner.from, after]
        });
        let days: std::collections::BTreeSet<Date> = days.flatten().chain([Date::MIN]).collect();
        for day in days {
            let holding = || owners.iter().filter(|owner| owner.holds(day));
            let shares = stated_total(holding().map(|owner| owner.share.as_ref()));
            let votes = stated_total(holding().map(|owner| owner.votes.as_ref()));
            for (what, total) in [("hold", shares), ("have votes of", votes)] {
                if total.get() > rust_decimal::Decimal::ONE_HUNDRED {
                    let since = if day == Date::MIN {
                        String::new()
                    } else {
                        format!(" from {day} on")
                    };
                    return self.error(
                        &format!("/parties/{id}/owners"),
                        format!("the owners of `{id}` {what} {total} together{since}"),
                        "shares of one party add up to 100 % at most",
                    );
                }
            }
        }
    }
}

/// Seven digits, with or without `IMO` before them.
fn imo(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix("IMO").unwrap_or(text).trim();
    digits.len() == 7 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Every name that refers to something resolves; shares, dates and amounts make sense.
pub(super) fn references(source: &Arc<SourceFile>, root: &Node, file: &File) -> Vec<Problem> {
    let mut check = References {
        source,
        root,
        problems: Vec::new(),
    };
    let parties = || file.parties.keys().map(PartyId::as_str);
    check.known(
        "party",
        "parties",
        file.organisation.as_str(),
        "/organisation",
        parties(),
    );
    for (id, party) in &file.parties {
        let owners = party.owners.as_deref().unwrap_or_default();
        for (index, owner) in owners.iter().enumerate() {
            check.known(
                "party",
                "parties",
                owner.party.as_str(),
                &format!("/parties/{id}/owners/{index}/party"),
                parties(),
            );
        }
        check.identity(id, party);
        check.holdings(id, owners);
        if party.owners_complete && party.owners.is_none() {
            check.error(
                &format!("/parties/{id}"),
                format!("`{id}` says that its owners are complete and names none"),
                "write `owners: []` when nobody holds shares in it",
            );
        }
    }
    for (index, presence) in file.presences.iter().enumerate() {
        check.known(
            "party",
            "parties",
            presence.entity.as_str(),
            &format!("/presences/{index}/entity"),
            parties(),
        );
        check.known(
            "party",
            "parties",
            presence.provider.as_str(),
            &format!("/presences/{index}/provider"),
            parties(),
        );
        match (&presence.site, &presence.cloud) {
            (Some(site), _) => check.known(
                "site",
                "sites",
                site.as_str(),
                &format!("/presences/{index}/site"),
                file.sites.keys().map(crate::SiteId::as_str),
            ),
            (None, Some(_)) => {}
            (None, None) => check.error(
                &format!("/presences/{index}"),
                "this presence opens nothing".to_owned(),
                "add `site:` or `cloud:`",
            ),
        }
    }
    for (id, site) in &file.sites {
        check.known(
            "party",
            "parties",
            site.operator.as_str(),
            &format!("/sites/{id}/operator"),
            parties(),
        );
        let directory = match &site.engine {
            Engine::Local(local) => &local.directory,
            Engine::Ssh(ssh) => {
                if ssh.host.is_empty() || ssh.host.starts_with('-') {
                    check.error(
                        &format!("/sites/{id}/engine/ssh/host"),
                        format!("`{}` is no destination for ssh", ssh.host),
                        "write `user@host` or a `Host` of your ssh configuration",
                    );
                }
                &ssh.directory
            }
        };
        if directory.trim().is_empty() || directory == "/" {
            check.error(
                &format!("/sites/{id}/engine"),
                format!("site `{id}` needs a directory of its own"),
                "name a folder that nothing else uses",
            );
        }
        for (index, offer) in site.offers.iter().enumerate() {
            if offer.accelerator.is_some() != (offer.accelerators_per_node > 0) {
                check.error(
                    &format!("/sites/{id}/offers/{index}"),
                    "an accelerator and its number per node go together".to_owned(),
                    "write both `accelerator` and `accelerators_per_node`, or neither",
                );
            }
            if offer
                .tokens_per_second
                .is_some_and(|rate| !(rate > 0.0 && rate.is_finite()))
            {
                check.error(
                    &format!("/sites/{id}/offers/{index}/tokens_per_second"),
                    "a throughput is more than 0".to_owned(),
                    "leave it out when nobody measured it",
                );
            }
        }
    }
    for (id, dataset) in &file.datasets {
        if let Some(controller) = &dataset.controller {
            check.known(
                "party",
                "parties",
                controller.as_str(),
                &format!("/datasets/{id}/controller"),
                parties(),
            );
        }
        if let (Some(Stated::Value(classes, _)), Some(Stated::Value(super::Persons::All(_), _))) =
            (&dataset.class, &dataset.persons)
            && classes.0.len() > 1
        {
            check.error(
                &format!("/datasets/{id}/persons"),
                format!("`{id}` has several classes and one number of persons"),
                "write a number for each class: `persons: {us_biometric: 10, eu_personal: 20}`",
            );
        }
    }
    check.reviewers(file);
    let checkpoints = &file.home.checkpoints;
    if checkpoints.starts_with('/')
        || checkpoints.split('/').any(|part| part == "..")
        || checkpoints.trim().is_empty()
    {
        check.error(
            "/home/checkpoints",
            format!("`{checkpoints}` does not lie inside the workdir"),
            "write a relative path such as `checkpoints`",
        );
    }
    if !(0.0..=86_400.0).contains(&file.home.settle_seconds) {
        check.error(
            "/home/settle_seconds",
            "settle_seconds must be between 0 and 86400".to_owned(),
            "10 is usual",
        );
    }
    let limit = file.transfer.limit.as_ref();
    if limit.is_some_and(crate::RateLimit::is_always_paused) {
        check.error(
            "/transfer/limit",
            "with this limit nothing ever moves".to_owned(),
            "leave it out, or add a window: `0, 20:00-06:00=off`",
        );
    }
    check.problems
}
