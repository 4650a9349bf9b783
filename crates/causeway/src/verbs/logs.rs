//! `causeway logs`: what a run's job printed, during the run and afterwards.

use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Duration;

use camino::Utf8Path;
use causeway_domain::RunId;
use causeway_run::launch::find;
use causeway_run::{RunError, Workspace, output_path};
use serde_json::json;

use crate::cli::LogsArgs;
use crate::output::Exit;
use crate::verbs::Context;

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(context: &Context, args: &LogsArgs) -> Result<Exit, RunError> {
    let workspace = context.existing()?;
    let run = match &args.run {
        Some(run) => find(&workspace, Some(run))?.id,
        None => workspace
            .journal
            .runs()?
            .into_iter()
            .next()
            .map(|row| row.id)
            .ok_or_else(|| RunError::UnknownRun {
                run: "newest".to_owned(),
            })?,
    };
    let mut attempt = 1;
    let mut offset = 0;
    loop {
        // Asked before reading: what was written until the driver ended is then still printed.
        let driven = args.follow && matches!(workspace.state.drive(&run), Ok(None));
        let printed = print_from(context, &workspace, &run, attempt, &mut offset)?;
        if output_path(&workspace.state, &run, attempt + 1).exists() {
            attempt += 1;
            offset = 0;
        } else if !driven {
            return Ok(Exit::Done);
        } else if printed == 0 {
            std::thread::sleep(LOOK);
        }
    }
}

fn print_from(
    context: &Context,
    workspace: &Workspace,
    run: &RunId,
    attempt: u32,
    offset: &mut u64,
) -> Result<usize, RunError> {
    let path = output_path(&workspace.state, run, attempt);
    if !path.exists() {
        return Ok(0);
    }
    let text = read_from(&path, offset).map_err(|error| RunError::Read {
        path,
        error,
        help: "the state directory must be readable".to_owned(),
    })?;
    if context.output.json {
        if !text.is_empty() {
            context
                .output
                .event(&json!({"attempt": attempt, "text": String::from_utf8_lossy(&text)}));
        }
    } else {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(&text).and_then(|()| stdout.flush());
    }
    Ok(text.len())
}

fn read_from(path: &Utf8Path, offset: &mut u64) -> std::io::Result<Vec<u8>> {
    let mut file = fs_err::File::open(path)?;
    file.seek(SeekFrom::Start(*offset))?;
    let mut bytes = Vec::new();
    file.take(8 << 20).read_to_end(&mut bytes)?;
    *offset += bytes.len() as u64;
    Ok(bytes)
}
