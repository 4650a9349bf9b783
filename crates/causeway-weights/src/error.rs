//! What can be wrong with a file of weights.

use camino::Utf8PathBuf;
use causeway_domain::Bytes;

/// Why a file of weights could not be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum WeightsError {
    /// A call of the operating system failed.
    #[error("reading `{file}`")]
    #[diagnostic(code(causeway::weights::io))]
    Io {
        /// The file.
        file: Utf8PathBuf,
        /// The failure.
        #[source]
        source: std::io::Error,
    },
    /// The file ends inside its own header.
    #[error("`{file}` ends inside its header: {have} of {promised}")]
    #[diagnostic(
        code(causeway::weights::short_header),
        help(
            "the file is still being written, or its copy was cut off: wait for the writer, or copy it again"
        )
    )]
    ShortHeader {
        /// The file.
        file: Utf8PathBuf,
        /// What it holds.
        have: Bytes,
        /// Length field and header together.
        promised: Bytes,
    },
    /// The first eight bytes promise a header larger than any real one.
    #[error(
        "`{file}` is not a safetensors file: its first eight bytes promise a header of {promised}, more than {limit}"
    )]
    #[diagnostic(
        code(causeway::weights::header_too_large),
        help("check that the file is what its name says")
    )]
    HeaderTooLarge {
        /// The file.
        file: Utf8PathBuf,
        /// The header's length.
        promised: Bytes,
        /// The most that is read.
        limit: Bytes,
    },
    /// The header is there and does not describe tensors that lie end to end.
    #[error("`{file}` has a broken safetensors header: {why}")]
    #[diagnostic(
        code(causeway::weights::broken_header),
        help(
            "write it again with `safetensors`, or send it under another extension to treat it as opaque bytes"
        )
    )]
    BrokenHeader {
        /// The file.
        file: Utf8PathBuf,
        /// What is wrong, from the parser.
        why: String,
    },
    /// An index of shards that names none, or names files outside its own directory.
    #[error("`{file}` is not an index of shards: {why}")]
    #[diagnostic(
        code(causeway::weights::broken_index),
        help(
            "an index is JSON with `weight_map`, from tensor name to the name of a file beside it"
        )
    )]
    BrokenIndex {
        /// The file.
        file: Utf8PathBuf,
        /// What is wrong.
        why: String,
    },
}
