"""A client with an agent's token: what the token allows, and what waits for approval."""

from __future__ import annotations

import asyncio
import os
import unittest
from pathlib import Path
from unittest import mock

import sotto
from sotto.errors import ApprovalRequiredError, ForbiddenError, LockedError, OwnerRequiredError

from world import World, until

PASSPHRASE = "correct horse"


class Agents(unittest.TestCase):
    """An agent of Ada's, which may read and write to Bob."""

    def test_an_agent_does_what_its_token_allows_and_the_rest_waits(self) -> None:
        world = World()
        self.addCleanup(world.close)
        with world.ada.client() as owner, world.bob.client() as bob:
            owner.owner.passphrase(PASSPHRASE)
            owner.session.unlock(PASSPHRASE)
            added = owner.agents.add("helper", allow=["read:bob", "send:bob"])
            self.assertNotIn(added.token, repr(added))
            file = world.folder / "token"
            file.write_text(added.token + "\n")
            file.chmod(0o640)
            agent = sotto.Client(data_dir=world.ada.folder, token_file=file)
            self.addCleanup(agent.close)
            with self.assertRaisesRegex(LockedError, "chmod 600"):
                agent.node.status()
            file.chmod(0o600)

            sent = agent.send("bob", "Hello from a helper.", wait="delivered")
            self.assertEqual(bob.messages.status(sent.id).text, "Hello from a helper.")
            with self.assertRaises(ForbiddenError):
                agent.friends.rename("bob", "robert")

            owner.agents.revoke("helper")
            with self.assertRaises(sotto.SottoError):
                agent.send("bob", "Hello again.")
            reader = owner.agents.add("reader", allow=["read:bob"])
            file.write_text(reader.token)
            with mock.patch.dict(os.environ, {"SOTTO_TOKEN_FILE": str(file)}):
                self._asks(world, owner, bob)
        self._reads_need_a_token(world, file)

    def _asks(self, world: World, owner: sotto.Client, bob: sotto.Client) -> None:
        async def ask() -> sotto.Approval:
            async with sotto.AsyncClient(data_dir=world.ada.folder) as agent:
                self.assertEqual([one.name for one in (await agent.agents.list()).agents], ["reader"])
                with self.assertRaises(ApprovalRequiredError) as caught:
                    await agent.send("bob", "May I?")
            approval = caught.exception.approval
            assert approval is not None
            return approval

        approval = asyncio.run(ask())
        before = {one.text for one in bob.messages.history("ada").messages}
        self.assertNotIn("May I?", before)
        owner.approvals.allow(approval.id)
        until(lambda: "May I?" in {one.text for one in bob.messages.history("ada").messages})

    def _reads_need_a_token(self, world: World, file: Path) -> None:
        ada = world.ada
        ada.kill()
        with (ada.folder / "config.toml").open("a") as configuration:
            configuration.write('agents = { reads = "token" }\n')
        ada.start()
        with ada.client() as without:
            for read in (
                lambda: without.messages.history("bob"),
                lambda: without.messages.inbox(),
                lambda: without.messages.receive(),
                lambda: without.friends.list(),
                lambda: next(iter(without.events(consumer="bot"))),
            ):
                with self.assertRaises(OwnerRequiredError):
                    read()
            self.assertEqual(without.identity.show().name, "ada")

        async def is_refused() -> None:
            async with ada.async_client() as client:
                with self.assertRaises(OwnerRequiredError):
                    await client.messages.history("bob")

        asyncio.run(is_refused())
        with sotto.Client(data_dir=ada.folder, token_file=file) as agent:
            self.assertIn("Hello from a helper.", {one.text for one in agent.messages.history("bob").messages})


if __name__ == "__main__":
    unittest.main()
