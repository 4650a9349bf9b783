//! `causeway serve`: the models at home, for Hugging Face clients.

use causeway_domain::Secret;
use causeway_registry::{ServeOptions, check_listen, router, serve};
use causeway_run::RunError;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::ServeArgs;
use crate::output::Exit;
use crate::verbs::{Context, block_on, told_to_end};

pub(crate) fn run(context: &Context, args: &ServeArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let token = match &args.token_file {
        Some(path) => {
            let text = fs_err::read_to_string(path).map_err(|error| RunError::Read {
                path: path.clone(),
                error,
                help: "write the token into it, on one line".to_owned(),
            })?;
            Some(Secret::new(text.trim()))
        }
        None => None,
    };
    check_listen(args.listen, token.as_ref())?;
    let workspace = context.workspace()?;
    let registry = workspace.registry.clone();
    block_on(async {
        let failed = |error: std::io::Error| RunError::Value {
            what: format!(
                "listening on {}: {error}; `--listen` names another address",
                args.listen
            ),
        };
        let listener = TcpListener::bind(args.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        check_listen(address, token.as_ref())?;
        if output.json {
            output.event(&json!({"event": "listening", "address": address.to_string(), "endpoint": format!("http://{address}")}));
        } else {
            output.line(format_args!(
                "serving {} on http://{address}",
                workspace.state.dir()
            ));
            output.line(format_args!(
                "HF_ENDPOINT=http://{address} hf download ORG/MODEL"
            ));
        }
        let app = router(
            registry,
            ServeOptions {
                token,
                ..ServeOptions::default()
            },
        );
        serve(listener, app, told_to_end()).await?;
        Ok(Exit::Done)
    })
}
