"""The client against two real daemons."""

from __future__ import annotations

import asyncio
import signal
import time
import unittest
from datetime import datetime, timedelta, timezone

import sotto
from sotto.errors import InvalidParamsError, MethodNotFoundError, NoDaemonError, UnknownContactError, WaitEndedError

from world import World, until


class Daemons(unittest.TestCase):
    """One pair of daemons for all questions."""

    world: World

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.addClassCleanup(cls.world.close)

    def test_a_message_is_sent_and_received_once(self) -> None:
        with self.world.ada.client() as ada, self.world.bob.client() as bob:
            bob.receive(consumer="once")
            sent = ada.send("bob", "Hello, *Bob*.", content_type="markdown", thread="work", wait="delivered", id="once-1")
            self.assertEqual(sent.state, sotto.MessageState.DELIVERED)
            self.assertEqual(ada.send("bob", "Hello, *Bob*.", content_type="markdown", thread="work", id="once-1").id, sent.id)
            received = bob.receive(consumer="once")
            self.assertEqual([message.id for message in received.messages], [sent.id])
            message = received.messages[0]
            self.assertEqual((message.text, message.thread), ("Hello, *Bob*.", "work"))
            self.assertIs(message.content_type, sotto.ContentType.MARKDOWN)
            self.assertIs(message.direction, sotto.Direction.IN)
            self.assertEqual((message.petname, message.claimed_name), ("ada", "ada"))
            self.assertEqual(message.from_, ada.identity.show().onion)
            self.assertLess(abs(datetime.now(timezone.utc) - message.sent_at), timedelta(minutes=5))
            self.assertEqual(bob.receive(consumer="once").messages, ())
            reply = bob.send("ada", "Hello.", reply_to=message.id[:8], wait=sotto.WaitFor.DELIVERED)
            answer = ada.messages.history("bob").messages[-1]
            self.assertEqual((answer.id, answer.reply_to), (reply.id, sent.id))

    def test_errors_have_classes(self) -> None:
        with self.world.ada.client() as ada:
            with self.assertRaises(UnknownContactError) as caught:
                ada.send("nobody-of-that-name", "Hello.")
            self.assertIs(caught.exception.kind, sotto.Kind.UNKNOWN_CONTACT)
            self.assertIn("sotto friends list", caught.exception.hint)
            with self.assertRaises(InvalidParamsError):
                ada.messages.history("bob", limit=0)
            with self.assertRaises(MethodNotFoundError):
                ada.call("messages.teleport")
            self.assertEqual(ada.call("identity.show")["onion"], ada.identity.show().onion)

    def test_a_wait_that_ends_has_the_message_that_was_sent(self) -> None:
        self.world.bob.signal(signal.SIGSTOP)
        try:
            with self.world.ada.client() as ada, self.assertRaises(WaitEndedError) as caught:
                ada.send("bob", "Later.", wait="read", timeout=1)
        finally:
            self.world.bob.signal(signal.SIGCONT)
        assert caught.exception.sent is not None
        with self.world.ada.client() as ada:
            sent = caught.exception.sent
            until(lambda: ada.messages.status(sent.id).state == sotto.MessageState.DELIVERED)

    def test_a_frozen_daemon_is_not_waited_for(self) -> None:
        # Its own patience is shortened, so that the test is not long.
        self.world.bob.signal(signal.SIGSTOP)
        self.addCleanup(self.world.bob.signal, signal.SIGCONT)
        began = time.monotonic()
        with self.world.bob.client(timeout=1) as bob, self.assertRaises(NoDaemonError) as caught:
            bob.node.status()
        self.assertLess(time.monotonic() - began, 10)
        assert self.world.bob.process is not None
        self.assertIn(f"process {self.world.bob.process.pid}", caught.exception.message)

    def test_threads_share_a_client(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        with self.world.ada.client() as ada, ThreadPoolExecutor(8) as pool:
            onion = ada.identity.show().onion
            self.assertEqual({one.onion for one in pool.map(lambda _: ada.identity.show(), range(64))}, {onion})

    def test_tasks_share_an_async_client(self) -> None:
        async def go() -> None:
            async with self.world.ada.async_client() as ada, self.world.bob.async_client() as bob:
                async with bob.events(consumer="tasks") as events:
                    sent = await asyncio.gather(*(ada.send("bob", f"task {n}") for n in range(20)))
                    self.assertEqual(len({one.id for one in sent}), 20)
                    waiting = {one.id for one in sent}
                    async for event in events:
                        if isinstance(event, sotto.MessageReceived):
                            waiting.discard(event.id)
                        if not waiting:
                            acknowledged = await events.ack(event)
                            self.assertEqual(acknowledged.seq, event.seq)
                            break
                with self.assertRaises(UnknownContactError):
                    await ada.send("nobody-of-that-name", "Hello.")

        asyncio.run(go())

    def test_a_connection_that_ended_is_made_again(self) -> None:
        with self.world.bob.client() as bob, bob.events(consumer="again") as events:
            onion = bob.identity.show().onion
            self.world.bob.kill()
            with self.assertRaises(NoDaemonError):
                bob.identity.show()
            self.world.bob.start()
            self.assertEqual(bob.identity.show().onion, onion)
            with self.world.ada.client() as ada:
                sent = ada.send("bob", "After the restart.")
            while True:
                event = events.wait(30)
                assert event is not None
                if isinstance(event, sotto.MessageReceived) and event.id == sent.id:
                    break
            self.assertEqual(events.ack(event).seq, event.seq)


if __name__ == "__main__":
    unittest.main()
