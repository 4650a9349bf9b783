#!/usr/bin/env python3
"""A second decoder of encoded blocks, written from docs/formats/codec.md: decode.py LENGTH [BASE BASE_BLAKE3] <ENCODED >BLOCK

Plain Python, slow, and strict: whatever the description does not allow ends it with exit code 1.
"""
import sys

WIDTHS = [2, 2, 4, 1, 1, 1, 1]  # by element code: bf16, f16, f32, e4m3, e5m2, i8, opaque
LANES, LOW, SCALE = 64, 1 << 15, 1 << 12


class Damaged(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Damaged(why)


class Reader:
    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, count):
        need(self.place + count <= len(self.data), "it ends too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")


def table(reader):
    """One table as a list of (symbol, frequency, first slot), by slot."""
    slots, symbol = [], 0
    while len(slots) < SCALE:
        byte = reader.number(1)
        if byte == 0:
            symbol += reader.number(1) + 1
            continue
        frequency = byte if byte < 0x80 else (byte & 0x7F) << 8 | reader.number(1)
        need(0 < frequency < SCALE and symbol < 256, "a table's frequencies")
        slots += [(symbol, frequency, len(slots))] * frequency
        symbol += 1
    need(len(slots) == SCALE, "a table's sum")
    return slots


def rans(reader, tables, context, count):
    states, averages = [reader.number(4) for _ in range(LANES)], [0] * LANES
    need(all(LOW <= state < LOW << 16 for state in states), "a state")
    out = bytearray(count)
    for index in range(count):
        state = states[index % LANES]
        symbol, frequency, first = tables[context(index, averages[index % LANES] // 256)][state % SCALE]
        out[index] = symbol
        averages[index % LANES] += 64 * symbol - averages[index % LANES] // 4
        state = frequency * (state // SCALE) + state % SCALE - first
        if state < LOW:
            state = state << 16 | reader.number(2)
        states[index % LANES] = state
    need(all(state == LOW for state in states) and reader.place == len(reader.data), "a plane's end")
    return out


def plane(reader, planes, exponents, count):
    coding = reader.number(1)
    if coding == 0:
        return reader.take(count)
    if coding == 1:
        return reader.take(1) * count
    need(coding in (2, 3, 6, 7), "a coding")
    inner = Reader(reader.take(reader.number(4)))
    escape, apart = -1, iter(b"")
    if coding & 4:
        escape = inner.number(1)
        apart = iter(inner.take(inner.number(4)))
    symbols = coded(inner, coding & 3, planes, exponents, count)
    for index in range(count):
        if symbols[index] == escape:
            instead = next(apart, None)
            need(instead is not None, "the number of escaped symbols")
            symbols[index] = instead
    need(next(apart, None) is None, "the number of escaped symbols")
    return symbols


def coded(inner, coding, planes, exponents, count):
    if coding == 2:
        return rans(inner, [table(inner)], lambda index, average: 0, count)
    source, classes = inner.number(1), inner.number(1)
    need(2 <= classes <= 16, "the number of contexts")
    firsts = inner.take(classes - 1)
    tables = [table(inner) for _ in range(classes)]
    need(source < len(planes) or source in (0xFD, 0xFE) or source == 0xFF and exponents, "a source")
    of = [sum(value >= first for first in firsts) for value in range(256)]
    if source == 0xFD:
        return rans(inner, tables, lambda index, average: of[average], count)
    if source == 0xFE:
        run = next(1 << k for k in range(32) if count <= 256 << k)
        values = [index // run for index in range(count)]
    else:
        values = exponents if source == 0xFF else planes[source]
    return rans(inner, tables, lambda index, average: of[values[index]], count)


def ordered(value, top):
    return value ^ (2 * top - 1) if value & top else value | top


def unordered(value, top):
    return value ^ top if value & top else value ^ (2 * top - 1)


def decode(encoded, length, base=b"", base_hash=b""):
    reader = Reader(encoded)
    need(reader.number(1) == 1, "the version")
    method = reader.number(1)
    if method == 0:
        need(len(encoded) == length + 2, "the length")
        return reader.take(length)
    need(method in (1, 2), "the method")
    element = reader.number(1)
    need(element < len(WIDTHS), "the element type")
    need(reader.number(4) == length, "the length")
    width, is_float = WIDTHS[element], element < 5
    bits, count = 8 * width, length // width
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    need(count > 0, "the length")
    bases, exponents = [], b""
    if method == 2:
        need(reader.take(32) == base_hash and len(base) == length, "the base")
        bases = [int.from_bytes(base[i * width : i * width + width], "little") for i in range(count)]
        turned = ((b << 1 | b >> (bits - 1)) & mask if is_float else b for b in bases)
        exponents = bytes(value >> (bits - 8) for value in turned)
    planes = []
    for _ in range(width):
        planes.append(plane(reader, planes, exponents, count))
    out = bytearray()
    for index in range(count):
        value = int.from_bytes(bytes(p[index] for p in planes), "big")
        if method == 2:
            value = value >> 1 ^ (mask if value & 1 else 0)
            if is_float:
                value = unordered((ordered(bases[index], top) + value) & mask, top)
            else:
                value = (bases[index] + value) & mask
        elif width > 1:
            value = value >> 1 | (value & 1) << (bits - 1)
        out += value.to_bytes(width, "little")
    out += reader.take(length % width)
    need(reader.place == len(encoded), "bytes after the end")
    return bytes(out)


if __name__ == "__main__":
    given = b"", b""
    if len(sys.argv) > 2:
        with open(sys.argv[2], "rb") as file:
            given = file.read(), bytes.fromhex(sys.argv[3])
    try:
        sys.stdout.buffer.write(decode(sys.stdin.buffer.read(), int(sys.argv[1]), *given))
    except Damaged as why:
        sys.exit(f"damaged: {why}")
