"""Both clients against a scripted daemon: events between answers, lost connections, silence."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import sotto
from sotto.errors import InternalError, NoDaemonError, RefusedError, StoreError

AT = "2026-01-31T09:05:07.250Z"


class Peer:
    """The daemon's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8")

    def request(self) -> dict[str, Any]:
        """The next request."""
        value: dict[str, Any] = json.loads(self._lines.readline())
        return value

    def send(self, *values: object) -> None:
        """Writes each as a line."""
        for value in values:
            text = value if isinstance(value, str) else json.dumps(value) + "\n"
            self._connection.sendall(text.encode())

    def answer(self, result: object) -> dict[str, Any]:
        """Answers the next request."""
        asked = self.request()
        self.send({"jsonrpc": "2.0", "id": asked["id"], "result": result})
        return asked

    def close(self) -> None:
        """Ends the connection."""
        self._lines.close()
        self._connection.close()


def notification(method: str, params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def gap(to: int) -> dict[str, object]:
    event = {"seq": to, "at": AT, "type": "gap", "from": 1, "to": to}
    return notification("events.event", {"subscription": 1, "event": event})


def error(kind: str, retryable: bool = False) -> dict[str, object]:
    return {"code": -1, "message": kind, "data": {"kind": kind, "retryable": retryable, "hint": ""}}


class Scripted(unittest.TestCase):
    """Each test says what the daemon does on each connection in turn."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sotto-py-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = self.folder / "sotto.sock"

    @contextmanager
    def daemon(self, *connections: Callable[[Peer], None]) -> Iterator[None]:
        """A daemon that handles each connection by the next of these."""
        failures: list[BaseException] = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(self.path))
            listener.listen(1)
            listener.settimeout(20)

            def serve() -> None:
                try:
                    for handle in connections:
                        connection, _ = listener.accept()
                        connection.settimeout(20)
                        peer = Peer(connection)
                        handle(peer)
                        peer.close()
                except BaseException as failure:
                    failures.append(failure)

            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield
            finally:
                thread.join(30)
        self.assertEqual(failures, [])

    def test_events_before_an_answer_are_kept_and_a_late_answer_is_passed_over(self) -> None:
        def serve(peer: Peer) -> None:
            peer.answer({"subscription": 1, "since": 0})
            asked = peer.request()
            self.assertEqual(asked["params"], {"consumer": "c", "seq": 5})
            late = {"jsonrpc": "2.0", "id": 0, "result": {}}
            answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"consumer": "c", "seq": 5}}
            peer.send(gap(6), late, gap(7), answer)

        def blocking() -> list[int]:
            with sotto.Client(self.path) as client, client.events(consumer="c") as events:
                self.assertEqual(events.ack(5).seq, 5)
                return [one.to for one in (next(events), next(events)) if isinstance(one, sotto.Gap)]

        async def tasks() -> list[int]:
            async with sotto.AsyncClient(self.path) as client, client.events(consumer="c") as events:
                self.assertEqual((await events.ack(5)).seq, 5)
                both = [await anext(events), await anext(events)]
                return [one.to for one in both if isinstance(one, sotto.Gap)]

        for run in (blocking, lambda: asyncio.run(tasks())):
            with self.daemon(serve):
                self.assertEqual(run(), [6, 7])
            os.unlink(self.path)

    def test_a_stream_goes_on_where_it_was(self) -> None:
        def first(peer: Peer) -> None:
            self.assertEqual(peer.answer({"subscription": 1, "since": 3})["params"]["consumer"], "c")
            peer.send(gap(4), gap(5), json.dumps(gap(6))[:20])

        def lags(peer: Peer) -> None:
            self.assertEqual(peer.answer({"subscription": 1, "since": 5})["params"]["since"], 5)
            peer.send(gap(6), notification("lagged", error("lagged", True)))

        def refuses(peer: Peer) -> None:
            peer.request()

        def ends(peer: Peer) -> None:
            self.assertEqual(peer.answer({"subscription": 1, "since": 6})["params"]["since"], 6)
            peer.send(notification("events.failed", error("store")))

        def blocking() -> list[object]:
            seen: list[object] = []
            with sotto.Client(self.path) as client, client.events(consumer="c") as events:
                with self.assertRaises(StoreError):
                    for event in events:
                        seen.append(event.seq)
                self.assertIsNone(events.wait(1))
            return seen

        async def tasks() -> list[object]:
            seen: list[object] = []
            async with sotto.AsyncClient(self.path) as client, client.events(consumer="c") as events:
                with self.assertRaises(StoreError):
                    async for event in events:
                        seen.append(event.seq)
                with self.assertRaises(StopAsyncIteration):
                    await anext(events)
            return seen

        for run in (blocking, lambda: asyncio.run(tasks())):
            with self.daemon(first, lags, refuses, ends):
                self.assertEqual(run(), [4, 5, 6])
            os.unlink(self.path)

    def test_two_tasks_of_a_stream_that_lost_its_connection_make_one(self) -> None:
        def breaks(peer: Peer) -> None:
            peer.answer({"subscription": 1, "since": 3})
            peer.request()

        def goes_on(peer: Peer) -> None:
            self.assertEqual(peer.answer({"subscription": 1, "since": 3})["params"]["since"], 3)
            self.assertEqual(peer.answer({"consumer": "c", "seq": 3})["method"], "events.ack")
            peer.send(gap(4))

        async def tasks() -> None:
            async with sotto.AsyncClient(self.path) as client:
                connect = mock.AsyncMock(wraps=client.connect)
                with mock.patch.object(client, "connect", connect):
                    async with client.events(consumer="c") as events:
                        event, acknowledged = await asyncio.wait_for(asyncio.gather(anext(events), events.ack(3)), 20)
                self.assertEqual((event.seq, acknowledged.seq), (4, 3))
                self.assertEqual(connect.await_count, 2)

        with self.daemon(breaks, goes_on):
            asyncio.run(tasks())

    def test_the_reason_why_a_client_is_turned_away_is_the_error(self) -> None:
        def serve(peer: Peer) -> None:
            peer.send({"jsonrpc": "2.0", "id": None, "error": error("refused")})

        async def tasks() -> None:
            async with sotto.AsyncClient(self.path) as client:
                await client.node.status()

        def blocking() -> None:
            with sotto.Client(self.path) as client:
                client.node.status()

        for run in (blocking, lambda: asyncio.run(tasks())):
            with self.daemon(serve), self.assertRaises(RefusedError):
                run()
            os.unlink(self.path)

    def test_what_cannot_be_read_is_an_error_and_not_a_crash(self) -> None:
        def nonsense(peer: Peer) -> None:
            peer.request()
            peer.send("nonsense\n")

        def another(peer: Peer) -> None:
            peer.answer({"onion": 7})

        for serve in (nonsense, another):
            with self.daemon(serve), sotto.Client(self.path) as client:
                with self.assertRaisesRegex(InternalError, "cannot be read"):
                    client.identity.show()
            os.unlink(self.path)

    def test_no_call_waits_for_a_daemon_that_has_stopped_answering(self) -> None:
        # It listens, and accepts nothing.
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(str(self.path))
        listener.listen(8)

        async def tasks() -> None:
            async with sotto.AsyncClient(self.path) as client:
                for call in (client.node.status(), anext(client.events()), client.events.wait(timeout=3600)):
                    with self.assertRaisesRegex(NoDaemonError, "does not answer"):
                        await call

        patches = [mock.patch(f"sotto.{module}.{name}", 0.2) for module in ("_blocking", "aio") for name in ("SILENCE", "PROBE")]
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)
        with sotto.Client(self.path) as client:
            for call in (client.node.status, client.events, lambda: client.events.wait(timeout=3600)):
                with self.assertRaisesRegex(NoDaemonError, "does not answer"):
                    call()
        asyncio.run(tasks())

    def test_without_a_daemon_the_error_says_what_to_do(self) -> None:
        with sotto.Client(self.path) as client, self.assertRaises(NoDaemonError) as caught:
            client.node.status()
        self.assertEqual(caught.exception.hint, "sotto daemon start starts it")
        self.assertTrue(caught.exception.retryable)


if __name__ == "__main__":
    unittest.main()
