"""What a client takes of the line, of the machine and of its time to compress is its user's to say."""
import pathlib
import time

from harness import *


class Limits(TestCase):
    def setUp(self):
        super().setUp()
        self.serve()

    def sent(self, *words):
        return self.backup(*words)["bytes_sent"]

    def test_compression(self):
        sizes = {}
        for how in ["off", "1", "auto", "19"]:
            tree = self.scratch / how
            write(tree / "text", b"".join(b"line %d of %s: %x\n" % (i, how.encode(), i * i * 7919) for i in range(60_000)))
            sizes[how] = self.sent("-r", tree, "--compression", how)
        size = (self.scratch / "off/text").stat().st_size
        self.assertGreater(sizes["off"], size)
        for how in ["1", "auto", "19"]:
            self.assertLess(sizes[how], size / 2)
        self.assertLess(sizes["19"], min(sizes["1"], sizes["auto"]))
        for how in sizes:
            self.restore_and_compare(self.scratch / how)

    def test_a_wrong_value_is_a_mistake(self):
        write(self.tree / "file", "content")
        for words in (["--compression", "20"], ["--compression", "0"], ["--compression", "best"], ["--bwlimit", "0"],
                      ["--bwlimit", "fast"], ["--cpu-limit", "0"], ["--cpu-limit", "many"]):
            self.client("-r", self.tree, *words, expect=2)
        self.assertEqual(self.snapshots(), [])

    def test_bandwidth(self):
        write(self.tree / "file", seeded_bytes(1, 3 << 20))
        began = time.monotonic()
        self.backup("-r", self.tree, "--bwlimit", "2M")
        self.assertGreater(time.monotonic() - began, 1.3)  # never faster, however slow the machine
        began = time.monotonic()
        self.client("restore", self.tree, "--to", self.scratch / "back", "--bwlimit", "2M")
        self.assertGreater(time.monotonic() - began, 1.3)
        self.assert_same(self.tree, self.scratch / "back/tree")

    def test_processors(self):
        for i in range(40):
            write(self.tree / f"file{i}", seeded_bytes(i, 4_000_000))
        process = self.start_client("-r", self.tree, "--cpu-limit", "1", "--bwlimit", "100M")
        nice = set()
        while process.poll() is None:
            try:
                stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                break
            nice.add(int(stat[16]))
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertIn(10, nice)
        self.restore_and_compare()


if __name__ == "__main__":
    main()
