"""As much of a Redis server as an example database talks to, on this machine: sets, transactions, a password."""

import socketserver
import threading
from collections import defaultdict
from contextlib import contextmanager


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        waiting = None
        known = self.server.password is None
        while words := self._command():
            name = words[0].upper()
            self.server.heard.append(words)
            if name in (b"AUTH", b"HELLO"):
                given = words[-1] if b"AUTH" in [one.upper() for one in words] else None
                known = known or given == self.server.password
                answer = b"+OK\r\n" if name == b"AUTH" else b"%1\r\n$5\r\nproto\r\n:3\r\n"
                answer = answer if known else b"-WRONGPASS invalid password\r\n"
            elif not known:
                answer = b"-NOAUTH Authentication required.\r\n"
            elif name == b"MULTI":
                waiting, answer = [], b"+OK\r\n"
            elif name == b"EXEC":
                answer = b"*%d\r\n" % len(waiting) + b"".join(self._done(one) for one in waiting)
                waiting = None
            elif waiting is not None:
                waiting.append(words)
                answer = b"+QUEUED\r\n"
            else:
                answer = self._done(words)
            self.wfile.write(answer)

    def _command(self):
        line = self.rfile.readline().strip()
        if not line:
            return None
        words = []
        for _ in range(int(line[1:])):
            length = int(self.rfile.readline().strip()[1:])
            words.append(self.rfile.read(length + 2)[:-2])
        return words

    def _done(self, words):
        name, *rest = words
        sets = self.server.sets
        match name.upper():
            case b"SADD":
                new = rest[1] not in sets[rest[0]]
                sets[rest[0]].add(rest[1])
                return b":%d\r\n" % new
            case b"SREM":
                there = rest[1] in sets[rest[0]]
                sets[rest[0]].discard(rest[1])
                return b":%d\r\n" % there
            case b"SMEMBERS":
                found = sorted(sets[rest[0]])
                return b"*%d\r\n" % len(found) + b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in found)
            case b"EXPIRE" | b"PUBLISH":
                return b":1\r\n"
        return b"+OK\r\n"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def redis_server(password=None):
    """Serve until this ends; yield the server, with its ``url``, its ``sets`` and what it ``heard``."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.password = None if password is None else password.encode()
        server.sets, server.heard = defaultdict(set), []
        server.url = f"redis://127.0.0.1:{server.server_address[1]}/0"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
