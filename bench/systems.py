"""What is measured: rbbackup, its peers, and what the machine does without a backup system. One interface for all.

The peers run as their manuals recommend: restic sends to restic-rest-server on the loopback device, borg writes its
repository itself, rsync talks to a daemon on the loopback device. restic and borg encrypt and compress; rsync does
neither and keeps one copy without history; rbbackup compresses and does not encrypt at rest.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import time

import measure
import support

SETTLED_WITHIN = 300  # seconds: what takes longer hangs


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


class System:
    """A repository of its own in `place`. `backup` and `restore` give measure.Figures."""
    over_loopback = False

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.place.mkdir(parents=True)
        self.repository = self.place / "repository"
        self.daemon = None
        self.environment = {**os.environ, "HOME": str(self.place), "XDG_CACHE_HOME": str(self.place / "cache"),
                            "XDG_CONFIG_HOME": str(self.place / "config"), "LC_ALL": "C.UTF-8"}

    def measured(self, words, cores=None, output=None):
        cpu, wire = (self.daemon.cpu_seconds() if self.daemon else 0), measure.loopback_bytes()
        figures = measure.run(words, self.environment, cores, output)
        if self.over_loopback:
            figures.wire_bytes = measure.loopback_bytes() - wire
        if self.daemon:
            figures.cpu_seconds += self.daemon.cpu_seconds() - cpu
            figures.server_mib = self.daemon.peak_mib()
        return figures

    def size(self):
        return measure.size_of(self.repository)

    def settle(self):
        """Returns when the server has done what it does in the background after a backup."""

    def close(self):
        if self.daemon:
            self.daemon.stop()


class Rbbackup(System):
    def __init__(self, place, binaries, tls=False, cores=None):
        super().__init__(place)
        self.binaries, self.cores, self.over_loopback = binaries, cores, tls
        # A short path: a socket's may have 107 bytes.
        socket_path = self.place / "s"
        reader, writer = os.pipe()
        listen = f"127.0.0.1:{free_port()}"
        words = [*(["taskset", "-c", cores] if cores else []), binaries / "rbbackupd", self.repository, "--socket",
                 socket_path, "--ready-fd", str(writer), *(["--listen", listen] if tls else [])]
        with open(self.place / "log", "wb") as log:
            process = subprocess.Popen(words, pass_fds=[writer], stderr=log)
        os.close(writer)
        with os.fdopen(reader, "rb") as ready:
            if ready.read(1) != b"\n":
                raise SystemExit((self.place / "log").read_text())
        self.daemon = measure.Daemon(process)
        if tls:
            self.environment.pop("RBBACKUP_SERVER", None)
            link = subprocess.check_output([binaries / "rbbackupd", self.repository, "invite", "bench", "--address", listen,
                                            "--socket", socket_path], text=True, stderr=subprocess.DEVNULL)
            link = next(word for word in link.split() if word.startswith("rbbackup://"))
            subprocess.run([binaries / "rbbackup", "join", link], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        else:
            self.environment["RBBACKUP_SERVER"] = f"unix:{socket_path}"

    def size(self):
        """Without the reserve for a full disk, a file of zeros whose length depends on the disk alone."""
        reserve = self.repository / "reserve"
        return super().size() - (reserve.stat().st_size if reserve.exists() else 0)

    def settle(self):
        """All packs but the one that is being filled have their parity."""
        packs = self.repository / "packs"
        deadline = time.monotonic() + SETTLED_WITHIN
        while len(list(packs.rglob("*.parity"))) + 1 < len(list(packs.rglob("*.pack"))):
            if time.monotonic() > deadline:
                raise SystemExit(f"{packs}: no parity was made")
            time.sleep(0.2)

    def backup(self, tree, reread=False):
        output = self.place / "summary"
        words = [self.binaries / "rbbackup", "--json", "-rd", *(["--checksum"] if reread else []), tree]
        figures = self.measured(words, self.cores, output)
        if not self.over_loopback:
            figures.wire_bytes = support.summary_of(output.read_text())["bytes_sent"]
        return figures

    def restore(self, tree, to):
        return self.measured([self.binaries / "rbbackup", "-q", "restore", tree, "--to", to], self.cores)


class Rsync(System):
    over_loopback = True

    def __init__(self, place):
        super().__init__(place)
        self.repository.mkdir()
        port = free_port()
        config = self.place / "rsyncd.conf"
        config.write_text(f"address = 127.0.0.1\nport = {port}\nuse chroot = no\nuid = 0\ngid = 0\n"
                          f"[copy]\npath = {self.repository}\nread only = no\n")
        self.daemon = measure.Daemon(subprocess.Popen(["rsync", "--daemon", "--no-detach", f"--config={config}"],
                                                      stdin=subprocess.DEVNULL))
        wait_for_port(port)
        self.url = f"rsync://127.0.0.1:{port}/copy"

    def backup(self, tree, reread=False):
        return self.measured(["rsync", "-aHAX", "--numeric-ids", "--delete", *(["--checksum"] if reread else []),
                              f"{tree}/", f"{self.url}/{tree.name}/"])

    def restore(self, tree, to):
        return self.measured(["rsync", "-aHAX", "--numeric-ids", f"{self.url}/{tree.name}", f"{to}/"])


class Restic(System):
    over_loopback = True

    def __init__(self, place, root):
        super().__init__(place)
        self.words = [*root, "restic", "-q"]
        self.repository.mkdir()
        port = free_port()
        with open(self.place / "log", "wb") as log:
            self.daemon = measure.Daemon(subprocess.Popen(
                [*root, "restic-rest-server", "--no-auth", "--listen", f"127.0.0.1:{port}", "--path",
                 self.repository], stdout=log, stderr=log))
        wait_for_port(port)
        self.environment |= {"RESTIC_REPOSITORY": f"rest:http://127.0.0.1:{port}/", "RESTIC_PASSWORD": "bench"}
        subprocess.run([*self.words, "init"], env=self.environment, check=True)

    def backup(self, tree, reread=False):
        return self.measured([*self.words, "backup", *(["--force"] if reread else []), tree])

    def restore(self, tree, to):
        return self.measured([*self.words, "restore", "latest", "--target", to])


class Borg(System):
    def __init__(self, place, root):
        super().__init__(place)
        self.root, self.count = root, 0
        self.environment |= {"BORG_REPO": str(self.repository), "BORG_PASSPHRASE": "bench",
                             "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        subprocess.run([*root, "borg", "init", "--encryption=repokey"], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def backup(self, tree, reread=False):
        self.count += 1
        return self.measured([*self.root, "borg", "create", *(["--files-cache=disabled"] if reread else []),
                              f"::run{self.count}", tree])

    def restore(self, tree, to):
        pathlib.Path(to).mkdir(parents=True)
        return self.measured(["/bin/bash", "-c", f"cd {to} && exec \"$@\"", "-", *self._in(to), "extract", f"::run{self.count}"])

    def _in(self, directory):
        """borg extracts where it stands, and chroot goes to the root."""
        return [*self.root, "env", "-C", directory, "borg"]


class PeerRoot:
    """Debian 13 in a directory, for the present releases of restic and borg; the scratch directory is mounted in it."""
    PACKAGES = "restic,restic-rest-server,borgbackup"

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.directory = self.work / "debian13"
        self.inside = self.directory / str(self.work).lstrip("/")

    def make(self):
        if not (self.directory / "usr/bin/restic").exists():
            shutil.rmtree(self.directory, ignore_errors=True)
            print("making a Debian 13 root", flush=True)
            subprocess.run(["debootstrap", "--variant=minbase", f"--include={self.PACKAGES}", "trixie", self.directory],
                           check=True, stdout=subprocess.DEVNULL)

    def __enter__(self):
        self.inside.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", self.work, self.inside], check=True)
        self.prefix = ["chroot", self.directory]
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.inside], check=False)

    def versions(self):
        query = subprocess.check_output([*self.prefix, "dpkg-query", "-W", "-f", "${Package} ${Version}, ",
                                         *self.PACKAGES.split(",")], text=True)
        return query.rstrip(", ")


def limit(operation, tree, scratch, tar):
    """What the machine needs for the same without a backup system, or None. A line of bash."""
    files = f"find {tree} -type f -print0"
    big = sum(1 for _ in zip(tree.iterdir(), range(100))) < 100 and all(p.is_file() for p in tree.iterdir())
    if operation == "first":
        return f"tar -C {tree.parent} -c {tree.name} | zstd -1 -T2 -q -f -o {scratch}/tar.zst"
    if operation == "write":
        copier = pathlib.Path(__file__).parent / "sequential_write.py"
        return f"python3 {copier} {tree} {scratch}/written"
    if operation in ("unchanged", "cold"):
        return f"find {tree} -printf '%s %T@ %C@ %i %m %u %p\\n' > /dev/null"
    if operation == "checksum":
        if big and len(list(tree.iterdir())) == 1:
            return f"b3sum --num-threads 2 {tree}/* > /dev/null"
        return f"{files} | xargs -0 -P 2 -n {8 if big else 1000} b3sum --num-threads 1 > /dev/null"
    if operation == "overwritten":
        return f"cat {tree}/* > /dev/null"
    if operation == "restore":
        return f"mkdir {scratch}/tar-x && tar -C {scratch}/tar-x -xf {tar}"
    return None
