//! The terminal as a consumer of events: bars where there is a terminal, plain lines where not, JSON lines on request.

use std::sync::Mutex;

use causeway_domain::Bytes;
use causeway_run::{Event, Reporter};
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// Prints events as they come.
pub(crate) struct Terminal {
    output: Output,
    state: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    bar: Option<(String, ProgressBar)>,
    /// Output of the job that is not a whole line yet.
    rest: String,
}

impl Terminal {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            state: Mutex::default(),
        }
    }

    fn line(&self, shown: &Shown, text: &str) {
        match &shown.bar {
            Some((_, bar)) => bar.suspend(|| self.output.say(text)),
            None => self.output.say(text),
        }
    }

    fn progress(&self, shown: &mut Shown, what: &str, done: Bytes, total: Bytes, detail: &str) {
        if !self.output.terminal {
            return;
        }
        if shown.bar.as_ref().is_none_or(|(name, _)| name != what) {
            let style = ProgressStyle::with_template(
                "  {prefix:<24} {bar:24} {bytes}/{total_bytes} {wide_msg}",
            );
            let bar = ProgressBar::new(total.get());
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_prefix(what.to_owned());
            if let Some((_, old)) = shown.bar.replace((what.to_owned(), bar)) {
                old.finish_and_clear();
            }
        }
        if let Some((_, bar)) = &shown.bar {
            bar.set_length(total.get());
            bar.set_position(done.get());
            bar.set_message(detail.to_owned());
            if done >= total {
                bar.finish_and_clear();
                shown.bar = None;
            }
        }
    }
}

impl Reporter for Terminal {
    fn report(&self, event: &Event) {
        if self.output.json {
            if let Ok(value) = serde_json::to_value(event) {
                self.output.event(&value);
            }
            return;
        }
        let Ok(mut shown) = self.state.lock() else {
            return;
        };
        let out = self.output;
        match event {
            Event::Run { run, resumed, name } => {
                let how = if *resumed { "goes on" } else { "begins" };
                self.line(
                    &shown,
                    &format!("run {} of `{name}` {how}", out.paint(run.as_str(), "1")),
                );
            }
            Event::StageBegan { stage } => {
                self.line(&shown, &format!("{} {stage}", out.paint("->", "34")))
            }
            Event::StageDone {
                stage,
                summary,
                before,
            } => {
                let mark = out.paint(if *before { "==" } else { "ok" }, "32");
                let when = if *before { " (before)" } else { "" };
                self.line(&shown, &format!("{mark} {stage:<6} {summary}{when}"));
            }
            Event::Note { text } => self.line(&shown, &format!("   {text}")),
            Event::Warning { text } => {
                self.line(&shown, &format!("{} {text}", out.paint("warning:", "33")))
            }
            Event::Output { text } => {
                shown.rest.push_str(text);
                while let Some((line, rest)) = shown
                    .rest
                    .split_once('\n')
                    .map(|(line, rest)| (line.to_owned(), rest.to_owned()))
                {
                    shown.rest = rest;
                    self.line(&shown, &format!("   | {line}"));
                }
            }
            Event::Checkpoint {
                name,
                bytes,
                wire,
                difference,
            } => {
                let mut line =
                    format!("   checkpoint {name} is home: {bytes}, {wire} over the line");
                if difference.get() > 0 {
                    line += &format!("; {difference} less by its difference to an earlier one");
                }
                self.line(&shown, &line);
            }
            Event::Progress {
                what,
                done,
                total,
                detail,
                ..
            } => self.progress(&mut shown, what, *done, *total, detail),
        }
    }
}
