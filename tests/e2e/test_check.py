"""Damage on the server's disk: found, traced, corrected by parity or sent again, and restored from; live files against
their copy."""
import time
import unittest

from harness import *


class CheckCase(TestCase):
    def setUp(self):
        super().setUp()
        self.repository = self.scratch / "repository"
        for i in range(6):
            write(self.tree / f"file-{i}", seeded_bytes(i, 600_000))

    def verb(self, *words, expect=0):
        return self.client(self.repository, *words, "--socket", self.socket, program=BIN / "rbbackupd", expect=expect)

    def configure(self, text):
        """Before the first start: a file that is there is left alone."""
        server = self.serve()
        server.stop()
        (self.repository / "config.toml").write_text(text)

    def packs(self):
        return sorted((self.repository / "packs").glob("*.pack"))

    def damage(self, content, flips=1):
        """Flips bytes where `content` stands in a pack: what does not shrink is stored as it is."""
        for pack in self.packs():
            data = bytearray(pack.read_bytes())
            at = data.find(content[1000:1200])
            if at < 0:
                continue
            for i in range(flips):
                data[at + i * 8192] ^= 0xFF
            with open(pack, "r+b") as file:  # in place, as a disk does
                file.write(data)
            return pack
        self.fail("the content is not in a pack")

    def overwrite(self, pack, at, size):
        with open(pack, "r+b") as file:  # in place, as a disk does
            file.seek(at)
            file.write(bytes(size))

    def restored(self, expect):
        """The contents of all files that could be restored, by name."""
        target = self.scratch / f"restored.{time.monotonic_ns()}"
        target.mkdir()
        self.client("restore", self.tree, "--to", target, expect=expect)
        return {path.name: path.read_bytes() for path in (target / self.tree.name).iterdir() if path.is_file()}

    def await_metric(self, name, at_least):
        import http.client
        import socket

        class Connection(http.client.HTTPConnection):
            def connect(this):
                this.sock = socket.socket(socket.AF_UNIX)
                this.sock.connect(str(self.socket))

        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            connection = Connection("localhost", timeout=PATIENCE)
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            connection.close()
            values = [float(line.split()[1]) for line in text.splitlines() if line.startswith(f"rbbackup_{name} ")]
            if values and values[0] >= at_least:
                return
            time.sleep(0.1)
        self.fail(f"{name} did not reach {at_least}:\n{text}")


class CheckTest(CheckCase):
    def test_a_sound_repository_with_the_server_running_and_stopped(self):
        server = self.serve()
        self.backup("-r", self.tree)
        for words in [[], ["--data"], ["--data", "--rate", "100MiB/s"], ["--data", "--unpack"]]:
            lines = self.verb("check", "--json", *words).lines
            self.assertEqual(len(lines), 1)
            self.assertEqual((lines[0]["damage_count"], lines[0]["snapshots"]), (0, 1))
            self.assertGreater(lines[0]["objects"], 6)
        server.stop()
        self.assertIn(b"no damage", self.verb("check").err)
        self.assertIn(b"no damage", self.verb("check", "--data").err)

    def test_what_parity_cannot_correct_is_traced_and_sent_again(self):
        self.configure("[care]\nparity_percent = 0\n")
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        content = (self.tree / "file-3").read_bytes()
        self.damage(content)
        outcome = self.verb("check", "--data", "--json", expect=3)
        findings = [line for line in outcome.lines if "kind" in line]
        self.assertEqual([f["kind"] for f in findings], ["damaged"], outcome)
        self.assertTrue(any(file.endswith(f"{self.tree}/file-3") for file in findings[0]["affected"]), findings)
        self.assertEqual(len(findings[0]["affected"]), 1, findings)

        self.serve()
        self.verb("check", expect=3)
        self.assertIn("file-3", self.client("verify", self.tree, "--json", expect=3).out.decode())
        self.backup("-r", self.tree)
        self.verb("check", "--data")
        self.restore_and_compare()
        self.client("verify", self.tree)

    def small_files(self, content):
        """A block holds some hundreds of them."""
        shutil.rmtree(self.tree)
        for i in range(600):
            write(self.tree / f"small-{i:03}", content(i))
        self.configure("[care]\nparity_percent = 0\n")
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        return {path.name: path.read_bytes() for path in self.tree.iterdir()}

    def expect_only_lost(self, contents, hit):
        """`hit` files are lost and no other, before a check and after it; the next backup brings them again."""
        sound = {name: content for name, content in contents.items() if name not in hit}
        self.serve()
        self.assertEqual(self.restored(expect=3), sound, "before anybody looked")
        outcome = self.verb("check", "--data", "--json", expect=3)
        findings = [line for line in outcome.lines if line.get("kind") == "damaged"]
        self.assertEqual({file.rpartition("/")[2] for f in findings for file in f["affected"]}, hit, outcome)
        self.assertEqual(self.restored(expect=3), sound, "after the check")
        self.backup("-r", self.tree)
        self.assertEqual(self.verb("check", "--data", "--json").lines[-1]["damage_count"], 0)
        self.restore_and_compare()

    def test_a_lost_sector_costs_only_the_small_files_in_it(self):
        contents = self.small_files(lambda i: seeded_bytes(i, 5000 + i))
        pack, data = next((p, p.read_bytes()) for p in self.packs() if contents["small-100"] in p.read_bytes())
        at = data.find(contents["small-100"]) // 4096 * 4096 + 4096
        places = {name: data.find(content) for name, content in contents.items()}
        hit = {n for n, place in places.items() if place < at + 4096 and at < place + len(contents[n])}
        self.assertIn(len(hit), (1, 2))
        self.overwrite(pack, at, 4096)
        self.expect_only_lost(contents, hit)

    def test_of_a_packed_block_what_comes_before_a_lost_sector_outlives_it(self):
        def text(i):
            words = [seeded_bytes(i * 64 + k, 6).hex() for k in range(64)]
            return " ".join(words[b % 64] for b in seeded_bytes(-i - 1, 500))

        contents = self.small_files(text)
        pack = max(self.packs(), key=lambda path: path.stat().st_size)
        size = pack.stat().st_size
        self.assertLess(size, sum(len(content) for content in contents.values()) / 2)
        self.overwrite(pack, size // 4, 4096)  # about the middle of the first block of two
        outcome = self.verb("check", "--data", "--json", expect=3)
        found = next(line for line in outcome.lines if line.get("kind") == "damaged")
        server = self.serve()
        sound = self.restored(expect=3)
        server.stop()
        self.assertIn("were salvaged", found["what"])
        self.assertGreater(len(sound), len(contents) * 3 // 5, found)
        self.assertEqual(sound, {name: contents[name] for name in sound})
        self.assertTrue({file.rpartition("/")[2] for file in found["affected"]}.isdisjoint(sound), found)

    def test_damaged_metadata_of_the_newest_snapshot_stops_no_backup(self):
        self.configure("[care]\nparity_percent = 0\n")
        for back in [150, 800, 1400]:  # from the end, where the pages and the snapshot stand
            server = self.serve()
            write(self.tree / f"new-{back}", "more")
            self.backup("-r", self.tree)
            server.stop()
            pack = self.packs()[-1]
            data = bytearray(pack.read_bytes())
            at = len(data) - min(back, len(data) - 200)
            for i in range(at, at + 8):  # more than the padding of a record, which nobody reads
                data[i] ^= 0xFF
            pack.write_bytes(data)
            self.verb("check", "--data", expect=3)
            server = self.serve()
            self.client("-r", self.tree)
            self.restore_and_compare()
            self.client("verify", self.tree)
            server.stop()

    def test_a_restore_over_flipped_sectors_works_and_the_pack_is_corrected(self):
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        self.serve()
        self.await_metric("parities_made_total", 1)
        pack = self.damage((self.tree / "file-1").read_bytes(), flips=3)
        self.restore_and_compare()
        self.await_metric("packs_corrected_total", 1)
        self.assertTrue(pack.with_name(pack.name + ".damaged-1").exists())
        outcome = self.verb("check", "--data", "--json")
        self.assertEqual(outcome.lines[-1]["damage_count"], 0)

    def test_scrubbing_corrects_what_nobody_reads(self):
        self.configure('[care]\nscrub_period = "1s"\n')
        server = self.serve()
        self.backup("-r", self.tree)
        server.stop()
        self.serve()
        self.await_metric("parities_made_total", 1)
        self.damage((self.tree / "file-5").read_bytes())
        self.await_metric("packs_corrected_total", 1)
        self.restore_and_compare()

    def test_verify_tells_changed_gone_and_silently_damaged_files_apart(self):
        self.serve()
        self.backup("-r", self.tree)
        (self.tree / "file-0").write_bytes(b"changed")
        (self.tree / "file-1").unlink()
        self.client("verify", self.tree)
        silent = self.tree / "file-2"
        before = silent.stat()
        with open(silent, "r+b") as file:
            file.seek(100)
            file.write(b"?")
        os.utime(silent, ns=(before.st_atime_ns, before.st_mtime_ns))
        outcome = self.client("verify", self.tree, "--json", expect=3)
        summary = outcome.summary
        self.assertEqual((summary["same"], summary["changed"], summary["gone"], summary["differing"]), (3, 1, 1, 1))
        self.assertEqual((summary["sampled"], summary["damaged"]), (6, 0))
        self.assertEqual([l["path"] for l in outcome.lines if l.get("matter") == "differs"], [str(silent)])

    def test_usage(self):
        self.serve()
        self.verb("check", "--rate", "5", expect=2)
        self.verb("nodes", "--data", expect=2)


if __name__ == "__main__":
    main()
