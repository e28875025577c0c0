"""Stands between the wallet and the mint, and lets a test put its hand in: to lose a request or its reply, to deliver it
twice, or to do anything at all at the very moment when it passes."""
import http.client
import http.server
import json
import threading

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
LOST = "lost"  # what a hook returns to end the connection without a word


def forged(status, body):
    """What a hook returns to answer in the mint's place."""
    return status, [("Content-Type", "application/json")], json.dumps(body).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path
        proxy = self.server.proxy
        with proxy.lock:
            proxy.passed.append((self.command, path, body))
        reply = LOST if path.startswith(proxy.shut) else proxy.take(proxy.before, path)
        try:
            if reply is None:
                reply = proxy.forward(self.command, path, self.headers, body)
                for _ in range(proxy.extra_copies(path)):
                    reply = proxy.forward(self.command, path, self.headers, body)
                reply = proxy.take(proxy.after, path) or reply
        except (OSError, http.client.HTTPException):
            reply = LOST
        if reply == LOST:
            self.close_connection = True
            return
        status, headers, answer = reply
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = pass_on


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a wallet that was killed leaves its connections behind


class Proxy:
    """Every hook is used once: before[path] and after[path] are lists of functions, asked in order."""

    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.passed = []
        self.before, self.after, self.twice = {}, {}, {}
        self.shut = ()  # nothing whose path begins so passes
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.proxy = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self, hooks, path):
        with self.lock:
            waiting = hooks.get(path)
            hook = waiting.pop(0) if waiting else None
        return hook() if hook else None

    def extra_copies(self, path):
        with self.lock:
            return self.twice.pop(path, 0)

    def forward(self, method, path, headers, body):
        upstream = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            upstream.request(method, path, body or None,
                             {k: v for k, v in headers.items() if k.lower() not in HOP_BY_HOP})
            reply = upstream.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            upstream.close()

    def at(self, when, path, hook):
        with self.lock:
            when.setdefault(path, []).append(hook)

    def lose_request(self, path):
        self.at(self.before, path, lambda: LOST)

    def lose_reply(self, path):
        self.at(self.after, path, lambda: LOST)

    def deliver_twice(self, path):
        with self.lock:
            self.twice[path] = 1

    def bodies(self, path):
        with self.lock:
            return [body for _, p, body in self.passed if p == path]

    def reset(self):
        with self.lock:
            self.passed = []
            self.before, self.after, self.twice = {}, {}, {}
            self.shut = ()

    def unused(self):
        """A hook that nobody came by would be a test that tests nothing."""
        with self.lock:
            return [path for hooks in (self.before, self.after) for path, left in hooks.items() if left] + list(self.twice)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
