"""`sotto.chat`, and the Python names of `docs/coming-from.md`."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import subprocess
import sys
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import sotto
from sotto.chat import (
    ChatHistory,
    ChatMessage,
    ChatTransport,
    ContentType,
    DeliveryStatus,
    Thread,
    run_daemon,
)
from sotto.errors import ProgramNotFoundError

from world import World, until


class Chat(unittest.TestCase):
    """Against one pair of daemons."""

    world: World

    @classmethod
    def setUpClass(cls) -> None:
        cls.world = World()
        cls.addClassCleanup(cls.world.close)

    def client(self) -> sotto.Client:
        client = self.world.bob.client()
        self.addCleanup(client.close)
        return client

    def test_a_program_written_for_skchat_talks(self) -> None:
        history = ChatHistory.from_config(self.world.ada.folder)
        self.addCleanup(history.client.close)
        transport = ChatTransport(history=history)
        theirs = ChatTransport(self.client())
        theirs.poll_inbox()
        sent = transport.send_and_store(
            "bob", "**roses**", thread_id="garden", content_type=ContentType.MARKDOWN, ttl=3600
        )
        self.assertEqual((sent.sender, sent.delivery_status), (transport.identity, DeliveryStatus.PENDING))
        (got,) = until(theirs.poll_inbox)
        self.assertEqual((got.id, got.content, got.sender), (sent.id, "**roses**", transport.identity))
        self.assertEqual((got.thread_id, got.content_type, got.ttl), ("garden", ContentType.MARKDOWN, 3600))
        self.assertTrue(got.is_ephemeral() and not got.is_expired())
        self.assertEqual(got.to_summary(), "ada: **roses**")
        self.assertEqual(theirs.poll_inbox(), [])

        reply = ChatMessage(recipient="ada", content="and violets", reply_to_id=got.id)
        stored = theirs.history.store_message(reply)
        answers = until(lambda: [one for one in history.get_conversation("bob") if one.id == stored])
        self.assertEqual((answers[0].reply_to, answers[0].delivery_status), (sent.id, DeliveryStatus.DELIVERED))
        self.assertEqual([one.id for one in history.search_messages("violets")], [stored])
        self.assertEqual([one.id for one in history.get_conversation(transport.identity, "bob", 1)], [stored])
        self.assertEqual(history.get_unread(1)[0].id, stored)
        found = history.find_by_id(sent.id)
        assert found is not None
        until(lambda: (one := history.find_by_id(sent.id)) and one.delivery_status == DeliveryStatus.READ)
        self.assertIsNone(history.find_by_id("0" * 32))
        threads = {thread.title: thread for thread in history.list_threads()}
        both = (transport.identity, found.recipient)
        self.assertEqual((threads["garden"].participants, threads["garden"].message_count), (both, 1))
        self.assertIsInstance(threads["bob"], Thread)

    def test_a_long_history_is_read_page_by_page(self) -> None:
        count = 1100

        async def send() -> None:
            async with self.world.bob.async_client(timeout=120) as bob:
                for first in range(0, count, 100):
                    texts = (f"number {n}" for n in range(first, first + 100))
                    await asyncio.gather(*(bob.send("ada", text, thread="long") for text in texts))

        asyncio.run(send())
        shown = self.world.bob.run("history", "ada", "-n", "5000")["messages"]
        numbers = [one["text"] for one in shown if one["thread"] == "long"]
        self.assertEqual(len(set(numbers)), count)
        history = ChatHistory(self.client())
        self.assertEqual([one.id for one in history.get_conversation("ada", limit=5000)], [one["id"] for one in shown])
        self.assertEqual(
            [one.id for one in history.get_conversation("ada", limit=1050)], [one["id"] for one in shown[-1050:]]
        )

    def test_the_daemon_runs_in_the_foreground_until_it_is_stopped(self) -> None:
        person = self.world.bob
        person.kill()
        log = self.world.folder / "daemon.log"
        program = (
            "import sys, sotto.chat; sys.exit(sotto.chat.run_daemon(5.0, sys.argv[1], "
            "arguments=['--data-dir', sys.argv[2], '--network', sys.argv[3], '--key-file', sys.argv[4]]))"
        )
        command = [sys.executable, "-c", program, str(log), str(person.folder), person.network, str(person.key)]
        process = subprocess.Popen(command)
        try:
            with person.client() as client:
                until(lambda: answers(client))
                self.assertEqual(client.node.status().log_file, str(log))
                client.daemon.stop()
            self.assertEqual(process.wait(30), 0)
        finally:
            process.kill()
            process.wait()
        self.assertIn("has started", log.read_text())
        person.start()


def answers(client: sotto.Client) -> bool:
    try:
        client.node.status()
    except sotto.SottoError:
        return False
    return True


class Names(unittest.TestCase):
    """Without a daemon."""

    def test_every_name_of_the_document_is_there(self) -> None:
        document = Path(os.environ["SOTTO_DOCS"], "coming-from.md").read_text(encoding="utf-8")
        names = re.findall(r"^\| `[^`]+` \| `(sotto\.[a-zA-Z_.]+)` \|", document.split("### Python")[1], re.MULTILINE)
        self.assertGreater(len(names), 20)
        for name in names:
            value: object = importlib.import_module("sotto.chat")
            for part in name.split(".")[2:]:
                value = getattr(value, part)

    def test_without_the_program_the_error_says_how_to_get_it(self) -> None:
        with mock.patch.dict(os.environ, {"PATH": "/nowhere", "SOTTO_PROGRAM": "", "HOME": "/nowhere"}):
            with self.assertRaisesRegex(ProgramNotFoundError, "cargo install --path apps/sotto"):
                run_daemon()
        with mock.patch.dict(os.environ, {"SOTTO_PROGRAM": "/nowhere/sotto"}), self.assertRaises(FileNotFoundError):
            run_daemon()

    def test_a_message_that_was_not_sent_yet(self) -> None:
        old = datetime.now(timezone.utc) - timedelta(seconds=60)
        message = ChatMessage(recipient="bob", content="x" * 100, sender="me", ttl=30, timestamp=old)
        self.assertTrue(message.is_expired() and message.is_ephemeral())
        self.assertEqual(message.to_summary(), "me: " + "x" * 80)
        self.assertFalse(ChatMessage(recipient="bob", content="").is_expired())

    def test_the_folder_of_a_profile_is_where_the_program_has_it(self) -> None:
        program = os.environ["SOTTO_PROGRAM"]
        for environment in (
            {"HOME": "/nowhere"},
            {"HOME": "/nowhere", "XDG_DATA_HOME": "/data"},
            {"HOME": "/nowhere", "XDG_DATA_HOME": "relative"},
            {"HOME": "/nowhere", "SOTTO_DATA_DIR": "/there", "SOTTO_PROFILE": "second"},
            {"HOME": "/nowhere", "SOTTO_PROFILE": "second"},
        ):
            done = subprocess.run(
                [program, "--json", "daemon", "status"], env=environment, capture_output=True, text=True, check=False
            )
            self.assertIn('"socket"', done.stdout, done.stderr)
            with mock.patch.dict(os.environ, environment, clear=True):
                self.assertIn(f'"{sotto.socket_path()}"', done.stdout)
        with self.assertRaises(ValueError):
            sotto.socket_path("/x", "../y")


if __name__ == "__main__":
    unittest.main()
