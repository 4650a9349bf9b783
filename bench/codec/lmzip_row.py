#!/usr/bin/env python3
"""lmzip on the bf16 files that the bench left behind, each as the one tensor of a safetensors file: seconds of one worker,
checksums off, files in memory (/dev/shm where that is), median of five rounds."""
import json, os, pathlib, statistics, struct, sys, tempfile, time

from lmz import api

for name in ["minilm", "crepe", "chgnet"]:
    raw = pathlib.Path(f"{sys.argv[1]}/{name}.bf16").read_bytes()
    header = json.dumps({"w": {"dtype": "BF16", "shape": [len(raw) // 2], "data_offsets": [0, len(raw)]}}).encode()
    header += b" " * (-len(header) % 8)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        source, archive, back = (f"{folder}/{what}" for what in ("model.safetensors", "model.lmz", "back.safetensors"))
        whole = struct.pack("<Q", len(header)) + header + raw
        pathlib.Path(source).write_bytes(whole)
        rates = []
        for _ in range(5):
            pathlib.Path(back).unlink(missing_ok=True)
            pathlib.Path(archive).unlink(missing_ok=True)
            times = [time.process_time()]
            api.compress(source, archive, workers=1, checksum=False)
            times.append(time.process_time())
            api.decompress(archive, back, workers=1, verify_checksums=False)
            times.append(time.process_time())
            assert pathlib.Path(back).read_bytes() == whole
            rates.append([len(raw) / (end - start) / 1e9 for start, end in zip(times, times[1:])])
        encode, decode = (statistics.median(column) for column in zip(*rates))
        print(f"| {name} bf16 | lmzip 1.3.0 | {100 * os.path.getsize(archive) / len(raw):.2f} | {encode:.2f} | {decode:.2f} |")
