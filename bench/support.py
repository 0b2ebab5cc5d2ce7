"""What the measuring scripts of bench/ share: a server, joined clients, trees of a seed, and a page of results.

Each script writes its own section of bench/results-load.md, between two comment lines, so that one can be measured
again without the others.
"""
import json
import os
import pathlib
import platform
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

RESULTS = pathlib.Path(__file__).parent / "results-load.md"
MIB = 1 << 20


def fail(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


class Work:
    """A scratch directory, gone at the end with all processes that were started."""

    def __init__(self, under=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="rbbackup-bench.", dir=under))
        self.processes = []

    def __truediv__(self, name):
        return self.path / name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.path, ignore_errors=True)


def allow_many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 200_000
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), max(hard, wanted)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server:
    """rbbackupd, on a Unix socket and, where asked for, on TLS too; in a network namespace where one is given."""

    def __init__(self, work, binaries, directory, listen=None, netns=None, options=()):
        self.binaries, self.directory, self.netns, self.listen = binaries, pathlib.Path(directory), netns, listen
        self.socket = work / (self.directory.name + ".sock")
        self.log = work / (self.directory.name + ".log")
        reader, writer = os.pipe()
        words = [binaries / "rbbackupd", self.directory, "--socket", self.socket, "--ready-fd", str(writer), *options]
        if listen:
            words += ["--listen", listen]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(in_netns(netns, words), stderr=log, pass_fds=[writer])
        work.processes.append(self.process)
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            if ready.read(1) != b"\n":
                fail(f"the server did not start:\n{self.log.read_text()}")

    def status_kib(self, field):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s*(\d+)", text).group(1))

    def peak_mib(self):
        return self.status_kib("VmHWM") / 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def invite(self, node, group=None):
        words = [self.binaries / "rbbackupd", self.directory, "invite", node, "--address", self.listen,
                 "--socket", self.socket, *(["--group", group] if group else [])]
        done = subprocess.run(in_netns(self.netns, words), capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"invite: {done.stderr}")
        return re.search(r"rbbackup://\S+", done.stdout).group(0)


def in_netns(netns, words):
    return [*(["ip", "netns", "exec", netns] if netns else []), *map(str, words)]


class Client:
    """One machine, as far as configuration and cache go."""

    def __init__(self, work, binaries, name, server=None, netns=None):
        self.binaries, self.name, self.netns = binaries, name, netns
        self.home = work / f"clients/{name}"
        (self.home / "config").mkdir(parents=True, exist_ok=True)
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.home / "cache"),
                            "XDG_CONFIG_HOME": str(self.home / "config"), "HOME": str(self.home)}
        self.environment.pop("RBBACKUP_SERVER", None)
        if server:
            self.environment["RBBACKUP_SERVER"] = server

    def join(self, link):
        done = self.run("join", link)
        if done.returncode != 0:
            fail(f"join: {done.stderr}")

    def start(self, *words):
        return subprocess.Popen(in_netns(self.netns, [self.binaries / "rbbackup", *words]), env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words):
        process = self.start(*words)
        out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def backup(self, *words):
        """Gives the summary, and the seconds it took."""
        began = time.monotonic()
        done = self.run("--json", *words)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            fail(f"{self.name}: exit {done.returncode}: {done.stderr}")
        return summary_of(done.stdout), seconds

    def forget_cache(self):
        shutil.rmtree(self.home / "cache", ignore_errors=True)


def summary_of(output):
    last = json.loads(output.splitlines()[-1])
    assert last["type"] == "summary", last
    return last


def make_files(directory, seed, sizes, per_directory=500):
    """Incompressible files of these sizes, the same for a seed."""
    source = random.Random(seed)
    for number, size in enumerate(sizes):
        if number % per_directory == 0:
            at = directory / f"d{number // per_directory:04}"
            at.mkdir(parents=True)
        with open(at / f"f{number:06}", "wb") as file:
            while size > 0:
                file.write(source.randbytes(min(size, MIB)))
                size -= MIB


def mixed_sizes(total_bytes):
    """A third in files of 16 KiB, a third in files of 512 KiB, the rest in files of 32 MiB."""
    third = total_bytes // 3
    return [16 << 10] * (third // (16 << 10)) + [512 << 10] * (third // (512 << 10)) + [32 << 20] * (third // (32 << 20))


def wire_bytes(netns, device="lo"):
    """What came in at a network device since it was made."""
    text = subprocess.check_output(in_netns(netns, ["cat", "/proc/net/dev"]), text=True)
    return int(re.search(rf"{re.escape(device)}:\s*(\d+)", text).group(1))


class Netns:
    """A network namespace of our own, so that its counters count nothing else."""

    def __init__(self, name):
        self.name = f"{name}-{os.getpid()}"

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=pathlib.Path(__file__).parent,
                            capture_output=True, text=True).stdout.strip()
    return (f"{platform.system()} {platform.release()}, {os.cpu_count()} cores "
            f"({model.group(1) if model else platform.machine()}), commit {commit or 'unknown'}")


def write_section(name, title, lines):
    """Replaces the section of this name, or adds it at the end."""
    text = RESULTS.read_text() if RESULTS.exists() else "# Load, groups and links: figures\n"
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    body = "\n".join([begin, f"## {title}", "", machine() + ".", "", *lines, end])
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    text = pattern.sub(lambda _: body, text) if pattern.search(text) else text.rstrip() + "\n\n" + body + "\n"
    RESULTS.write_text(text)
    print("\n".join(lines))
