"""Unary gRPC calls over TLS and HTTP/2, as a server of the tests speaks them: frames, trailers, and what a server can do to a
stream or a connection.

  server = grpc_server.Server(serve, certificate, key)     serve(wire, path, headers, body)
  ... server.port                            a connection is a thread; its streams are served one after the other
  server.stop()

serve() answers by the wire: what acts.py knows as such, and refuse(), goaway() and reset() beside.  http2() imports the package
that all of this is made with, installing it first (tests/peers/http2)."""
import importlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse

import lab
from protobuf import frame

OK, INVALID_ARGUMENT, FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 0, 3, 9, 12, 13, 14, 16
REFUSED_STREAM, CANCEL, NO_ERROR = 7, 8, 0


def http2(name="h2.connection"):
    """A module of the package."""
    folder = lab.install(os.path.join(lab.ROOT, "tests", "peers", "http2"))
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def certificate(folder, name="tls"):
    """A new one for this machine, and its key: (crt, key).  As ldk-server makes its own: self-signed, P-256, and no authority by
    any extension."""
    crt, key, conf = (os.path.join(folder, name + end) for end in (".crt", ".key", ".conf"))
    with open(conf, "w", encoding="ascii") as f:
        f.write("[req]\ndistinguished_name = dn\nx509_extensions = v3\nprompt = no\n[dn]\nCN = localhost\n[v3]\n"
                "subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-config", conf, "-keyout", key, "-out", crt], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return crt, key


def head(body):
    """As ldk-server has it: it says how long the body is, trailers or not."""
    return [(":status", "200"), ("content-type", "application/grpc+proto"), ("grpc-accept-encoding", "identity"),
            ("content-length", str(len(body)))]


class Answer:
    """A message, or a status other than 0 with words.  in_trailers: such a status comes behind a head of its own, not in the head
    alone."""

    def __init__(self, message=b"", status=OK, words="", in_trailers=False):
        self.message, self.status, self.words, self.in_trailers = message, status, words, in_trailers


class Wire:
    def __init__(self, connection, stream):
        self.connection, self.stream = connection, stream

    @property
    def open(self):
        return self.connection.open

    def wait(self, seconds):
        if self.connection.server.stopping.wait(seconds):
            self.close()
        return self.open

    def close(self):
        """The connection ends without a word."""
        self.connection.open = False

    def reply(self, answer):
        h2, status = self.connection.h2, [("grpc-status", str(answer.status))]
        body = frame(answer.message) if answer.status == OK else b""
        if answer.words:
            status.append(("grpc-message", urllib.parse.quote(answer.words)))
        if answer.status != OK and not answer.in_trailers:
            h2.send_headers(self.stream, [*head(body), *status], end_stream=True)
        else:
            h2.send_headers(self.stream, head(body))
            self.send(body)
            h2.send_headers(self.stream, status, end_stream=True)
        self.connection.flush()

    def send(self, data):
        for at in range(0, len(data), 16000):
            self.connection.h2.send_data(self.stream, data[at:at + 16000])

    def cut_short(self, answer):
        """Head and message, and the stream ends without its trailers."""
        body = frame(answer.message)
        self.connection.h2.send_headers(self.stream, head(body))
        self.send(body)
        self.connection.h2.end_stream(self.stream)
        self.connection.flush()

    def refuse(self):
        """As if it had not been read."""
        self.reset(REFUSED_STREAM)

    def reset(self, code=CANCEL):
        self.connection.h2.reset_stream(self.stream, code)
        self.connection.flush()

    def goaway(self):
        """It goes, and says of no stream that it was looked at."""
        self.connection.h2.close_connection(NO_ERROR, last_stream_id=0)
        self.connection.flush()


class Connection:
    def __init__(self, server, sock):
        self.server, self.sock, self.open, self.asked = server, sock, True, {}
        config = http2("h2.config").H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = http2().H2Connection(config)

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def run(self):
        events = http2("h2.events")
        self.h2.initiate_connection()
        self.flush()
        while self.open and not self.server.stopping.is_set():
            data = self.sock.recv(65536)
            if not data:
                return
            for event in self.h2.receive_data(data):
                self.take(events, event)
                if not self.open:
                    return
            self.flush()

    def take(self, events, event):
        if isinstance(event, events.RequestReceived):
            self.asked[event.stream_id] = dict(event.headers), bytearray()
        elif isinstance(event, events.DataReceived):
            self.asked[event.stream_id][1].extend(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, events.StreamEnded):
            headers, body = self.asked.pop(event.stream_id)
            self.server.serve(Wire(self, event.stream_id), headers[":path"], headers, bytes(body))
        elif isinstance(event, events.StreamReset):
            self.asked.pop(event.stream_id, None)


class Server:
    def __init__(self, serve, crt, key, port=0):
        self.serve, self.stopping, self.connections, self.accepted = serve, threading.Event(), set(), 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(crt, key)
        self.tls.set_alpn_protocols(["h2"])
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return  # it was stopped
            self.accepted += 1
            threading.Thread(target=self.converse, args=(sock,), daemon=True).start()

    def converse(self, sock):
        self.connections.add(sock)
        try:
            secured = self.tls.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            self.connections.discard(sock)
            sock.close()
            return
        self.connections.discard(sock)
        self.connections.add(secured)
        try:
            Connection(self, secured).run()
        except (OSError, http2("h2.exceptions").ProtocolError):
            pass  # the other side has gone
        finally:
            self.connections.discard(secured)
            secured.close()

    def stop(self):
        self.stopping.set()
        for one in (self.listener, *self.connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was first
        self.listener.close()
