"""`Connection`, one blocking connection to a daemon: one request at a time, and the events that come in between."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from ._error import SottoError
from ._rpc import (
    CHUNK,
    PROBE,
    SILENCE,
    Line,
    LineBuffer,
    daemon_process,
    late,
    lost,
    no_daemon,
    overdue,
    patience,
    request,
    silent,
)


class Connection:
    """A connection. What breaks in the middle of a line closes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PROBE)
        try:
            self._socket.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            self._socket.close()
            raise no_daemon(path) from None
        except (BlockingIOError, TimeoutError):
            # The queue of connections that it has not accepted is full.
            self._socket.close()
            raise silent(None) from None
        except OSError as error:
            self._socket.close()
            raise lost(error.strerror or error) from None
        self.process = daemon_process(self._socket)
        self._buffer = LineBuffer()
        self._last_id = 0
        self._events: deque[object] = deque()

    def is_closed(self) -> bool:
        """Whether the daemon has ended it."""
        try:
            return self._readable(0.0) and not self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return True

    def exchange(self, method: str, params: Mapping[str, object], limit: float | None = None) -> object:
        """Sends a request and waits for its answer, at most so many seconds. The answer to a request that was given up is
        passed over."""
        deadline = time.monotonic() + (patience(params) if limit is None else limit)
        self._last_id += 1
        failed = self._send(request(self._last_id, method, params), deadline)
        while True:
            try:
                line = self._line(deadline)
            except SottoError as error:
                # A daemon that turns clients away says why and does not read: its reason counts, not the broken pipe.
                raise (failed or error) from None
            if line is None:
                raise overdue(self.process, method) if limit is None else late(self.process, method, limit)
            # An error without an id is about the connection as a whole.
            if line.is_response and line.id in (self._last_id, None):
                return line.result()
            event = None if line.is_response else line.event()
            if event is not None:
                self._events.append(event)

    def event(self, patience: float | None = None) -> object | None:
        """The next event of a subscription; none if none came within the time."""
        deadline = None if patience is None else time.monotonic() + patience
        while not self._events:
            line = self._line(deadline)
            if line is None:
                return None
            event = line.event() if not line.is_response else None
            if event is not None:
                return event
        return self._events.popleft()

    def close(self) -> None:
        """Ends it."""
        self._socket.close()

    def _send(self, line: bytes, deadline: float) -> SottoError | None:
        try:
            self._socket.settimeout(max(0.0, deadline - time.monotonic()) or None)
            self._socket.sendall(line)
        except TimeoutError:
            self.close()
            raise silent(self.process) from None
        except OSError as error:
            return lost(error.strerror or error)
        except BaseException:
            # Half a line may have been written, and what follows would be read as its end.
            self.close()
            raise
        return None

    def _line(self, deadline: float | None) -> Line | None:
        """The next line, for as long as the daemon answers another connection; none at the deadline."""
        while True:
            line = self._buffer.next()
            if line is not None:
                return line
            left = SILENCE if deadline is None else min(SILENCE, deadline - time.monotonic())
            if self._readable(max(0.0, left)):
                self._receive()
            elif deadline is not None and time.monotonic() >= deadline:
                return None
            elif not self._alive() and not self._readable(0.0):
                raise silent(self.process)

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _receive(self) -> None:
        try:
            chunk = self._socket.recv(CHUNK)
        except OSError as error:
            raise lost(error.strerror or error) from None
        if not chunk:
            raise lost("the daemon ended it")
        self._buffer.feed(chunk)

    def _alive(self) -> bool:
        """Asks another connection for anything. A refusal is an answer too."""
        deadline = time.monotonic() + PROBE
        try:
            probe = Connection(self._path)
        except SottoError:
            return False
        try:
            if probe._send(request(1, "identity.show", {}), deadline) is not None:
                return False
            return probe._readable(max(0.0, deadline - time.monotonic())) and bool(probe._socket.recv(1))
        except (SottoError, OSError):
            return False
        finally:
            probe.close()
