#!/usr/bin/env python3
"""Write text with a model of the example trainer, in numpy alone.

    pip install numpy safetensors tokenizers
    python examples/generate.py DIR_OR_REPO_SNAPSHOT "The bridge "

DIR is anything that holds model.safetensors, config.json and tokenizer.json: a checkpoint, or what
`hf download` or `snapshot_download` printed. The forward pass is written from the description of Llama and shares no
code with the trainer, so that equal output says something about both.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
from safetensors import deserialize
from tokenizers import Tokenizer


def read_weights(path):
    """Tensors as float32. numpy has no bfloat16: its bits are the upper half of a float32's."""
    weights = {}
    for name, entry in deserialize(path.read_bytes()):
        if entry["dtype"] == "BF16":
            numbers = (np.frombuffer(entry["data"], "<u2").astype(np.uint32) << 16).view(np.float32)
        elif entry["dtype"] == "F32":
            numbers = np.frombuffer(entry["data"], "<f4")
        else:
            sys.exit(f"{path}: `{name}` holds {entry['dtype']}; only BF16 and F32 are known here")
        weights[name] = numbers.reshape(entry["shape"])
    return weights


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def rotate(x, cosines, sines):
    half = x.shape[-1] // 2
    turned = np.concatenate([-x[..., half:], x[..., :half]], -1)
    return x * cosines + turned * sines


def logits(weights, config, tokens):
    """Logits at every place of `tokens`: an array [len(tokens), vocabulary]."""
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    size, length, epsilon = hidden // heads, len(tokens), config["rms_norm_eps"]
    frequencies = config["rope_theta"] ** (-np.arange(0, size, 2) / size)
    angles = np.outer(np.arange(length), frequencies)
    angles = np.concatenate([angles, angles], -1)
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    hide = np.triu(np.full((length, length), -np.inf, np.float32), 1)

    x = weights["model.embed_tokens.weight"][tokens]
    for layer in range(config["num_hidden_layers"]):
        w = lambda part: weights[f"model.layers.{layer}.{part}.weight"]  # noqa: E731
        h = rms_norm(x, w("input_layernorm"), epsilon)
        q, k, v = ((h @ w(f"self_attn.{p}_proj").T).reshape(length, heads, size).swapaxes(0, 1) for p in "qkv")
        q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
        scores = q @ k.swapaxes(1, 2) / np.sqrt(np.float32(size)) + hide
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attended = (scores / scores.sum(-1, keepdims=True)) @ v
        x = x + attended.swapaxes(0, 1).reshape(length, hidden) @ w("self_attn.o_proj").T
        h = rms_norm(x, w("post_attention_layernorm"), epsilon)
        gate = h @ w("mlp.gate_proj").T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w("mlp.up_proj").T)) @ w("mlp.down_proj").T
    return rms_norm(x, weights["model.norm.weight"], epsilon) @ weights["lm_head.weight"].T


def main():
    parser = argparse.ArgumentParser(description="Write text with a model of the example trainer, in numpy alone.")
    parser.add_argument("model", type=pathlib.Path, help="directory with model.safetensors, config.json, tokenizer.json")
    parser.add_argument("prompt", help="what the model goes on from")
    parser.add_argument("--tokens", type=int, default=200, help="bytes to write (default 200)")
    parser.add_argument("--temperature", type=float, default=0.6, help="0 takes the likeliest byte each time (default 0.6)")
    parser.add_argument("--seed", type=int, default=1, help="another number, another text")
    parser.add_argument("--logits", action="store_true", help="print the logits after the prompt as JSON instead")
    options = parser.parse_args()
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        if not (options.model / name).is_file():
            parser.error(f"`{options.model}` holds no {name}")

    config = json.loads((options.model / "config.json").read_text())
    weights = read_weights(options.model / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(options.model / "tokenizer.json"))
    tokens = tokenizer.encode(options.prompt).ids
    if not tokens:
        parser.error("the prompt is empty")
    window, dice = config["max_position_embeddings"], np.random.default_rng(options.seed)
    if options.logits:
        print(json.dumps(logits(weights, config, tokens[-window:])[-1].tolist()))
        return
    for _ in range(options.tokens):
        scores = logits(weights, config, tokens[-window:])[-1].astype(np.float64)
        if options.temperature > 0:
            shares = np.exp((scores - scores.max()) / options.temperature)
            tokens.append(int(dice.choice(len(shares), p=shares / shares.sum())))
        else:
            tokens.append(int(scores.argmax()))
    print(tokenizer.decode(tokens))


if __name__ == "__main__":
    main()
