# /// script
# requires-python = ">=3.10"
# dependencies = ["sotto-client"]
# [tool.uv.sources]
# sotto-client = { path = "..", editable = true }
# ///
"""Answers each message with its own text, and forgets none: what it has not acknowledged comes again after a crash."""

import sotto

with sotto.Client() as client, client.events(consumer="echo") as events:
    for event in events:
        if isinstance(event, sotto.Gap):
            print(f"the log no longer has the events {event.from_} to {event.to}", flush=True)
        if isinstance(event, sotto.MessageReceived) and (message := event.message):
            # The id makes a second answer after a crash the same message.
            client.send(message.conversation, message.text, reply_to=message.id, id=f"echo-{message.id}")
        events.ack(event)
