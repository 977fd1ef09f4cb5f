"""Messages stream from Ada to Bob while Bob's consumer and both daemons are killed with SIGKILL at random."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import sotto

from world import Person, World, until

MESSAGES = 120
KILLS = 12


class Consumer:
    """A program that reads Bob's events, started again each time that it is killed, and all that it has said."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs = 0
        self._reader: threading.Thread | None = None
        self.said: list[list[str]] = []
        self.start()

    def start(self) -> None:
        """Starts it: blocking and async in turn."""
        flavour = ("blocking", "async")[self._runs % 2]
        self._runs += 1
        script = Path(__file__).with_name("consumer.py")
        command = [sys.executable, "-I", str(script), str(self._folder), flavour]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process,))
        self._reader.start()

    def kill(self) -> None:
        """Ends it with SIGKILL; what it has said before is not lost."""
        self._process.kill()
        self._process.wait(10)
        assert self._reader is not None
        self._reader.join(10)

    def restart_if_ended(self) -> None:
        """One that found no daemon when it started has ended by itself."""
        if self._process.poll() is not None:
            self.kill()
            self.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                # A line that was cut by the kill says nothing.
                if line.endswith("\n"):
                    self.said.append(line.split())


class Crashes(unittest.TestCase):
    """One run from a random seed, which a failure names."""

    def test_each_message_at_least_once_and_none_after_its_acknowledgement(self) -> None:
        seed = int(os.environ.get("SOTTO_SEED", random.SystemRandom().randrange(1 << 32)))
        world = World()
        self.addCleanup(world.close)
        with world.bob.client() as bob:
            # The consumer begins before the first message.
            bob.events.ack("crashes", bob.node.status().last_seq)
        consumer = Consumer(world.bob.folder)
        self.addCleanup(consumer.kill)
        sent: list[str] = []
        sender = threading.Thread(target=send_all, args=(world.ada, sent))
        sender.start()
        self._kill_at_random(random.Random(seed), world, consumer, sender)
        sender.join(60)
        self.assertEqual(len(set(sent)), MESSAGES, f"seed {seed}")

        def acknowledged() -> bool:
            consumer.restart_if_ended()
            return set(sent) <= {one for word, one in consumer.said if word == "acknowledged"} or all_seen(consumer, sent)

        until(acknowledged, 60)
        done: set[str] = set()
        for word, message in consumer.said:
            self.assertNotIn(message if word == "saw" else None, done, f"seed {seed}: came after its acknowledgement")
            if word == "acknowledged":
                done.add(message)
        self.assertLessEqual(set(sent), {message for _, message in consumer.said}, f"seed {seed}")

    def _kill_at_random(
        self, chance: random.Random, world: World, consumer: Consumer, sender: threading.Thread
    ) -> None:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 0.5))
            victim = chance.choice(["consumer", "consumer", "ada", "bob"])
            if victim == "consumer":
                consumer.kill()
                consumer.start()
            else:
                person = world.ada if victim == "ada" else world.bob
                person.kill()
                person.start()
                consumer.restart_if_ended()


def send_all(ada: Person, sent: list[str]) -> None:
    """Sends every message, each again until it is durable, which its key makes the same message."""
    with ada.client() as client:
        for number in range(MESSAGES):
            while True:
                try:
                    sent.append(client.send("bob", f"message {number}", id=f"stream-{number}").id)
                    break
                except sotto.SottoError as error:
                    assert error.retryable, error
                    time.sleep(0.05)
            time.sleep(0.02)


def all_seen(consumer: Consumer, sent: list[str]) -> bool:
    """Whether each message was seen. The word of an acknowledgement may be lost with the consumer, right after it."""
    return set(sent) <= {message for _, message in consumer.said}


if __name__ == "__main__":
    unittest.main()
