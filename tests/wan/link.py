"""A link of the emulator, for tests and benches: Python's standard library alone.

    with Link("name", delay_ms=90, loss=0.001, rate_mbit=100) as link:
        process = link.start("far", ["some", "server"])
        link.stats()["down"]["out_bytes"]
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
EMULATOR = pathlib.Path(os.environ.get("WAN_EMU") or HERE / "target/release/wan-emu")


def why_not():
    """Why no link can be had on this machine; None when one can."""
    if os.geteuid() != 0:
        return "a link takes root: namespaces and TUN devices"
    if not os.path.exists("/dev/net/tun"):
        return "/dev/net/tun is not there"
    if not shutil.which("ip"):
        return "`ip` (iproute2) is not there"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun can't be opened: {error.strerror}"
    probe = f"causeway-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return None


class Link:
    """`near` is home, `far` the site; `down` counts and shapes what goes from far to near. Takes itself down at the end."""

    def __init__(self, name, delay_ms, loss, rate_mbit, *settings, seed=7, network=None):
        self.name = name
        # Two runs on one machine have their own names; networks live in namespaces and never meet.
        self.network = network or "10.77.0"
        self.near, self.far = f"{self.network}.1", f"{self.network}.2"
        self.rate_mbit = rate_mbit
        self._words = [str(delay_ms), str(loss), str(rate_mbit), *settings, "--seed", str(seed)]
        self._processes = []

    def _script(self, script, *words):
        # The measured settings are wan-up's own: cubic, the host's buffers.
        env = {key: value for key, value in os.environ.items() if not key.startswith("WAN_")}
        env |= {"WAN_NAME": self.name, "WAN_NET": self.network, "WAN_EMU": str(EMULATOR)}
        return subprocess.run([HERE / script, *words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def __enter__(self):
        self._script("wan-down")
        done = self._script("wan-up", *self._words)
        if done.returncode:
            raise RuntimeError(f"the link does not come up: {done.stdout}{done.stderr}")
        return self

    def __exit__(self, *_):
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self._script("wan-down")

    def within(self, side, words):
        """The command that runs `words` at that side; it becomes `words`, so that its process id is theirs."""
        return ["ip", "netns", "exec", f"{self.name}-{side}", *map(str, words)]

    def start(self, side, words, **options):
        """Starts a process at one side; ended with the link."""
        process = subprocess.Popen(self.within(side, words), stdin=subprocess.DEVNULL, **options)
        self._processes.append(process)
        return process

    def control(self, *words):
        """Asks the emulator; see its README."""
        with socket.socket(socket.AF_UNIX) as talk:
            talk.settimeout(10)
            talk.connect(f"/run/wan-emu/{self.name}.sock")
            talk.sendall((" ".join(map(str, words)) + "\n").encode())
            answer = b""
            while part := talk.recv(65536):
                answer += part
        text = answer.decode().strip()
        if text.startswith("error"):
            raise RuntimeError(text)
        return text

    def stats(self):
        """Counters of both directions since the link came up."""
        return json.loads(self.control("stats"))

    def arrived(self):
        """IP bytes that have come to near."""
        return self.stats()["down"]["out_bytes"]

    def address(self, side, old, new):
        """Moves a side to another address, as a changed uplink does."""
        for words in (["del", f"{old}/24"], ["add", f"{new}/24"]):
            subprocess.run(["ip", "-n", f"{self.name}-{side}", "addr", *words, "dev", "wan0"], check=True)
