//! The page for people: which models are here, and the command that loads each.

use std::fmt::Write;
use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use causeway_domain::Bytes;

use super::refusal::Refusal;
use super::served::Served;
use crate::registry::ModelSummary;

/// The page has no scripts and may load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}\
pre{background:#8881;padding:.75rem;overflow-x:auto}h2{margin:2rem 0 0}p{margin:.25rem 0}:root{color-scheme:light dark}";

/// `GET /`.
pub(super) async fn index(served: &Arc<Served>, parts: &Parts) -> Result<Response, Refusal> {
    let base = served.base(&parts.headers);
    let with_token = served.options.token.is_some();
    let models = served.blocking(|served| served.registry.models()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, render(&models, &base, with_token)).into_response())
}

fn render(models: &[ModelSummary], base: &str, with_token: bool) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Models</title><style>{STYLE}</style></head><body><h1>Models</h1>\n"
    );
    if models.is_empty() {
        page.push_str("<p>No model was admitted yet.</p>\n");
    }
    let token = if with_token { " HF_TOKEN=TOKEN" } else { "" };
    for model in models {
        let name = escape(model.name.as_str());
        // Writing to a string can't fail.
        let _ = write!(
            page,
            "<h2>{name}</h2>\n<p>{}",
            count(model.revisions.len(), "revision")
        );
        if let Some(newest) = model.revisions.last() {
            let _ = write!(
                page,
                ", newest: {}, {}",
                count(newest.files, "file"),
                Bytes::new(newest.size)
            );
        }
        page.push_str("</p>\n");
        for (pointer, commit) in [("main", &model.main), ("production", &model.production)] {
            let _ = writeln!(
                page,
                "<p>{pointer}: {}</p>",
                commit
                    .as_deref()
                    .map_or("nowhere yet".to_owned(), |commit| format!(
                        "<code>{}</code>",
                        escape(commit)
                    ))
            );
        }
        let revision = if model.production.is_some() {
            " --revision production"
        } else {
            ""
        };
        let _ = writeln!(
            page,
            "<pre>HF_ENDPOINT={}{token} hf download {name}{revision}</pre>",
            escape(base)
        );
    }
    page.push_str("</body></html>\n");
    page
}

fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// Text as HTML, in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut escaped, c| {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                c => escaped.push(c),
            }
            escaped
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::RevisionSummary;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        assert_eq!(
            escape("<a href='x' b=\"&\">"),
            "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;"
        );
        let page = render(&[model()], "http://<script>", false);
        assert!(!page.contains("<script>"), "{page}");
    }

    #[test]
    fn the_command_names_production_once_there_is_one() {
        let page = render(&[model()], "http://127.0.0.1:8000", false);
        assert!(
            page.contains("<pre>HF_ENDPOINT=http://127.0.0.1:8000 hf download acme/tiny</pre>"),
            "{page}"
        );
        assert!(page.contains("production: nowhere yet"), "{page}");
        let promoted = ModelSummary {
            production: Some("c".repeat(40)),
            ..model()
        };
        let page = render(&[promoted], "http://127.0.0.1:8000", true);
        assert!(
            page.contains("HF_TOKEN=TOKEN hf download acme/tiny --revision production"),
            "{page}"
        );
    }

    fn model() -> ModelSummary {
        let revision = RevisionSummary {
            commit: "c".repeat(40),
            created: "2026-11-24T13:15:00Z".parse().unwrap(),
            run: None,
            size: 10,
            files: 1,
        };
        ModelSummary {
            name: "acme/tiny".parse().unwrap(),
            revisions: vec![revision],
            main: Some("c".repeat(40)),
            production: None,
        }
    }
}
