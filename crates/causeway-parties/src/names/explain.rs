//! The reasons of a match, in words.

use super::compare::{BELOW_REVIEW, Match, Relation, Span, TokenMatch};
use super::distance::{self, Cost};
use super::{Class, Kind, Name};

impl Match {
    /// One line for each part: what stands beside what, and what follows from it. The names are those that were compared,
    /// in the same order.
    #[must_use]
    pub fn explain(&self, left: &Name, right: &Name) -> Vec<String> {
        let (left, right) = (shown(left, self.personal), shown(right, self.personal));
        let mut lines = Vec::new();
        let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
        for part in &self.parts {
            match part.relation {
                Relation::LeftOnly => only_left.push(part),
                Relation::RightOnly => only_right.push(part),
                _ => lines.push(line(
                    part,
                    &text(&left, part.left),
                    &text(&right, part.right),
                )),
            }
        }
        // What is left over on both sides, beside each other where both are of one kind.
        for part in only_left {
            let one = text(&left, part.left);
            let other = only_right
                .iter()
                .position(|other| other.class == part.class);
            let Some(other) = other.map(|at| only_right.remove(at)) else {
                lines.push(format!(
                    "{one}: only the first name has this {}",
                    word(part.class)
                ));
                continue;
            };
            let two = text(&right, other.right);
            let apart = match distance::halves(&one, &two, Cost::Brand, 12) {
                Some(halves) => format!("{} apart in ", edits(halves)),
                None => "another ".to_owned(),
            };
            let apart = if apart.starts_with("another") {
                apart
            } else {
                format!("{apart}a ")
            };
            lines.push(format!(
                "{one} ~ {two}: {apart}{}: not the same",
                word(part.class)
            ));
        }
        for part in only_right {
            lines.push(format!(
                "{}: only the second name has this {}",
                text(&right, part.right),
                word(part.class)
            ));
        }
        lines
    }

    /// Whether the score was held under the review threshold or is far from it: a reviewer need not look.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.score <= BELOW_REVIEW
    }
}

fn line(part: &TokenMatch, left: &str, right: &str) -> String {
    let kind = word(part.class);
    match part.relation {
        Relation::Same => format!("{left} = {right}: the same {kind}"),
        Relation::Meaning => format!("{left} = {right}: one {kind}, two spellings or languages"),
        Relation::Joined => format!("{left} = {right}: the same letters, split otherwise"),
        Relation::Reading => format!("{left} = {right}: one is a reading of the other"),
        Relation::Spelling(halves) => format!("{left} ~ {right}: {} in a {kind}", edits(halves)),
        Relation::Initial => format!("{left} ~ {right}: an initial that fits"),
        Relation::NearNumber => format!("{left} ~ {right}: numbers a step apart"),
        Relation::LeftOnly | Relation::RightOnly => format!("{left}{right}: on one side only"),
    }
}

fn edits(halves: u8) -> String {
    match (halves / 2, halves % 2) {
        (0, _) => "half an edit".to_owned(),
        (1, 0) => "1 edit".to_owned(),
        (whole, 0) => format!("{whole} edits"),
        (whole, _) => format!("{whole}.5 edits"),
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Brand => "brand",
        Class::Place => "place",
        Class::Industry => "common word",
        Class::Number => "number",
        Class::Personal => "name",
        Class::Particle => "particle",
        Class::Title => "title",
        Class::Initial => "initial",
        Class::Syllable => "syllable",
    }
}

/// The words of a name as they were compared.
fn shown(name: &Name, personal: bool) -> Vec<String> {
    let known = if personal {
        name.person.is_some()
    } else {
        name.words.is_some()
    };
    if !known {
        let kind = if personal { Kind::Person } else { Kind::Entity };
        return shown(&Name::new(name.text(), kind), personal);
    }
    if !personal {
        return name
            .words
            .iter()
            .flat_map(|words| &words.tokens)
            .map(|token| token.text.to_string())
            .collect();
    }
    name.person
        .iter()
        .flat_map(|person| match &person.spoken {
            Some(spoken) => spoken
                .syllables
                .iter()
                .map(|one| one.text.to_string())
                .collect::<Vec<_>>(),
            None => person
                .parts
                .iter()
                .map(|part| part.text.to_string())
                .collect(),
        })
        .collect()
}

fn text(words: &[String], span: Span) -> String {
    words
        .get(usize::from(span.from)..usize::from(span.to))
        .map_or_else(String::new, |words| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::{Weights, compare};
    use super::*;

    #[test]
    fn the_reason_is_told_token_by_token() {
        let weights = Weights::builtin();
        let left = Name::new("Cambrian Technologies Corporation Limited", Kind::Entity);
        let right = Name::new("Cambricon Technologies Corporation Limited", Kind::Entity);
        let found = compare(&weights, &left, &right);
        assert!(found.is_clear());
        assert_eq!(
            found.explain(&left, &right),
            [
                "technologies = technologies: the same common word",
                "cambrian ~ cambricon: 2 edits apart in a brand: not the same"
            ]
        );
    }
}
