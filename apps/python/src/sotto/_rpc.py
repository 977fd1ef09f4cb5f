"""`Line`, one line of JSON-RPC 2.0 from the daemon, and what both clients, the blocking and the async one, do alike with
lines, time and tokens. No input or output happens here."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ._api import Kind
from ._error import SottoError
from ._values import UnreadableError, written

T = TypeVar("T")

#: The longest silence on a connection before a second one asks whether the daemon answers at all.
SILENCE = 10.0
#: How long the daemon may take to answer the second connection, or to accept one.
PROBE = 5.0
#: How long a request may take beyond the time that it is to wait for: the backup of a large store, on a slow disk.
OVERDUE = 15 * 60.0
#: How long a request waits if it does not say: the longest of the defaults.
DEFAULT_WAIT = 30.0
#: How long a stream of events pauses before it connects again; doubled each time, up to the second.
PAUSE, LONGEST_PAUSE = 0.1, 5.0
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """A response, or a notification, which has no id."""

    id: int | None
    method: str | None
    outcome: Mapping[str, Any]
    params: object

    @property
    def is_response(self) -> bool:
        """Whether it answers a request."""
        return self.method is None

    def result(self) -> object:
        """The result of the request, or its error raised."""
        if "error" in self.outcome:
            raise SottoError.from_json(self.outcome["error"])
        return self.outcome.get("result")

    def event(self) -> object | None:
        """The event that it brings. The end of a subscription is raised."""
        if self.method == "events.event" and isinstance(self.params, dict):
            return self.params.get("event")
        if self.method in ("lagged", "events.failed"):
            raise SottoError.from_json(self.params)
        return None


class LineBuffer:
    """Bytes as they come, and the whole lines in them."""

    __slots__ = ("_bytes", "_searched")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._searched = 0

    def feed(self, chunk: bytes) -> None:
        """Takes what came."""
        self._bytes += chunk

    def next(self) -> Line | None:
        """The next whole line, once it is there."""
        end = self._bytes.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._bytes)
            return None
        line = bytes(self._bytes[:end])
        del self._bytes[: end + 1]
        self._searched = 0
        return parse(line)


def parse(line: bytes) -> Line:
    """Reads a line."""
    try:
        value = json.loads(line)
    except ValueError as error:
        raise unreadable(error) from None
    if not isinstance(value, dict):
        raise unreadable(UnreadableError("a line is not an object"))
    id_ = value.get("id")
    method = value.get("method")
    return Line(
        id=id_ if isinstance(id_, int) else None,
        method=method if isinstance(method, str) else None,
        outcome=value,
        params=value.get("params"),
    )


def request(number: int, method: str, params: Mapping[str, object]) -> bytes:
    """A request as a line. Parameters that are None are left out."""
    given = {name: written(value) for name, value in params.items() if value is not None}
    line = {"jsonrpc": "2.0", "id": number, "method": method, "params": given}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def patience(params: Mapping[str, object]) -> float:
    """How long a request may take without a limit: what it is to wait for, and more."""
    wait = params.get("timeout")
    return (float(wait) if isinstance(wait, (int, float)) else DEFAULT_WAIT) + OVERDUE


def read_token(token_file: str | os.PathLike[str] | None) -> str | None:
    """The agent's token: from the file that is named, or that `SOTTO_TOKEN_FILE` names."""
    named = token_file if token_file is not None else os.environ.get("SOTTO_TOKEN_FILE")
    if not named:
        return None
    try:
        with open(named, encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SottoError.of(Kind.LOCKED, f"cannot read {named}: {error}", "sotto agents add NAME makes a token") from None
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SottoError.of(Kind.LOCKED, f"{named} is not for this user alone", f"chmod 600 {named}")
    if not token:
        raise SottoError.of(Kind.LOCKED, f"there is no token in {named}", "sotto agents add NAME makes a token")
    return token


def opening(token: str) -> dict[str, object]:
    """The parameters of `session.open`."""
    return {"surface": "python", "token": token}


def daemon_process(connection: socket.socket) -> int | None:
    """The process of the daemon, where the operating system tells it."""
    if not sys.platform.startswith("linux"):
        return None
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)


def no_daemon(path: Path) -> SottoError:
    """Nothing listens on the socket."""
    message = f"no daemon answers at {path}"
    return SottoError.of(Kind.NO_DAEMON, message, "sotto daemon start starts it", retryable=True)


def lost(why: object) -> SottoError:
    """The connection broke. Whether the request was carried out is unknown."""
    message = f"the connection to the daemon broke: {why}"
    return SottoError.of(Kind.NO_DAEMON, message, "sotto daemon start starts it", retryable=True)


def silent(process: int | None) -> SottoError:
    """The daemon holds its socket and says nothing."""
    hint = "sotto daemon stop ends it; sotto doctor checks everything else"
    return SottoError.of(Kind.NO_DAEMON, f"{_name(process)} does not answer", hint, retryable=True)


def late(process: int | None, method: str, seconds: float) -> SottoError:
    """The time that the user gives a call is over. The request may still be carried out."""
    message = f"{_name(process)} has not answered {method} within {seconds:g} s"
    return SottoError.of(Kind.NO_DAEMON, message, "the request may still be carried out", retryable=True)


def overdue(process: int | None, method: str) -> SottoError:
    """The daemon answers others, but not this request."""
    return SottoError.of(Kind.INTERNAL, f"{_name(process)} has not answered {method}, but answers other requests")


def unreadable(error: Exception) -> SottoError:
    """The daemon's answer is not what the API says."""
    hint = "the daemon may be of another version: sotto daemon stop, then sotto daemon start"
    return SottoError.of(Kind.INTERNAL, f"the daemon's answer cannot be read: {error}", hint)


def understood(read: Callable[[object], T], value: object) -> T:
    """The value as the API says it is."""
    try:
        return read(value)
    except UnreadableError as error:
        raise unreadable(error) from None


def ends_stream(error: SottoError) -> bool:
    """Whether a stream of events cannot go on after it, on another connection either."""
    return not (error.retryable or error.kind in (Kind.NO_DAEMON, Kind.LAGGED, Kind.IO))


def _name(process: int | None) -> str:
    return "the daemon" if process is None else f"the daemon (process {process})"
