"""Which snapshots stay: pruning with and without a server, pins, what comes back, and what a client can't do."""
import shutil
import struct
import time

import blake3
from harness import *

KEEP_ONE = '[retention]\nkeep_last = 1\nfloor = "0h"\nprune_every = "0"\n'


class RetentionCase(TestCase):
    def setUp(self):
        super().setUp()
        self.repository = self.scratch / "repository"
        self.config = self.repository / "config.toml"
        self.ids = []

    def verb(self, *words, expect=0):
        return self.client(self.repository, *words, "--socket", self.socket, program=BIN / "rbbackupd", expect=expect)

    def back_up(self, count=1):
        for _ in range(count):
            write(self.tree / "file", f"content {len(self.ids)}")
            self.ids.append(self.backup("-r", self.tree)["snapshot"])

    def node(self):
        return self.verb("nodes", "--json").lines[0]["name"]

    def listed(self):
        """By number, the oldest being 0."""
        return [self.ids.index(s["id"]) for s in self.snapshots()]

    def settings(self, server, text):
        self.config.write_text(text)
        before = server.log_text.count("reloaded")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while server.log_text.count("reloaded") == before:
            self.assertLess(time.monotonic(), deadline, server.log_text)
            time.sleep(0.02)

    def content(self, number):
        return self.client("cat", self.tree / "file", "--at", self.ids[number]).out.decode()


class Prune(RetentionCase):
    def test_without_rules_everything_stays(self):
        self.serve()
        self.back_up(3)
        self.assertIn(b"0 snapshots deleted, 3 kept (no policy)", self.verb("prune").out)
        self.assertEqual(self.listed(), [2, 1, 0])

    def test_with_the_server_running(self):
        server = self.serve()
        self.back_up(4)
        self.settings(server, KEEP_ONE.replace("1", "2", 1))
        dry = self.verb("prune", "--dry-run").out.decode()
        self.assertRegex(dry, r"stays: head, last 1\n")
        self.assertEqual(dry.count("goes"), 2)
        self.assertIn("2 stay, 2 go", dry)
        self.assertEqual(self.listed(), [3, 2, 1, 0])
        self.assertEqual(self.verb("prune", "--json").lines[0]["deleted"], 2)
        self.assertEqual(self.listed(), [3, 2])
        self.assertEqual(self.content(2), "content 2")
        outcome = self.client("cat", self.tree / "file", "--at", self.ids[0], expect=1)
        self.assertIn(b"is deleted; the server's administrator can undelete it until", outcome.err)
        self.assertEqual(self.verb("prune", "--json").lines[0]["deleted"], 0)

    def test_without_a_server(self):
        server = self.serve()
        self.back_up(3)
        node = self.node()
        server.stop()
        self.config.write_text(KEEP_ONE)
        self.assertEqual(self.verb("prune", "--node", node, "--dry-run", "--json").lines[0]["deleted"], 2)
        self.assertEqual(self.verb("prune", "--node", node, "--json").lines[0]["deleted"], 2)
        self.verb("prune", "--node", "nobody", expect=1)
        self.serve()
        self.assertEqual(self.listed(), [2])

    def test_pruned_ones_stay_gone(self):
        server = self.serve()
        self.back_up(3)
        self.settings(server, KEEP_ONE)
        self.verb("prune")
        for way in ("restart", "crash", "without a catalog"):
            server.stop() if way != "crash" else server.kill()
            if way == "without a catalog":
                shutil.rmtree(self.repository / "catalog")
            server = self.serve()
            self.assertEqual(self.listed(), [2], way)
            self.assertEqual(self.content(2), "content 2")

    def test_the_floor_holds_against_a_flood(self):
        server = self.serve()
        self.back_up(1)
        self.settings(server, '[retention]\nkeep_last = 2\n')
        for _ in range(200):
            self.client("-q", self.tree / "file")
        self.assertEqual(self.verb("prune", "--json").lines[0]["deleted"], 0)
        self.assertEqual(len(self.snapshots()), 201)
        self.assertEqual(self.content(0), "content 0")

    def test_a_bad_policy_is_refused(self):
        self.serve().stop()
        self.config.write_text('[retention]\nkeep_daily = -1\n')
        self.assertIn(b"retention.keep_daily", self.verb("prune", expect=1).err)

    def test_rules_of_one_node(self):
        server = self.serve()
        self.back_up(3)
        self.settings(server, KEEP_ONE + f'[node.{self.node()}.retention]\nkeep_last = 2\n')
        self.assertEqual(self.verb("prune", "--json").lines[0]["policy"], "last=2 floor=0")
        self.assertEqual(self.listed(), [2, 1])

    def test_the_server_prunes_by_itself(self):
        server = self.serve()
        self.back_up(3)
        self.settings(server, KEEP_ONE.replace('"0"', '"1s"'))
        deadline = time.monotonic() + PATIENCE
        while len(self.snapshots()) > 1:
            self.assertLess(time.monotonic(), deadline, server.log_text)
            time.sleep(0.05)
        self.assertIn("2 snapshots deleted, 1 kept", server.log_text)


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


class ClockJump(RetentionCase):
    def write_record_of(self, seconds):
        """A record of the journal, in both copies, that was made then: that an invitation was withdrawn."""
        segments = sorted(self.repository.glob("journal.1/*.journal"))
        text = b"".join(s.read_bytes() for s in segments)
        last, at = (0, b""), text.find(b"\xe7rbjrnl\n")
        while at >= 0:
            length, _, sequence = struct.unpack_from("<IIQ", text, at + 8)
            last = max(last, (sequence, text[at + length - 32:at + length]))
            at = text.find(b"\xe7rbjrnl\n", at + length)
        number = int(segments[-1].stem, 16) + 1
        header = b"\xe7rbjseg\n" + struct.pack("<II", 0, number) + segments[0].read_bytes()[16:32]
        payload = varint(2 * seconds) + varint(0) + varint(0) + varint(1) + b"x"
        record = b"\xe7rbjrnl\n" + struct.pack("<IIQ", 88 + len(payload), 6, last[0] + 1) + last[1] + payload
        segment = header + blake3.digest(header) + record + blake3.digest(record)
        for copy in ("journal.1", "journal.2"):
            (self.repository / copy / f"{number:08x}.journal").write_bytes(segment)

    def check_refused(self, reason):
        self.assertIn(reason, self.verb("prune", expect=1).err)
        self.assertIn(reason, self.verb("prune", "--dry-run", expect=1).err)
        self.assertEqual(len(self.snapshots()), 3)

    def test_nothing_is_pruned_by_a_clock_that_was_set_back(self):
        server = self.serve()
        self.back_up(3)
        server.stop()
        self.config.write_text(KEEP_ONE)
        self.write_record_of(int(time.time()) + 3600)
        self.serve()
        self.check_refused(b"the server's clock can't be trusted")


class Pins(RetentionCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.back_up(4)
        self.settings(self.server, KEEP_ONE)

    def test_pins_hold(self):
        self.client("pin", self.ids[0])
        self.verb("pin", self.node(), self.ids[1][:10])
        self.verb("prune")
        self.assertEqual(self.listed(), [3, 1, 0])
        self.assertEqual([s["pinned"] for s in self.snapshots()], [False, True, True])
        self.assertIn(b"pinned by the node", self.verb("snapshots", self.node()).out)
        self.verb("unpin", self.node(), self.ids[1])
        self.verb("unpin", self.node(), self.ids[0])
        self.verb("prune")
        self.assertEqual(self.listed(), [3])

    def test_a_client_makes_nothing_go(self):
        self.verb("pin", self.node(), self.ids[0])
        self.client("pin", self.ids[1])
        self.settings(self.server, KEEP_ONE.replace("0h", "7d"))
        for number in (0, 1):
            self.client("unpin", self.ids[number])
        self.verb("prune")
        self.assertEqual(self.listed(), [3, 2, 1, 0])
        self.settings(self.server, KEEP_ONE)
        self.back_up()  # without a floor, what the node unpinned holds until there is a newer one
        self.verb("prune")
        self.assertEqual(self.listed(), [4, 0])  # what the administrator pinned

    def test_what_is_not_there_can_not_be_pinned(self):
        self.client("pin", "0123456789abcdef", expect=1)
        self.verb("pin", self.node(), "0123456789abcdef", expect=1)
        self.verb("pin", "nobody", self.ids[0], expect=1)

    def test_undelete(self):
        self.verb("prune")
        self.assertEqual(self.listed(), [3])
        deleted = [s for s in self.verb("snapshots", self.node(), "--json").lines if s["deleted"]]
        self.assertEqual([s["id"] for s in deleted], self.ids[2::-1])
        self.verb("undelete", self.node(), self.ids[1])
        self.verb("undelete", self.node(), self.ids[3], expect=1)
        self.assertEqual(self.listed(), [3, 1])
        self.assertEqual(self.content(1), "content 1")
        self.server.stop()
        self.verb("undelete", self.node(), self.ids[0])
        self.serve()
        self.assertEqual(self.listed(), [3, 1, 0])

    def test_stats(self):
        node = self.verb("stats", "--json").lines[0]
        self.assertEqual((node["snapshots"], node["prune_snapshots"], node["by_age"][0]["snapshots"]), (4, 3, 4))
        self.assertGreater(node["stored_bytes"], 0)
        self.assertIn(b"an estimate", self.verb("stats").out)


if __name__ == "__main__":
    main()
