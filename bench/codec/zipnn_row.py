#!/usr/bin/env python3
"""zipnn on the bf16 files that the bench left behind: seconds of one thread, median of five rounds."""
import statistics, sys, time

import zipnn

for name in ["minilm", "crepe", "chgnet"]:
    with open(f"{sys.argv[1]}/{name}.bf16", "rb") as file:
        raw = file.read()
    codec = zipnn.ZipNN(bytearray_dtype="bfloat16", input_format="byte", threads=1)
    rates = []
    for _ in range(5):
        times = [time.process_time()]
        encoded = codec.compress(bytearray(raw))
        times.append(time.process_time())
        decoded = codec.decompress(encoded)
        times.append(time.process_time())
        assert bytes(decoded) == raw
        rates.append([len(raw) / (end - start) / 1e9 for start, end in zip(times, times[1:])])
    encode, decode = (statistics.median(column) for column in zip(*rates))
    print(f"| {name} bf16 | zipnn 0.5.4 | {100 * len(encoded) / len(raw):.2f} | {encode:.2f} | {decode:.2f} |")
