#!/usr/bin/env python3
"""make bench: rbbackup, its peers and the machine's own limits, in turn, into bench/results.md and docs/images/bench.svg.

The figures are kept in bench/results.json too; a run with --only or --rows replaces what it measured and leaves the rest.
Needs root: caches are dropped, and the peers run from a root of Debian 13.

    run.py BIN [--work DIR] [--runs 3] [--only source,tiny,image,random,million] [--rows first,unchanged,...]
               [--no-peers] [--quick]
"""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import corpora
import measure
import plot
import systems
import table
import targets

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ["rsync", "restic", "borg"]
# What is measured of each corpus, in this order; a first backup is always made.
OPERATIONS = {
    "source": ["first", "unchanged", "cold", "checksum", "restore", "changed"],
    "tiny": ["first", "unchanged", "cold", "checksum", "restore", "changed"],
    "image": ["first", "unchanged", "checksum", "restore", "overwritten", "inserted"],
    "random": ["first", "unchanged", "checksum", "restore"],
    "million": ["first", "unchanged", "one"],
}
# These say how our own variants compare with each other; they need no more.
VARIANTS = {
    "rbbackup-tls": {"source": ["first"], "random": ["first"], "image": ["first", "overwritten", "inserted"],
                     "million": ["first", "one"]},
    "rbbackup-1core": {"source": ["first", "restore"], "tiny": ["first", "restore"], "random": ["first", "restore"]},
}
# Short rows are run a few times in each round.
REPEATS = {"unchanged": 3, "checksum": 1}
# Rows that read all contents.
READ_WHOLE = {"first", "checksum", "overwritten", "inserted"}
ALONE = "RBBACKUP_BENCH_ALONE"
QUICK_SCALE = 1 / 50
FEW_FILES = 100


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/var/tmp/rbbackup-bench"),
                        help="scratch directory; corpora stay there for the next run (45 GB while it runs)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default=",".join(OPERATIONS), help="corpora")
    parser.add_argument("--rows", default=",".join(targets.OPERATION_NAMES), help="operations")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--quick", action="store_true", help="small corpora, once, to see that it works; results stay in the scratch directory")
    options = parser.parse_args()
    for chosen, known in ((options.only, OPERATIONS), (options.rows, targets.OPERATION_NAMES)):
        if unknown := set(chosen.split(",")) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if os.geteuid() != 0:
        parser.error("needs root")
    return options


def remove(tree):
    """rm: twice as fast as shutil with a million files."""
    subprocess.run(["rm", "-rf", tree], check=True)


class Round:
    """Every system once through the rows of one corpus. Takes turns within a row; who begins changes with the round."""

    def __init__(self, number, options, corpus, made, peers, record):
        self.number, self.options, self.corpus, self.made, self.peers, self.record = number, options, corpus, made, peers, record
        self.tree = made.path(corpus)
        self.rows = [row for row in OPERATIONS[corpus] if row in options.rows.split(",")]
        self.scratch = made.directory.parent / f"round-{corpus}-{number}"
        self.systems = {}
        # Many files deleted make the next creations slow on ext4, so what was restored stays till the end; large
        # files go at once, for their room.
        self.has_few_files = sum(1 for _ in zip(self.tree.rglob("*"), range(FEW_FILES))) < FEW_FILES

    def __enter__(self):
        remove(self.scratch)
        self.scratch.mkdir(parents=True)
        return self

    def __exit__(self, *_):
        for system in self.systems.values():
            system.close()
        remove(self.scratch)

    def names(self):
        ours = ["rbbackup"] + [name for name, rows in VARIANTS.items()
                               if set(rows.get(self.corpus, [])) & set(self.rows)]
        # Nobody keeps a million files in one directory in a peer's repository while this is measured.
        peers = PEERS if self.peers and self.corpus != "million" else []
        names = ours + peers
        turn = self.number % len(names)
        return names[turn:] + names[:turn]

    def open(self, name):
        place, binaries = self.scratch / name, self.options.bin.resolve()
        if name.startswith("rbbackup"):
            return systems.Rbbackup(place, binaries, tls=name == "rbbackup-tls", cores="0" if name == "rbbackup-1core" else None)
        if name == "rsync":
            return systems.Rsync(place)
        return {"restic": systems.Restic, "borg": systems.Borg}[name](place, self.peers.prefix)

    def takes_part(self, name, row):
        return name not in VARIANTS or row in VARIANTS[name].get(self.corpus, [])

    def note(self, row, name, figures, **more):
        self.record(f"{self.corpus}/{row}/{name}", {**dataclasses.asdict(figures), **more})

    def limit(self, row, name="limit"):
        command = systems.limit("write" if name == "write" else row, self.tree, self.scratch, self.scratch / "plain.tar")
        if not command:
            return
        if row == "restore":
            subprocess.run(["tar", "-C", self.tree.parent, "-cf", self.scratch / "plain.tar", self.tree.name], check=True)
        self._prepare(row)
        figures = measure.run(command)
        if row == "first" and name == "limit":
            figures.repository_bytes = (self.scratch / "tar.zst").stat().st_size
        for left in ("tar.zst", "written", "plain.tar"):
            (self.scratch / left).unlink(missing_ok=True)
        self._remove(self.scratch / "tar-x")
        self.note(row, name, figures)

    def _prepare(self, row):
        """The servers at rest, and the page cache as the row wants it; some machines page out what nobody read for half
        a minute."""
        for system in self.systems.values():
            system.settle()
        if row == "cold":
            measure.drop_caches()
        elif row in READ_WHOLE and self.corpus != "million":
            corpora.warm(self.tree)
        elif row != "restore":
            corpora.warm_names(self.tree)

    def _remove(self, tree):
        if self.has_few_files:
            remove(tree)

    def _back_up(self, row, name, **more):
        system = self.systems.get(name)
        if system is None:
            system = self.systems[name] = self.open(name)
        self._prepare(row)
        figures = system.backup(self.tree, reread=row == "checksum")
        if row == "first":
            figures.repository_bytes = system.size()
        if row in self.rows:
            self.note(row, name, figures, **more)

    def _restore(self, name):
        target = self.scratch / f"restored-{name}"
        self._prepare("restore")
        corpora.warm(self.systems[name].repository)
        figures = self.systems[name].restore(self.tree, target)
        if self.number == 0 and name == "rbbackup":
            differences = subprocess.check_output(["rsync", "-naHAXi", "--delete", f"{self.tree}/", f"{target}/{self.tree.name}/"], text=True)
            if differences:
                raise SystemExit(f"the restored tree differs:\n{differences[:1000]}")
        self._remove(target)
        self.note("restore", name, figures)

    def run(self):
        self._all("first")
        if self.corpus == "random" and "first" in self.rows:
            self.limit("first", "write")
        for row in self.rows:
            if row == "first":
                continue
            for _ in range(REPEATS.get(row, 1)):
                with self._as_it_is_for(row) as more:
                    self._all(row, **more)

    def _all(self, row, **more):
        if row in self.rows and (self.corpus, row) != ("million", "first"):  # its reading costs minutes, and says nothing
            self.limit(row)
        for name in self.names():
            # Without a first backup there is nothing to compare with, whichever rows are asked for.
            if row == "first" or self.takes_part(name, row):
                self._restore(name) if row == "restore" else self._back_up(row, name, **more)

    @contextlib.contextmanager
    def _as_it_is_for(self, row):
        """The tree changed as the row wants it, and put back afterwards."""
        if row == "changed":
            with corpora.OnePercent(self.tree):
                yield {}
        elif row == "one":
            with corpora.OnePercent(self.tree, every=10**9):
                yield {}
        elif row in ("overwritten", "inserted"):
            overwritten, inserted, changed_bytes = self.made.changed_image()
            with corpora.InPlaceOf(self.tree / "disk.img", overwritten if row == "overwritten" else inserted):
                yield {"changed_bytes": changed_bytes}
        else:
            yield {}


class Record:
    """The figures of this run, joined with those of earlier ones; a row measured again replaces the old one."""

    def __init__(self, path):
        self.path, self.fresh = path, set()
        self.rows = json.loads(path.read_text()) if path.exists() else {}

    def __call__(self, key, figures):
        if key not in self.fresh:
            self.fresh.add(key)
            self.rows[key] = []
        self.rows[key].append({name: round(value, 4) for name, value in figures.items() if value is not None})
        memory = f"{figures['client_mib']:5.0f} / {figures['server_mib'] or 0:5.0f} MiB"
        print(f"{key:<34} {figures['seconds']:8.3f} s {figures['cpu_seconds']:8.2f} CPU {memory}", flush=True)
        self.path.write_text(json.dumps(self.rows, indent=0, sort_keys=True) + "\n")


def enter_namespaces():
    """Goes on in a network and a mount namespace of its own: nobody else's bytes on the loopback device, no mounts left."""
    if ALONE not in os.environ:
        os.environ[ALONE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, "-B", *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main():
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    work = options.work.resolve()
    if not options.no_peers:
        systems.PeerRoot(work).make()  # from the network, so before that is left
    enter_namespaces()
    out = work / "quick" if options.quick else HERE
    out.mkdir(exist_ok=True)
    record = Record(out / "results.json")
    made = corpora.Corpora(work / ("corpora-quick" if options.quick else "corpora"), QUICK_SCALE if options.quick else 1)
    runs = 1 if options.quick else options.runs
    with contextlib.ExitStack() as stack:
        peers = None if options.no_peers else stack.enter_context(systems.PeerRoot(work))
        for corpus in options.only.split(","):
            for number in range(runs):
                with Round(number, options, corpus, made, peers, record) as this_round:
                    this_round.run()
        rsync = subprocess.check_output(["rsync", "--version"], text=True).split()[2]
        versions = f"Peers: rsync {rsync} (Debian 12), {peers.versions()} (Debian 13)." if peers else ""
    if versions:
        record.rows["versions"] = [{"text": versions}]
        record.path.write_text(json.dumps(record.rows, indent=0, sort_keys=True) + "\n")
    notes = record.rows.get("versions", [{"text": ""}])[0]["text"]
    results = table.Results({key: runs for key, runs in record.rows.items() if key != "versions"})
    (out / "results.md").write_text(table.page(results, notes))
    plot.draw(results, (out if options.quick else HERE.parent / "docs/images") / "bench.svg")
    print(f"written: {out / 'results.md'}")


if __name__ == "__main__":
    sys.exit(main())
