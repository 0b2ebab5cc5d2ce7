"""A client that does what it wants, with a credential of its own: it can neither read nor harm what is not its own."""
from harness import *
from protocol_client import *


class Isolation(TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve_tls()
        self.ana = self.member(self.server, "ana")
        write(self.ana.tree / "file", self.content)
        self.ana.backup()
        self.eva = self.member(self.server, "eva")
        self.wire = self.client_of(self.eva)

    content = seeded_bytes("secret of ana", 5000)

    def tearDown(self):
        """Whatever was tried: the server lives, and ana's copy is as it was."""
        self.assertIsNone(self.server.process.poll())
        self.assertEqual(len(self.ana.snapshots()), 1)
        self.ana.restore_and_compare()

    def client_of(self, machine):
        client = Client.of(machine.configuration)
        self.addCleanup(client.connection.close)
        return client

    def ids_of_ana(self):
        """All her objects, as her own client sees them."""
        session = self.client_of(self.ana).begin("read")
        snapshot_id = bytes.fromhex(session.begun["head"]["object"])
        secret = chunk(self.content)
        self.assertIn(secret.id, ids_in(session.read(secret.id).body))
        found = [snapshot_id, *ids_in(session.read(snapshot_id).body)]
        return secret.id, snapshot_id, list(dict.fromkeys([secret.id, *found]))

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer)

    def commit_file(self, session, name, content):
        """A whole backup, as an honest client would make it."""
        data = chunk(content)
        page = directory_with_file(name, data.id, len(content))
        root = root_page(page.id)
        top = snapshot(root.id)
        self.assertEqual(session.send_data(block(data)).status, 200)
        self.assertEqual(session.send_metadata(block(page, root), block(top)).status, 200)
        answer = session.commit(top.id)
        self.assertEqual(answer.status, 200, answer)
        return data, top

    def test_the_client_of_this_test_can_speak(self):
        """Otherwise every refusal below could be for another reason."""
        self.commit_file(self.wire.begin(), b"note", b"of eva, and longer than nothing")
        self.assertEqual(self.eva.client("cat", "/note").out, b"of eva, and longer than nothing")

    def test_objects_of_others_do_not_exist(self):
        secret, _, ids = self.ids_of_ana()
        self.commit_file(self.wire.begin(), b"note", b"of eva")  # the store is not empty: answers mean something
        session = self.wire.begin()
        self.assertEqual(session.ask(*ids), [SEND] * len(ids))
        for each in ids:
            self.refused(session.read(each), 404, "not_found")
        unknown = os.urandom(32)
        self.assertEqual(session.read(secret).body.replace(secret.hex().encode(), b""),
                         session.read(unknown).body.replace(unknown.hex().encode(), b""))

    def test_references_to_objects_of_others_do_not_resolve(self):
        secret, snapshot_of_ana, ids = self.ids_of_ana()
        session = self.wire.begin()
        page = directory_with_file(b"stolen", secret, len(self.content))
        self.refused(session.send_metadata(block(page)), 409, "missing_refs")
        for each in ids:
            self.refused(session.send_metadata(block(snapshot(each))), 409, "missing_refs")
        answer = session.commit(snapshot_of_ana)
        self.assertGreaterEqual(answer.status, 400)
        self.assertEqual(self.eva.snapshots(), [])

    def test_a_root_with_missing_children(self):
        session = self.wire.begin()
        content = b"never sent, though it is named"
        page = directory_with_file(b"file", chunk(content).id, len(content))
        root = root_page(page.id)
        top = snapshot(root.id)
        self.refused(session.send_metadata(block(page, root), block(top)), 409, "missing_refs")
        self.refused(session.send_metadata(block(top)), 409, "missing_refs")
        self.assertGreaterEqual(session.commit(top.id).status, 400)
        self.assertGreaterEqual(session.commit(chunk(content).id).status, 400)
        self.assertGreaterEqual(session.commit(os.urandom(32)).status, 400)
        self.assertEqual(self.eva.snapshots(), [])
        # The session is none the worse: what was missing can still be sent.
        self.assertEqual(session.send_data(block(chunk(content))).status, 200)
        self.assertEqual(session.send_metadata(block(page, root), block(top)).status, 200)
        self.assertEqual(session.commit(top.id).status, 200)

    def test_sessions_of_others(self):
        theirs = self.client_of(self.ana).begin()
        mine = self.wire.begin()
        # As a key that never was: not even that there is such a session can be learnt.
        secret, never = self.ids_of_ana()[0], os.urandom(16).hex()
        for method, what, body, headers in (("GET", "", b"", {}),
                                            ("DELETE", "", b"", {}),
                                            ("POST", "/ask", bytes(32), {}),
                                            ("GET", "/snapshots", b"", {}),
                                            ("GET", "/status", b"", {}),
                                            ("POST", "/objects", secret, {}),
                                            ("POST", "/blocks", block(chunk(b"x")), {"Rb-Stream": "data"})):
            answer, expected = (self.wire.request(method, f"/v1/sessions/{key}{what}", body, headers)
                                for key in (theirs.key, never))
            self.assertEqual((answer.status, answer.body), (expected.status, expected.body))
            self.assertEqual(answer.status, 410)
        _, top = self.commit_file(self.wire.begin(), b"note", b"of eva")
        mine.key = theirs.key
        self.assertGreaterEqual(mine.commit(top.id, run=os.urandom(16).hex()).status, 400)
        self.assertEqual(theirs.request("GET", "").status, 200)  # it has survived all that

    def test_replayed_requests(self):
        session = self.wire.begin()
        data, top = self.commit_file(session, b"note", b"of eva")
        again = session.send_data(block(data))
        self.assertEqual((again.status, again.json), (200, {"blocks": 1}))
        self.assertEqual(session.commit(top.id).status, 200)
        self.assertEqual(len(self.eva.snapshots()), 1)
        # After the session's end, too: the run has committed, and that is what it is told.
        session.request("DELETE", "")
        self.assertEqual(session.commit(top.id).status, 200)
        self.refused(session.send_data(block(data)), 410, "fenced")
        self.assertEqual(len(self.eva.snapshots()), 1)
        # What somebody recorded of ana's session is worth nothing on eva's credential.
        recorded = self.client_of(self.ana).begin()
        recorded.client = self.wire
        self.refused(recorded.send_data(block(data)), 410, "fenced")

    def test_reordered_requests(self):
        session = self.wire.begin()
        data = chunk(b"some content, in the wrong order")
        page = directory_with_file(b"file", data.id, len(data.payload))
        root = root_page(page.id)
        top = snapshot(root.id)
        self.refused(session.send_metadata(block(page), seq=1), 409, "protocol")
        self.refused(session.send_metadata(block(page), seq=0), 409, "missing_refs")
        self.assertGreaterEqual(session.commit(top.id).status, 400)
        self.assertEqual(session.send_data(block(data)).status, 200)
        self.refused(session.send_metadata(block(top), seq=0), 409, "missing_refs")
        self.assertEqual(session.send_metadata(block(page), block(root), seq=0).json, {"next": 2})
        self.assertEqual(session.send_metadata(block(page), block(root), block(top), seq=0).json, {"next": 3})
        self.assertEqual(session.send_metadata(block(top), seq=2).json, {"next": 3})
        self.refused(session.send_metadata(block(top), seq=7), 409, "protocol")
        self.refused(session.send_metadata(block(top), seq=2 ** 64), 400, "protocol")
        self.assertEqual(session.commit(top.id).status, 200)

    def test_blocks_that_are_not_what_they_claim(self):
        session = self.wire.begin()
        good = block(chunk(b"content"))
        page = Object(TREE, bytes([0, 0, 0]))
        for answer in (session.send_data(good[:-1] + bytes([good[-1] ^ 1])),
                       session.send_data(good[:30]),
                       session.send_data(b"rbb9" + good[4:]),
                       session.send_data(b"\xff" * 100),
                       session.send_data(block(root_page(os.urandom(32)))),
                       session.send_metadata(block(Object(TREE, page.payload, forged_id=os.urandom(32))))):
            self.assertIn(answer.status, (400, 409, 422, 501), answer)
        lying = bytearray(good)
        lying[16:20] = b"\xff\xff\xff\x7f"
        self.assertIn(session.send_data(bytes(lying)).status, (400, 413, 422))
        self.assertEqual(session.ask(chunk(b"content").id), [SEND])
        self.assertEqual(session.send_data(good).status, 200)

    def test_a_forged_chunk_does_not_enter_a_group(self):
        """Or whoever knows what another will store could put something else in its place first."""
        mallory = self.member(self.server, "mallory", "--group", "lab")
        victim = self.member(self.server, "victim", "--group", "lab")
        content = seeded_bytes("to be replaced", 5000)
        session = self.client_of(mallory).begin()
        answer = session.send_data(block(chunk(b"poison", forged_id=chunk(content).id)))
        self.assertIn(answer.status, (400, 422), answer)
        mixed = session.send_data(block(chunk(b"honest"), chunk(b"poison", forged_id=chunk(content).id)))
        self.assertIn(mixed.status, (400, 422), mixed)
        write(victim.tree / "file", content)
        victim.backup()
        victim.restore_and_compare()
        self.assertEqual(session.ask(chunk(b"honest").id), [SEND])  # a block is taken whole or not at all

    def test_nodes_in_targets(self):
        for name in ("ana", "1", "..", "%2e%2e", "self/../ana", "self%2fhead", "", "self ", "a" * 300, "self\x00"):
            target = f"/v1/nodes/{name}/sessions"
            answer = self.wire.request("POST", target, {"run": os.urandom(16).hex(), "purpose": "read"})
            self.assertIn(answer.status, (400, 404), target)
        for target in ("/v1/sessions/../server", "/v1/sessions/..", "/v1/sessions/" + "0" * 32 + "/../ask", "//v1/server",
                       "/v1/server/", "/V1/server", "/v1/sessions/%30", "/etc/passwd", "/v1/sessions/" + "z" * 32):
            self.assertIn(self.wire.request("GET", target).status, (400, 404), target)

    def test_names_of_nodes(self):
        for name in ("../x", "a/b", "%2e", "a b", "", ".hidden", "-x", "ñ", "x" * 65, "x" * 300, "a\nb", "a#b", "self;"):
            outcome = self.server.run("invite", "--address", self.server.address, "--", name, expect=None)
            self.assertNotEqual(outcome.status, 0, name)
            self.assertNotIn(b"rbbackup://", outcome.out)
        self.assertEqual(sorted(p.name for p in self.scratch.glob("x*")), [])

    def test_authorisation(self):
        good = self.wire.authorization
        digits = good.removeprefix("Bearer ")
        wrong = [None, "", "Bearer", "Bearer ", digits, "Basic " + digits, "Bearer " + digits[:-2], good + "00",
                 "Bearer " + digits[:16] + "0" * 64, "Bearer " + "0" * 80, "Bearer " + "g" * 80, "Bearer " + "ÿ" * 80,
                 "Bearer " + digits + ", " + good, "Bearer " + "f" * 10_000]
        for value in wrong:
            stranger = Client(self.server.address, None)
            self.addCleanup(stranger.connection.close)
            headers = {"Authorization": value.encode("latin1")} if value is not None else {}
            answer = stranger.request("POST", "/v1/nodes/self/sessions",
                                      {"run": os.urandom(16).hex(), "purpose": "read"}, headers)
            # Guessing is rate limited, which is an answer as well.
            self.assertIn(answer.status, (401, 429), (value, answer))
            self.assertNotIn(digits[16:].encode(), answer.body)
        self.assertEqual(self.wire.request("GET", "/v1/server").status, 200)
        self.assertNotIn(digits[16:], self.server.log_text)

    def test_administration_is_not_for_nodes(self):
        for method, target, body in (("GET", "/v1/nodes", b""),
                                     ("POST", "/v1/invitations", {"node": "eva2"}),
                                     ("POST", "/v1/nodes/remove", {"node": "ana"}),
                                     ("POST", "/v1/nodes/rename", {"from": "ana", "to": "x"}),
                                     ("POST", "/v1/administrator-tokens", b""),
                                     ("GET", "/metrics", b"")):
            answer = self.wire.request(method, target, body)
            self.assertIn(answer.status, (401, 403), (target, answer))

    def test_oversized_bodies(self):
        session = self.wire.begin()
        for method, target, size in (("POST", "/v1/nodes/self/sessions", 1 << 20),
                                     ("POST", f"/v1/sessions/{session.key}/ask", 3 << 20),
                                     ("POST", f"/v1/sessions/{session.key}/blocks", 40 << 20),
                                     ("POST", "/v1/join", 1 << 20),
                                     ("GET", f"/v1/sessions/{session.key}", 10)):
            # Refused from its head: not a byte of the body need be sent.
            connection = self.client_of(self.eva).connection
            connection.putrequest(method, target)
            connection.putheader("Authorization", self.wire.authorization)
            connection.putheader("Rb-Stream", "data")
            connection.putheader("Content-Length", str(size))
            connection.endheaders()
            self.assertEqual(connection.getresponse().status, 413, target)
            connection.close()
        self.assertEqual(session.request("GET", "").status, 200)

    def test_reading_sessions_only_read(self):
        session = self.wire.begin("read")
        self.refused(session.send_data(block(chunk(b"x"))), 400, "invalid_argument")
        self.assertGreaterEqual(session.commit(os.urandom(32)).status, 400)

    def test_a_removed_node_is_out_at_once(self):
        session = self.wire.begin()
        self.assertEqual(session.request("GET", "").status, 200)
        self.server.run("remove", "eva")
        answer = session.send_data(block(chunk(b"x")))
        self.assertIn(answer.status, (401, 403), answer)
        self.assertIn(b"removed", answer.body)


if __name__ == "__main__":
    main()
