#!/usr/bin/env python3
"""Kills, cuts and full disks: `causeway agent` and `causeway pull` over an emulated long link (tests/wan).

Run by ./test as suite `wan`. Prints `ok NAME`, `failed: NAME: why`, `skipped: NAME: why`, and closes with `N passed, N failed, N skipped`.
Needs Python 3.11, root, /dev/net/tun and `ip`. Names of tests as arguments run those alone. CAUSEWAY_TEST_BINARY and WAN_EMU name other programs;
CAUSEWAY_TEST_SEED another seed. What is random comes from the seed; the instants at which processes die follow the bytes that have crossed.
"""
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/wan"))
sys.dont_write_bytecode = True
import link as wan  # noqa: E402
from link import Link  # noqa: E402

CAUSEWAY = os.environ.get("CAUSEWAY_TEST_BINARY") or str(ROOT / "target/release/causeway")
SEED = int(os.environ.get("CAUSEWAY_TEST_SEED", "5"))
PORT = 4433
MB = 1_000_000
BLOCK = 4 << 20  # the longest there is
LANES = 8
# A packet of 1500 bytes with this much payload, as QUIC fills it; less would allow more of it to be called overhead.
PAYLOAD_SHARE = 0.98
# Seconds after the end of a cut within which bytes flow again.
AFTER_CUT = 2.0
# The same after an agent or an address is back: silence of 3 x RTT + 1 s, at least 2.5 s, a new connection, and a machine with work to
# do; measured are 2.6 and 3.6 s.
AFTER_RETURN = 8.0
# One of several may take this much longer: a machine of two cores runs both hosts and the link between them.
SLOWEST = 2.5
# What flows: more than the retries and handshakes of a connection that is not back.
FLOWS = 200_000
# Ended by a limit, it takes its links and disks down all the same.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
counts = {"passed": 0, "failed": 0, "skipped": 0}
wanted = sys.argv[1:]


def test(function):
    """Runs a test now, in a folder of its own."""
    name = function.__name__
    if wanted and name not in wanted:
        return
    started = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"causeway-wan-{name}-"))
    try:
        function(folder)
    except Exception as why:  # a test may fail in any way
        counts["failed"] += 1
        print(f"failed: {name}: {type(why).__name__}: {why}", flush=True)
    else:
        counts["passed"] += 1
        print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def long(function):
    """One that takes a quarter of an hour: only where it is named."""
    if function.__name__ in wanted:
        test(function)
    elif not wanted:
        counts["skipped"] += 1
        print(f"skipped: {function.__name__}: it takes a quarter of an hour; name it to run it", flush=True)


class Limit(Exception):
    """Something did not happen in time."""


def until(what, limit, condition):
    """Waits for a condition; gives its value and the seconds that it took."""
    started = time.monotonic()
    while True:
        value = condition()
        took = time.monotonic() - started
        if value:
            return value, took
        if took > limit:
            raise Limit(f"{what}: not within {limit:g} s")
        time.sleep(0.02)  # between two looks, not in place of one


class Site:
    """An agent at the far end, a pull at the near one, and a link between them."""

    def __init__(self, folder, delay_ms, loss, rate_mbit, *settings):
        self.folder = folder
        self.root, self.home = folder / "far", folder / "near"
        self.root.mkdir()
        self.home.mkdir()
        self.ticket = folder / "ticket.json"
        self.link = Link(f"cw-{os.getpid()}", delay_ms, loss, rate_mbit, *settings, seed=SEED)
        self.rtt = 2 * delay_ms / 1000
        self.agent = self.pull = None
        self.log = open(folder / "agent.log", "ab")
        self.kills = 0

    def __enter__(self):
        self.link.__enter__()
        return self

    def __exit__(self, *error):
        self.link.__exit__(*error)
        self.log.close()

    def start_agent(self):
        """Starts it and waits until it listens. A ticket of an agent before it does not count."""
        def stamp():
            try:
                return self.ticket.stat().st_ino, self.ticket.stat().st_mtime_ns
            except FileNotFoundError:
                return None
        before = stamp()
        words = [CAUSEWAY, "--state", self.folder / "none", "agent", "--listen", f"{self.link.far}:{PORT}", "--root", self.root, "--ticket-file", self.ticket]
        self.agent = self.link.start("far", words, stdout=self.log, stderr=self.log)

        def listening():
            assert self.agent.poll() is None, f"the agent ended with {self.agent.returncode}: {(self.folder / 'agent.log').read_text()[-500:]}"
            return stamp() not in (None, before)
        until("the agent listens", 20, listening)
        assert self.ticket.stat().st_mode & 0o777 == 0o600

    def start_pull(self, path, dest, *more):
        """Starts a pull; its events are in `events`, and the last of them in `ended`."""
        self.events = self.folder / f"pull-{time.monotonic_ns()}.json"
        with open(self.events, "wb") as events, open(self.folder / "pull.log", "ab") as log:
            words = [CAUSEWAY, "--state", self.folder / "none", "pull", "--ticket-file", self.ticket, path, dest, "--json", *more]
            self.pull = self.link.start("near", words, stdout=events, stderr=log)

    def kill(self, process):
        process.kill()
        process.wait()
        self.kills += 1

    def running(self):
        """Whether the pull still runs. One that failed fails the test."""
        if self.pull.poll() is None:
            return True
        assert self.pull.returncode == 0, f"the pull ended with {self.pull.returncode}: {self.last()}"
        return False

    def last(self):
        """The last event, and what the pull said on its error output."""
        lines = self.events.read_text().strip().splitlines()
        return lines[-1] if lines else (self.folder / "pull.log").read_text()[-500:]

    def stage(self):
        try:
            return json.loads(self.last()).get("stage", "")
        except ValueError:
            return ""

    def finish(self, limit):
        """Waits for the end of the pull; gives its summary."""
        until(f"the pull's end (it says `{self.stage()}`)", limit, lambda: not self.running())
        return json.loads(self.last())

    def crossed(self, count, limit=60):
        """Waits until so many more bytes came to near; False when the pull ended before."""
        goal = self.link.arrived() + count
        (outcome, _) = until(f"{count} more bytes at home (the pull says `{self.stage()}`)", limit, lambda: self.link.arrived() >= goal or not self.running())
        return self.link.arrived() >= goal and self.running()

    def delivered(self):
        """Bytes, about, that came to an address that home has: those for one that it had do not count."""
        try:
            counters = pathlib.Path(f"/proc/{self.pull.pid}/net/snmp").read_text()
        except OSError:
            # It has just ended: well, or `running` says how.
            self.pull.wait()
            self.running()
            raise
        head, values = (line.split() for line in counters.splitlines() if line.startswith("Ip:"))
        return int(values[head.index("InDelivers")]) * 1400

    def flows_again(self, what):
        """Seconds from now until bytes flow. Waits for far longer than it should take, so that the figure is known."""
        start, began = self.delivered(), time.monotonic()
        until(f"{what} (the pull says `{self.stage()}`)", 45, lambda: not self.running() or self.delivered() - start > FLOWS)
        return time.monotonic() - began

    def drained(self):
        """Waits until nothing is under way to home: what a dead agent sent is no sign of life."""
        until("the link to be empty", 10, lambda: self.link.stats()["down"]["in_flight"] == 0)

    def payload(self):
        """Payload that came home in all runs together, at least: what crossed, less the headers."""
        return self.link.arrived() * PAYLOAD_SHARE


def write(path, count, source):
    with open(path, "wb") as file:
        while count:
            count -= file.write(source.randbytes(min(count, 100 * MB)))


def same(one, other):
    done = subprocess.run(["cmp", one, other], capture_output=True, text=True)
    assert done.returncode == 0, f"not the same bytes: {done.stdout}{done.stderr}"


def nothing_else(site, *names):
    """Beside what was asked for nothing is left at home."""
    left = sorted(entry.name for entry in site.home.iterdir())
    assert left == sorted(names), f"left at home: {left}"


def at_most(figures, limit, what):
    print("   " + what + ": " + ", ".join(f"{figure:.1f}" for figure in figures) + f" s, limit {limit:g} s", flush=True)
    late = [figure for figure in figures if figure > limit]
    slow = len(late) > len(figures) // 4 or any(figure > limit * SLOWEST for figure in late)
    assert not slow, f"{what}: {len(late)} of {len(figures)} took longer than {limit:g} s, at most {max(figures):.1f} s"


def bound(raw, kills):
    """At most two blocks a lane are sent twice for each kill."""
    return raw + kills * LANES * 2 * BLOCK


def tree(folder, source, files):
    """A random tree: empty and small and large files, nested, executable ones, names that programs stumble over."""
    odd = ["with space", "ünïcode-重み", "-dash", "semi;colon", "quote'\"", "back\\slash", "#hash", "%41", ".hidden", "~tilde", "star*", "a" * 200]
    directories = [folder]
    folder.mkdir(parents=True)
    for number in range(files):
        if source.random() < 0.2:
            deeper = source.choice(directories) / f"{source.choice(odd)[:40]}.d{number}"
            deeper.mkdir()
            directories.append(deeper)
        size = source.choice([0, 1, source.randrange(100), source.randrange(70_000), source.randrange(4 << 20)])
        path = source.choice(directories) / (source.choice(odd) + f".{number}")
        write(path, size, source)
        path.chmod(0o755 if source.random() < 0.3 else 0o644)


def listing(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = (path.stat().st_size, bool(path.stat().st_mode & 0o100), hash(path.read_bytes()))
    return found


reason = wan.why_not() or (None if os.path.exists(CAUSEWAY) else f"{CAUSEWAY} is not built") or (None if wan.EMULATOR.exists() else f"{wan.EMULATOR} is not built")
if reason:
    print(f"skipped: transfers over a long link: {reason}")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)


@test
def a_plain_transfer_over_a_long_lossy_link(folder):
    raw = 40 * MB
    with Site(folder, 90, 0.01, 100) as site:
        write(site.root / "model.bin", raw, random.Random(SEED))
        site.start_agent()
        site.start_pull("model.bin", site.home / "deep/er/model.bin")
        summary = site.finish(40)
        same(site.root / "model.bin", site.home / "deep/er/model.bin")
        nothing_else(site, "deep")
        missing = {"raw_bytes", "wire_bytes", "sent_bytes", "seconds", "carrier", "reused_bytes"} - summary.keys()
        assert not missing, f"the summary has no {missing}"
        assert summary["raw_bytes"] == raw and summary["reused_bytes"] == 0, summary
        # Random bytes do not shrink; a block's header is a few bytes.
        assert raw <= summary["wire_bytes"] <= raw * 1.001, summary
        put = site.link.stats()["down"]["in_bytes"]
        by_itself, by_the_link = summary["sent_bytes"] / summary["wire_bytes"], put * PAYLOAD_SHARE / raw
        print(f"   {raw * 8 / summary['seconds'] / MB:.0f} of 100 Mbit/s over all; sent/payload {by_itself:.3f} by its own count, {by_the_link:.3f} by the link's")
        assert 1 <= by_itself <= 1.1 and by_the_link <= 1.1, (by_itself, by_the_link)
        # What it says that it sent is what left: headers of IP and UDP are not its own.
        assert put * 0.97 <= summary["sent_bytes"] <= put, (summary["sent_bytes"], put)


@test
def a_pull_killed_thirty_times_loses_little(folder):
    raw, source = 90 * MB, random.Random(SEED)
    with Site(folder, 10, 0.001, 300) as site:
        write(site.root / "model.bin", raw, source)
        site.start_agent()
        # Early and late ones, so that journal, blocks and manifest are all met; one in three comes while many blocks are under way.
        for _ in range(30):
            site.start_pull("model.bin", site.home / "model.bin")
            most = source.choice([3_000, 2 * MB, 20 * MB])
            if not site.crossed(source.randrange(most)):
                break
            site.kill(site.pull)
            assert not (site.home / "model.bin").exists(), "visible before it was whole"
        if site.pull.poll() is not None and site.pull.returncode != 0:
            site.start_pull("model.bin", site.home / "model.bin")
        summary = site.finish(40)
        same(site.root / "model.bin", site.home / "model.bin")
        nothing_else(site, "model.bin")
        crossed = site.payload()
        print(f"   {site.kills} kills, {crossed / MB:.0f} MB for {raw / MB:.0f} MB, at most {bound(raw, site.kills) / MB:.0f} MB; the last run found {summary['reused_bytes'] / MB:.0f} MB")
        assert site.kills == 30, f"only {site.kills} kills within the transfer"
        assert crossed <= bound(raw, site.kills)
        assert summary["reused_bytes"] > 0, summary


@test
def a_killed_agent_is_waited_for(folder):
    raw, source = 80 * MB, random.Random(SEED + 1)
    with Site(folder, 10, 0.001, 200) as site:
        write(site.root / "model.bin", raw, source)
        site.start_agent()
        site.start_pull("model.bin", site.home / "model.bin")
        back = []
        deadline = time.monotonic() + 60
        while len(back) < 10 and time.monotonic() < deadline:
            # Far enough apart for blocks to come home between them.
            if not site.crossed(FLOWS + source.randrange(12 * MB)):
                break
            site.kill(site.agent)
            site.drained()
            site.start_agent()
            back.append(site.flows_again("bytes after the agent listens again"))
        summary = site.finish(40)
        same(site.root / "model.bin", site.home / "model.bin")
        nothing_else(site, "model.bin")
        crossed = site.payload()
        print(f"   {site.kills} kills of the agent, {crossed / MB:.0f} MB for {raw / MB:.0f} MB, at most {bound(raw, site.kills) / MB:.0f} MB")
        assert crossed <= bound(raw, site.kills), crossed
        assert summary["raw_bytes"] == raw, summary
        at_most(back, AFTER_RETURN, "bytes flow after the agent listens again")
        assert site.kills >= 8, f"only {site.kills} kills within the transfer and a minute"


@test
def a_cut_link_comes_back_soon(folder):
    raw, source = 50 * MB, random.Random(SEED + 2)
    with Site(folder, 90, 0.001, 100) as site:
        write(site.root / "model.bin", raw, source)
        site.start_agent()
        site.start_pull("model.bin", site.home / "model.bin")
        back, late = [], []
        for ways, seconds in (("up down", 3), ("up", 3), ("down", 2), ("up down", 10)):
            assert site.crossed(3 * MB + source.randrange(3 * MB)), "the transfer ended before its cuts"
            if ways == "up down":
                # What is under way is lost with it.
                site.link.control("cut", seconds)
                until("the link's end of a cut", seconds + 5, lambda: '"cut":true' not in site.link.control("stats"))
            else:
                site.link.control("set", f"{ways}.cut=1")
                # The length of a cut is the stimulus, not a wait for something to happen.
                ended = time.monotonic() + seconds
                until("the length of a cut", seconds + 5, lambda: time.monotonic() >= ended)
                site.link.control("set", f"{ways}.cut=0")
            back.append(site.flows_again(f"bytes after a cut of {seconds} s ({ways})"))
            assert site.running(), "the transfer ended before its cuts"
        site.finish(40)
        same(site.root / "model.bin", site.home / "model.bin")
        nothing_else(site, "model.bin")
        crossed = site.payload()
        print(f"   {len(back)} cuts, {crossed / MB:.0f} MB for {raw / MB:.0f} MB")
        assert crossed <= bound(raw, len(back)), crossed
        at_most(back, AFTER_CUT, "bytes flow after a cut (both 3 s, up 3 s, down 2 s, both 10 s)")


@test
def both_hosts_die_and_the_address_changes(folder):
    raw, source = 40 * MB, random.Random(SEED + 3)
    with Site(folder, 90, 0.001, 100) as site:
        write(site.root / "model.bin", raw, source)
        site.start_agent()
        site.start_pull("model.bin", site.home / "model.bin")
        for _ in range(2):
            assert site.crossed(2 * MB + source.randrange(4 * MB)), "the transfer ended before it was killed"
            site.kill(site.pull)
            site.kill(site.agent)
            assert not (site.home / "model.bin").exists(), "visible before it was whole"
            site.start_agent()
            site.start_pull("model.bin", site.home / "model.bin")
        old, back = site.link.near, []
        for last in (33, 34):
            assert site.crossed(4 * MB), "the transfer ended before its address changed"
            new = f"{site.link.network}.{last}"
            site.link.address("near", old, new)
            old = new
            back.append(site.flows_again("bytes after home's address changed"))
            assert site.running(), "the transfer ended before its address changed"
        site.finish(60)
        same(site.root / "model.bin", site.home / "model.bin")
        nothing_else(site, "model.bin")
        assert site.payload() <= bound(raw, 4), site.payload()
        at_most(back, AFTER_RETURN, "bytes flow after home's address changed")


@test
def throttled_udp_is_left_for_tcp(folder):
    raw = 40 * MB
    with Site(folder, 20, 0, 100, "udp_mbit=5") as site:
        write(site.root / "model.bin", raw, random.Random(SEED + 7))
        site.start_agent()
        site.start_pull("model.bin", site.home / "model.bin")
        summary = site.finish(90)
        same(site.root / "model.bin", site.home / "model.bin")
        print(f"   {summary['seconds']:.1f} s, {raw * 8 / 5e6:.0f} s at the rate of UDP: {summary['why']}")
        assert summary["carrier"] == "tcp" and "UDP brought" in summary["why"], summary
        assert summary["seconds"] < 30, summary


@long
def two_hundred_kills_and_twenty_cuts(folder):
    raw, source = 1000 * MB, random.Random(SEED + 8)
    with Site(folder, 45, 0.001, 100) as site:
        write(site.root / "model.bin", raw, source)
        site.start_agent()
        site.start_pull("model.bin", site.home / "model.bin")
        back, cuts = [], 0
        for number in range(200):
            if number % 10 == 9:
                assert site.crossed(FLOWS + source.randrange(2 * MB)), "the transfer ended before its cuts"
                site.link.control("cut", 10)
                until("the link's end of a cut", 15, lambda: '"cut":true' not in site.link.control("stats"))
                back.append(site.flows_again("bytes after a cut of 10 s"))
                cuts += 1
            assert site.crossed(source.randrange(source.choice([3_000, 2 * MB, 8 * MB]))), "the transfer ended before its kills"
            if source.random() < 0.5:
                site.kill(site.pull)
                assert not (site.home / "model.bin").exists(), "visible before it was whole"
                site.start_pull("model.bin", site.home / "model.bin")
            else:
                site.kill(site.agent)
                site.start_agent()
        summary = site.finish(300)
        same(site.root / "model.bin", site.home / "model.bin")
        nothing_else(site, "model.bin")
        crossed, most = site.payload(), bound(raw, site.kills + cuts)
        print(f"   {site.kills} kills and {cuts} cuts, {crossed / MB:.0f} MB for {raw / MB:.0f} MB, at most {most / MB:.0f} MB; the last run found {summary['reused_bytes'] / MB:.0f} MB")
        assert site.kills == 200 and cuts == 20, (site.kills, cuts)
        assert crossed <= most, crossed
        at_most(back, AFTER_CUT, "bytes flow after a cut of 10 s")


@test
def https_survives_kills_and_cuts(folder):
    raw, source = 60 * MB, random.Random(SEED + 6)
    with Site(folder, 45, 0.001, 100) as site:
        write(site.root / "model.bin", raw, source)
        site.start_agent()
        start = lambda: site.start_pull("model.bin", site.home / "model.bin", "--carrier", "https")  # noqa: E731
        start()
        back = []
        for round in range(3):
            assert site.crossed(2 * MB + source.randrange(3 * MB)), "the transfer ended before it was killed"
            site.kill(site.pull)
            assert not (site.home / "model.bin").exists(), "visible before it was whole"
            start()
            assert site.crossed(2 * MB + source.randrange(3 * MB)), "the transfer ended before its agent was killed"
            site.kill(site.agent)
            site.drained()
            site.start_agent()
            back.append(site.flows_again("bytes after the agent listens again"))
            assert site.running(), "the transfer ended before its cuts"
            site.link.control("cut", 4)
            until("the link's end of a cut", 9, lambda: '"cut":true' not in site.link.control("stats"))
            back.append(site.flows_again("bytes after a cut of 4 s"))
            assert site.running(), "the transfer ended before its cuts"
        summary = site.finish(60)
        same(site.root / "model.bin", site.home / "model.bin")
        nothing_else(site, "model.bin")
        print(f"   {site.kills} kills and 3 cuts over {summary['carrier']}, {site.payload() / MB:.0f} MB for {raw / MB:.0f} MB")
        assert summary["carrier"] == "https", summary
        at_most(back, AFTER_RETURN, "bytes flow after a kill or a cut")


def mount(path, size, *more):
    """A disk of that size; the tests' processes see it since namespaces are entered later."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = 32 if more else 0  # MS_REMOUNT
    if libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, f"size={size}".encode()):
        raise OSError(ctypes.get_errno(), f"a disk at {path}")


@test
def a_full_disk_at_home_is_said_and_survived(folder):
    raw = 24 * MB
    with Site(folder, 10, 0, 100) as site:
        write(site.root / "model.bin", raw, random.Random(SEED + 4))
        mount(site.home, 12 * MB)
        try:
            site.start_agent()
            site.start_pull("model.bin", site.home / "model.bin")
            full, limit = ("no space", "full", "space left"), 30
            # It may end and say why, or wait for space and say so.
            until("a word about the full disk", limit, lambda: site.pull.poll() is not None or any(word in site.stage() for word in full))
            said = site.events.read_text() + (folder / "pull.log").read_text()
            assert any(word in said.lower() for word in full), f"nothing about a full disk in {said[-600:]}"
            assert not (site.home / "model.bin").exists(), "half a file is visible"
            visible = [entry.name for entry in site.home.iterdir() if not entry.name.startswith(".")]
            assert visible == [], f"visible at home: {visible}"
            ended = site.pull.poll()
            assert ended != 0, "it says that it is done"
            print(f"   it {'waits' if ended is None else f'ended with {ended}'}, and says: {site.last()[:300]}")
            mount(site.home, 64 * MB, "again")
            if ended is not None:
                site.start_pull("model.bin", site.home / "model.bin")
            summary = site.finish(60)
            same(site.root / "model.bin", site.home / "model.bin")
            nothing_else(site, "model.bin")
            crossed = site.payload()
            print(f"   {crossed / MB:.0f} MB crossed for {raw / MB:.0f} MB; the last run found {summary['reused_bytes'] / MB:.0f} MB")
            assert crossed <= bound(raw, 1), crossed
            if ended is not None:
                assert summary["reused_bytes"] > 0, summary
        finally:
            site.kill(site.pull) if site.pull and site.pull.poll() is None else None
            subprocess.run(["umount", "-l", site.home], check=False)


@test
def random_trees_survive_random_kills(folder):
    source = random.Random(SEED + 5)
    for number in range(4):
        place = folder / str(number)
        place.mkdir()
        with Site(place, 10, 0.005, 200) as site:
            tree(site.root / "runs/tree", source, 60)
            site.start_agent()
            dest = site.home / "out"
            site.start_pull("runs/tree", dest)
            for _ in range(6):
                if not site.crossed(source.randrange(8 * MB)):
                    break
                if source.random() < 0.75:
                    site.kill(site.pull)
                    assert not dest.exists(), "visible before it was whole"
                    site.start_pull("runs/tree", dest)
                else:
                    site.kill(site.agent)
                    site.start_agent()
            site.finish(60)
            one, other = listing(site.root / "runs/tree"), listing(dest)
            differing = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
            assert not differing, f"tree {number} of seed {SEED}: {len(differing)} files differ, such as {differing[:3]}"
            nothing_else(site, "out")
            print(f"   {len(one)} files, {sum(size for size, _, _ in one.values()) / MB:.0f} MB, {site.kills} kills", flush=True)


print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(1 if counts["failed"] or not counts["passed"] else 0)
