"""One run of a command: wall time through the sync after it, processor time, peak memory, bytes on the loopback."""
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile
import time


@dataclasses.dataclass
class Figures:
    """What one run took. None: not known, or without meaning for this row."""
    seconds: float
    cpu_seconds: float = 0.0
    client_mib: float = 0.0
    server_mib: float | None = None
    wire_bytes: int | None = None
    repository_bytes: int | None = None


def loopback_bytes():
    text = pathlib.Path("/proc/net/dev").read_text()
    return int(re.search(r"lo:\s*(\d+)", text).group(1))


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


def run(words, environment=None, cores=None, output=None):
    """Runs the words (a string: a line of bash). Gives figures; output goes to the file `output`, or nowhere."""
    if isinstance(words, str):
        words = ["/bin/bash", "-o", "pipefail", "-c", words]
    words = [str(word) for word in words]
    if cores:
        words = ["taskset", "-c", cores, *words]
    # What a process inherits from this one by fork counts in its peak, so that a small program has to start it.
    peak = tempfile.NamedTemporaryFile("r")
    words = ["/usr/bin/time", "-f", "%M", "-o", peak.name, *words]
    os.sync()
    with open(output or os.devnull, "wb") as out, open(os.devnull) as nothing:
        before = os.times()
        began = time.monotonic()
        process = subprocess.Popen(words, env=environment, stdin=nothing, stdout=out, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        process.wait()
        os.sync()
        seconds = time.monotonic() - began
        after = os.times()
    if process.returncode != 0:
        raise SystemExit(f"failed ({process.returncode}): {' '.join(words)}\n{errors.decode(errors='replace')[-2000:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    with peak:
        return Figures(seconds=seconds, cpu_seconds=max(0.0, cpu), client_mib=int(peak.read()) / 1024)


class Daemon:
    """A server that runs beside; knows its processor time and peak memory, its children's among them."""

    def __init__(self, process):
        self.process = process

    def _pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [str(self.process.pid), *children]

    def cpu_seconds(self):
        total = 0
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(int(fields[index]) for index in (11, 12, 13, 14))
        return total / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        text = "".join(pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self._pids())
        return max(int(kib) for kib in re.findall(r"VmHWM:\s*(\d+)", text)) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def size_of(path):
    """Bytes that a repository takes, by the lengths of its files."""
    return sum(file.stat().st_size for file in pathlib.Path(path).rglob("*") if file.is_file())
