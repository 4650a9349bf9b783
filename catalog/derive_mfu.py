#!/usr/bin/env python3
"""Derives catalog/mfu.json from a table of published training runs.

    python3 catalog/derive_mfu.py RUNS.csv > catalog/mfu.json

RUNS.csv has a header with at least: id, family, arch, params_active_b, layers, hidden, seq_len, chip, precision, use,
truth_tok_s_chip (tokens per second and chip). Rows with `use` other than `score` are left out.

MFU of a row = FLOPs per token * tokens per second and chip / dense peak of the chip in the row's precision, where
FLOPs per token = 6 * active parameters + 6 * layers * hidden * sequence (causal attention; left out where the row
publishes no shape). The estimator divides by the same FLOPs, so both must change together.

A group is one chip family, one architecture (dense, moe) and one precision. Its figures are the median and the 10th
and 90th percentile over its rows. Fewer than FEW rows say little about a spread: the interval is then at least 40 %
of the median to each side (an assumption, marked `few_rows`).
"""
import collections
import csv
import json
import sys

FEW = 8
# Label in the runs: family, names in accelerators.json, dense peak 16 bit and 8 bit (TFLOP/s).
CHIPS = {
    "A100-40GB": ("A100", ["A100-SXM-40GB", "A100-SXM-80GB"], 312, None),
    "A100-80GB": ("A100", ["A100-SXM-40GB", "A100-SXM-80GB"], 312, None),
    "H100": ("H100", ["H100-SXM-80GB", "H800-SXM-80GB"], 989.4, 1978.9),
    "H800": ("H100", ["H100-SXM-80GB", "H800-SXM-80GB"], 989.4, 1978.9),
    "B200": ("B200", ["B200-SXM-180GB"], 2250, 4500),
    "B300": ("B300", ["B300-SXM-270GB"], 2250, 4500),
    "GB200": ("GB200", ["GB200"], 2500, 5000),
    "GB300": ("GB300", ["GB300"], 2500, 5000),
    "TPUv4": ("TPUv4", ["TPUv4"], 275, None),
    "TPUv5e": ("TPUv5e", ["TPUv5e"], 197, None),
    "TPUv5p": ("TPUv5p", ["TPUv5p"], 459, None),
    "TPUv6e": ("TPUv6e", ["TPUv6e"], 918, 918),
    # The published curves of "Ascend 910B" do not say which variant; they imply a peak of 353 to 354.
    "Ascend910B": ("Ascend910B", ["Ascend910B1", "Ascend910B2", "Ascend910B3"], 354, None),
}
RELATED = [
    ("A100-PCIe-80GB", "A100-SXM-80GB", "same die, PCIe in place of NVLink"),
    ("A800-SXM-80GB", "A100-SXM-80GB", "same die, NVLink cut to 400 GB/s"),
    ("A800-PCIe-80GB", "A100-SXM-80GB", "same die, PCIe in place of NVLink"),
    ("H100-PCIe-80GB", "H100-SXM-80GB", "same die, PCIe in place of NVLink"),
    ("H100-NVL-94GB", "H100-SXM-80GB", "same die, NVLink in pairs"),
    ("H200-SXM-141GB", "H100-SXM-80GB", "same die, faster memory"),
    ("GH200-96GB", "H100-SXM-80GB", "same die, other host"),
    ("Ascend910B4", "Ascend910B3", "same family, half of the memory"),
    ("Ascend910C", "Ascend910B3", "two dies of the same family"),
]


def percentile(values, share):
    values = sorted(values)
    place = (len(values) - 1) * share
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def mfu(row):
    _, _, wide, narrow = CHIPS[row["chip"]]
    peak = narrow if "fp8" in row["precision"] else wide
    flops = 6e9 * float(row["params_active_b"])
    if row["layers"] and row["hidden"]:
        flops += 6.0 * float(row["layers"]) * float(row["hidden"]) * float(row["seq_len"])
    return flops * float(row["truth_tok_s_chip"]) / (peak * 1e12)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["use"] == "score"]
    groups = collections.defaultdict(list)
    for row in rows:
        precision = "fp8" if "fp8" in row["precision"] else row["precision"]
        groups[CHIPS[row["chip"]][0], row["arch"], precision].append(row)
    entries = []
    for (family, arch, precision), members in sorted(groups.items()):
        values = [mfu(row) for row in members]
        low, mid, high = (percentile(values, share) for share in (0.1, 0.5, 0.9))
        few = len(values) < FEW
        if few:
            low, high = min(low, 0.6 * mid), min(max(high, 1.4 * mid), 0.7)
        entries.append({
            "family": family,
            "accelerators": CHIPS[members[0]["chip"]][1],
            "arch": arch,
            "precision": precision,
            "low": round(low, 3),
            "mid": round(mid, 3),
            "high": round(high, 3),
            "basis": "few_rows" if few else "rows",
            "rows": len(values),
            "models": sorted({row["family"] for row in members}),
            "row_ids": sorted(row["id"] for row in members),
        })
    table = {
        "format": "causeway/mfu/1",
        "about": "Model FLOPs utilisation by accelerator, from published runs. Made by catalog/derive_mfu.py; do not edit by hand.",
        "date": "2026-11-24",
        "flops": "6 N_active + 6 L h s per token (causal attention), against the dense peak of the precision",
        "source": f"{len(rows)} published runs and benchmarks (llm-foundry, Megatron, BLOOM, MaxText, MindSpeed-LLM, model cards, papers); `row_ids` names the rows of each figure, docs/formats/catalog.md the sources",
        "entries": entries,
        "related": [{"accelerator": chip, "as": other, "why": why} for chip, other, why in RELATED],
        "assumption": {
            "dense": {"low": 0.15, "mid": 0.33, "high": 0.5},
            "moe": {"low": 0.05, "mid": 0.17, "high": 0.3},
            "why": "no published run on this chip: a wide interval around what other chips reach",
        },
    }
    lines = ["{"]
    items = list(table.items())
    for index, (key, value) in enumerate(items):
        comma = "," if index < len(items) - 1 else ""
        if isinstance(value, list):
            body = ",\n".join("  " + json.dumps(item) for item in value)
            lines.append(f" {json.dumps(key)}: [\n{body}\n ]{comma}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}{comma}")
    lines.append("}")
    print("\n".join(lines))


main()
