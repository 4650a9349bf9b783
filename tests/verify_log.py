#!/usr/bin/env python3
"""Verifies a Causeway log folder or an evidence pack with nothing but Python's standard library.

Written from docs/formats/log.md and docs/formats/evidence.md, sharing no code with Causeway: a second opinion.

    verify_log.py --vkey 'acme.example/causeway+1a2b3c4d+AbC...=' .causeway/log
    verify_log.py --vkey-file log.vkey evidence.json --json
    verify_log.py --vkey VKEY --since old-checkpoint .causeway/log

Exit codes: 0 all is as signed, 1 something is not (each problem on its own line), 2 usage.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys

WIDTH = 256
RECORD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z")


class Wrong(Exception):
    """Something is not as it was signed."""


# Ed25519, RFC 8032, section 6 (verification only, so nothing here needs to take constant time).

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point_add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def point_mul(scalar, p):
    q = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            q = point_add(q, p)
        p = point_add(p, p)
        scalar >>= 1
    return q


def point_decode(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verify(public, message, signature):
    if len(signature) != 64:
        return False
    a, r = point_decode(public), point_decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = point_mul(s, BASE), point_add(r, point_mul(k, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# Small pieces.


def sha256(data):
    return hashlib.sha256(data).digest()


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(f"not base64: {text[:40]!r}") from None
    if base64.b64encode(data).decode() != text:
        raise Wrong(f"not base64 in its one form: {text[:40]!r}")
    return data


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_canonical(text):
    def no_float(number):
        raise Wrong(f"a floating-point number: {number}")

    try:
        value = json.loads(text, parse_float=no_float, parse_constant=no_float)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"not JSON: {error}") from None
    if canonical(value) != text:
        raise Wrong("its JSON is not in canonical form")
    return value


def members(value, names):
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise Wrong(f"it should have the members {', '.join(sorted(names))}")
    return value


class Verifier:
    """A C2SP verifier key: name+hash+base64(0x01 || Ed25519 key)."""

    def __init__(self, text):
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise Wrong("a verifier key has three parts with + between them")
        self.text, self.name = text, parts[0]
        key = unbase64(parts[2])
        if len(key) != 33 or key[0] != 1:
            raise Wrong("the verifier key holds no Ed25519 key")
        self.public = key[1:]
        self.short = sha256(self.name.encode() + b"\n" + key)[:4]
        self.key_id = f"{self.name}+{self.short.hex()}"
        if parts[1] != self.short.hex():
            raise Wrong("the verifier key's hash is that of another name or key")

    def checkpoint(self, note):
        """Size and root of a signed checkpoint."""
        end = note.rfind("\n\n")
        if end < 0 or not note.endswith("\n"):
            raise Wrong("no blank line before the signatures")
        body, signatures = note[: end + 1], note[end + 2 : -1].split("\n")
        ours = 0
        for line in signatures:
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "\u2014":
                raise Wrong("a malformed signature line")
            signature = unbase64(parts[2])
            if parts[1] == self.name and signature[:4] == self.short:
                if not ed25519_verify(self.public, body.encode(), signature[4:]):
                    raise Wrong("the signature is not over this text")
                ours += 1
        if ours != 1:
            raise Wrong(f"{ours} signatures by {self.key_id}, not one")
        lines = body.split("\n")
        if len(lines) != 4 or lines[0] != self.name or not re.fullmatch(r"0|[1-9]\d{0,19}", lines[1]):
            raise Wrong("it has not the lines name, size, root")
        root = unbase64(lines[2])
        if len(root) != 32:
            raise Wrong("its root has not 32 bytes")
        return int(lines[1]), root

    def envelope(self, text):
        """The statement in a DSSE envelope."""
        value = members(read_canonical(text), ["payload", "payloadType", "signatures"])
        if value["payloadType"] != "application/vnd.in-toto+json" or len(value["signatures"]) != 1:
            raise Wrong("not one signature over an in-toto statement")
        signature = members(value["signatures"][0], ["keyid", "sig"])
        payload = unbase64(value["payload"])
        pae = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
        if signature["keyid"] != self.key_id or not ed25519_verify(self.public, pae, unbase64(signature["sig"])):
            raise Wrong(f"the signature is not that of {self.key_id} over this statement")
        statement = members(read_canonical(payload.decode()), ["_type", "subject", "predicateType", "predicate"])
        if statement["_type"] != "https://in-toto.io/Statement/v1" or not statement["subject"]:
            raise Wrong("not an in-toto statement v1 with a subject")
        return statement


def read_record(data):
    try:
        record = members(read_canonical(data.decode()), ["at", "envelope_sha256", "key", "v"])
    except UnicodeDecodeError:
        raise Wrong("not UTF-8 text") from None
    if record["v"] != 1 or not RECORD_TIME.fullmatch(record["at"]):
        raise Wrong("another version, or no instant")
    if not re.fullmatch(r"[0-9a-f]{64}", record["envelope_sha256"]):
        raise Wrong("no digest of an envelope")
    return record


def instant(record):
    seconds, _, fraction = record["at"].rstrip("Z").partition(".")
    return seconds, fraction.ljust(9, "0")


# The Merkle tree of RFC 6962.


def leaf_hash(entry):
    return sha256(b"\0" + entry)


def root_of(hashes):
    if not hashes:
        return sha256(b"")
    # Pairwise from the left, the odd one out going up as it is: the same tree as RFC 6962's recursive splits.
    while len(hashes) > 1:
        paired = [sha256(b"\1" + hashes[i] + hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        hashes = paired + (hashes[-1:] if len(hashes) % 2 else [])
    return hashes[0]


def included(leaf, index, size, proof, root):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    node, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            value = sha256(b"\1" + sibling + value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = sha256(b"\1" + value + sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and value == root


# A log's folder.


class LogFolder:
    def __init__(self, folder, verifier):
        self.folder, self.verifier = folder, verifier
        self.problems = []

    def wrong(self, file, entry, what):
        self.problems.append({"file": file, "entry": entry, "what": str(what)})

    def read(self, file):
        try:
            with open(os.path.join(self.folder, file), "rb") as handle:
                return handle.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    @staticmethod
    def tile_path(level, index, width):
        groups = [f"{index % 1000:03}"]
        while index >= 1000:
            index //= 1000
            groups.insert(0, f"x{index % 1000:03}")
        return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")

    def tile(self, level, index, width):
        """Path and bytes of a tile: the full one may stand for a partial one."""
        for wide in (width, WIDTH):
            path = self.tile_path(level, index, wide)
            data = self.read(path)
            if data is not None:
                return path, wide, data
        self.wrong(self.tile_path(level, index, width), None, "the file is missing")
        return self.tile_path(level, index, width), width, None

    def verify(self, since=None):
        note = self.read("checkpoint")
        if note is None:
            self.wrong("checkpoint", None, "the file is missing")
            return 0, 0
        try:
            size, root = self.verifier.checkpoint(note.decode())
        except (Wrong, UnicodeDecodeError) as error:
            self.wrong("checkpoint", None, error)
            return 0, 0

        entries = []
        for index in range(-(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            path, entry_list = self.bundle(index, width)
            if entry_list is None:
                return size, 0
            entries += [(path, entry) for entry in entry_list]
        leaves = [leaf_hash(entry) for _, entry in entries]
        if root_of(leaves) != root:
            # The tiles of leaf hashes may still have the signed root: then they tell which entries were changed.
            hashes = self.leaf_tiles(size)
            if root_of(hashes) == root:
                for index, (leaf, right) in enumerate(zip(leaves, hashes)):
                    if leaf != right:
                        self.wrong(entries[index][0], index, "the entry was changed")
                leaves = hashes
            else:
                self.wrong("checkpoint", None, "the signed root is not that of the entries here")
        if since is not None:
            try:
                old_size, old_root = self.verifier.checkpoint(since)
                if old_size > size or root_of(leaves[:old_size]) != old_root:
                    raise Wrong(f"the log does not begin with the {old_size} entries of the earlier checkpoint")
            except Wrong as error:
                self.wrong("checkpoint", None, error)

        self.hash_tiles(leaves)
        return size, self.entries(entries)

    def bundle(self, index, width):
        path, wide, data = self.tile("entries", index, width)
        if data is None:
            return path, None
        entries, at = [], 0
        while len(entries) < wide:
            length = int.from_bytes(data[at : at + 2], "big")
            if at + 2 + length > len(data):
                self.wrong(path, index * WIDTH + len(entries), "the bundle ends inside this entry")
                return path, None
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        if at != len(data):
            self.wrong(path, index * WIDTH + wide - 1, "there are bytes after the last entry")
        return path, entries[:width]

    def leaf_tiles(self, size):
        hashes = []
        for index in range(-(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            data = self.tile(0, index, width)[2] or b""
            hashes += [data[32 * i : 32 * i + 32] for i in range(width)]
        return hashes

    def hash_tiles(self, leaves):
        """Every hash tile, recomputed level by level; then the partial tiles of sizes gone by."""
        level, row = 0, leaves
        expected = {}
        while row:
            for index in range(-(-len(row) // WIDTH)):
                hashes = row[index * WIDTH : (index + 1) * WIDTH]
                path, wide, data = self.tile(level, index, len(hashes))
                expected[(str(level), index)] = hashes
                self.compare(path, level, index, wide, data, hashes)
            row = [root_of(row[i : i + WIDTH]) for i in range(0, len(row) - WIDTH + 1, WIDTH)]
            level += 1
        for (level_name, index), hashes in expected.items():
            for width in range(1, len(hashes)):
                path = self.tile_path(level_name, index, width)
                self.compare(path, int(level_name), index, width, self.read(path), hashes)
                if level_name == "0":
                    self.old_bundle(index, width, hashes)

    def compare(self, path, level, index, wide, data, hashes):
        if data is None:
            return
        if len(data) != 32 * wide:
            self.wrong(path, None, f"it has {len(data)} bytes and should have {32 * wide}")
        for place, right in enumerate(hashes[:wide]):
            if data[32 * place : 32 * place + 32] != right:
                first = (index * WIDTH + place) * WIDTH**level
                self.wrong(path, first, f"hash {place} is not that of the entries")

    def old_bundle(self, index, width, hashes):
        path = self.tile_path("entries", index, width)
        if self.read(path) is None:
            return
        path, entries = self.bundle(index, width)
        for place, entry in enumerate(entries or []):
            if leaf_hash(entry) != hashes[place]:
                self.wrong(path, index * WIDTH + place, "the entry was changed")

    def entries(self, entries):
        keys, last, whole = {}, None, 0
        for index, (path, data) in enumerate(entries):
            before = len(self.problems)
            try:
                record = read_record(data)
            except Wrong as error:
                self.wrong(path, index, error)
                continue
            if keys.setdefault(record["key"], index) != index:
                self.wrong(path, index, f"its key is that of entry {keys[record['key']]} too")
            if last is not None and instant(record) < last:
                self.wrong(path, index, "its instant is before the entry ahead of it")
            last = instant(record)
            file = f"envelopes/{record['envelope_sha256']}.json"
            envelope = self.read(file)
            if envelope is None:
                self.wrong(file, index, "the file is missing")
            elif sha256(envelope).hex() != record["envelope_sha256"]:
                self.wrong(file, index, "it was changed: its digest is not its name")
            else:
                try:
                    self.verifier.envelope(envelope.decode())
                except (Wrong, UnicodeDecodeError) as error:
                    self.wrong(file, index, error)
            whole += len(self.problems) == before
        return whole


# An evidence pack.


def names_digest(value, hex_digest):
    if isinstance(value, str):
        return value.removeprefix("sha256:") == hex_digest
    if isinstance(value, list):
        return any(names_digest(item, hex_digest) for item in value)
    if isinstance(value, dict):
        return any(names_digest(item, hex_digest) for item in value.values())
    return False


def verify_evidence(text, verifier):
    problems = []

    def wrong(file, entry, what):
        problems.append({"file": file, "entry": entry, "what": str(what)})

    names = ["attachments", "checkpoint", "contents", "entries", "format", "v", "vkey"]
    pack = members(read_canonical(text), names)
    if pack["format"] != "causeway-evidence" or pack["v"] != 1:
        raise Wrong(f"not a causeway-evidence of version 1: {pack['format']} {pack['v']}")
    if pack["vkey"] != verifier.text:
        raise Wrong(f"the pack was made with {pack['vkey']}")
    size, root = 0, b""
    try:
        size, root = verifier.checkpoint(pack["checkpoint"])
    except Wrong as error:
        wrong("checkpoint", None, error)

    subjects = [("checkpoint", sha256(pack["checkpoint"].encode()).hex())]
    subjects += [("attachments/" + a["name"], a["sha256"]) for a in pack["attachments"]]
    try:
        contents = verifier.envelope(pack["contents"])
        if (
            contents["predicateType"] != "https://github.com/causeway-project/causeway/evidence-contents/v1"
            or contents["predicate"] != {"entries": [entry["index"] for entry in pack["entries"]]}
            or contents["subject"] != [{"name": n, "digest": {"sha256": d}} for n, d in subjects]
        ):
            raise Wrong("the pack does not hold what was signed")
    except Wrong as error:
        wrong("contents", None, error)

    statements, keys, last = {}, set(), None
    for entry in pack["entries"]:
        index = members(entry, ["envelope", "index", "proof", "record"])["index"]
        part = "record"
        try:
            record = read_record(entry["record"].encode())
            if record["key"] in keys or (last and (index, instant(record)) <= last):
                raise Wrong("a second entry of this key, or one out of order")
            if last and instant(record) < last[1]:
                raise Wrong("its instant is before the entry ahead of it")
            keys.add(record["key"])
            last = (index, instant(record))
            part = "proof"
            proof = [unbase64(step) for step in entry["proof"]]
            if not included(leaf_hash(entry["record"].encode()), index, size, proof, root):
                raise Wrong("it does not prove that the log holds this entry here")
            part = "envelope"
            if sha256(entry["envelope"].encode()).hex() != record["envelope_sha256"]:
                raise Wrong("it is not the one that the entry names")
            statements[index] = verifier.envelope(entry["envelope"])
        except Wrong as error:
            wrong(f"entries/{index}/{part}", index, error)

    attachments = []
    for attachment in pack["attachments"]:
        digest = members(attachment, ["bytes", "name", "sha256"])["sha256"]
        if sha256(unbase64(attachment["bytes"])).hex() != digest:
            wrong("attachments/" + attachment["name"], None, "its bytes are not those of its digest")
            continue
        logged = [
            index
            for index, statement in statements.items()
            if any(subject["digest"].get("sha256") == digest for subject in statement["subject"])
            or names_digest(statement["predicate"], digest)
        ]
        attachments.append({"name": attachment["name"], "sha256": digest, "logged_by": logged})
    return size, len(statements), attachments, problems


def main():
    parser = argparse.ArgumentParser(description="Verifies a Causeway log folder or an evidence pack.")
    parser.add_argument("path", help="the log's folder (with the file checkpoint in it), or an evidence pack")
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--vkey", help="the log's verifier key")
    key.add_argument("--vkey-file", help="a file that holds it")
    parser.add_argument("--since", help="a file with an earlier checkpoint: the log must still begin with its entries")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args()
    try:
        if options.vkey_file:
            with open(options.vkey_file, encoding="utf-8") as handle:
                options.vkey = handle.read().strip()
        verifier = Verifier(options.vkey)
        since = None
        if options.since:
            with open(options.since, encoding="utf-8", newline="") as handle:
                since = handle.read()
    except (OSError, Wrong) as error:
        parser.error(str(error))

    attachments = None
    if os.path.isdir(options.path):
        log = LogFolder(options.path, verifier)
        size, entries = log.verify(since)
        problems = log.problems
    else:
        try:
            with open(options.path, encoding="utf-8", newline="") as handle:
                text = handle.read()
        except OSError as error:
            parser.error(str(error))
        except UnicodeDecodeError:
            text = ""
        try:
            size, entries, attachments, problems = verify_evidence(text, verifier)
        except (Wrong, KeyError, TypeError, AttributeError, ValueError) as error:
            size, entries = 0, 0
            problems = [{"file": "", "entry": None, "what": str(error)}]

    if options.json:
        result = {"v": 1, "ok": not problems, "size": size, "entries": entries, "problems": problems}
        if attachments is not None:
            result["attachments"] = attachments
        print(json.dumps(result))
    else:
        for problem in problems:
            entry = "" if problem["entry"] is None else f", entry {problem['entry']}"
            print(f"{problem['file']}{entry}: {problem['what']}")
        print(f"{entries} entries proved of a log of {size}, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
