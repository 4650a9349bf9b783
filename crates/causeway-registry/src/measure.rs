//! Reading the store's bytes: three digests in one pass.

use std::io::Read;

use camino::Utf8Path;
use causeway_domain::{Bytes, Digest};
use sha1::Digest as _;
use sha2::Sha256;

use crate::error::RegistryError;
use crate::git;
use crate::revision::{FileRecord, MAX_FILE};

/// Read at once. Large enough that BLAKE3 uses its widest kernel.
const CHUNK: usize = 1 << 20;

/// Above this size the Hub keeps a file in LFS whatever it is: 10 MiB.
const LFS_SIZE: u64 = 10 << 20;

/// How much of the start of a file the Hub's clients send so that it can tell text from binary (`preupload`): 512 bytes.
const SAMPLE: usize = 512;

/// Extensions of `.gitattributes` in a new model repository of the Hub.
const LFS_EXTENSIONS: [&str; 35] = [
    "7z",
    "arrow",
    "bin",
    "bz2",
    "ckpt",
    "ftz",
    "gguf",
    "gz",
    "h5",
    "joblib",
    "lfs",
    "mlmodel",
    "model",
    "msgpack",
    "npy",
    "npz",
    "onnx",
    "ot",
    "parquet",
    "pb",
    "pickle",
    "pkl",
    "pt",
    "pth",
    "rar",
    "safetensors",
    "tar",
    "tflite",
    "tgz",
    "wasm",
    "xz",
    "zip",
    "zst",
    "db",
    "sqlite",
];

/// Describes the file at `stored`, checking its bytes against `digest`.
///
/// # Errors
/// [`RegistryError::MissingBytes`], [`RegistryError::TooLarge`] (before a byte is read), [`RegistryError::ChangedBytes`],
/// [`RegistryError::Io`].
pub(crate) fn measure(
    path: &str,
    digest: &Digest,
    stored: &Utf8Path,
) -> Result<FileRecord, RegistryError> {
    let io = || RegistryError::io(format!("reading the bytes of `{path}`"));
    let mut file = match fs_err::File::open(stored) {
        Ok(file) => file,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
            return Err(RegistryError::MissingBytes {
                path: path.to_owned(),
                stored: stored.to_owned(),
            });
        }
        Err(err) => return Err(io()(err)),
    };
    let size = file.metadata().map_err(io())?.len();
    if size > MAX_FILE {
        return Err(RegistryError::TooLarge {
            path: path.to_owned(),
            size: Bytes::new(size),
            limit: Bytes::new(MAX_FILE),
        });
    }

    let mut buffer = vec![0; CHUNK];
    let mut blake3 = blake3::Hasher::new();
    let mut sha256 = Sha256::new();
    let mut blob = None;
    let mut lfs = is_lfs_by_name(path) || size > LFS_SIZE;
    let mut read = 0u64;
    let mut first = true;
    loop {
        let chunk = fill(&mut file, &mut buffer).map_err(io())?;
        if std::mem::take(&mut first) {
            lfs = lfs || chunk.iter().take(SAMPLE).any(|byte| *byte == 0);
            // SHA-1 is the slowest of the three and only small text needs it.
            blob = (!lfs).then(|| git::blob(size));
        }
        if chunk.is_empty() {
            break;
        }
        read = read.saturating_add(chunk.len() as u64);
        blake3.update(chunk);
        sha256.update(chunk);
        if let Some(blob) = &mut blob {
            blob.update(chunk);
        }
    }

    let found = Digest::new(*blake3.finalize().as_bytes());
    // A file that changes its size while it is read has no blob id, even where its digest happens to be right in the end.
    if found != *digest || read != size {
        return Err(RegistryError::ChangedBytes {
            path: path.to_owned(),
            stored: stored.to_owned(),
            expected: *digest,
            found,
        });
    }
    let sha256 = Digest::new(sha256.finalize().into());
    let git_oid = git::hex(blob.unwrap_or_else(|| {
        let pointer = git::pointer(&sha256, size);
        let mut hasher = git::blob(pointer.len() as u64);
        hasher.update(pointer.as_bytes());
        hasher
    }));
    Ok(FileRecord {
        path: path.to_owned(),
        size,
        blake3: *digest,
        sha256,
        git_oid,
        lfs,
    })
}

/// BLAKE3 of a file; nothing when there is no file.
pub(crate) fn digest(stored: &Utf8Path) -> std::io::Result<Option<Digest>> {
    let mut file = match fs_err::File::open(stored) {
        Ok(file) => file,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err),
    };
    let mut buffer = vec![0; CHUNK];
    let mut hasher = blake3::Hasher::new();
    loop {
        let chunk = fill(&mut file, &mut buffer)?;
        if chunk.is_empty() {
            return Ok(Some(Digest::new(*hasher.finalize().as_bytes())));
        }
        hasher.update(chunk);
    }
}

/// Reads until the buffer is full or the file ends.
fn fill<'a>(file: &mut impl Read, buffer: &'a mut [u8]) -> std::io::Result<&'a [u8]> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}

fn is_lfs_by_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        LFS_EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    }) || name.contains("tfevents")
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8PathBuf;

    fn stored(bytes: &[u8]) -> (tempfile::TempDir, Utf8PathBuf, Digest) {
        let dir = tempfile::tempdir().unwrap();
        let file = Utf8PathBuf::from_path_buf(dir.path().join("file")).unwrap();
        fs_err::write(&file, bytes).unwrap();
        (dir, file, Digest::new(*blake3::hash(bytes).as_bytes()))
    }

    #[test]
    fn text_gets_a_blob_id_and_weights_a_pointer() {
        let (_keep, file, digest) = stored(b"hello\n");
        let text = measure("README.md", &digest, &file).unwrap();
        assert_eq!(text.git_oid, "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(
            text.sha256.to_string(),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        );
        assert_eq!(text.etag(), text.git_oid);

        let weights = measure("model.safetensors", &digest, &file).unwrap();
        assert!(weights.lfs);
        assert_eq!(weights.etag(), text.sha256.to_string());
        // `git hash-object` of the pointer file.
        assert_eq!(weights.git_oid, "fa61e1ef71c9908c0926776a4aa3504b3a27f159");
    }

    #[test]
    fn binary_and_large_files_are_lfs() {
        let (_keep, file, digest) = stored(b"a\0b");
        assert!(measure("data", &digest, &file).unwrap().lfs);
        let large = b"a".repeat((10 << 20) + 1);
        let (_keep, file, digest) = stored(&large);
        let record = measure("vocab.txt", &digest, &file).unwrap();
        assert!(record.lfs);
        assert_eq!(record.size, LFS_SIZE + 1);
        let (_keep, file, digest) = stored(b"");
        let empty = measure("empty", &digest, &file).unwrap();
        assert_eq!(
            (empty.lfs, empty.git_oid.as_str()),
            (false, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
        );
    }

    #[test]
    fn changed_missing_and_huge_files_are_refused_by_name() {
        let (_keep, file, digest) = stored(b"hello\n");
        fs_err::write(&file, b"hellp\n").unwrap();
        let err = measure("config.json", &digest, &file).unwrap_err();
        assert!(
            matches!(err, RegistryError::ChangedBytes { ref path, expected, .. } if path == "config.json" && expected == digest)
        );
        let err = measure("config.json", &digest, Utf8Path::new("/nowhere/file")).unwrap_err();
        assert!(matches!(err, RegistryError::MissingBytes { .. }));
        // A sparse file: no byte of it is read, so that it may be this large.
        fs_err::OpenOptions::new()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(MAX_FILE + 1)
            .unwrap();
        let err = measure("model.safetensors", &digest, &file).unwrap_err();
        assert!(matches!(err, RegistryError::TooLarge { .. }));
        assert!(
            err.to_string().contains("`model.safetensors` has 50 GB"),
            "{err}"
        );
    }

    #[test]
    fn names_of_weights_are_lfs_in_any_case() {
        for name in [
            "a/b.safetensors",
            "X.BIN",
            "tokenizer.model",
            "runs/events.out.tfevents.123",
        ] {
            assert!(is_lfs_by_name(name), "{name}");
        }
        for name in ["config.json", "bin", "safetensors", "a.bin/b.txt"] {
            assert!(!is_lfs_by_name(name), "{name}");
        }
    }
}
