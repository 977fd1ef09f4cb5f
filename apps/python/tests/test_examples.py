"""The bot in `examples/echo.py`, with plain Python and with `uv run`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

import sotto

from world import World, until

ECHO = Path(os.environ["SOTTO_DOCS"]).parent / "apps" / "python" / "examples" / "echo.py"


class Echo(unittest.TestCase):
    """One pair of daemons for both ways to run it."""

    def test_it_answers_each_message_once_also_after_a_crash(self) -> None:
        self.assertLessEqual(len(ECHO.read_text().splitlines()), 20)
        world = World()
        self.addCleanup(world.close)
        with world.bob.client() as bob, world.ada.client() as ada:
            bob.events.ack("echo", bob.node.status().last_seq)
            uv = str(Path(os.environ["SOTTO_PYTHON_TOOLS"], "bin", "uv"))
            for number, runner in enumerate([[sys.executable, "-I"], [uv, "run", "--quiet", "--script"]]):
                bot = subprocess.Popen(
                    [*runner, str(ECHO)],
                    env={**os.environ, "SOTTO_DATA_DIR": str(world.bob.folder)},
                    start_new_session=True,
                )
                try:
                    sent = ada.send("bob", f"hello {number}")
                    until(lambda: self._answers(ada, sent.id), 90)
                finally:
                    # The whole session: uv runs the bot as a process of its own.
                    os.killpg(bot.pid, signal.SIGKILL)
                    bot.wait()
            # Whatever it had acknowledged or not: a message has one answer.
            self.assertEqual([len(self._answers(ada, one.id)) for one in self._sent(ada)], [1, 1])

    @staticmethod
    def _sent(ada: sotto.Client) -> list[sotto.Message]:
        return [one for one in ada.messages.history("bob").messages if one.direction == sotto.Direction.OUT]

    @staticmethod
    def _answers(ada: sotto.Client, id: str) -> list[sotto.Message]:
        return [one for one in ada.messages.history("bob").messages if one.reply_to == id]


if __name__ == "__main__":
    unittest.main()
