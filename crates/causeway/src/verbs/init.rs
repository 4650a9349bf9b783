//! `causeway init`: a commented pair of files to start from.

use causeway_run::RunError;
use serde_json::json;

use crate::cli::InitArgs;
use crate::output::Exit;
use crate::verbs::Context;

const TASK: &str = include_str!("../templates/task.yaml");
const ORGANISATION: &str = include_str!("../templates/causeway.yaml");

pub(crate) fn run(context: &Context, args: &InitArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let files = [("task.yaml", TASK), ("causeway.yaml", ORGANISATION)];
    let failed = |path: &camino::Utf8Path, error: std::io::Error, help: &str| RunError::Read {
        path: path.to_owned(),
        error,
        help: help.to_owned(),
    };
    fs_err::create_dir_all(&args.directory)
        .map_err(|error| failed(&args.directory, error, "name a folder that can be made"))?;
    for (name, _) in files {
        let path = args.directory.join(name);
        if path.exists() && !args.force {
            return Err(failed(
                &path,
                std::io::Error::from(std::io::ErrorKind::AlreadyExists),
                "nothing was written; `--force` overwrites it",
            ));
        }
    }
    for (name, text) in files {
        let path = args.directory.join(name);
        fs_err::write(&path, text)
            .map_err(|error| failed(&path, error, "name a folder that can be written"))?;
        if !output.json {
            output.line(format_args!("wrote {path}"));
        }
    }
    if output.json {
        output.document(
            &json!({"written": files.map(|(name, _)| args.directory.join(name).into_string())}),
        );
    } else {
        output.hint(
            "fill in the parties and sites, then `causeway check` and `causeway plan` of task.yaml",
        );
    }
    Ok(Exit::Done)
}
