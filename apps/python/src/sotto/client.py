"""`Client`, the blocking client of a daemon, and `EventStream`, the log of events as it goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from ._api import Acknowledged, Event, EventsMethods, Kind, Methods, Subscribed
from ._blocking import Connection
from ._error import SottoError
from ._profile import socket_path
from ._rpc import LONGEST_PAUSE, PAUSE, ends_stream, opening, read_token, understood
from ._values import anything

T = TypeVar("T")


class Client(Methods):
    """A client of a profile's daemon. Every method of the API is there as `client.noun.verb`, as in
    `client.messages.history("bob")`; its parameters are the long flags of the command line.

    It connects at the first call, and again if the connection has ended. No call waits for a daemon that has stopped
    answering. No request is repeated: to be sure of a send, give it an `id` and send it again.

    Threads may share a client; their calls take turns.

    socket: the daemon's socket; otherwise that of the profile in `data_dir` (or `SOTTO_DATA_DIR`) called `profile`.
    token_file: the file with an agent's token; otherwise what `SOTTO_TOKEN_FILE` names.
    timeout: seconds that a call may take; otherwise as long as the daemon answers other requests.
    """

    def __init__(
        self,
        socket: str | os.PathLike[str] | None = None,
        *,
        data_dir: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        super().__init__(self._call)
        self.socket = Path(socket) if socket is not None else socket_path(data_dir, profile)
        self.timeout = timeout
        self._token_file = token_file
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self.events = EventLog(self)
        self.send = self.messages.send
        self.receive = self.messages.receive

    def call(self, method: str, params: Mapping[str, object] | None = None) -> Any:
        """Calls a method by its name, also one that this version does not know; answers with the result as JSON."""
        return self._call(method, params or {}, anything)

    def connect(self) -> Connection:
        """A connection of its own, opened with the client's token."""
        connection = Connection(self.socket)
        try:
            token = read_token(self._token_file)
            if token is not None:
                connection.exchange("session.open", opening(token), self.timeout)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Ends the connection."""
        with self._turn:
            self._disconnect()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, method: str, params: Mapping[str, object], read: Callable[[object], T], /) -> T:
        with self._turn:
            if self._connection is not None and self._connection.is_closed():
                self._disconnect()
            if self._connection is None:
                self._connection = self.connect()
            try:
                return understood(read, self._connection.exchange(method, params, self.timeout))
            except SottoError as error:
                if error.kind == Kind.NO_DAEMON:
                    self._disconnect()
                raise
            except BaseException:
                # An interrupt: the answer may be half read.
                self._disconnect()
                raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class EventLog(EventsMethods):
    """`events.*`; called, it streams the log."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        super().__init__(client._call)
        self._client = client

    def __call__(self, *, consumer: str | None = None, since: int | None = None, presence: bool = False) -> EventStream:
        """The log as it goes on, on a connection of its own.

        consumer: the name of a reader whose position the daemon keeps; it starts after what was acknowledged.
        since: start after this number instead; 0 is the beginning. Without both, it starts now.
        presence: also presence, which is not in the log.
        """
        return EventStream(self._client, consumer, since, presence)


class EventStream(Iterator[Event]):
    """The log as it goes on. It connects again after the connection was lost, and goes on where it was: no event is left
    out, and none comes twice to one stream. What is not acknowledged comes again to the consumer's next stream.

    If the log no longer has what comes next, a `Gap` says so.
    """

    def __init__(self, client: Client, consumer: str | None, since: int | None, presence: bool) -> None:
        self._client = client
        self._consumer = consumer
        self._since = since
        self._presence = presence
        self._closed = False
        self._pause = PAUSE
        self._connection: Connection | None = self._subscribe()

    def __next__(self) -> Event:
        event = self.wait()
        if event is None:
            raise StopIteration
        return event

    def wait(self, timeout: float | None = None) -> Event | None:
        """The next event; none if none came within so many seconds, or if the stream is closed."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._closed:
            try:
                connection = self._connected()
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                value = connection.event(left)
            except SottoError as error:
                if not self._lost(error, deadline):
                    return None
                continue
            return None if value is None else self._taken(value)
        return None

    def ack(self, event: Event | int) -> Acknowledged:
        """Acknowledges the log up to this event, for the consumer. It is repeated if the connection breaks: a position never
        moves back."""
        params = acknowledgement(self._consumer, event)
        while not self._closed:
            try:
                answer = self._connected().exchange("events.ack", params)
            except SottoError as error:
                if ends_stream(error):
                    raise
                self._lost(error, None)
            else:
                return understood(Acknowledged.from_json, answer)
        raise ValueError("the stream is closed")

    def close(self) -> None:
        """Ends the stream."""
        self._closed = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> EventStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _taken(self, value: object) -> Event:
        event = understood(Event.from_json, value)
        if event.seq is not None:
            self._since = event.seq
        self._pause = PAUSE
        return event

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._subscribe()
        return self._connection

    def _lost(self, error: SottoError, deadline: float | None) -> bool:
        """Pauses before the next connection; false if the time is over. An error that stays is raised."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if ends_stream(error):
            self.close()
            raise error
        left = self._pause if deadline is None else min(self._pause, deadline - time.monotonic())
        if left > 0:
            time.sleep(left)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return deadline is None or time.monotonic() < deadline

    def _subscribe(self) -> Connection:
        connection = self._client.connect()
        params = {"consumer": self._consumer, "since": self._since, "presence": self._presence}
        try:
            subscribed = understood(Subscribed.from_json, connection.exchange("events.subscribe", params))
        except BaseException:
            connection.close()
            raise
        if self._since is None:
            self._since = subscribed.since
        return connection


def acknowledgement(consumer: str | None, event: Event | int) -> dict[str, object]:
    """The parameters of `events.ack`."""
    seq = event if isinstance(event, int) else event.seq
    if consumer is None:
        raise ValueError("a stream without a consumer has nothing to acknowledge for")
    if seq is None:
        raise ValueError("presence is not in the log")
    return {"consumer": consumer, "seq": seq}
