"""What made others lose data (docs/stories.md), tried on the two real programs."""
import hashlib
import time

import blake3
from harness import *

FORGET_AT_ONCE = '[retention]\nkeep_last = 1\nfloor = "0h"\nundelete_for = "0h"\nprune_every = "0"\n[gc]\nevery = "0"\n'


class StoriesTest(TestCase):
    def setUp(self):
        super().setUp()
        self.repository = self.scratch / "repository"

    def verb(self, *words, expect=0):
        return self.client(self.repository, *words, "--socket", self.socket, program=BIN / "rbbackupd", expect=expect)

    def configure(self, text):
        self.serve().stop()
        (self.repository / "config.toml").write_text(text)

    def collect_all(self):
        """What was uploaded outlives two collections."""
        self.verb("prune")
        for _ in range(3):
            self.verb("gc")

    def test_a_cache_that_names_what_was_collected_is_not_believed(self):
        self.configure(FORGET_AT_ONCE)
        self.serve()
        file, other = self.tree / "file", write(self.tree / "other", "stays")
        write(file, seeded_bytes(1, 300_000))
        self.backup("-r", self.tree)
        before = file.stat()
        cache = self.scratch / "cache"
        shutil.copytree(cache, self.scratch / "old-cache")
        # The file leaves the copy, its contents the store ...
        file.rename(self.scratch / "aside")
        self.backup("-rd", self.tree)
        self.collect_all()
        # ... and comes back exactly as the old cache knew it: name, times, inode and all.
        (self.scratch / "aside").rename(file)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        shutil.rmtree(cache)
        (self.scratch / "old-cache").rename(cache)
        self.backup("-r", self.tree)
        self.restore_and_compare()
        self.assertEqual(other.read_text(), "stays")
        self.assertIn(b"no damage", self.verb("check", "--data").err)

    def test_no_time_of_a_file_decides_what_lives(self):
        self.configure(FORGET_AT_ONCE)
        server = self.serve()
        for i in range(3):
            write(self.tree / f"file-{i}", seeded_bytes(i, 100_000))
            self.backup("-r", self.tree)
        for when in (0, 4_000_000_000):
            server.stop()
            for path in self.repository.rglob("*"):
                os.utime(path, (when, when))
            server = self.serve()
            self.collect_all()
            self.restore_and_compare()
        self.assertIn(b"no damage", self.verb("check", "--data").err)

    def test_other_bytes_of_the_same_size_and_time(self):
        self.serve()
        file = write(self.tree / "libfribidi.so", seeded_bytes(1, 50_000))
        self.backup("-r", self.tree)
        before = file.stat()
        time.sleep(0.05)  # beyond the clock's granularity, or it would be read again anyway
        with open(file, "r+b") as out:
            out.write(seeded_bytes(2, 50_000))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(file.stat().st_mtime_ns, before.st_mtime_ns)
        self.backup("-r", self.tree)
        self.restore_and_compare()

    def test_a_deleted_file_leaves_the_disk(self):
        self.configure(FORGET_AT_ONCE)
        server = self.serve()
        secret = seeded_bytes(7, 300_000)
        write(self.tree / "secret", secret)
        self.backup("-r", self.tree)
        server.stop()
        server = self.serve()
        (self.tree / "secret").unlink()
        write(self.tree / "rest", "rest")
        self.backup("-rd", self.tree)
        self.collect_all()
        server.stop()
        for path in self.repository.rglob("*"):
            self.assertFalse(path.is_file() and secret[1000:1100] in path.read_bytes(), path)


class FormatsTest(TestCase):
    """What another version wrote is refused with what to do, or made anew; never misread, never touched."""

    def setUp(self):
        super().setUp()
        self.repository = self.scratch / "repository"
        server = self.serve()
        write(self.tree / "file", seeded_bytes(1, 100_000))
        self.backup("-r", self.tree)
        server.stop()

    def state(self):
        found = {}
        for name in ("packs", "journal.1", "journal.2"):
            for path in sorted((self.repository / name).iterdir()):
                found[path.name, name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def refused(self, wanted):
        before = self.state()
        server = self.serve(expect_failure=True)
        self.assertFalse(server.ready)
        self.assertEqual(server.process.wait(PATIENCE), 1)
        for part in wanted:
            self.assertIn(part, server.log_text)
        self.assertEqual(self.state(), before)

    def test_a_repository_of_a_later_version(self):
        path = self.repository / "format"
        data = bytearray(path.read_bytes())
        data[len(b"rbbackup repository\n")] = 9
        data[-32:] = blake3.digest(bytes(data[:-32]))
        path.write_bytes(data)
        self.refused(["version 9", "newer"])

    def test_a_pack_of_a_later_version(self):
        shutil.rmtree(self.repository / "catalog")
        path = sorted((self.repository / "packs").glob("*.pack"))[0]
        data = bytearray(path.read_bytes())
        data[8] = 9
        data[48:80] = blake3.digest(bytes(data[:48]))
        path.write_bytes(data)
        self.refused(["version 9", path.name, "newer"])

    def test_a_journal_of_a_later_version(self):
        path = sorted((self.repository / "journal.2").iterdir())[0]
        data = bytearray(path.read_bytes())
        data[8] = 9
        data[32:64] = blake3.digest(bytes(data[:32]))
        path.write_bytes(data)
        self.refused(["version 9", "journal.2", "newer"])

    def test_whatever_can_be_made_anew_is(self):
        for name in ("quarantine", "last-read"):
            (self.repository / name).write_text(f"rbbackup {name} 9\nof a later version\n")
        for path in (self.scratch / "cache").rglob("*"):
            if path.is_file():
                path.write_bytes(b"RBCACHE9" + path.read_bytes()[8:])
        self.serve()
        self.backup("-r", self.tree)
        self.restore_and_compare()


if __name__ == "__main__":
    main()
