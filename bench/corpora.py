"""The trees that are backed up, made from a seed and kept in the scratch directory between runs.

A corpus is complete when its stamp stands beside it; one that was cut short is made anew. `scale` below 1 makes all
but the source tree smaller, for trying the scripts out.
"""
import os
import pathlib
import shutil
import subprocess

import numpy

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SEED = 20240501
ARCHIVE = pathlib.Path("/usr/src/linux-source-6.1.tar.xz")
IMAGE_BLOCK = 4 * KIB
OVERWRITTEN_RUNS = 1200

DESCRIPTIONS = {
    "source": "the Linux source tree of Debian's linux-source-6.1",
    "tiny": "300,000 files of 0-4 KiB in 3,000 directories, two thirds of them pieces of source code, the others random",
    "image": "a 4 GiB disk image of extents of 4 KiB to 1 MiB: a quarter holes, 45% pieces of source code, 30% random",
    "random": "2 GiB of random bytes in 64 files",
    "million": "1,000,000 files of up to 100 bytes in one directory",
}


class Corpora:
    def __init__(self, directory, scale=1.0):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.scale = scale
        self._pool = None

    def path(self, name):
        """The tree of this name; made if it is not there."""
        tree, stamp = self.directory / name, self.directory / f"{name}.done"
        if not stamp.exists():
            print(f"making {name}", flush=True)
            shutil.rmtree(tree, ignore_errors=True)
            tree.mkdir()
            getattr(self, f"_make_{name}")(tree)
            stamp.touch()
        return tree

    def _scaled(self, number):
        return max(1, int(number * self.scale))

    def _text(self):
        """Source code, as a pool that realistic contents are cut from."""
        if self._pool is None:
            tree = self.path("source")
            wanted, parts = self._scaled(256 * MIB), []
            for file in sorted(tree.rglob("*.c")):
                parts.append(file.read_bytes())
                wanted -= len(parts[-1])
                if wanted < 0:
                    break
            self._pool = b"".join(parts)
        return self._pool

    def _make_source(self, tree):
        if not ARCHIVE.exists():
            raise SystemExit("linux-source-6.1 is not installed")
        # A small run takes a part of the tree that has all kinds of files.
        part = [] if self.scale >= 1 else ["--wildcards", "*/kernel/*"]
        subprocess.run(["tar", "-C", tree, "-xJf", ARCHIVE, *part], check=True)

    def _make_tiny(self, tree):
        numbers, pool = numpy.random.default_rng(SEED), self._text()
        for directory in range(self._scaled(3000)):
            at = tree / f"d{directory // 100:02}" / f"d{directory % 100:02}"
            at.mkdir(parents=True)
            sizes = numbers.integers(0, 4 * KIB + 1, 100)
            places = numbers.integers(0, len(pool) - 4 * KIB, 100)
            for number, (size, place) in enumerate(zip(sizes.tolist(), places.tolist())):
                content = numbers.bytes(size) if number % 3 == 0 else pool[place:place + size]
                (at / f"file{number:03}.txt").write_bytes(content)

    def _make_random(self, tree):
        numbers = numpy.random.default_rng(SEED + 1)
        for number in range(64):
            (tree / f"file{number:02}").write_bytes(numbers.bytes(self._scaled(2 * GIB) // 64))

    def _make_million(self, tree):
        numbers = numpy.random.default_rng(SEED + 2)
        sizes = numbers.integers(0, 101, self._scaled(1_000_000)).tolist()
        for number, size in enumerate(sizes):
            with open(tree / f"message-{number:07}", "wb", buffering=0) as file:
                file.write((b"%07d " % number * 13)[:size])

    def _make_image(self, tree):
        numbers, pool = numpy.random.default_rng(SEED + 3), self._text()
        size = self._scaled(4 * GIB) // IMAGE_BLOCK * IMAGE_BLOCK
        with open(tree / "disk.img", "wb") as image:
            image.truncate(size)
            at = 0
            while at < size:
                extent = min(int(2 ** numbers.uniform(12, 20)) // IMAGE_BLOCK * IMAGE_BLOCK, size - at, len(pool) // 2)
                kind = numbers.random()
                if kind >= 0.25:
                    image.seek(at)
                    place = int(numbers.integers(0, len(pool) - extent))
                    image.write(pool[place:place + extent] if kind < 0.70 else numbers.bytes(extent))
                at += extent

    def changed_image(self):
        """The image with 1% of its blocks overwritten in 1,200 runs, and that one with 1 MiB inserted at a third.

        Gives both paths, and how many bytes were overwritten. Kept outside the tree: the measuring puts one of them
        in the image's place.
        """
        base = self.path("image") / "disk.img"
        overwritten, inserted = self.directory / "overwritten.img", self.directory / "inserted.img"
        stamp = self.directory / "changed.done"
        size = base.stat().st_size
        runs = self._scaled(OVERWRITTEN_RUNS)
        run_bytes = max(1, size // 100 // runs // IMAGE_BLOCK) * IMAGE_BLOCK
        if not stamp.exists():
            print("making the changed images", flush=True)
            numbers = numpy.random.default_rng(SEED + 4)
            subprocess.run(["cp", "--sparse=always", base, overwritten], check=True)
            with open(overwritten, "r+b") as image:
                # One run in each of as many equal parts, so that none overwrites another.
                part = size // runs // IMAGE_BLOCK
                for run in range(runs):
                    place = run * part + int(numbers.integers(0, max(1, part - run_bytes // IMAGE_BLOCK)))
                    image.seek(place * IMAGE_BLOCK)
                    image.write(numbers.bytes(run_bytes))
            third = size // 3 // IMAGE_BLOCK * IMAGE_BLOCK  # holes stay whole blocks
            with open(overwritten, "rb") as old, open(inserted, "wb") as new:
                left = third
                while left > 0:
                    left -= new.write(old.read(min(left, MIB)))
                new.write(numbers.bytes(MIB))
                shutil.copyfileobj(old, new, MIB)
            subprocess.run(["fallocate", "--dig-holes", inserted], check=True)
            stamp.touch()
        return overwritten, inserted, run_bytes * runs


def warm(tree):
    subprocess.run(f"find {tree} -type f -print0 | xargs -0 -r cat > /dev/null", shell=True, check=True)


def warm_names(tree):
    subprocess.run(["find", tree, "-printf", ""], check=True)


class OnePercent:
    """Every hundredth file grows by a line; leaving the block puts contents and times back."""

    def __init__(self, tree, every=100):
        files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
        self.changed = [(path, path.stat()) for path in files[::every]]

    def __enter__(self):
        for path, _ in self.changed:
            with open(path, "ab") as file:
                file.write(b"one more line, that was not here before\n")
        return self

    def __exit__(self, *_):
        for path, before in self.changed:
            os.truncate(path, before.st_size)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class InPlaceOf:
    """Another file stands where `path` was; leaving the block puts the first one back."""

    def __init__(self, path, other):
        self.path, self.other, self.aside = path, other, path.parent.parent / "aside.img"

    def __enter__(self):
        self.path.rename(self.aside)
        self.other.rename(self.path)
        return self

    def __exit__(self, *_):
        self.path.rename(self.other)
        self.aside.rename(self.path)
