//! The lists that the importers know, as data: `data/lists.json`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::Effect;

/// A list that the importers know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownList {
    /// Its word: the rule packs' where they have one, else Causeway's own.
    pub word: String,
    /// The rule packs' word that an entry gives.
    #[serde(default)]
    pub pack_word: Option<String>,
    /// A word of the rule packs that an entry may give besides, which nothing in the list can settle: `sdn_7448` is an SDN
    /// under a programme that 15 CFR 744.8(a)(1) names, and no source that ships with Causeway states those programmes.
    #[serde(default)]
    pub perhaps: Option<String>,
    /// Abbreviations, as the Consolidated Screening List writes them in brackets.
    pub short: Vec<String>,
    /// Names, as sources write them.
    pub names: Vec<String>,
    /// The body of rules that it belongs to.
    pub regime: String,
    /// Who keeps it.
    #[serde(default)]
    pub authority: Option<String>,
    /// What an entry means for a run.
    pub effect: Effect,
    /// The same in words.
    pub means: String,
}

#[derive(Deserialize)]
struct File {
    lists: Vec<KnownList>,
}

/// Every list that the importers know.
pub fn known_lists() -> &'static [KnownList] {
    static LISTS: OnceLock<Vec<KnownList>> = OnceLock::new();
    LISTS.get_or_init(|| {
        // A table that can't be read leaves every list unknown, so every entry is reviewed; a test reads it.
        serde_json::from_str::<File>(include_str!("../../data/lists.json"))
            .map(|file| file.lists)
            .unwrap_or_default()
    })
}

/// The list that a source names so: by a full name, an abbreviation in brackets (`Entity List (EL) - Bureau of Industry
/// and Security`), an abbreviation alone or its word.
#[must_use]
pub fn known_list(written: &str) -> Option<&'static KnownList> {
    let plain = written.trim();
    let bracketed = plain
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(short, _)| short.trim().trim_end_matches(" List"));
    let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    known_lists().iter().find(|list| {
        is(&list.word, plain)
            || list.names.iter().any(|name| is(name, plain))
            || list
                .short
                .iter()
                .any(|short| is(short, plain) || bracketed.is_some_and(|found| is(short, found)))
    })
}

/// Every word of the rule packs that some known list gives, for certain or perhaps.
pub fn pack_words() -> impl Iterator<Item = &'static str> {
    known_lists()
        .iter()
        .flat_map(|list| [list.pack_word.as_deref(), list.perhaps.as_deref()])
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_reads_and_gives_the_words_of_the_packs() {
        assert_eq!(known_lists().len(), 15);
        let words: BTreeSet<&str> = pack_words().collect();
        assert_eq!(
            words,
            BTreeSet::from(["entity_list", "meu", "sdn", "sdn_7448", "tw_shtc"])
        );
        let mut seen = BTreeSet::new();
        for list in known_lists() {
            assert!(seen.insert(&list.word), "{} is there twice", list.word);
        }
    }

    #[test]
    fn lists_are_found_by_the_names_that_sources_write() {
        let word = |text: &str| known_list(text).map(|list| list.word.as_str());
        for (text, expected) in [
            (
                "Entity List (EL) - Bureau of Industry and Security",
                "entity_list",
            ),
            (
                "Military End User (MEU) List - Bureau of Industry and Security",
                "meu",
            ),
            (
                "Denied Persons List (DPL) - Bureau of Industry and Security",
                "dpl",
            ),
            (
                "Unverified List (UVL) - Bureau of Industry and Security",
                "uvl",
            ),
            (
                "Non-SDN Menu-Based Sanctions List (NS-MBS List) - Treasury Department",
                "ns_mbs",
            ),
            (
                "Specially Designated Nationals (SDN) - Treasury Department",
                "sdn",
            ),
            ("US-BIS-EL", "entity_list"),
            ("entity list", "entity_list"),
            ("cmic", "cmic"),
        ] {
            assert_eq!(word(text), Some(expected), "{text}");
        }
        assert_eq!(word("Entity Listing"), None);
        assert_eq!(word("A List Nobody Knows (ALNK)"), None);
        assert_eq!(word(""), None);
    }

    #[test]
    fn effects_are_those_of_the_lists() {
        let effect = |word: &str| known_list(word).map(|list| list.effect);
        assert_eq!(effect("dpl"), Some(Effect::Prohibited));
        assert_eq!(effect("sdn"), Some(Effect::Prohibited));
        assert_eq!(effect("entity_list"), Some(Effect::LicenseRequired));
        assert_eq!(effect("meu"), Some(Effect::LicenseRequired));
        assert_eq!(effect("uvl"), Some(Effect::NeedsReview));
        assert_eq!(effect("ssi"), Some(Effect::NeedsReview));
        assert_eq!(effect("cmic"), Some(Effect::Information));
    }
}
