"""TLS over a line that breaks: the client goes on where it was, and sends next to nothing twice."""
import threading
import time

from forwarder import Forwarder
from harness import *

MIB = 1 << 20
# What may be sent again after a cut: the blocks that were not acknowledged yet, wherever on the way they were: four
# requests of 4 MiB, and what goes up before the cut is made.
WINDOW = 18 * MIB
# What a restore may get twice: the blocks that its workers share when all of them begin, and after a cut what the
# sockets had taken.
SHARED = 30 * MIB


class Cuts(TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve_tls()
        self.line = Forwarder(self.server.address)
        self.addCleanup(self.line.close)
        self.ana = self.member(self.server, "ana", address=self.line.address)
        self.total = 48 * MIB
        for i in range(40):
            write(self.ana.tree / f"d{i % 5}/f{i}", seeded_bytes(i, self.total // 40))
        self.line.up = 0

    def back_up_while(self, action, after=16 * MIB, expect=0):
        """A backup during which, once so much has gone up, the action is run. Gives what the client said."""
        happened = threading.Event()

        def act():
            action()
            happened.set()

        self.line.when_up(after, act)
        process = self.ana.start("--json", "-r", self.ana.tree)
        out, err = process.communicate(timeout=PATIENCE)
        self.assertTrue(happened.is_set(), "the backup ended before anything could happen")
        self.assertEqual(process.returncode, expect, (out, err))
        return err.decode()

    def check(self, cuts=1):
        self.assertLess(self.line.up, self.total * 1.01 + cuts * WINDOW)
        self.assertEqual(len(self.ana.snapshots()), 1)
        self.ana.restore_and_compare()

    def test_without_a_cut_everything_goes_once(self):
        self.ana.backup()
        self.assertLess(self.line.up, self.total * 1.01)
        self.check(cuts=0)

    def test_connections_break(self):
        self.back_up_while(self.line.cut)
        self.check()

    def test_connections_break_again_and_again(self):
        def cut_and_cut_again():
            self.line.cut()
            if self.line.up < 40 * MIB:
                self.line.when_up(8 * MIB, cut_and_cut_again)

        self.back_up_while(cut_and_cut_again, after=8 * MIB)
        self.check(cuts=5)

    def test_the_server_is_killed_and_started_again(self):
        port = self.server.address.rsplit(":", 1)[1]

        def restart():
            self.server.kill()
            self.server = self.serve_tls(port=port)

        self.back_up_while(restart)
        self.check()

    def test_the_server_is_stopped_in_order_and_started_again(self):
        port = self.server.address.rsplit(":", 1)[1]

        def restart():
            # From another thread: the server lets running requests finish, and this one carries them.
            def do():
                self.server.stop()
                self.server = self.serve_tls(port=port)
            threading.Thread(target=do, daemon=True).start()

        self.back_up_while(restart)
        self.check()

    def test_nobody_there_for_a_while(self):
        def away():
            self.line.refuse()
            threading.Timer(3, self.line.accept_again).start()

        said = self.back_up_while(away)
        self.assertIn("does not answer", said)
        self.assertIn("answers again", said)
        self.check()

    def test_nothing_passes_for_a_while(self):
        """As when an address moves away and comes back: connections stay, and are as good as before."""
        def silence():
            self.line.stall()
            threading.Timer(3, self.line.flow).start()

        self.back_up_while(silence)
        self.check(cuts=0)

    def test_a_restore_goes_on(self):
        self.ana.backup()
        target = self.ana.home / "target"
        process = self.ana.start("restore", self.ana.tree, "--to", target)
        deadline = time.monotonic() + PATIENCE
        before = self.line.down
        while self.line.down - before < 40 * MIB:
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.002)
        self.line.cut()
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, err)
        self.assert_same(self.ana.tree, target / "tree")
        self.assertLess(self.line.down - before, self.total * 1.01 + SHARED)

    def test_a_server_that_stays_away_is_given_up(self):
        """And the next run goes on where this one was."""
        def leave():
            self.line.refuse()

        said = self.back_up_while(leave, expect=4)
        self.assertIn("has not answered", said)
        self.line.accept_again()
        self.ana.backup()
        self.check()


if __name__ == "__main__":
    main()
