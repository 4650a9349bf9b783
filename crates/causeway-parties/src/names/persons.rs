//! Two persons' names, part by part or syllable by syllable.

use super::Weights;
use super::compare::{BELOW_HIT, Match, REVIEW, Relation, Span, TokenMatch};
use super::distance::{self, Cost};
use super::person::{Given, Person, skeleton};
use super::syllable::{Languages, Sameness, Spoken};
use super::text::Script;
use super::words::Class;

/// The best score of names that differ in a part on both sides.
const OTHER: u16 = REVIEW - 100;

pub(super) fn persons(weights: &Weights, left: &Person, right: &Person) -> Match {
    let mut found = match (&left.spoken, &right.spoken) {
        (Some(one), Some(two)) => syllables(one, two),
        (Some(one), None) if left.parts.is_empty() => {
            nothing(one.syllables.len(), right.parts.len())
        }
        (None, Some(two)) if right.parts.is_empty() => {
            nothing(left.parts.len(), two.syllables.len())
        }
        _ => parts(weights, &left.parts, &right.parts),
    };
    // Two syllables or one name alone: too many bear it.
    let least = left.telling().min(right.telling());
    let most = if left.spoken.is_some() || right.spoken.is_some() {
        2
    } else {
        1
    };
    if least <= most {
        found = found.capped(BELOW_HIT);
    }
    found
}

fn nothing(left: usize, right: usize) -> Match {
    let parts = vec![
        TokenMatch {
            left: Span::many(0, left),
            right: Span::NONE,
            class: Class::Syllable,
            relation: Relation::LeftOnly,
            similarity: 0,
            weight: 0,
        },
        TokenMatch {
            left: Span::NONE,
            right: Span::many(0, right),
            class: Class::Personal,
            relation: Relation::RightOnly,
            similarity: 0,
            weight: 0,
        },
    ];
    Match::new(0, 1000, true, parts)
}

/// Every syllable must be the same; the family name may stand first or last.
fn syllables(left: &Spoken, right: &Spoken) -> Match {
    let languages = Languages {
        chinese: left.languages.chinese && right.languages.chinese,
        korean: left.languages.korean && right.languages.korean,
        vietnamese: left.languages.vietnamese && right.languages.vietnamese,
    };
    let count = left.syllables.len();
    if count != right.syllables.len() {
        return uneven(left, right);
    }
    let mut best: Option<(u32, Vec<TokenMatch>)> = None;
    let turns: &[usize] = match count {
        0 | 1 => &[0],
        2 => &[0, 1],
        3 => &[0, 1, 2],
        _ => &[0, 1, count - 1, 2],
    };
    for turn in turns {
        let mut parts = Vec::with_capacity(count);
        let mut alike = 0;
        let mut variants = 0;
        for (i, one) in left.syllables.iter().enumerate() {
            let j = (i + turn) % count;
            let Some(two) = right.syllables.get(j) else {
                continue;
            };
            let (relation, similarity) = match one.compare(two, languages) {
                Sameness::Same => (Relation::Same, 1000),
                Sameness::Variant => (Relation::Reading, 960),
                Sameness::Other => {
                    parts.push(side(i, true));
                    parts.push(side(j, false));
                    continue;
                }
            };
            alike += 1;
            variants += u32::from(relation == Relation::Reading);
            parts.push(TokenMatch {
                left: Span::one(i),
                right: Span::one(j),
                class: Class::Syllable,
                relation,
                similarity,
                weight: 200,
            });
        }
        let all = u32::try_from(count).unwrap_or(1).max(1);
        let score = if alike == all {
            1000 - variants * 40 - u32::from(*turn != 0) * 20
        } else {
            700 * alike / all
        };
        if best.as_ref().is_none_or(|(best, _)| score > *best) {
            best = Some((score, parts));
        }
    }
    let (score, parts) = best.unwrap_or_default();
    Match::new(score, 1000, true, parts)
}

fn side(at: usize, left: bool) -> TokenMatch {
    let (here, relation) = (
        Span::one(at),
        if left {
            Relation::LeftOnly
        } else {
            Relation::RightOnly
        },
    );
    let (left, right) = if left {
        (here, Span::NONE)
    } else {
        (Span::NONE, here)
    };
    TokenMatch {
        left,
        right,
        class: Class::Syllable,
        relation,
        similarity: 0,
        weight: 100,
    }
}

/// Another number of syllables: the same only when the letters are the same, split otherwise (xi an and xian).
fn uneven(left: &Spoken, right: &Spoken) -> Match {
    let text =
        |spoken: &Spoken| -> String { spoken.syllables.iter().map(|one| &*one.text).collect() };
    let (one, two) = (
        Span::many(0, left.syllables.len()),
        Span::many(0, right.syllables.len()),
    );
    if text(left) == text(right) {
        let part = TokenMatch {
            left: one,
            right: two,
            class: Class::Syllable,
            relation: Relation::Joined,
            similarity: 1000,
            weight: 200,
        };
        return Match::new(980, 1000, true, vec![part]);
    }
    let mut parts: Vec<TokenMatch> = (0..left.syllables.len()).map(|at| side(at, true)).collect();
    parts.extend((0..right.syllables.len()).map(|at| side(at, false)));
    Match::new(300, 1000, true, parts)
}

fn parts(weights: &Weights, left: &[Given], right: &[Given]) -> Match {
    let mut used = (0_u32, 0_u32);
    let mut found: Vec<TokenMatch> = Vec::with_capacity(left.len() + right.len());
    let mut take =
        |used: &mut (u32, u32), i: usize, j: usize, similarity: u16, relation: Relation| {
            if used.0 & 1 << i != 0 || used.1 & 1 << j != 0 {
                return;
            }
            used.0 |= 1 << i;
            used.1 |= 1 << j;
            let class = left.get(i).map_or(Class::Personal, |part| part.class);
            found.push(TokenMatch {
                left: Span::one(i),
                right: Span::one(j),
                class,
                relation,
                similarity,
                weight: 0,
            });
        };
    for (i, one) in left.iter().enumerate() {
        let same = right
            .iter()
            .enumerate()
            .find(|(j, two)| used.1 & 1 << *j == 0 && one.text == two.text);
        if let Some((j, _)) = same {
            take(&mut used, i, j, 1000, Relation::Same);
        }
    }
    // Then the nearest first, whatever their order.
    let mut near: Vec<(u16, usize, usize, Relation)> = Vec::new();
    for (i, one) in left
        .iter()
        .enumerate()
        .filter(|(i, _)| used.0 & 1 << *i == 0)
    {
        for (j, two) in right
            .iter()
            .enumerate()
            .filter(|(j, _)| used.1 & 1 << *j == 0)
        {
            if let Some((similarity, relation)) = alike(one, two) {
                near.push((similarity, i, j, relation));
            }
        }
    }
    near.sort_by_key(|(similarity, ..)| std::cmp::Reverse(*similarity));
    for (similarity, i, j, relation) in near {
        take(&mut used, i, j, similarity, relation);
    }
    let whole = joined(left, right, used);
    if let Some((relation, similarity)) = whole {
        let part = TokenMatch {
            left: Span::many(0, left.len()),
            right: Span::many(0, right.len()),
            class: Class::Personal,
            relation,
            similarity,
            weight: 200,
        };
        let cap = if relation == Relation::Joined {
            1000
        } else {
            BELOW_HIT
        };
        return Match::new(u32::from(similarity), cap, true, vec![part]);
    }
    score(weights, left, right, used, found)
}

/// Names that differ in how they are split into parts: "FridrichBuchenberg".
fn joined(left: &[Given], right: &[Given], used: (u32, u32)) -> Option<(Relation, u16)> {
    let counts = |parts: &[Given]| {
        parts
            .iter()
            .filter(|part| part.class == Class::Personal)
            .count()
    };
    let (one, two) = (counts(left), counts(right));
    if one == two || one.min(two) == 0 || one.max(two) > 4 {
        return None;
    }
    let text = |parts: &[Given]| -> String {
        parts
            .iter()
            .filter(|part| part.class == Class::Personal)
            .map(|part| &*part.folded)
            .collect()
    };
    // Only where something is left over on both sides: otherwise one is simply longer.
    let left_over = |parts: &[Given], used: u32| {
        parts
            .iter()
            .enumerate()
            .any(|(at, part)| part.class == Class::Personal && used & 1 << at == 0)
    };
    if !left_over(left, used.0) || !left_over(right, used.1) {
        return None;
    }
    let (one, two) = (text(left), text(right));
    if one == two {
        return Some((Relation::Joined, 980));
    }
    let length = one.len().max(two.len());
    if length < 10 {
        return None;
    }
    let halves = distance::halves(&one, &two, Cost::Personal, 3)?;
    Some((
        Relation::Spelling(halves),
        likeness(halves, length).min(920),
    ))
}

fn likeness(halves: u8, length: usize) -> u16 {
    let lost = usize::from(halves) * 500 / length.max(1);
    1000_u16.saturating_sub(u16::try_from(lost).unwrap_or(1000))
}

/// Half edits that a part of this length may have.
fn budget(length: usize) -> u8 {
    match length {
        0..4 => 0,
        4 => 2,
        length => u8::try_from(length * 2 / 5).unwrap_or(4).min(4),
    }
}

/// How two parts that are not the same compare, where they may be one name.
fn alike(one: &Given, two: &Given) -> Option<(u16, Relation)> {
    let minor = |part: &Given| matches!(part.class, Class::Particle | Class::Title);
    if minor(one) || minor(two) {
        return None;
    }
    if one.class == Class::Initial || two.class == Class::Initial {
        let starts = one.text.as_bytes().first() == two.text.as_bytes().first();
        return (starts && one.class != two.class).then_some((700, Relation::Initial));
    }
    if one.variant != 0 && one.variant == two.variant {
        return Some((970, Relation::Meaning));
    }
    if one.folded == two.folded {
        return Some((960, Relation::Reading));
    }
    // The article written together with the name: Alhouthi.
    if let Some((long, short)) = [(one, two), (two, one)]
        .into_iter()
        .find(|(long, short)| long.text.len() == short.text.len() + 2)
        && matches!(long.text.get(..2), Some("al" | "el"))
        && long.text.get(2..) == Some(&*short.text)
    {
        return Some((960, Relation::Joined));
    }
    if one.variant != 0 && two.variant != 0 {
        return None;
    }
    if one.script == Script::Arabic || two.script == Script::Arabic {
        let (left, right) = (skeleton(&one.folded), skeleton(&two.folded));
        if left == right && left.len() >= 2 {
            return Some((900, Relation::Reading));
        }
    }
    spelling(one, two)
}

fn spelling(one: &Given, two: &Given) -> Option<(u16, Relation)> {
    let servant = (
        one.text.strip_prefix("abdul"),
        two.text.strip_prefix("abdul"),
    );
    let (left, right) = match servant {
        (Some(left), Some(right)) if !left.is_empty() && !right.is_empty() => (left, right),
        (None, None) => (&*one.text, &*two.text),
        _ => return None,
    };
    let length = left.len().max(right.len());
    let budget = budget(length);
    if budget == 0 || left.len().abs_diff(right.len()) > usize::from(budget) {
        return None;
    }
    let mut halves = distance::halves(left, right, Cost::Personal, budget);
    if servant.0.is_none() && (one.mask ^ two.mask).count_ones() <= 2 * u32::from(budget) {
        let folded = distance::halves(&one.folded, &two.folded, Cost::Personal, budget);
        halves = match (halves, folded) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }
    let halves = halves?;
    // A consonant in a name of four letters is half of what it has: enough beside two other names, not beside one.
    let similarity = if length == 4 && halves > 1 {
        500
    } else {
        likeness(halves, length)
    };
    Some((similarity, Relation::Spelling(halves)))
}

fn score(
    weights: &Weights,
    left: &[Given],
    right: &[Given],
    used: (u32, u32),
    mut found: Vec<TokenMatch>,
) -> Match {
    let weigh = |parts: &[Given], span: Span| {
        parts
            .get(usize::from(span.from))
            .map_or(0, |part| weights.of(&part.folded, part.weight))
    };
    let mut agreed = 0;
    let mut total = 0;
    let mut cap = 1000;
    let mut names = 0;
    for part in &mut found {
        let weight = weigh(left, part.left) + weigh(right, part.right);
        part.weight = u16::try_from(weight).unwrap_or(u16::MAX);
        agreed += weight * u32::from(part.similarity);
        total += weight * 1000;
        names += u32::from(part.class == Class::Personal && part.similarity >= 700);
        if !matches!(
            part.relation,
            Relation::Same | Relation::Meaning | Relation::Joined
        ) {
            cap = cap.min(BELOW_HIT);
        }
    }
    let mut rest = [0_u32; 2];
    let mut initials = [false; 2];
    for (side, parts, used) in [(0_usize, left, used.0), (1, right, used.1)] {
        for (at, part) in parts.iter().enumerate() {
            if used & 1 << at != 0 {
                continue;
            }
            let weight = weights.of(&part.folded, part.weight);
            let (left, right, relation) = if side == 0 {
                (Span::one(at), Span::NONE, Relation::LeftOnly)
            } else {
                (Span::NONE, Span::one(at), Relation::RightOnly)
            };
            found.push(TokenMatch {
                left,
                right,
                class: part.class,
                relation,
                similarity: 0,
                weight: u16::try_from(weight).unwrap_or(u16::MAX),
            });
            // A name that only one side gives is no contradiction: people have more names than are written.
            total += weight * EXTRA;
            match part.class {
                Class::Personal => {
                    if let Some(rest) = rest.get_mut(side) {
                        *rest += weight;
                    }
                    cap = cap.min(BELOW_HIT);
                }
                Class::Initial => {
                    if let Some(initial) = initials.get_mut(side) {
                        *initial = true;
                    }
                }
                _ => {}
            }
        }
    }
    let mut score = if total == 0 {
        0
    } else {
        agreed / (total / 1000).max(1)
    };
    if rest.iter().all(|rest| *rest > 0) || initials == [true, true] {
        score = score * 80 / 100;
        cap = cap.min(OTHER);
    } else if rest.iter().any(|rest| *rest > 0) && names < 2 {
        cap = cap.min(OTHER);
    }
    Match::new(score, cap, true, found)
}

/// What a part that only one name has counts, in thousandths of one that both have.
const EXTRA: u32 = 400;
