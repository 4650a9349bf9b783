"""Checks a Causeway registry with the real Hugging Face clients.

    python tests/hf_client.py ENDPOINT MODEL              # check a running registry
    python tests/hf_client.py --make-model DIR [--seed N] # write a small model to serve

ENDPOINT is http://127.0.0.1:PORT, MODEL the name of an admitted model with config.json, tokenizer files and
model.safetensors. A registry with a token wants it in HF_TOKEN; two more checks run then. Options: --commit COMMIT says which
commit `main` must be; --without-tokenizer leaves the tokenizer out.

Prints `ok NAME` or `FAILED NAME: why` for each check and exits 1 if one failed. Needs huggingface_hub, transformers (torch is
not needed), tokenizers, safetensors, numpy. Everything is fetched into a temporary cache.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path


def make_model(directory: Path, seed: int) -> None:
    """A Llama of random weights and a tokenizer trained on this file: small, and complete for from_pretrained."""
    import numpy
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train([__file__], trainer)
    tokenizer.save(str(directory / "tokenizer.json"))
    vocab, hidden, layers = tokenizer.get_vocab_size(), 32, 2
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"})
    )
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocab,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    (directory / "config.json").write_text(json.dumps(config, indent=2))
    (directory / "README.md").write_text("# Tiny\n")
    (directory / "notes").mkdir(exist_ok=True)
    (directory / "notes" / "a b.txt").write_text("a name that must be encoded in a URL\n")

    random = numpy.random.default_rng(seed)

    def matrix(*shape: int):
        return random.standard_normal(shape).astype("float16")

    tensors = {"model.embed_tokens.weight": matrix(vocab, hidden), "model.norm.weight": matrix(hidden)}
    for layer in range(layers):
        prefix = f"model.layers.{layer}"
        tensors[f"{prefix}.input_layernorm.weight"] = matrix(hidden)
        tensors[f"{prefix}.post_attention_layernorm.weight"] = matrix(hidden)
        for name, rows in [("q", hidden), ("k", hidden // 2), ("v", hidden // 2), ("o", hidden)]:
            tensors[f"{prefix}.self_attn.{name}_proj.weight"] = matrix(rows, hidden)
        tensors[f"{prefix}.mlp.gate_proj.weight"] = matrix(2 * hidden, hidden)
        tensors[f"{prefix}.mlp.up_proj.weight"] = matrix(2 * hidden, hidden)
        tensors[f"{prefix}.mlp.down_proj.weight"] = matrix(hidden, 2 * hidden)
    save_file(tensors, str(directory / "model.safetensors"), metadata={"format": "pt"})


CHECKS = []


def check(function):
    """Registers a check; they run in the order of this file."""
    CHECKS.append(function)
    return function


def same(found, expected, what: str) -> None:
    assert found == expected, f"{what}: expected {expected!r}, found {found!r}"


def raises(expected, call):
    """Calls and gives the exception back; any other outcome fails the check."""
    try:
        call()
    except expected as err:
        return err
    raise AssertionError(f"no {getattr(expected, '__name__', expected)} was raised")


class Registry:
    """What the checks share. Made only when the environment is set: the clients read it when they are imported."""

    def __init__(self, endpoint: str, model: str, commit: str | None, cache: Path):
        from huggingface_hub import HfApi

        self.endpoint, self.model, self.cache = endpoint, model, cache
        self.api = HfApi(endpoint=endpoint)
        self.info = self.api.model_info(model, files_metadata=True)
        self.commit = commit or self.info.sha
        self.files = {sibling.rfilename: sibling for sibling in self.info.siblings}


@check
def model_info(registry):
    info = registry.info
    same(info.id, registry.model, "id")
    same(info.sha, registry.commit, "sha")
    same(info.private, False, "private")
    same(info.safetensors.total, sum(info.safetensors.parameters.values()), "parameters")
    assert len(info.sha) == 40, info.sha
    assert info.created_at is not None and info.last_modified >= info.created_at
    assert "causeway" in info.tags and "safetensors" in info.tags, info.tags
    for name in ["config.json", "model.safetensors"]:
        assert name in registry.files, f"{name} is not among {sorted(registry.files)}"
    weights = registry.files["model.safetensors"]
    assert weights.lfs is not None and len(weights.lfs["sha256"]) == 64
    same(registry.api.model_info(registry.model, revision="main").sha, registry.commit, "sha of main")
    same(registry.api.model_info(registry.model, revision=registry.commit).sha, registry.commit, "sha by commit")


@check
def list_models(registry):
    ids = [model.id for model in registry.api.list_models(search=registry.model.split("/")[-1])]
    assert registry.model in ids, ids


@check
def list_repo_files(registry):
    same(sorted(registry.api.list_repo_files(registry.model)), sorted(registry.files), "files")


@check
def list_repo_tree(registry):
    from huggingface_hub.hf_api import RepoFile, RepoFolder

    for expand in [False, True]:
        entries = list(registry.api.list_repo_tree(registry.model, recursive=True, expand=expand))
        files = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
        same(sorted(files), sorted(registry.files), "files of the tree")
        same(files["model.safetensors"].lfs.sha256, registry.files["model.safetensors"].lfs["sha256"], "sha256")
        folders = {entry.path for entry in entries if isinstance(entry, RepoFolder)}
        same(folders, {str(parent) for name in files for parent in Path(name).parents if str(parent) != "."}, "folders")
        for folder in folders:
            inside = list(registry.api.list_repo_tree(registry.model, path_in_repo=folder))
            assert inside and all(entry.path.startswith(folder + "/") for entry in inside), inside
        if expand:
            same(files["config.json"].last_commit.oid, registry.commit, "last commit")


@check
def list_repo_refs(registry):
    branches = {branch.name: branch.target_commit for branch in registry.api.list_repo_refs(registry.model).branches}
    same(branches.get("main"), registry.commit, "main")
    for name, commit in branches.items():
        same(registry.api.model_info(registry.model, revision=name).sha, commit, name)


@check
def list_repo_commits(registry):
    commits = registry.api.list_repo_commits(registry.model)
    same(commits[0].commit_id, registry.commit, "newest")
    assert len({commit.commit_id for commit in commits}) == len(commits)


@check
def get_paths_info(registry):
    entries = registry.api.get_paths_info(registry.model, ["config.json", "model.safetensors", "no-such-file"])
    same({entry.path for entry in entries}, {"config.json", "model.safetensors"}, "paths")
    sizes = {entry.path: entry.size for entry in entries}
    same(sizes["config.json"], registry.files["config.json"].size, "size")


@check
def file_exists(registry):
    api, model = registry.api, registry.model
    same(api.file_exists(model, "config.json"), True, "config.json")
    same(api.file_exists(model, "no-such-file"), False, "no-such-file")
    same(api.repo_exists(model), True, "repository")
    same(api.repo_exists(model + "-none"), False, "other repository")
    same(api.revision_exists(model, "main"), True, "main")
    same(api.revision_exists(model, "no-such-revision"), False, "other revision")


@check
def get_hf_file_metadata(registry):
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    for name, sibling in registry.files.items():
        url = hf_hub_url(registry.model, name, endpoint=registry.endpoint)
        metadata = get_hf_file_metadata(url)
        same(metadata.commit_hash, registry.commit, "commit")
        same(metadata.size, sibling.size, f"size of {name}")
        same(metadata.etag, sibling.lfs["sha256"] if sibling.lfs else sibling.blob_id, f"etag of {name}")
        same(metadata.xet_file_data, None, "xet")


@check
def hf_hub_download(registry):
    from huggingface_hub import hf_hub_download

    for name, sibling in registry.files.items():
        path = Path(hf_hub_download(registry.model, name))
        content = path.read_bytes()
        same(len(content), sibling.size, f"size of {name}")
        if sibling.lfs:
            same(hashlib.sha256(content).hexdigest(), sibling.lfs["sha256"], f"sha256 of {name}")
        else:
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            same(blob, sibling.blob_id, f"blob id of {name}")
        assert f"snapshots/{registry.commit}" in path.as_posix(), path
        same(Path(hf_hub_download(registry.model, name)), path, "second call")


@check
def revision_pinning(registry):
    from huggingface_hub import hf_hub_download

    for commit in registry.api.list_repo_commits(registry.model):
        path = Path(hf_hub_download(registry.model, "model.safetensors", revision=commit.commit_id))
        assert f"snapshots/{commit.commit_id}" in path.as_posix(), path
        info = registry.api.model_info(registry.model, revision=commit.commit_id, files_metadata=True)
        expected = next(file.lfs["sha256"] for file in info.siblings if file.rfilename == "model.safetensors")
        same(hashlib.sha256(path.read_bytes()).hexdigest(), expected, f"weights of {commit.commit_id}")
        offline = hf_hub_download(
            registry.model, "model.safetensors", revision=commit.commit_id, local_files_only=True
        )
        same(Path(offline), path, "pinned revision without a request")


@check
def local_dir_skips_what_is_there(registry):
    from huggingface_hub import hf_hub_download

    target = registry.cache / "local"
    for _ in range(2):
        path = Path(hf_hub_download(registry.model, "model.safetensors", local_dir=target))
        same(path.stat().st_size, registry.files["model.safetensors"].size, "size")


@check
def snapshot_download(registry):
    from huggingface_hub import snapshot_download

    directory = Path(snapshot_download(registry.model, cache_dir=registry.cache / "snapshot"))
    same(directory.name, registry.commit, "snapshot folder")
    found = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    same(found, sorted(registry.files), "files")
    only = Path(snapshot_download(registry.model, cache_dir=registry.cache / "only", allow_patterns="*.json"))
    assert (only / "config.json").is_file() and not (only / "model.safetensors").exists()


@check
def hf_download_command(registry):
    target = registry.cache / "command"
    command = Path(sys.executable).parent / "hf"
    done = subprocess.run(
        [str(command), "download", registry.model, "--local-dir", str(target)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    same(done.returncode, 0, f"exit code of hf download: {done.stdout} {done.stderr}")
    for name, sibling in registry.files.items():
        same((target / name).stat().st_size, sibling.size, f"size of {name}")


@check
def get_safetensors_metadata(registry):
    from safetensors.numpy import load_file

    metadata = registry.api.get_safetensors_metadata(registry.model)
    same(metadata.sharded, False, "sharded")
    header = metadata.files_metadata["model.safetensors"].tensors
    assert header, "no tensors"
    elements = 0
    for tensor in header.values():
        count = 1
        for length in tensor.shape:
            count *= length
        elements += count
    same(sum(metadata.parameter_count.values()), elements, "parameters")
    same(registry.info.safetensors.parameters, metadata.parameter_count, "parameters of model_info")
    if all(tensor.dtype != "BF16" for tensor in header.values()):  # numpy has no bfloat16
        from huggingface_hub import hf_hub_download

        tensors = load_file(hf_hub_download(registry.model, "model.safetensors"))
        same(set(tensors), set(header), "tensors")


@check
def ranged_read(registry):
    """What a resumed download does: the rest of a file from the middle."""
    import urllib.request

    size = registry.files["model.safetensors"].size
    url = f"{registry.endpoint}/{registry.model}/resolve/main/model.safetensors"
    headers = {"Range": f"bytes={size // 2}-"}
    if os.environ.get("HF_TOKEN"):
        headers["Authorization"] = "Bearer " + os.environ["HF_TOKEN"]
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        same(answer.status, 206, "status")
        same(len(answer.read()), size - size // 2, "length")


@check
def auto_config(registry):
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(registry.model)
    same(config.architectures, registry.info.config["architectures"], "architectures")
    same(AutoConfig.from_pretrained(registry.model, revision=registry.commit).to_dict(), config.to_dict(), "by commit")


@check
def auto_tokenizer(registry):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(registry.model)
    text = "the model came home"
    ids = tokenizer(text)["input_ids"]
    assert ids, "no tokens"
    same(tokenizer.decode(ids, skip_special_tokens=True).strip(), text, "round trip")


@check
def entry_not_found(registry):
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    err = raises(EntryNotFoundError, lambda: hf_hub_download(registry.model, "no-such-file"))
    same(err.response.status_code, 404, "status")
    same(err.response.headers.get("X-Repo-Commit"), registry.commit, "commit of the miss")


@check
def revision_not_found(registry):
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RevisionNotFoundError

    for revision in ["no-such-revision", "refs/pr/1", "0" * 40]:
        raises(RevisionNotFoundError, lambda: hf_hub_download(registry.model, "config.json", revision=revision))
        raises(RevisionNotFoundError, lambda: registry.api.model_info(registry.model, revision=revision))


@check
def repository_not_found(registry):
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    for name in [registry.model + "-none", "none"]:
        raises(RepositoryNotFoundError, lambda: hf_hub_download(name, "config.json"))
        raises(RepositoryNotFoundError, lambda: registry.api.model_info(name))
        raises(RepositoryNotFoundError, lambda: registry.api.list_repo_files(name))
        raises(RepositoryNotFoundError, lambda: snapshot_download(name))
    raises(RepositoryNotFoundError, lambda: registry.api.dataset_info(registry.model))


@check
def uploads_are_refused(registry):
    from huggingface_hub.errors import HfHubHTTPError

    err = raises(HfHubHTTPError, lambda: registry.api.create_repo(registry.model, token="any"))
    assert err.response.status_code in (401, 405), err.response.status_code


@check
def token_is_wanted(registry):
    """Only for a registry with a token."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RepositoryNotFoundError

    if not os.environ.get("HF_TOKEN"):
        return "skipped: no HF_TOKEN"
    same(registry.api.whoami()["type"], "user", "whoami")
    for token in [False, "hf_wrong"]:
        raises(RepositoryNotFoundError, lambda: registry.api.model_info(registry.model, token=token))
        fresh = registry.cache / "unknown"
        raises(
            RepositoryNotFoundError,
            lambda: hf_hub_download(registry.model, "config.json", token=token, cache_dir=fresh),
        )
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint", nargs="?", default=os.environ.get("HF_ENDPOINT"))
    parser.add_argument("model", nargs="?")
    parser.add_argument("--commit")
    parser.add_argument("--without-tokenizer", action="store_true")
    parser.add_argument("--make-model", type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.make_model:
        make_model(arguments.make_model, arguments.seed)
        return 0
    if not arguments.endpoint or not arguments.model:
        parser.error("ENDPOINT and MODEL are needed")

    endpoint = arguments.endpoint.rstrip("/")
    failed = 0
    with tempfile.TemporaryDirectory() as cache:
        # Before the first import: huggingface_hub reads these once.
        os.environ.update(HF_ENDPOINT=endpoint, HF_HOME=cache, HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
        import huggingface_hub
        import transformers

        print(f"huggingface_hub {huggingface_hub.__version__}, transformers {transformers.__version__}, {endpoint}", flush=True)
        registry = Registry(endpoint, arguments.model, arguments.commit, Path(cache))
        for function in CHECKS:
            name = function.__name__
            if name == "auto_tokenizer" and arguments.without_tokenizer:
                print(f"skipped {name}: --without-tokenizer", flush=True)
                continue
            try:
                remark = function(registry)
                print(f"{remark.partition(':')[0]} {name}:{remark.partition(':')[2]}" if remark else f"ok {name}", flush=True)
            except Exception as err:  # every check runs, whatever the one before did
                failed += 1
                print(f"FAILED {name}: {type(err).__name__}: {err}", flush=True)
                traceback.print_exc()
    print(f"{failed} failed" if failed else "all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
