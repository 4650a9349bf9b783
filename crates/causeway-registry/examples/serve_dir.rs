//! Admits directories as models and serves them to Hugging Face clients, without the rest of Causeway.
//!
//! ```sh
//! cargo run -p causeway-registry --example serve_dir -- acme/tiny=path/to/model
//! HF_ENDPOINT=http://127.0.0.1:8000 hf download acme/tiny
//! ```
//!
//! `MODEL=DIR` may stand several times, for the same model too: each is a revision, and `production` points at the first.
//! Options: `--listen ADDR:PORT` (default 127.0.0.1:8000), `--home DIR` (default: `causeway-registry` in the directory for
//! temporary files), `--token TOKEN`, `--page-size N`. Files are copied into the store of `--home`.

use std::error::Error;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::{Digest, Env, ModelName, Secret, Timestamp};
use causeway_registry::{Registry, ServeOptions, check_listen, router, serve};

struct Machine;

impl Env for Machine {
    #[expect(clippy::disallowed_methods, reason = "this is the edge of the program")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn random(&self) -> u64 {
        0
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is the edge of the program")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut listen = "127.0.0.1:8000".to_owned();
    let mut home = Utf8PathBuf::try_from(std::env::temp_dir())?.join("causeway-registry");
    let mut options = ServeOptions::default();
    let mut models = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("`{word}` wants a value"))
        };
        match word.as_str() {
            "--listen" => listen = value()?,
            "--home" => home = value()?.into(),
            "--token" => options.token = Some(Secret::new(value()?)),
            "--page-size" => options.page_size = value()?.parse()?,
            pair => {
                let (model, dir) = pair
                    .split_once('=')
                    .ok_or_else(|| format!("`{pair}` is no MODEL=DIR"))?;
                models.push((model.parse::<ModelName>()?, Utf8PathBuf::from(dir)));
            }
        }
    }

    let store = home.join("files");
    fs_err::create_dir_all(&store)?;
    let registry = Registry::open(&home.join("registry"), &store)?;
    let provenance = serde_json::json!({"admitted_by": "example serve_dir"});
    for (model, dir) in &models {
        let files = copy(dir, dir, &store)?;
        let revision = registry.admit(
            model,
            files,
            None,
            provenance.clone(),
            Machine.now(),
            &Machine,
        )?;
        if registry.pointers(model)?.production.is_none() {
            registry.promote(model, None, Machine.now(), &Machine)?;
        }
        println!(
            "{model} revision {} is {}",
            revision.number, revision.commit
        );
    }

    let listener = tokio::net::TcpListener::bind(&listen).await?;
    let addr = listener.local_addr()?;
    check_listen(addr, options.token.as_ref())?;
    println!("serving at http://{addr}");
    let stop = async {
        // Without signals the server is stopped by killing it, which it survives.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    serve(listener, router(Arc::new(registry), options), stop).await?;
    Ok(())
}

/// Copies the files below `dir` into the store; gives their paths and digests.
fn copy(
    root: &Utf8Path,
    dir: &Utf8Path,
    store: &Utf8Path,
) -> Result<Vec<(String, Digest)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in dir.read_dir_utf8()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(copy(root, entry.path(), store)?);
            continue;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs_err::File::open(entry.path())?)?;
        let digest = Digest::new(*hasher.finalize().as_bytes());
        let stored = store.join(digest.to_string());
        if !stored.exists() {
            fs_err::copy(entry.path(), &stored)?;
        }
        files.push((entry.path().strip_prefix(root)?.to_string(), digest));
    }
    Ok(files)
}
