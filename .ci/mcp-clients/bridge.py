"""Streamable HTTP for tests: each session, or each request without one, is a `sotto mcp` on standard input and output.

The program itself has no such entry. It is made for the conformance suite, which speaks HTTP alone.
"""

import json
import queue
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = 30
SESSION = "Mcp-Session-Id"


class Server:
    """A running `sotto mcp`."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._waiting: dict[str, queue.Queue[dict[str, object]]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            with self._lock:
                # What belongs to no request goes to every one that waits.
                to = [self._waiting[key] for key in [json.dumps(message.get("id"))] if key in self._waiting]
                if "method" in message:
                    to = list(self._waiting.values())
            for one in to:
                one.put(message)

    def write(self, message: object) -> None:
        """Passes a message on."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def answers(self, message: dict[str, object]):  # type: ignore[no-untyped-def]
        """What comes until the answer to a request, and the answer."""
        key = json.dumps(message["id"])
        incoming: queue.Queue[dict[str, object]] = queue.Queue()
        with self._lock:
            self._waiting[key] = incoming
        try:
            self.write(message)
            while True:
                one = incoming.get(timeout=PATIENCE)
                yield one
                if "method" not in one:
                    return
        finally:
            with self._lock:
                del self._waiting[key]

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()


class Bridge(ThreadingHTTPServer):
    """Listens on loopback, at a port of the system's choice."""

    daemon_threads = True

    def __init__(self, command: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.command = command
        self.sessions: dict[str, Server] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/mcp"

    def close(self) -> None:
        """Ends every session."""
        self.shutdown()
        for server in self.sessions.values():
            server.end()


class Handler(BaseHTTPRequestHandler):
    """One HTTP request."""

    protocol_version = "HTTP/1.1"
    server: Bridge

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _is_local(self) -> bool:
        host = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        origin = self.headers.get("Origin")
        return host in ("127.0.0.1", "localhost") and (
            origin is None or origin.split("://")[-1].rsplit(":", 1)[0] in ("127.0.0.1", "localhost")
        )

    def _short(self, status: int, body: object = None, session: str | None = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if session:
            self.send_header(SESSION, session)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """There is no stream without a request."""
        self._short(405 if self._is_local() else 403)

    def do_DELETE(self) -> None:
        """Ends a session."""
        known = self.server.sessions.pop(self.headers.get(SESSION) or "", None)
        if known:
            known.end()
        self._short(200 if known else 404)

    def do_POST(self) -> None:
        """One message."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._is_local():
            return self._short(403)
        try:
            message = json.loads(body)
        except ValueError:
            error = {"code": -32700, "message": "the body is not JSON"}
            return self._short(400, {"jsonrpc": "2.0", "id": None, "error": error})
        name = self.headers.get(SESSION)
        if message.get("method") == "initialize":
            name = uuid.uuid4().hex
            self.server.sessions[name] = Server(self.server.command)
        if name is None:
            return self._alone(message)
        session = self.server.sessions.get(name)
        if session is None:
            return self._short(404)
        if "id" not in message or "method" not in message:
            session.write(message)
            return self._short(202)
        self._stream(session, message, name)

    def _alone(self, message: dict[str, object]) -> None:
        """A request of revision 2026-07-28, which needs no session."""
        if "id" not in message:
            return self._short(202)
        params = message.get("params")
        meta = params.get("_meta", {}) if isinstance(params, dict) else {}
        said, headed = meta.get("io.modelcontextprotocol/protocolVersion"), self.headers.get("MCP-Protocol-Version")
        if said and headed and said != headed:
            error = {"code": -32020, "message": f"the header says {headed}, and the request {said}"}
            return self._short(400, {"jsonrpc": "2.0", "id": message["id"], "error": error})
        server = Server(self.server.command)
        try:
            self._stream(server, message, None)
        finally:
            server.end()

    def _stream(self, server: Server, message: dict[str, object], session: str | None) -> None:
        answers = server.answers(message)
        first = next(answers)
        if "method" not in first:
            code = first.get("error", {}).get("code")  # type: ignore[attr-defined]
            about_version = code == -32022 or (code == -32602 and "_meta" in str(first))
            return self._short(400 if about_version else 404 if code == -32601 else 200, first, session)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        if session:
            self.send_header(SESSION, session)
        self.end_headers()
        for one in [first, *answers]:
            self.wfile.write(f"event: message\ndata: {json.dumps(one)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True
