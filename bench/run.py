#!/usr/bin/env python3
"""make bench: backups of the Linux source tree against what the machine does without a backup system.

Each pair runs in turn in one session, and the table shows the ratio of medians; times alone mean little on a shared
machine. Client and server run on this machine, both counted. Page cache warm. Every row is timed through the sync
after it. Writes bench/results.md.

    run.py BIN [--runs N] [--work DIR]
"""
import argparse
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("bin", type=pathlib.Path)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--work", type=pathlib.Path, default=None)
parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results.md")
options = parser.parse_args()
BIN = options.bin.resolve()
work = pathlib.Path(tempfile.mkdtemp(prefix="rbbackup-bench.", dir=options.work))
corpus = work / "corpus"
socket = work / "socket"
environment = {**os.environ, "RBBACKUP_SERVER": f"unix:{socket}", "XDG_CACHE_HOME": str(work / "cache")}


def shell(command):
    subprocess.run(command, shell=True, check=True, env=environment, stdout=subprocess.DEVNULL, executable="/bin/bash")


def timed(command):
    """Wall seconds of a command and the sync that makes it last, and the command's peak memory in MiB."""
    os.sync()
    began = time.monotonic()
    process = subprocess.Popen(["/bin/bash", "-c", command], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    os.sync()
    seconds = time.monotonic() - began
    if status != 0:
        sys.exit(f"failed: {command}")
    return seconds, usage.ru_maxrss / 1024


class Server:
    def __init__(self, directory):
        reader, writer = os.pipe()
        self.process = subprocess.Popen([BIN / "rbbackupd", directory, "--socket", socket, "--ready-fd", str(writer)],
                                        pass_fds=[writer], stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            assert ready.read(1) == b"\n", "the server did not start"

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def size_of(path):
    return int(subprocess.check_output(["du", "-sb", path]).split()[0])


def make_corpus():
    archives = sorted(pathlib.Path("/usr/src").glob("linux-source-6.1.tar.xz"))
    if not archives:
        sys.exit("linux-source-6.1 is not installed")
    corpus.mkdir()
    shell(f"tar -C {corpus} -xJf {archives[0]}")
    shell(f"find {corpus} -type f -print0 | xargs -0 cat > /dev/null")  # warm


rows = []


def row(name, ours, theirs, limit):
    ratio = statistics.median(ours) / statistics.median(theirs)
    rows.append((name, statistics.median(ours), statistics.median(theirs), ratio, limit))
    print(f"{name:<28} {statistics.median(ours):8.2f} s {statistics.median(theirs):8.2f} s  {ratio:5.2f} (at most {limit})",
          flush=True)


def main():
    make_corpus()
    files = int(subprocess.check_output(f"find {corpus} | wc -l", shell=True))
    ours = {"first": [], "unchanged": [], "restore": []}
    theirs = {"tar zstd": [], "find": [], "tar x": []}
    client_peak = server_peak = 0
    shell(f"tar -C {work} -cf {work}/plain.tar corpus")
    for run in range(options.runs):
        theirs["tar zstd"].append(timed(f"tar -C {work} -c corpus | zstd -1 -T2 -q -f -o {work}/tree.tar.zst")[0])
        repository = work / f"repository{run}"
        shutil.rmtree(work / "cache", ignore_errors=True)
        server = Server(repository)
        seconds, peak = timed(f"exec {BIN}/rbbackup -q -r {corpus}")
        ours["first"].append(seconds)
        client_peak = max(client_peak, peak)
        for _ in range(3):
            theirs["find"].append(timed(f"find {corpus} -printf '%s %T@ %C@ %i %m %u %p\\n' > /dev/null")[0])
            seconds, peak = timed(f"exec {BIN}/rbbackup -q -r {corpus}")
            ours["unchanged"].append(seconds)
            client_peak = max(client_peak, peak)
        # Fresh names, deleted at the end: creating files right after deleting many is slow on ext4.
        (work / f"tar{run}").mkdir()
        theirs["tar x"].append(timed(f"tar -C {work}/tar{run} -xf {work}/plain.tar")[0])
        seconds, peak = timed(f"exec {BIN}/rbbackup -q restore {corpus} --to {work}/restored{run}")
        ours["restore"].append(seconds)
        client_peak = max(client_peak, peak)
        shell(f"test -z \"$(rsync -naHAXi --delete {corpus}/ {work}/restored{run}/corpus/)\"")
        server_peak = max(server_peak, server.peak_mib())
        server.stop()
    print(f"{files} entries, {size_of(corpus) / 1e6:.0f} MB")
    row("first backup", ours["first"], theirs["tar zstd"], 1.6)
    row("nothing changed", ours["unchanged"], theirs["find"], 2.0)
    row("restore", ours["restore"], theirs["tar x"], 2.0)
    repository_bytes, archive_bytes = size_of(work / "repository0"), size_of(work / "tree.tar.zst")
    write_results(files, repository_bytes, archive_bytes, client_peak, server_peak)


def write_results(files, repository_bytes, archive_bytes, client_peak, server_peak):
    lines = ["# Results of `make bench`", "",
             f"{platform.system()} {platform.release()}, {os.cpu_count()} cores; {files} entries, "
             f"{size_of(corpus) / 1e6:.0f} MB (the Linux source tree of Debian's linux-source-6.1). Medians of "
             f"{options.runs} runs, client and server on one machine, page cache warm, each row through the `sync` after it.",
             "", "| | rbbackup | against | | ratio | at most |", "|---|---:|---|---:|---:|---:|"]
    against = ["`tar c \\| zstd -1 -T2`", "`find -printf`", "`tar x`"]
    for (name, mine, other, ratio, limit), what in zip(rows, against):
        lines.append(f"| {name} | {mine:.2f} s | {what} | {other:.2f} s | {ratio:.2f} | {limit} |")
    lines += [f"| repository | {repository_bytes / 1e6:.0f} MB | the `tar \\| zstd -1` file | {archive_bytes / 1e6:.0f} MB | "
              f"{repository_bytes / archive_bytes:.2f} | 1.1 |",
              f"| peak memory, client | {client_peak:.0f} MiB | | | | 300 MiB |",
              f"| peak memory, server | {server_peak:.0f} MiB | | | | 300 MiB |", ""]
    options.output.write_text("\n".join(lines))
    print("\n".join(lines))


try:
    main()
finally:
    shutil.rmtree(work, ignore_errors=True)
