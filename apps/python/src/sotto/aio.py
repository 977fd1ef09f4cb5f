"""`AsyncClient`, the client of a daemon for asyncio, and `AsyncEventStream`, the log of events as it goes on."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from ._api import Acknowledged, AsyncEventsMethods, AsyncMethods, Event, Subscribed
from ._error import SottoError
from ._profile import socket_path
from ._rpc import (
    CHUNK,
    LONGEST_PAUSE,
    PAUSE,
    PROBE,
    SILENCE,
    Line,
    LineBuffer,
    daemon_process,
    ends_stream,
    late,
    lost,
    no_daemon,
    opening,
    overdue,
    patience,
    read_token,
    request,
    silent,
    understood,
    unreadable,
)
from ._values import UnreadableError, anything
from .client import acknowledgement

T = TypeVar("T")


class AsyncConnection:
    """A connection. Requests of several tasks are under way at a time; a task reads the answers."""

    def __init__(self, path: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer
        self.process = daemon_process(writer.get_extra_info("socket"))
        self._last_id = 0
        self._answers: dict[int, asyncio.Future[Line]] = {}
        self._events: deque[object] = deque()
        self._event_came = asyncio.Event()
        #: Why it ended.
        self.ended: SottoError | None = None
        self._task = asyncio.create_task(self._read())

    @staticmethod
    async def open(path: Path) -> AsyncConnection:
        """Connects."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(path), PROBE)
            return AsyncConnection(path, reader, writer)
        except (FileNotFoundError, ConnectionRefusedError):
            raise no_daemon(path) from None
        except (BlockingIOError, TimeoutError, asyncio.TimeoutError):
            raise silent(None) from None
        except OSError as error:
            # The daemon may have ended it already.
            raise lost(error.strerror or error) from None

    async def exchange(self, method: str, params: Mapping[str, object], limit: float | None = None) -> object:
        """Sends a request and waits for its answer, at most so many seconds."""
        deadline = time.monotonic() + (patience(params) if limit is None else limit)
        if self.ended is not None:
            raise self.ended
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            self._writer.write(request(number, method, params))
            if not await self._wait(answer, deadline):
                raise overdue(self.process, method) if limit is None else late(self.process, method, limit)
            return answer.result().result()
        finally:
            self._answers.pop(number, None)
            answer.cancel()

    async def event(self) -> object:
        """The next event of a subscription. May be cancelled without losing one."""
        while not self._events:
            if self.ended is not None:
                raise self.ended
            self._event_came.clear()
            await self._wait(asyncio.ensure_future(self._event_came.wait()), None)
        return self._events.popleft()

    def close(self) -> None:
        """Ends it."""
        self._task.cancel()
        self._writer.close()
        self._end(lost("it was closed"))

    async def _wait(self, awaited: asyncio.Future[Any], deadline: float | None) -> bool:
        """Waits for as long as the daemon answers another connection; false at the deadline."""
        try:
            while True:
                left = SILENCE if deadline is None else min(SILENCE, deadline - time.monotonic())
                done, _ = await asyncio.wait({awaited}, timeout=max(0.0, left))
                if done:
                    return True
                if deadline is not None and time.monotonic() >= deadline:
                    return False
                if not await self._alive() and not awaited.done():
                    raise silent(self.process)
        finally:
            awaited.cancel()

    async def _alive(self) -> bool:
        """Asks another connection for anything. A refusal is an answer too."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(self._path), PROBE)
        except (OSError, asyncio.TimeoutError):
            return False
        try:
            writer.write(request(1, "identity.show", {}))
            return bool(await asyncio.wait_for(reader.read(1), PROBE))
        except (OSError, asyncio.TimeoutError):
            return False
        finally:
            writer.close()

    async def _read(self) -> None:
        buffer = LineBuffer()
        try:
            while chunk := await self._reader.read(CHUNK):
                buffer.feed(chunk)
                while (line := buffer.next()) is not None:
                    self._take(line)
            self._end(lost("the daemon ended it"))
        except SottoError as error:
            self._end(error)
        except UnreadableError as error:
            self._end(unreadable(error))
        except OSError as error:
            self._end(lost(error.strerror or error))

    def _take(self, line: Line) -> None:
        if not line.is_response:
            event = line.event()
            if event is not None:
                self._events.append(event)
                self._event_came.set()
        elif line.id is None:
            # An error without an id is about the connection as a whole.
            line.result()
        else:
            answer = self._answers.get(line.id)
            if answer is not None and not answer.done():
                answer.set_result(line)

    def _end(self, error: SottoError) -> None:
        if self.ended is None:
            self.ended = error
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self.ended)
        self._event_came.set()


class AsyncClient(AsyncMethods):
    """A client of a profile's daemon for asyncio. As `Client`, but calls are awaited, and those of several tasks are under
    way at the same time."""

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
        self._connection: AsyncConnection | None = None
        self._connecting = asyncio.Lock()
        self.events = AsyncEventLog(self)
        self.send = self.messages.send
        self.receive = self.messages.receive

    async def call(self, method: str, params: Mapping[str, object] | None = None) -> Any:
        """Calls a method by its name, also one that this version does not know; answers with the result as JSON."""
        return await self._call(method, params or {}, anything)

    async def connect(self) -> AsyncConnection:
        """A connection of its own, opened with the client's token."""
        connection = await AsyncConnection.open(self.socket)
        try:
            token = read_token(self._token_file)
            if token is not None:
                await connection.exchange("session.open", opening(token), self.timeout)
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Ends the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, method: str, params: Mapping[str, object], read: Callable[[object], T], /) -> T:
        async with self._connecting:
            if self._connection is None or self._connection.ended is not None:
                await self.close()
                self._connection = await self.connect()
            connection = self._connection
        return understood(read, await connection.exchange(method, params, self.timeout))


class AsyncEventLog(AsyncEventsMethods):
    """`events.*`; called, it streams the log."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client._call)
        self._client = client

    def __call__(
        self, *, consumer: str | None = None, since: int | None = None, presence: bool = False
    ) -> AsyncEventStream:
        """The log as it goes on, on a connection of its own; as `client.events(…)` of `Client`."""
        return AsyncEventStream(self._client, consumer, since, presence)


class AsyncEventStream(AsyncIterator[Event]):
    """The log as it goes on. As `EventStream`: it connects again after the connection was lost, and goes on where it was."""

    def __init__(self, client: AsyncClient, consumer: str | None, since: int | None, presence: bool) -> None:
        self._client = client
        self._consumer = consumer
        self._since = since
        self._presence = presence
        self._closed = False
        self._pause = PAUSE
        self._connection: AsyncConnection | None = None
        #: Two tasks, one that waits for events and one that acknowledges, make one connection.
        self._connecting = asyncio.Lock()
        #: A first connection that fails is an error: nothing has been lost yet.
        self._began = False

    async def __anext__(self) -> Event:
        while not self._closed:
            connection: AsyncConnection | None = None
            try:
                connection = await self._connected()
                value = await connection.event()
            except SottoError as error:
                await self._lost(error, connection)
            else:
                return self._taken(value)
        raise StopAsyncIteration

    async def ack(self, event: Event | int) -> Acknowledged:
        """Acknowledges the log up to this event, for the consumer. It is repeated if the connection breaks: a position never
        moves back."""
        params = acknowledgement(self._consumer, event)
        while not self._closed:
            connection: AsyncConnection | None = None
            try:
                connection = await self._connected()
                answer = await connection.exchange("events.ack", params)
            except SottoError as error:
                if ends_stream(error):
                    raise
                await self._lost(error, connection)
            else:
                return understood(Acknowledged.from_json, answer)
        raise ValueError("the stream is closed")

    async def close(self) -> None:
        """Ends the stream."""
        self._closed = True
        self._drop()

    async def __aenter__(self) -> AsyncEventStream:
        await self._connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _taken(self, value: object) -> Event:
        event = understood(Event.from_json, value)
        if event.seq is not None:
            self._since = event.seq
        self._pause = PAUSE
        return event

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _connected(self) -> AsyncConnection:
        async with self._connecting:
            if self._connection is not None:
                return self._connection
            connection = await self._client.connect()
            params = {"consumer": self._consumer, "since": self._since, "presence": self._presence}
            try:
                subscribed = understood(
                    Subscribed.from_json, await connection.exchange("events.subscribe", params)
                )
                if self._closed:
                    raise lost("the stream was closed")
            except BaseException:
                connection.close()
                raise
            if self._since is None:
                self._since = subscribed.since
            self._connection, self._began = connection, True
            return connection

    async def _lost(self, error: SottoError, connection: AsyncConnection | None) -> None:
        """Pauses before the next connection. An error that stays is raised."""
        # Another task may have made a new one already.
        if connection is not None and connection is self._connection:
            self._drop()
        if self._closed:
            return
        if not self._began or ends_stream(error):
            self._closed = True
            self._drop()
            raise error
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
