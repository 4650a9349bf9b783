#!/usr/bin/env python3
"""The quickstart as a user runs it, with the programs as `cargo build --release` leaves them, and real Hugging Face clients.

Run by ./test. Prints `ok NAME`, `failed: NAME: why`, `skipped: NAME: why`, and closes with `N passed, N failed, N skipped`.
Needs Python 3.11; the client tests need CAUSEWAY_TEST_PYTHON to have huggingface_hub, transformers, safetensors, tokenizers, numpy.
"""
import hashlib
import html
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAUSEWAY = ROOT / "target/release/causeway"
TRAINER = ROOT / "examples/trainer/target/release/causeway-example-trainer"
PYTHON = os.environ.get("CAUSEWAY_TEST_PYTHON", "")
counts = {"passed": 0, "failed": 0, "skipped": 0}


class Skip(Exception):
    """A test that can't run here, with the reason."""


def test(function):
    """Runs a test now; they build on each other from top to bottom."""
    name = function.__name__
    started = time.monotonic()
    try:
        function()
    except Skip as why:
        counts["skipped"] += 1
        print(f"skipped: {name}: {why}", flush=True)
    except Exception as why:  # a test may fail in any way
        counts["failed"] += 1
        print(f"failed: {name}: {type(why).__name__}: {why}", flush=True)
    else:
        counts["passed"] += 1
        print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return function


def copy_of_quickstart(folder):
    """The quickstart in a folder of its own, beside a trainer, so that runs don't share a site."""
    shutil.copytree(ROOT / "examples/quickstart", folder / "quickstart", ignore=shutil.ignore_patterns(".site", ".causeway"))
    place = folder / "trainer/target/release"
    place.mkdir(parents=True)
    os.link(TRAINER, place / TRAINER.name) if os.stat(TRAINER).st_dev == os.stat(place).st_dev else shutil.copy2(TRAINER, place)
    return folder / "quickstart/task.yaml"


def causeway(*words, state, code=0, **options):
    """Runs the program; fails with all it printed when the exit code is another."""
    command = [str(CAUSEWAY), "--state", str(state), *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def model_bytes(state):
    """SHA-256 of each file of the model in production, as the registry says and as the disk has it."""
    (model,) = json.loads(causeway("models", "--json", state=state).stdout)["models"]
    folder = pathlib.Path(state) / "store/files"
    revision = next(pathlib.Path(state).glob(f"registry/models/*/*/revisions/{model['production']}.json"))
    found = {}

    def records(value):
        if isinstance(value, dict):
            if {"path", "blake3", "sha256"} <= value.keys():
                yield value
            for inner in value.values():
                yield from records(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from records(inner)

    for record in records(json.loads(revision.read_text())):
        digest = hashlib.sha256((folder / record["blake3"]).read_bytes()).hexdigest()
        assert digest == record["sha256"], record
        found[record["path"]] = digest
    return found


def serve(state, *words):
    """Starts the registry's server; gives the process and its endpoint."""
    process = subprocess.Popen([str(CAUSEWAY), "--state", str(state), "serve", "--listen", "127.0.0.1:0", "--json", *words], stdout=subprocess.PIPE, text=True)
    return process, json.loads(process.stdout.readline())["endpoint"]


scratch = pathlib.Path(tempfile.mkdtemp(prefix="causeway-e2e-"))
whole = scratch / "whole/.causeway"
task = None


@test
def quickstart_ends_with_a_deployed_model():
    global task
    (scratch / "whole").mkdir()
    task = copy_of_quickstart(scratch / "whole")
    started = time.monotonic()
    done = causeway("run", task, "--yes", state=whole)
    seconds = time.monotonic() - started
    for words in ["trained at", "lawful since", "cost", "hf download acme/tiny-llama", "stand-in for a site in Johor, Malaysia"]:
        assert words in done.stdout, f"`{words}` is not in\n{done.stdout}"
    losses = [json.loads(line.split("| ", 1)[1])["loss"] for line in done.stderr.splitlines() if '"event":"step"' in line]
    assert losses[-1] < losses[0] / 2, losses
    assert seconds < 180, f"{seconds:.0f} s"
    print(f"   run in {seconds:.0f} s, loss {losses[0]:.2f} to {losses[-1]:.2f}")


@test
def the_record_verifies():
    assert "ok: 7 log entries, 1 model(s), 0 problem(s)" in causeway("ledger", "verify", state=whole).stdout


@test
def a_second_verifier_agrees():
    key = causeway("ledger", "key", state=whole).stdout.strip()
    for subject in [whole / "log", scratch / "evidence.json"]:
        if subject.suffix == ".json":
            (run,) = json.loads(causeway("status", "--json", state=whole).stdout)["runs"]
            causeway("evidence", run["run"]["id"], "-o", subject, state=whole)
        done = subprocess.run([sys.executable, str(ROOT / "tests/verify_log.py"), "--vkey", key, str(subject)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@test
def hugging_face_clients_read_the_model():
    if not PYTHON:
        raise Skip("CAUSEWAY_TEST_PYTHON is not set: no Hugging Face clients")
    server, endpoint = serve(whole)
    try:
        done = subprocess.run([PYTHON, str(ROOT / "tests/hf_client.py"), endpoint, "acme/tiny-llama"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        print("   " + done.stdout.strip().replace("\n", "\n   "))
    finally:
        server.terminate()
        assert server.wait(20) == 0


@test
def the_weights_generate_text():
    if not PYTHON:
        raise Skip("CAUSEWAY_TEST_PYTHON is not set: no safetensors, tokenizers and numpy")
    server, endpoint = serve(whole)
    into = scratch / "downloaded"
    try:
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(scratch / "hf-home")}
        client = pathlib.Path(PYTHON).parent / "hf"
        subprocess.run([str(client), "download", "acme/tiny-llama", "--local-dir", str(into)], check=True, capture_output=True, env=environment)
    finally:
        server.terminate()
        server.wait(20)
    done = subprocess.run([PYTHON, str(ROOT / "examples/generate.py"), str(into), "The keeper "], capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout.split()) > 5, done.stdout + done.stderr
    print("   " + done.stdout.strip()[:160].replace("\n", " "))


@test
def another_address_needs_a_token():
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    done = causeway("serve", "--listen", f"0.0.0.0:{port}", state=whole, code=1)
    assert "token" in done.stderr, done.stderr


@test
def a_run_killed_while_it_trains_ends_with_the_same_bytes():
    (scratch / "killed").mkdir()
    state = scratch / "killed/.causeway"
    mine = copy_of_quickstart(scratch / "killed")
    command = [str(CAUSEWAY), "--state", str(state), "run", str(mine), "--yes"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if '"event":"checkpoint"' in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    subprocess.run(["pkill", "-KILL", "-f", f"agent .*{scratch}/killed"], check=False)
    subprocess.run(["pkill", "-KILL", "-f", "causeway-example-trainer --data data"], check=False)
    causeway("resume", state=state)
    assert "ok: 7 log entries" in causeway("ledger", "verify", state=state).stdout
    assert model_bytes(state) == model_bytes(whole), "the interrupted run gave other bytes"


@test
def an_agent_started_by_hand_is_pulled_from():
    site, home = scratch / "site", scratch / "pulled"
    (site / "runs/llama").mkdir(parents=True)
    data = os.urandom(3_000_001)
    (site / "runs/llama/model.bin").write_bytes(data)
    ticket = scratch / "ticket.json"
    agent = subprocess.Popen([str(CAUSEWAY), "agent", "--listen", "127.0.0.1:0", "--root", str(site), "--ticket-file", str(ticket)])
    try:
        deadline = time.monotonic() + 20
        while not ticket.exists():
            assert time.monotonic() < deadline and agent.poll() is None
        assert ticket.stat().st_mode & 0o777 == 0o600
        done = causeway("pull", "--ticket-file", ticket, "runs/llama", home / "a/b", "--json", state=scratch / "none")
        summary = json.loads(done.stdout.strip().splitlines()[-1])
        assert (home / "a/b/model.bin").read_bytes() == data
        assert summary["carrier"] == "quic" and summary["raw_bytes"] == len(data), summary
        causeway("pull", "--ticket-file", ticket, "runs/llama/model.bin", home / "one.bin", state=scratch / "none")
        assert (home / "one.bin").read_bytes() == data
        outside = causeway("pull", "--ticket-file", ticket, "../ticket.json", home / "x", state=scratch / "none", code=1)
        assert not (home / "x").exists(), outside.stdout
    finally:
        agent.kill()
        agent.wait()


@test
def visible_law_cases_pass():
    done = causeway("rules", "test", *sorted((ROOT / "rules/cases").glob("*.yaml")), state=scratch / "none")
    assert done.stdout.strip().splitlines()[-1].endswith(" passed, 0 failed"), done.stdout


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def browser(page, *words):
    """What a headless browser prints for a page. It is told to reach for nothing."""
    if not BROWSER:
        raise Skip("no Chromium is there")
    with tempfile.TemporaryDirectory(dir=scratch) as profile:
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                   "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}", *words, page.as_uri()]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120).stdout


@test
def the_page_of_a_plan_stands_in_a_browser():
    """Nothing loads, nothing is wider than the window, and no word of a picture is cut off or lies on another."""
    folder = scratch / "onshore"
    shutil.copytree(ROOT / "examples/onshore-or-offshore", folder)
    measure = (ROOT / "tests/e2e/measure.js").read_text()
    for organisation, code in [("us", 0), ("sg", 0), ("cn", 4)]:
        page = folder / f"{organisation}.html"
        causeway("plan", folder / "task.yaml", "--organisation", folder / f"{organisation}.yaml", "--scenarios", folder / "futures.yaml",
                 "--draws", "1000", "--html", page, state=scratch / "none", code=code)
        text = page.read_text()
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"/>', text)
        assert policy and policy[1].startswith("default-src 'none'"), "the page may load something"
        # The copy runs one script, which the page itself forbids.
        copy = folder / f"{organisation}-measured.html"
        copy.write_text(text.replace(policy[0], "").replace("</body>", f"<script>{measure}</script></body>"))
        for width in [1200, 500]:
            printed = browser(copy, f"--window-size={width},3000", "--virtual-time-budget=5000", "--dump-dom")
            answer = re.search(r'<pre id="measured">(.*?)</pre>', printed, re.S)
            assert answer, printed[-300:]
            found = json.loads(html.unescape(answer[1]))
            assert found["pictures"] >= 7 and found["too_wide"] <= 0, found
            assert not (found["empty"] or found["outside"] or found["covered"]), found


@test
def the_page_of_a_plan_prints_with_its_tables():
    page = scratch / "onshore/cn.html"
    assert page.exists() or not BROWSER, "the page was not written"
    paper = scratch / "cn.pdf"
    browser(page, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    pages = len(re.findall(rb"/Type\s*/Page[^s]", paper.read_bytes()))
    # Closed tables are opened on paper: without them it is seven pages.
    assert pages >= 12, f"{pages} pages"


subprocess.run(["pkill", "-KILL", "-f", str(scratch)], check=False)
shutil.rmtree(scratch, ignore_errors=True)
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(1 if counts["failed"] or not counts["passed"] else 0)
