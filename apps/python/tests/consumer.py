"""A consumer that says what it saw and what it acknowledged, until it is killed. Run by `test_crashes`."""

from __future__ import annotations

import asyncio
import sys

import sotto

CONSUMER = "crashes"


def say(word: str, what: str) -> None:
    print(word, what, flush=True)


def blocking(folder: str) -> None:
    with sotto.Client(data_dir=folder) as client, client.events(consumer=CONSUMER, since=None) as events:
        for event in events:
            if isinstance(event, sotto.MessageReceived):
                say("saw", event.id)
            events.ack(event)
            if isinstance(event, sotto.MessageReceived):
                say("acknowledged", event.id)


async def tasks(folder: str) -> None:
    async with sotto.AsyncClient(data_dir=folder) as client, client.events(consumer=CONSUMER) as events:
        async for event in events:
            if isinstance(event, sotto.MessageReceived):
                say("saw", event.id)
            await events.ack(event)
            if isinstance(event, sotto.MessageReceived):
                say("acknowledged", event.id)


if __name__ == "__main__":
    if sys.argv[2] == "async":
        asyncio.run(tasks(sys.argv[1]))
    else:
        blocking(sys.argv[1])
