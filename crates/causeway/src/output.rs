//! The one place that prints. Answers go to stdout; progress, hints and errors to stderr.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use causeway_domain::{Problem, Severity};
use causeway_law::{Outcome, Tree};
use causeway_run::RunError;
use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets,
};
use serde_json::{Value, json};

/// Columns of a tree.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;
/// The least width of a table's column that gives way.
const LEAST_WIDE: u16 = 16;

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Prohibited = 3,
    NeedsReview = 4,
    LicenseRequired = 5,
    Interrupted = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::Done,
            Outcome::NeedsReview => Self::NeedsReview,
            Outcome::LicenseRequired => Self::LicenseRequired,
            Outcome::Prohibited => Self::Prohibited,
        }
    }
}

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) terminal: bool,
    pub(crate) colour: bool,
}

impl Output {
    #[expect(
        clippy::disallowed_methods,
        reason = "NO_COLOR is a setting of the terminal, read at the edge"
    )]
    pub(crate) fn new(json: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        // One answer for both streams: what is piped away holds no escape codes.
        let colour = terminal
            && std::io::stdout().is_terminal()
            && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty());
        let _ = miette::set_hook(Box::new(move |_| {
            Box::new(
                miette::MietteHandlerOpts::new()
                    .color(colour)
                    .unicode(true)
                    .terminal_links(false)
                    .width(110)
                    .build(),
            )
        }));
        Self {
            json,
            terminal,
            colour,
        }
    }

    /// A line of the answer. A closed pipe ends the program quietly, as `head` expects.
    pub(crate) fn line(self, text: impl Display) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A tree, broken into lines of at most 100 columns, or as wide as a narrower terminal.
    pub(crate) fn tree(self, tree: &Tree) {
        let width = Table::new()
            .width()
            .map_or(WIDEST, usize::from)
            .clamp(NARROWEST, WIDEST);
        tree.visit(&mut |first, further, text| {
            // However deep it hangs, a third of the line is for the text.
            let room = width.max(textwrap::core::display_width(further) + width / 3);
            self.line(textwrap::fill(
                text,
                textwrap::Options::new(room)
                    .initial_indent(first)
                    .subsequent_indent(further)
                    .break_words(false),
            ));
        });
    }

    /// The answer as one JSON document.
    pub(crate) fn document(self, value: &Value) {
        let mut value = value.clone();
        if let Value::Object(map) = &mut value {
            map.entry("version").or_insert_with(|| json!(1));
        }
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        self.line(text);
    }

    /// One event as a line of JSON.
    pub(crate) fn event(self, value: &Value) {
        self.line(value);
        let _ = std::io::stdout().flush();
    }

    /// A line for people, beside the answer.
    pub(crate) fn say(self, text: impl Display) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    pub(crate) fn hint(self, text: impl Display) {
        self.say(format_args!("{} {text}", self.paint("hint:", "36")));
    }

    pub(crate) fn warn(self, text: impl Display) {
        self.say(format_args!("{} {text}", self.paint("warning:", "33")));
    }

    pub(crate) fn paint(self, text: &str, code: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The word of an outcome, coloured.
    pub(crate) fn outcome(self, outcome: Outcome) -> String {
        let code = match outcome {
            Outcome::Allow => "32",
            Outcome::NeedsReview => "33",
            Outcome::LicenseRequired => "35",
            Outcome::Prohibited => "31",
        };
        self.paint(&outcome.to_string(), code)
    }

    /// One remark on a user's file, with the line it is about.
    pub(crate) fn problem(self, problem: &Problem) {
        let source = miette::NamedSource::new(&problem.file.name, problem.file.text.clone())
            .with_language("yaml");
        let report = miette::Report::new(problem.clone()).with_source_code(source);
        self.say(format!("{report:?}").trim_end());
    }

    /// An error, with what to do next, and the exit code it stands for.
    pub(crate) fn error(self, error: RunError) -> Exit {
        let exit = exit_of(&error);
        if self.json {
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
            let problems: Vec<Value> = match &error {
                RunError::Files { problems } | RunError::NotRun { problems } => {
                    problems.iter().map(problem_json).collect()
                }
                _ => Vec::new(),
            };
            self.event(&json!({"event": "error", "message": error.to_string(), "help": help, "problems": problems, "exit": exit as u8}));
        }
        match &error {
            RunError::Files { problems } | RunError::NotRun { problems } => {
                for problem in problems {
                    self.problem(problem);
                }
                let what = if matches!(error, RunError::NotRun { .. }) {
                    "this task asks for what causeway does not run yet"
                } else {
                    "the files have errors"
                };
                self.say(format_args!("{} {what}", self.paint("error:", "31")));
            }
            _ => self.say(format!("{:?}", miette::Report::new(error)).trim_end()),
        }
        exit
    }

    /// A table without ruling lines, as wide as the terminal; only the column `wide` gives way.
    pub(crate) fn table(self, header: &[&str], wide: usize) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let width = table.width();
        if !self.colour {
            table.force_no_tty();
        }
        match width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic);
                table.set_width(width);
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        table.set_header(
            header
                .iter()
                .map(|text| Cell::new(text).add_attribute(Attribute::Bold)),
        );
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 1));
            if index != wide {
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else if width.is_some() {
                // Words broken into letters are no words: it gives way so far and no further.
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(LEAST_WIDE)));
            }
        }
        table
    }

    /// Prints a table. Where the terminal is too narrow for it, columns are left out in this order, and named.
    pub(crate) fn fitted(self, mut table: Table, wide: usize, order: &[usize]) {
        let room = table.width().map_or(usize::MAX, usize::from);
        let hidden = left_out(&table.column_max_content_widths(), wide, room, order);
        let mut names = Vec::new();
        for index in hidden {
            if let Some(column) = table.column_mut(index) {
                column.set_constraint(ColumnConstraint::Hidden);
            }
            let head = table.header().and_then(|head| head.cell_iter().nth(index));
            names.extend(head.map(Cell::content));
        }
        self.line(table);
        if !names.is_empty() {
            self.hint(format_args!(
                "a wider terminal shows {}, `--json` has all",
                names.join(", ")
            ));
        }
    }

    /// An outcome in its colour, for a table.
    pub(crate) fn outcome_cell(outcome: Outcome) -> Cell {
        Cell::new(outcome).fg(match outcome {
            Outcome::Allow => Color::Green,
            Outcome::NeedsReview => Color::Yellow,
            Outcome::LicenseRequired => Color::Magenta,
            Outcome::Prohibited => Color::Red,
        })
    }
}

/// The columns that are left out, of those that may be in this order, so that the others fit. `wide`: the one that gives way.
fn left_out(widths: &[u16], wide: usize, room: usize, order: &[usize]) -> Vec<usize> {
    let needed = |hidden: &[usize]| -> usize {
        let shown = widths
            .iter()
            .enumerate()
            .filter(|(index, _)| !hidden.contains(index));
        let of = |(index, width): (usize, &u16)| {
            let least = if index == wide { LEAST_WIDE } else { *width };
            usize::from(least.min(*width)) + 1
        };
        shown.map(of).sum()
    };
    let all = (0..=order.len()).filter_map(|count| order.get(..count));
    let mut hidden = all
        .clone()
        .find(|hidden| needed(hidden) <= room)
        .unwrap_or(order)
        .to_vec();
    hidden.sort_unstable();
    hidden
}

/// A problem in the contract's words.
pub(crate) fn problem_json(problem: &Problem) -> Value {
    let (line, column) = problem.line_column();
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({"severity": severity, "message": problem.message, "line": line, "column": column, "help": problem.help})
}

fn exit_of(error: &RunError) -> Exit {
    match error {
        RunError::Files { .. }
        | RunError::NotRun { .. }
        | RunError::NoOrganisation { .. }
        | RunError::Read { .. }
        | RunError::Write { .. }
        | RunError::UnknownRun { .. }
        | RunError::MissingValue { .. }
        | RunError::Lists(_)
        | RunError::Market(_)
        | RunError::Plan(_)
        | RunError::Value { .. } => Exit::Usage,
        RunError::ClearanceLost { outcome, .. } | RunError::NotCleared { outcome, .. } => {
            (*outcome).into()
        }
        RunError::Stopped { .. } | RunError::Driven { .. } | RunError::Crash(_) => {
            Exit::Interrupted
        }
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_leaves_columns_out_in_their_order() {
        let widths = [40, 5, 10, 20];
        let hidden = |room| left_out(&widths, 0, room, &[2, 1]);
        // The first gives way down to sixteen letters; one blank behind each.
        assert_eq!(hidden(55), [] as [usize; 0]);
        assert_eq!(hidden(54), [2]);
        assert_eq!(hidden(44), [2]);
        assert_eq!(hidden(43), [1, 2]);
        assert_eq!(hidden(1), [1, 2], "more may not go");
        assert_eq!(left_out(&[3, 5], 0, 10, &[1]), [] as [usize; 0]);
    }
}
