"""Hermes' own gateway for Signal (`hermes-agent` on PyPI) against a daemon's endpoint of signal-cli's shape.

It runs as `.ci/hermes` says: with the gateway in the environment, and with the world of `apps/python/tests` on the path.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import unittest
from pathlib import Path
from typing import Any

# Before the gateway is imported: it keeps its files where this says.
os.environ["HERMES_HOME"] = tempfile.mkdtemp(prefix="hermes-")

from gateway.config import PlatformConfig
from gateway.platforms.signal import SignalAdapter

from world import Person, World

ACCOUNT = "+490000000000"


def endpoint(person: Person) -> str:
    """Makes an agent, switches the endpoint on, and says where it is."""
    token = person.folder / "hermes.token"
    with person.client() as client:
        client.call("owner.passphrase", {"passphrase": "correct horse"})
        added = client.call("agents.add", {"name": "hermes", "allow": ["read:bob", "send:bob"]})
    token.touch(mode=0o600)
    token.write_text(added["token"])
    with open(person.folder / "config.toml", "a", encoding="utf-8") as config:
        config.write('signal_cli = { token_file = "hermes.token", address = "127.0.0.1:0" }\n')
    assert person.process is not None
    person.signal(signal.SIGTERM)
    person.process.wait(30)
    person.start()
    found = [one["at"] for one in person.run("status")["endpoints"] if one["surface"] == "signal-cli"]
    return str(found[0])


class Hermes(unittest.IsolatedAsyncioTestCase):
    """The gateway receives, reacts, types and answers."""

    async def test_a_conversation(self) -> None:
        world = World()
        self.addCleanup(world.close)
        url = await asyncio.to_thread(endpoint, world.ada)
        arrived: asyncio.Queue[Any] = asyncio.Queue()

        async def answer(event: Any) -> str:
            await arrived.put(event)
            return f"You said {event.text}"

        adapter = SignalAdapter(PlatformConfig(enabled=True, extra={"http_url": url, "account": ACCOUNT}))
        adapter.set_message_handler(answer)
        self.assertTrue(await adapter.connect())
        self.addAsyncCleanup(adapter.disconnect)

        with world.bob.client() as bob:
            sent = await asyncio.to_thread(bob.send, "ada", "Hello, agent.", wait="delivered")
            event = await asyncio.wait_for(arrived.get(), 30)
            self.assertEqual(event.text, "Hello, agent.")
            self.assertEqual(event.source.user_name, "bob")

            # Its answer is one message of the conversation, and what it reacted with is there.
            def answered() -> Any:
                return [one for one in bob.receive(consumer="test").messages if one.text.startswith("You said")]

            for _ in range(600):
                answers = await asyncio.to_thread(answered)
                if answers:
                    break
                await asyncio.sleep(0.05)
            self.assertEqual([one.text for one in answers], ["You said Hello, agent."])
            for _ in range(600):
                status = await asyncio.to_thread(bob.messages.status, sent.id)
                if any(reaction.emoji == "✅" for reaction in status.reactions):
                    break
                await asyncio.sleep(0.05)
            self.assertEqual([reaction.emoji for reaction in status.reactions], ["✅"])


if __name__ == "__main__":
    unittest.main()
