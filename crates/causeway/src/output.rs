//! The one place that prints. Answers go to stdout; progress, hints and errors to stderr.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use causeway_domain::{Problem, Severity};
use causeway_law::{Outcome, Tree};
use causeway_run::RunError;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::{Value, json};

/// Columns of a tree.
const WIDEST: usize = 100;
const NARROWEST: usize = 40;

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
            }
        }
        table
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
