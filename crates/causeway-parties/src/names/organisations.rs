//! Two organisations' names, word by word.

use super::compare::{BELOW_HIT, BELOW_REVIEW, Match, Relation, Span, TokenMatch};
use super::distance::{self, Cost};
use super::tables::share;
use super::text::Script;
use super::words::{Class, MOST_TOKENS, Token, Words};
use super::{Weights, hangul, letters};

/// Which words of two names belong together.
struct Pairing<'a> {
    left: &'a [Token],
    right: &'a [Token],
    left_used: u32,
    right_used: u32,
    parts: Vec<TokenMatch>,
}

const _: () = assert!(MOST_TOKENS <= 32, "words in use are bits of a u32");

pub(super) fn organisations(weights: &Weights, left: &Words, right: &Words) -> Match {
    if left.tokens.is_empty() || right.tokens.is_empty() {
        return Match::new(0, 1000, false, Vec::new());
    }
    let mut pairing = Pairing {
        left: &left.tokens,
        right: &right.tokens,
        left_used: 0,
        right_used: 0,
        parts: Vec::with_capacity(left.tokens.len() + right.tokens.len()),
    };
    pairing.equals();
    pairing.joined();
    pairing.alike();
    pairing.compounds();
    pairing.score(weights, left.forms.penalty(right.forms))
}

fn free(used: u32, at: usize) -> bool {
    used & (1 << at) == 0
}

impl Pairing<'_> {
    fn done(&self) -> bool {
        self.left_used.count_ones() as usize == self.left.len()
            || self.right_used.count_ones() as usize == self.right.len()
    }

    fn take(&mut self, left: Span, right: Span, class: Class, relation: Relation, similarity: u16) {
        for at in left.from..left.to {
            self.left_used |= 1 << at;
        }
        for at in right.from..right.to {
            self.right_used |= 1 << at;
        }
        self.parts.push(TokenMatch {
            left,
            right,
            class,
            relation,
            similarity,
            weight: 0,
        });
    }

    /// Words that are the same in letters, meaning or reading.
    fn equals(&mut self) {
        let (left, right) = (self.left, self.right);
        for (i, one) in left.iter().enumerate() {
            let found = right.iter().enumerate().find_map(|(j, two)| {
                if !free(self.right_used, j) {
                    return None;
                }
                equal(one, two).map(|relation| (j, two, relation))
            });
            if let Some((j, two, relation)) = found {
                let class = if one.class == Class::Brand {
                    two.class
                } else {
                    one.class
                };
                let similarity = match relation {
                    Relation::Reading => 960,
                    _ => 1000,
                };
                self.take(Span::one(i), Span::one(j), class, relation, similarity);
            }
        }
    }

    /// "Silk Road" and "Silkroad", "Da Hua" and "大华": the letters must be equal.
    fn joined(&mut self) {
        if self.done() {
            return;
        }
        let (left, right) = (self.left, self.right);
        let mut text = String::new();
        for flip in [false, true] {
            let (many, one) = if flip { (right, left) } else { (left, right) };
            for (j, whole) in one.iter().enumerate() {
                let used = if flip {
                    self.left_used
                } else {
                    self.right_used
                };
                if !free(used, j) || whole.class == Class::Number {
                    continue;
                }
                let mut found = None;
                'starts: for from in 0..many.len() {
                    text.clear();
                    for (count, part) in many.iter().skip(from).take(5).enumerate() {
                        let used = if flip {
                            self.right_used
                        } else {
                            self.left_used
                        };
                        if !free(used, from + count) || part.script.is_native() {
                            break;
                        }
                        text.push_str(&part.text);
                        if count > 0 && says(whole, &text) {
                            found = Some((from, count + 1));
                            break 'starts;
                        }
                    }
                }
                if let Some((from, count)) = found {
                    let relation = if whole.script.is_native() {
                        Relation::Reading
                    } else {
                        Relation::Joined
                    };
                    let similarity = if whole.script.is_native() { 960 } else { 990 };
                    let (many, one) = (Span::many(from, count), Span::one(j));
                    let (left, right) = if flip { (one, many) } else { (many, one) };
                    self.take(left, right, Class::Brand, relation, similarity);
                }
            }
        }
    }

    /// Brands a few letters apart, the nearest first.
    fn alike(&mut self) {
        while !self.done() {
            let mut best: Option<(u16, usize, usize, u8)> = None;
            for (i, one) in self.left.iter().enumerate() {
                if !free(self.left_used, i) {
                    continue;
                }
                for (j, two) in self.right.iter().enumerate() {
                    if !free(self.right_used, j) {
                        continue;
                    }
                    if let Some((similarity, halves)) = near(one, two)
                        && best.is_none_or(|(best, ..)| similarity > best)
                    {
                        best = Some((similarity, i, j, halves));
                    }
                }
            }
            let Some((similarity, i, j, halves)) = best else {
                return;
            };
            let class = self.left.get(i).map_or(Class::Brand, |token| token.class);
            self.take(
                Span::one(i),
                Span::one(j),
                class,
                Relation::Spelling(halves),
                similarity,
            );
        }
    }

    /// "Mercedes-Benn": the short half of a compound whose other half agrees.
    fn compounds(&mut self) {
        if self.done() {
            return;
        }
        for i in 1..self.left.len() {
            for j in 1..self.right.len() {
                let (Some(one), Some(two)) = (self.left.get(i), self.right.get(j)) else {
                    continue;
                };
                if !one.hyphened
                    || !two.hyphened
                    || !free(self.left_used, i)
                    || !free(self.right_used, j)
                {
                    continue;
                }
                let (Some(head), Some(other)) = (self.left.get(i - 1), self.right.get(j - 1))
                else {
                    continue;
                };
                if head.text != other.text || one.class != Class::Brand || two.class != Class::Brand
                {
                    continue;
                }
                let length = head.text.len() + one.text.len().max(two.text.len());
                if let Some(halves) =
                    distance::halves(&one.text, &two.text, Cost::Brand, budget(length).min(2))
                {
                    self.take(
                        Span::one(i),
                        Span::one(j),
                        Class::Brand,
                        Relation::Spelling(halves),
                        likeness(halves, length),
                    );
                }
            }
        }
    }

    fn score(mut self, weights: &Weights, penalty: u16) -> Match {
        let (left, right) = (self.left, self.right);
        let weigh = |tokens: &[Token], span: Span| -> u32 {
            tokens
                .get(usize::from(span.from)..usize::from(span.to))
                .into_iter()
                .flatten()
                .map(|token| weights.of(&token.text, token.weight))
                .sum()
        };
        let mut agreed = 0;
        let mut total = 0;
        let mut cap = 1000;
        let mut brand_agrees = false;
        for part in &mut self.parts {
            let weight = weigh(left, part.left) + weigh(right, part.right);
            part.weight = u16::try_from(weight).unwrap_or(u16::MAX);
            agreed += weight * u32::from(part.similarity);
            total += weight * 1000;
            brand_agrees |= part.class == Class::Brand
                || [(left, part.left), (right, part.right)]
                    .iter()
                    .any(|(tokens, span)| {
                        tokens
                            .get(usize::from(span.from))
                            .is_some_and(|token| token.class == Class::Brand)
                    });
            let unsure = match part.relation {
                // Many characters share a reading.
                Relation::Reading => {
                    [(left, part.left), (right, part.right)]
                        .iter()
                        .any(|(tokens, span)| {
                            tokens
                                .get(usize::from(span.from))
                                .is_some_and(|token| token.script == Script::Han)
                        })
                }
                Relation::Spelling(_) => true,
                _ => false,
            };
            if unsure {
                cap = cap.min(BELOW_HIT);
            }
        }
        let mut left_numbers: Vec<(usize, &Token)> = Vec::new();
        let mut right_numbers: Vec<(usize, &Token)> = Vec::new();
        let mut rest = [0_u32; 2];
        let mut all = [0_u32; 2];
        let mut brands = [false; 2];
        for (side, tokens, used) in [(0_usize, left, self.left_used), (1, right, self.right_used)] {
            for (at, token) in tokens.iter().enumerate() {
                let brand = token.class == Class::Brand;
                if let Some(has) = brands.get_mut(side) {
                    *has |= brand;
                }
                if !free(used, at) {
                    continue;
                }
                if token.class == Class::Number {
                    if side == 0 {
                        left_numbers.push((at, token))
                    } else {
                        right_numbers.push((at, token))
                    }
                    continue;
                }
                let weight = weights.of(&token.text, token.weight);
                let weight = if brand { weight * 3 / 2 } else { weight };
                total += weight * 1000;
                if let Some(all) = all.get_mut(side) {
                    *all += weight;
                }
                if weight > SLIGHT {
                    if let Some(rest) = rest.get_mut(side) {
                        *rest += weight;
                    }
                    cap = cap.min(BELOW_HIT);
                }
                let (left, right, relation) = if side == 0 {
                    (Span::one(at), Span::NONE, Relation::LeftOnly)
                } else {
                    (Span::NONE, Span::one(at), Relation::RightOnly)
                };
                let weight = u16::try_from(weight).unwrap_or(u16::MAX);
                self.parts.push(TokenMatch {
                    left,
                    right,
                    class: token.class,
                    relation,
                    similarity: 0,
                    weight,
                });
            }
        }
        let (extra, limit) = numbers(&left_numbers, &right_numbers, &mut self.parts);
        total += extra;
        cap = cap.min(limit);
        if brands == [true, true] && !brand_agrees {
            cap = cap.min(600);
        }
        let mut score = if total == 0 {
            0
        } else {
            agreed / (total / 1000)
        };
        if all.iter().all(|all| *all >= TELLING) && rest.iter().any(|rest| *rest > 0) {
            // Each has something that the other has not: two parties of one family, at best.
            score = score * 85 / 100;
            if rest.iter().all(|rest| *rest > 0) {
                cap = cap.min(BELOW_REVIEW);
            }
        }
        if self.left.len() == 1 && self.right.len() == 1 && short(left) && short(right) {
            cap = cap.min(BELOW_HIT);
        }
        if left.len().min(right.len()) == 1
            && (left.len() != right.len() || brands == [false, false])
        {
            // One word of two, or one common word, may be anybody's: Mercer Limited and Mercer International, BV Financial
            // and Finance Incorporated.
            cap = cap.min(BELOW_HIT);
        }
        if penalty >= OTHER_FORM {
            cap = cap.min(BELOW_HIT);
        }
        Match::new(
            score.saturating_sub(u32::from(penalty)),
            cap,
            false,
            self.parts,
        )
    }
}

/// From this penalty on, legal forms speak of two legal entities.
const OTHER_FORM: u16 = 60;
/// Words that hardly tell: group, holdings, international.
const SLIGHT: u32 = 15;
/// From this weight on, words left over on both sides contradict each other: links do not.
const TELLING: u32 = 8;

/// An acronym or a very short brand and nothing else.
fn short(tokens: &[Token]) -> bool {
    tokens.iter().all(|token| {
        token.class == Class::Brand && !token.script.is_native() && token.text.len() <= 4
    })
}

fn equal(one: &Token, two: &Token) -> Option<Relation> {
    if one.text == two.text {
        return Some(Relation::Same);
    }
    if share(&one.meanings, &two.meanings) {
        return Some(Relation::Meaning);
    }
    if one.readings.is_empty() && two.readings.is_empty() {
        return None;
    }
    let heard = if one.script.is_native() && two.script.is_native() {
        one.script != two.script
            && one
                .readings
                .iter()
                .any(|reading| two.readings.contains(reading))
    } else {
        says(one, &two.text) || says(two, &one.text)
    };
    heard.then_some(Relation::Reading)
}

/// Whether a word is written or read as these letters.
fn says(token: &Token, letters: &str) -> bool {
    if token.text.as_ref() == letters || token.readings.iter().any(|reading| **reading == *letters)
    {
        return true;
    }
    match token.script {
        Script::Hangul => hangul::spells(&token.text, letters) || borrowed(token, letters),
        Script::Kana => borrowed(token, letters),
        _ => false,
    }
}

/// Whether a word in Kana or Hangul is a foreign one with these letters: its consonants agree, at least three of them.
fn borrowed(token: &Token, letters: &str) -> bool {
    if token.class != Class::Brand || letters.len() < 4 {
        return false;
    }
    let sought = letters::consonants(letters);
    sought.len() >= 3
        && token
            .readings
            .iter()
            .any(|reading| letters::consonants(reading) == sought)
}

/// Half edits that a brand of this length may have: one edit for each five letters, at most two.
fn budget(length: usize) -> u8 {
    match length {
        0..5 => 0,
        5..10 => 2,
        _ => 4,
    }
}

fn likeness(halves: u8, length: usize) -> u16 {
    let lost = usize::from(halves) * 500 / length.max(1);
    1000_u16.saturating_sub(u16::try_from(lost).unwrap_or(1000))
}

fn near(one: &Token, two: &Token) -> Option<(u16, u8)> {
    let fuzzy = |token: &Token| {
        matches!(token.class, Class::Brand | Class::Place | Class::Industry)
            && !token.script.is_native()
    };
    // Two words of the tables are two words, however near: Austria and Australia.
    if !fuzzy(one) || !fuzzy(two) || (one.class != Class::Brand && two.class != Class::Brand) {
        return None;
    }
    let length = one.text.len().max(two.text.len());
    let budget = budget(length);
    if budget == 0
        || one.text.len().abs_diff(two.text.len()) > 2
        || (one.mask ^ two.mask).count_ones() > u32::from(budget)
    {
        return None;
    }
    let halves = distance::halves(&one.text, &two.text, Cost::Brand, budget)?;
    Some((likeness(halves, length), halves))
}

/// What numbers that are left over take, and the best score they leave: one that only one name has makes another fund,
/// branch or ship; one that is a step or a digit apart may be a slip.
fn numbers(
    left: &[(usize, &Token)],
    right: &[(usize, &Token)],
    parts: &mut Vec<TokenMatch>,
) -> (u32, u16) {
    if left.is_empty() && right.is_empty() {
        return (0, 1000);
    }
    let number = |left: Span, right: Span, relation: Relation| TokenMatch {
        left,
        right,
        class: Class::Number,
        relation,
        similarity: 0,
        weight: 60,
    };
    let count = u32::try_from(left.len().max(right.len())).unwrap_or(u32::MAX);
    let slips = left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|((_, one), (_, two))| step(&one.text, &two.text));
    if slips {
        parts.extend(
            left.iter()
                .zip(right)
                .map(|((i, _), (j, _))| number(Span::one(*i), Span::one(*j), Relation::NearNumber)),
        );
        return (count * 20_000, BELOW_HIT);
    }
    parts.extend(
        left.iter()
            .map(|(at, _)| number(Span::one(*at), Span::NONE, Relation::LeftOnly)),
    );
    parts.extend(
        right
            .iter()
            .map(|(at, _)| number(Span::NONE, Span::one(*at), Relation::RightOnly)),
    );
    (count * 120_000, BELOW_REVIEW)
}

fn step(one: &str, two: &str) -> bool {
    if let (Ok(one), Ok(two)) = (one.parse::<u64>(), two.parse::<u64>())
        && one.abs_diff(two) == 1
    {
        return true;
    }
    one.len() == two.len()
        && one.len() >= 4
        && one
            .bytes()
            .zip(two.bytes())
            .filter(|(one, two)| one != two)
            .count()
            == 1
}
