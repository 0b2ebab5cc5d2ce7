"""Joining: one link, once, and from then on the machine's backups go to that server. Each trouble has its own words."""
import http.server
import socket
import ssl
import stat
import threading
import time
import unittest

from forwarder import Forwarder
from harness import *
from protocol_client import Client, Link, pin_of


class Joining(TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve_tls()

    def filled(self, machine, files=20):
        for i in range(files):
            write(machine.tree / f"d{i % 3}/f{i}", seeded_bytes(f"{machine.name}{i}", 3000))
        return machine

    def assert_says(self, outcome, *words):
        """One line to the user, with these words in it and no secret."""
        text = outcome.err.decode()
        self.assertEqual(len(text.splitlines()), 1, outcome)
        for word in words:
            self.assertIn(word, text)

    def test_join_back_up_restore(self):
        ana = self.filled(self.machine("ana"))
        link = self.server.invite("ana")
        self.assertEqual(len(link.splitlines()), 1)
        outcome = ana.join(link)
        self.assertIn(b"ana", outcome.out)
        self.assertNotIn(Link(link).secret.hex().encode(), outcome.out + outcome.err)
        self.assertEqual(stat.S_IMODE(ana.joined_file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(ana.joined_file.parent.stat().st_mode), 0o700)
        ana.backup()
        ana.restore_and_compare()
        self.assertEqual(ana.backup()["new"], 0)
        status = ana.client("status", "--json").lines[0]
        self.assertEqual((status["node"], status["server"]), ("ana", f"https://{self.server.address}"))
        self.assertIn("ana", self.server.run("nodes"))

    def test_the_link_as_an_argument(self):
        ana = self.machine("ana")
        ana.client("join", self.server.invite("ana"))
        self.assertEqual(ana.joined["node"], "ana")

    def test_a_mistyped_link(self):
        ana = self.machine("ana")
        link = self.server.invite("ana")
        at = link.index("#") + 20
        mistyped = link[:at] + ("A" if link[at] != "A" else "B") + link[at + 1:]
        for text in (mistyped, link[:-3], link.replace("/ana#", "/anna#")):
            self.assert_says(ana.join(text, expect=1), "mistyped")
        for text in ("", "https://example.org/", "rbbackup"):
            self.assert_says(ana.join(text, expect=1), "no link")
        self.assertFalse(ana.joined_file.exists())
        ana.join(f"  {link}\n\n")  # what was caught around it does no harm

    def test_an_expired_link(self):
        ana = self.machine("ana")
        link = self.server.invite("ana", "--expires", "1s")
        time.sleep(2.1)
        self.assert_says(ana.join(link, expect=4), "expired")

    def test_a_used_link(self):
        link = self.server.invite("ana")
        self.machine("ana").join(link)
        self.assert_says(self.machine("eva").join(link, expect=4), "used already")
        # Whoever joined with it may well repeat it: the first answer could have been lost.
        self.filled(self.machine("ana")).backup()

    def test_a_forged_link(self):
        eva = self.machine("eva")
        link = Link(self.server.invite("ana"))
        secret = link.secret
        link.secret = bytes(32)
        self.assert_says(eva.join(link, expect=4), "no such invitation")
        link.secret, link.invitation_id = secret, bytes(8)
        self.assert_says(eva.join(link, expect=4), "no such invitation")

    def test_a_link_with_another_key(self):
        link = Link(self.server.invite("ana"))
        link.pin = bytes(32)
        ana = self.machine("ana")
        self.assert_says(ana.join(link, expect=4), "another key")
        self.assertFalse(ana.joined_file.exists())

    def test_an_impostor_learns_nothing(self):
        """The secret is not sent before the key is checked: nothing but a handshake arrives."""
        impostor = self.scratch / "impostor"
        other = Server(impostor, self.scratch / "impostor.socket", "--listen", "127.0.0.1:0")
        self.addCleanup(other.kill)
        link = Link(self.server.invite("ana"))
        forwarder = Forwarder(other.address)
        self.addCleanup(forwarder.close)
        link.address = forwarder.address
        self.assert_says(self.machine("ana").join(link, expect=4), "another key")
        self.assertGreater(forwarder.down, 0)
        # A handshake and an alert take some 300 bytes, the request 350 more.
        self.assertLess(forwarder.up, 450)

    def test_nobody_there(self):
        link = self.server.invite("ana")
        self.server.stop()
        ana = self.machine("ana")
        self.assert_says(ana.join(link, expect=4), self.server.address)
        self.assertFalse(ana.joined_file.exists())
        self.serve_tls(port=self.server.address.rsplit(":", 1)[1])
        ana.join(link)
        self.server.kill()

    def test_no_server_where_one_was(self):
        ana = self.filled(self.member(self.server, "ana"))
        self.server.stop()
        self.assert_says(ana.client("-r", ana.tree, expect=4), self.server.address)

    def test_the_server_has_another_key_now(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        address = self.server.address
        self.server.stop()
        shutil.rmtree(self.scratch / "repository/tls")
        self.serve_tls(port=address.rsplit(":", 1)[1])
        self.assert_says(ana.client("-r", ana.tree, expect=4), "another key", address)

    def test_a_removed_node(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        self.server.run("remove", "ana")
        for words in (("-r", ana.tree), ("log",), ("restore", ana.tree)):
            self.assert_says(ana.client(*words, expect=4), "removed")
        # Its copies stay; whoever is invited under its name again gets them.
        ana.join(self.server.invite("ana"))
        self.assertEqual(len(ana.snapshots()), 1)
        ana.restore_and_compare()

    def test_a_renamed_node(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        self.server.run("rename", "ana", "anabel")
        self.assertEqual(ana.backup()["new"], 0)
        self.assertEqual(ana.client("status", "--json").lines[0]["node"], "anabel")
        self.assertEqual(len(ana.snapshots()), 2)

    def test_the_replacement_of_a_burned_machine(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        phoenix = self.machine("phoenix")
        outcome = phoenix.join(self.server.invite("ana"))
        self.assertIn(b"history", outcome.err)
        self.assertEqual(len(phoenix.snapshots()), 1)
        target = phoenix.home / "restored"
        phoenix.client("restore", ana.tree, "--to", target)
        self.assert_same(ana.tree, target / "tree")
        # The machine that was thought burned is not the node any more.
        self.assert_says(ana.client("-r", ana.tree, expect=4), "another machine")

    def test_nodes_of_one_host_keep_apart(self):
        """One address, one host name, the very same path: two credentials are two nodes."""
        ana, eva = self.member(self.server, "ana"), self.member(self.server, "eva")
        shared = self.scratch / "shared"
        for i in range(10):
            write(shared / f"f{i}", seeded_bytes(i, 2000))
        ana.backup("-r", shared)
        self.assertEqual(eva.snapshots(), [])
        self.assertEqual(eva.backup("-r", shared)["new"], ana.backup("-r", shared)["unchanged"])
        write(shared / "f0", "of eva")
        eva.backup("-r", shared)
        self.assertNotEqual(ana.client("cat", shared / "f0").out, b"of eva")
        self.assertEqual((len(ana.snapshots()), len(eva.snapshots())), (2, 2))

    def test_a_group_stores_and_sends_its_content_once(self):
        ana = self.member(self.server, "ana", "--group", "lab")
        eva = self.member(self.server, "eva", "--group", "lab")
        max_ = self.member(self.server, "max")
        for machine in (ana, eva, max_):
            for i in range(8):
                write(machine.tree / f"f{i}", seeded_bytes(i, 500_000))
        first = ana.backup()["bytes_sent"]
        self.assertGreater(first, 3_900_000)
        self.assertLess(eva.backup()["bytes_sent"], 50_000)
        # Who is not of the group sends everything: it must not learn what the group has.
        self.assertGreater(max_.backup()["bytes_sent"], 3_900_000)
        for machine in (ana, eva, max_):
            machine.restore_and_compare()
        self.assertEqual(eva.client("status", "--json").lines[0].get("group"), "lab")

    def test_a_cloned_machine_is_told(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        clone = Client.of(ana.configuration)
        clone.begin("read", boot_id="another machine's")
        clone.connection.close()
        outcome = ana.client("-r", ana.tree)
        self.assertIn(b"warning", outcome.err)
        self.assertEqual(outcome.err.count(b"warning"), 1, outcome)

    def test_joining_again(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        before = ana.joined["credential"]
        ana.join(self.server.invite("ana"))  # the same server: its own business
        self.assertNotEqual(ana.joined["credential"], before)
        self.assertEqual(len(ana.snapshots()), 1)

    def test_another_server_needs_force(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        before = ana.joined
        second = Server(self.scratch / "second", self.scratch / "second.socket", "--listen", "127.0.0.1:0")
        self.addCleanup(second.kill)
        link = second.invite("ana")
        self.assert_says(ana.join(link, expect=1), "--force", self.server.address)
        self.assertEqual(ana.joined, before)
        ana.join(link, "--force")
        self.assertEqual(ana.snapshots(), [])
        self.assertEqual(ana.joined["address"], second.address)

    def test_a_failed_join_leaves_the_earlier_one(self):
        ana = self.filled(self.member(self.server, "ana"))
        link = Link(self.server.invite("ana"))
        link.secret = bytes(32)
        ana.join(link, expect=4)
        ana.backup()

    def test_a_join_whose_answer_was_lost(self):
        link = Link(self.server.invite("ana"))
        forwarder = Forwarder(self.server.address)
        self.addCleanup(forwarder.close)
        link.address = forwarder.address
        # More than a handshake has gone up: the request is on its way, and no answer will come back.
        forwarder.when_up(500, forwarder.swallow_answers)
        ana = self.filled(self.machine("ana"))
        process = ana.start("join", str(link))
        self.wait_for(lambda: forwarder.swallowed > 0)
        process.kill()
        process.communicate()
        self.assertFalse(ana.joined_file.exists())
        self.assert_says(self.machine("eva").join(self.server_link(link), expect=4), "used already")
        forwarder.swallow_answers(False)
        ana.join(link)
        ana.backup()

    def server_link(self, link):
        """The same invitation, straight to the server."""
        straight = Link(str(link))
        straight.address = self.server.address
        return straight

    def test_a_server_that_moved(self):
        ana = self.filled(self.member(self.server, "ana"))
        ana.backup()
        old = self.server.address
        self.server.stop()
        moved = self.serve_tls()
        self.assertNotEqual(moved.address, old)
        self.assert_says(ana.client("join", "--new-address", "nonsense", expect=1), "HOST:PORT")
        self.assert_says(ana.client("--server", f"https://{moved.address}", "log", expect=1), "--new-address")
        ana.client("join", "--new-address", moved.address)
        self.assertEqual(len(ana.snapshots()), 1)
        self.assertEqual(ana.backup()["new"], 0)
        stranger = Server(self.scratch / "second", self.scratch / "second.socket", "--listen", "127.0.0.1:0")
        self.addCleanup(stranger.kill)
        self.assert_says(ana.client("join", "--new-address", stranger.address, expect=4), "another key")
        self.assertEqual(ana.joined["address"], moved.address)

    def test_the_order_in_which_a_server_is_found(self):
        ana = self.filled(self.member(self.server, "ana"))
        there = f"https://{self.server.address}"
        self.assertEqual(ana.client("status", "--json").lines[0]["server"], there)
        ana.environment["RBBACKUP_SERVER"] = f"unix:{self.socket}"
        self.assertEqual(ana.client("status", "--json").lines[0]["server"], f"unix:{self.socket}")
        self.assertEqual(ana.client("--server", there, "status", "--json").lines[0]["server"], there)
        nobody = self.machine("nobody")
        self.assert_says(nobody.client("--server", there, "log", expect=1), "has not joined", "rbbackup join")

    def test_the_next_key_is_known_before_it_comes(self):
        ana, late = self.filled(self.member(self.server, "ana")), self.filled(self.member(self.server, "late"))
        ana.backup()
        self.server.run("new-key")
        if len(ana.joined["pins"]) == 1:
            self.server.process.send_signal(signal.SIGHUP)
        self.wait_for(lambda: (ana.backup(), len(ana.joined["pins"]))[1] == 2)
        present = ana.joined["pins"][0]
        self.server.run("new-key", "--switch")
        self.server.process.send_signal(signal.SIGHUP)
        fresh = self.machine("fresh")
        self.wait_for(lambda: Link(self.server.invite("fresh")).pin.hex() != present)
        fresh.join(self.server.invite("fresh"))
        ana.backup()
        self.assertEqual(ana.joined["pins"], fresh.joined["pins"])  # the old key is trusted no longer
        # Who was away the whole time sees a key that nobody told it of.
        self.assert_says(late.client("-r", late.tree, expect=4), "another key")

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


class Limits(TestCase):
    def configure(self, text):
        """Settings for a repository that does not exist yet: it is made, and its commented file replaced."""
        self.serve().stop()
        (self.scratch / "repository/config.toml").write_text(text)
        return self.serve_tls()

    def test_a_quota_that_is_used_up(self):
        server = self.configure('[quota]\nstored = "2 MiB"\n')
        ana = self.member(server, "ana")
        write(ana.tree / "small", seeded_bytes("small", 500_000))
        ana.backup()
        write(ana.tree / "big", seeded_bytes("big", 5_000_000))
        outcome = ana.client("-r", ana.tree, expect=1)
        self.assertIn(b"quota", outcome.err)
        self.assertIn(b"ana", outcome.err)
        # Nothing that was there is lost, and status says how things are.
        self.assertEqual(len(ana.snapshots()), 1)
        status = ana.client("status", "--json").lines[0]
        self.assertEqual(status["quota_stored_bytes"], 2 << 20)
        self.assertGreater(status["node_stored_bytes"], 500_000)
        self.assertIn(b"of 2.0 MiB", ana.client("status").out)
        self.assertEqual(ana.client("cat", ana.tree / "small").out, seeded_bytes("small", 500_000))
        # Another node has a quota of its own.
        eva = self.member(server, "eva")
        write(eva.tree / "small", seeded_bytes("small", 500_000))
        eva.backup()

    def test_who_guesses_too_much_is_made_to_wait(self):
        server = self.serve_tls()
        ana = self.member(server, "ana")
        write(ana.tree / "file", "content")
        link = Link(server.invite("eva"))
        eva = self.machine("eva")
        stranger = Client(server.address, link.pin)
        self.addCleanup(stranger.connection.close)
        good, link.secret = link.secret, bytes(32)
        deadline = time.monotonic() + PATIENCE
        while (answer := stranger.join(link, os.urandom(40))).status != 429:
            self.assertEqual(answer.status, 403, answer)
            self.assertLess(time.monotonic(), deadline)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        # The one who has an invitation gets its turn; who is a node already is not concerned.
        ana.backup()
        link.secret = good
        eva.join(link)

    def test_who_is_asked_to_wait_says_so(self):
        answers = [(429, {"Retry-After": "1"}, {"error": {"code": "busy", "message": "too many attempts"}}),
                   (200, {}, {"node": "ana", "group": "", "has_history": False})]
        server, pin = self.serve_answers(answers)
        link = Link(f"rbbackup://{server}/ana#{'A' * 104}")
        link.pin, link.secret, link.invitation_id = pin, os.urandom(32), os.urandom(8)
        ana = self.machine("ana")
        began = time.monotonic()
        outcome = ana.join(link)
        self.assertGreaterEqual(time.monotonic() - began, 1)
        self.assertIn(b"asks to wait", outcome.err)
        self.assertEqual(answers, [])

    def serve_answers(self, answers):
        """A server that gives these answers, whatever it is asked. Gives its address and its pin."""
        key, certificate = self.scratch / "key.pem", self.scratch / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                        "/CN=test", "-keyout", key, "-out", certificate], capture_output=True, check=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, body = answers.pop(0)
                self.send_response(status)
                text = json.dumps(body).encode()
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"127.0.0.1:{server.server_address[1]}", pin_of(certificate)


class Configuration(TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve_tls()
        self.ana = self.member(self.server, "ana")
        write(self.ana.tree / "file", "content")

    def test_open_to_others(self):
        for mode in (0o644, 0o660, 0o602):
            self.ana.joined_file.chmod(mode)
            outcome = self.ana.client("-r", self.ana.tree, expect=1)
            self.assertIn(b"others", outcome.err)
            self.assertIn(bytes(self.ana.joined_file), outcome.err)
        self.ana.joined_file.chmod(0o600)
        self.ana.backup()

    def test_damaged(self):
        good = self.ana.joined_file.read_bytes()
        for content in (b"", good[:50], good.replace(b'"credential"', b'"cr\0dential"'), b"\xff" * 100):
            self.ana.joined_file.write_bytes(content)
            outcome = self.ana.client("-r", self.ana.tree, expect=1)
            self.assertIn(b"damaged", outcome.err)
            self.assertNotIn(b"content", outcome.out)
        self.ana.join(self.server.invite("ana"))  # the cure
        self.ana.backup()

    def test_no_home(self):
        link = self.server.invite("eva")
        environment = {k: v for k, v in self.ana.environment.items() if k not in ("HOME", "XDG_CONFIG_HOME")}
        if not IS_ROOT:  # root's place needs no home
            outcome = self.client("join", link, expect=1, env=environment)
            self.assertIn(b"HOME", outcome.err)
        self.client("join", expect=2, env=environment)


@unittest.skipUnless(IS_ROOT, "becomes another user")
class SocketOwner(TestCase):
    def test_a_socket_of_somebody_else_is_refused(self):
        """Whoever can put a socket where root's is looked for must not get root's files."""
        self.scratch.chmod(0o755)
        listener = socket.socket(socket.AF_UNIX)
        path = self.scratch / "theirs"
        listener.bind(str(path))
        path.chmod(0o777)
        # The kernel names the one who listens: that is decided by who calls listen().
        pid = os.fork()
        if pid == 0:
            os.setuid(12345)
            listener.listen(8)
            try:
                while True:
                    connection, _ = listener.accept()
                    while connection.recv(4096):
                        pass
                    connection.close()
            finally:
                os._exit(0)
        self.addCleanup(os.waitpid, pid, 0)
        self.addCleanup(os.kill, pid, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while True:
            probe = socket.socket(socket.AF_UNIX)
            try:
                probe.connect(str(path))
                break
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            finally:
                probe.close()
        listener.close()
        outcome = self.client("--server", f"unix:{path}", "log", expect=4)
        self.assertIn(b"12345", outcome.err)


if __name__ == "__main__":
    main()
