"""A TCP forwarder between client and server that counts bytes, and cuts, stalls or refuses when told to."""
import socket
import threading


class Forwarder:
    """Listens on a port of its own on 127.0.0.1 and passes bytes to `target`, "HOST:PORT".

    `up` and `down` count the bytes passed on so far, to and from the server; `swallowed` those that were not. `when_up(n, action)` runs the action once,
    in the midst of things, when n more bytes have gone up: before the bytes that reach the mark are passed on.
    """

    def __init__(self, target):
        self.target = self.split(target)
        self.up = self.down = self.swallowed = 0
        self.connections = 0
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._swallow_answers = False
        self._mark, self._action = None, None
        self._pairs = set()
        self._listener = None
        self._port = 0
        self._closed = False
        self.accept_again()

    @staticmethod
    def split(address):
        host, port = address.rsplit(":", 1)
        return host.strip("[]"), int(port)

    @property
    def address(self):
        return f"127.0.0.1:{self._port}"

    def when_up(self, count, action):
        with self._lock:
            self._mark, self._action = self.up + count, action

    def cut(self):
        """Breaks every connection; new ones are taken."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stall(self):
        """Connections stay and nothing passes, as when an address has moved away."""
        self._flowing.clear()

    def flow(self):
        self._flowing.set()

    def swallow_answers(self, swallow=True):
        """What the server says is lost from now on."""
        self._swallow_answers = swallow

    def refuse(self):
        """As if nobody were there: new connections are refused, those that are there break."""
        if self._listener:
            # A thread in accept() keeps the socket alive; shutdown wakes it up.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def accept_again(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(64)
        self._port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self):
        self._closed = True
        self.flow()
        if self._listener:
            self.refuse()
        else:
            self.cut()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(self.target, timeout=10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            ended = threading.Semaphore(0)
            for source, sink, upwards in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, upwards, ended), daemon=True).start()
            threading.Thread(target=self._tidy, args=(pair, ended), daemon=True).start()

    def _tidy(self, pair, ended):
        ended.acquire()
        ended.acquire()
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            end.close()

    def _pass_on(self, source, sink, upwards, ended):
        try:
            while data := source.recv(1 << 16):
                self._flowing.wait()
                if not upwards and self._swallow_answers:
                    self.swallowed += len(data)
                    continue
                action = self._count(len(data), upwards)
                if action:
                    action()
                    self._flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            ended.release()

    def _count(self, size, upwards):
        with self._lock:
            if not upwards:
                self.down += size
                return None
            self.up += size
            if self._mark is None or self.up < self._mark:
                return None
            action, self._mark, self._action = self._action, None, None
            return action
