"""A client with an agent's token: what the token allows, and what waits for approval."""

from __future__ import annotations

import asyncio
import os
import unittest
from unittest import mock

import sotto
from sotto.errors import ApprovalRequiredError, ForbiddenError, LockedError

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


if __name__ == "__main__":
    unittest.main()
