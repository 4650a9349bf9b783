//! The answer of `causeway kyc check`, for people: what refuses first, then what to ask, then what is clear.

use causeway_domain::Fact;
use causeway_parties::kyc::{Answer, Checked, Finding, Flagged, IfMissing, SealState};

use crate::output::Output;

/// Columns of a line.
const WIDE: usize = 110;

pub(super) fn print(output: Output, name: &str, checked: &Checked) {
    let colour = match checked.answer {
        Answer::Complete => "32",
        Answer::NeedsReview => "33",
        Answer::Refused => "31",
    };
    output.line(format_args!(
        "{name} on {}: {}",
        checked.day,
        output.paint(checked.answer.word(), colour)
    ));
    seal(output, checked);
    gaps(output, checked);
    if checked.answer == Answer::Refused {
        output.line("");
        paragraph(
            output,
            0,
            "red flags: none was looked at, the form is refused before",
        );
    } else {
        flags(output, &checked.flags);
    }
    kept(output, checked);
    next(output, name, checked);
}

/// Where the text of a row begins: behind its number and its word.
const TEXT: usize = 16;

/// Text with an indent, broken into lines; further lines hang two columns deeper.
fn paragraph(output: Output, indent: usize, text: &str) {
    hanging(output, indent, indent + 2, text);
}

/// Text broken at blanks, so that keys and days stay whole.
fn hanging(output: Output, first: usize, further: usize, text: &str) {
    let (first, further) = (" ".repeat(first), " ".repeat(further));
    output.line(textwrap::fill(
        text,
        textwrap::Options::new(WIDE)
            .initial_indent(&first)
            .subsequent_indent(&further)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false),
    ));
}

fn seal(output: Output, checked: &Checked) {
    let seal = match &checked.seal {
        SealState::Missing => "not signed".to_owned(),
        SealState::Broken { why } => format!("not valid: {why}"),
        SealState::Fits { key } => format!("fits, by {key}, which nobody compared"),
        SealState::Known { key } => format!("fits, by {key}, the key that was expected"),
    };
    output.line(format_args!("seal  {seal}"));
    // What is asked of no row and no flag: whose key it is, what another questionnaire leaves out.
    let whose = matches!(checked.seal, SealState::Fits { .. });
    for question in &checked.questions {
        if question.of == "form" || (whose && question.ask.starts_with("whose key is ")) {
            paragraph(output, 6, &format!("ask: {}", question.ask));
        }
    }
}

fn gaps(output: Output, checked: &Checked) {
    if checked.gaps.is_empty() {
        return;
    }
    let of = |then| checked.gaps.iter().filter(move |gap| gap.then == then);
    let (refuse, review) = (of(IfMissing::Deny), of(IfMissing::Review));
    output.line("");
    output.line(format_args!(
        "missing: {} refuse the form, {} need review",
        refuse.clone().count(),
        review.clone().count()
    ));
    for gap in refuse.chain(review) {
        let then = match gap.then {
            IfMissing::Deny => output.paint("refused", "31"),
            IfMissing::Review => output.paint("review ", "33"),
        };
        let line = gap
            .line
            .map_or_else(String::new, |line| format!("line {line}, "));
        hanging(
            output,
            2,
            TEXT,
            &format!("{:<4} {then}  {line}{}: {}", gap.id, gap.field, gap.what),
        );
        paragraph(output, TEXT, &format!("asked: {}", gap.ask));
    }
}

fn flags(output: Output, all: &[Flagged]) {
    if all.is_empty() {
        return;
    }
    let mut raised = Vec::new();
    let mut unknown = Vec::new();
    let mut clear = Vec::new();
    for flag in all {
        match &flag.finding {
            Finding::Raised { facts, question } => raised.push((flag, facts, question)),
            Finding::Unknown { missing, facts } => unknown.push((flag, missing, facts)),
            Finding::Clear { why, .. } => clear.push((flag, why)),
        }
    }
    raised.sort_by_key(|(flag, ..)| flag.weight);
    unknown.sort_by_key(|(flag, ..)| flag.weight);
    output.line("");
    output.line(format_args!(
        "red flags: {} raised, {} unknown, {} clear",
        raised.len(),
        unknown.len(),
        clear.len()
    ));
    let head = |flag: &Flagged, text: &str| {
        hanging(
            output,
            4,
            TEXT,
            &format!("{:<4} {:<5}  {text}", flag.id, flag.weight.word()),
        );
    };
    if !raised.is_empty() {
        output.line(format_args!("  {}", output.paint("raised", "31")));
    }
    for (flag, facts, question) in raised {
        head(flag, flag.title);
        for seen in facts {
            paragraph(output, TEXT, &format!("{} ({})", seen.fact, seen.source));
        }
        paragraph(output, TEXT, &format!("ask: {question}"));
    }
    if !unknown.is_empty() {
        output.line(format_args!("  {}", output.paint("unknown", "33")));
    }
    for (flag, missing, facts) in unknown {
        head(flag, flag.title);
        for what in missing {
            paragraph(output, TEXT, &format!("missing: {what}"));
        }
        for seen in facts {
            paragraph(output, TEXT, &format!("{} ({})", seen.fact, seen.source));
        }
    }
    if !clear.is_empty() {
        output.line(format_args!("  {}", output.paint("clear", "32")));
    }
    for (flag, why) in clear {
        head(flag, why);
    }
}

fn kept(output: Output, checked: &Checked) {
    output.line("");
    let retention = &checked.retention;
    let years = retention.items.iter().map(|item| item.years);
    let years = years.max().unwrap_or_default();
    match retention.items.first().map(|item| &item.until) {
        Some(Fact::Known(day, source)) => {
            paragraph(
                output,
                0,
                &format!("keep until {day}: {years} years after {source}"),
            );
        }
        Some(Fact::Unknown(why)) => paragraph(
            output,
            0,
            &format!(
                "keep {years} years after the last of transfer of weights, end of contract, known diversion; the term has not begun: {why}"
            ),
        ),
        None => {}
    }
    paragraph(
        output,
        2,
        &format!("{} [{}]", retention.ground, retention.source),
    );
    for hold in &retention.frozen_by {
        paragraph(
            output,
            2,
            &format!("deletion is frozen by {hold} [{}]", retention.freeze),
        );
    }
}

fn next(output: Output, name: &str, checked: &Checked) {
    match checked.answer {
        Answer::Refused => output.hint(format_args!(
            "whoever filled the form answers what refuses it and signs again: `causeway kyc sign {name} --key FILE`"
        )),
        Answer::NeedsReview => output.hint(
            "what the signatory answers goes into the form, signed again; what the provider saw goes into `--observed FILE`",
        ),
        Answer::Complete => {}
    }
}
