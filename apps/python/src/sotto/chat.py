"""The names of skchat, for programs that were written for it: `ChatMessage`, `ChatHistory`, `ChatTransport`, `Thread` and
`run_daemon`. Each does with Sotto's daemon what its namesake does.

Two things differ. An identity is an onion address, and a recipient is named in any form that `sotto send` takes. And nothing
is polled or stored here: the daemon receives while it runs, and its store is the only one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from . import _api
from ._profile import find_program
from ._values import OpenEnum
from .client import Client
from .errors import UnknownMessageError

#: The longest list that the daemon answers with.
PAGE = 1000


class ContentType(OpenEnum):
    """How a text wants to be shown."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    SYSTEM = "system"
    """What is no text of a peer. Sotto has events for that, so no message is of this type."""


class DeliveryStatus(OpenEnum):
    """The state of a message."""

    PENDING = "pending"
    """Durable on this node, and not sent yet: `queued` in Sotto."""
    SENT = "sent"
    DELIVERED = "delivered"
    """The other node has stored it."""
    READ = "read"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Withdrawn before it was encrypted. skchat has no such state."""


_STATUS = {_api.MessageState.QUEUED: DeliveryStatus.PENDING}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A message. One that was not sent yet has an empty `id`."""

    recipient: str
    """The conversation: any form of it that `sotto send` takes; of a message of the daemon's, the contact's onion address."""
    content: str
    sender: str = ""
    """The author's onion address; empty until this node has sent it."""
    id: str = ""
    content_type: ContentType = ContentType.MARKDOWN
    timestamp: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    thread_id: str | None = None
    reply_to_id: str | None = None
    ttl: int | None = None
    """Seconds until it disappears, once it was read there and sent here; none is what the conversation's timer says."""
    delivery_status: DeliveryStatus = DeliveryStatus.PENDING
    message: _api.Message | None = None
    """All that the daemon knows of it: reactions, expiry, whether the author is verified."""

    @staticmethod
    def of(message: _api.Message) -> ChatMessage:
        """The message of the daemon."""
        incoming = message.direction == _api.Direction.IN
        return ChatMessage(
            id=message.id,
            sender=message.from_,
            recipient="" if incoming else message.conversation,
            content=message.text,
            content_type=ContentType(message.content_type.value),
            timestamp=message.sent_at,
            thread_id=message.thread,
            reply_to_id=message.reply_to,
            ttl=message.ttl or None,
            delivery_status=_STATUS.get(message.state, DeliveryStatus(message.state.value)),
            message=message,
        )

    @property
    def reply_to(self) -> str | None:
        """The message that it replies to."""
        return self.reply_to_id

    def is_ephemeral(self) -> bool:
        """Whether it disappears some time."""
        return self.ttl is not None

    def is_expired(self) -> bool:
        """Whether it should have disappeared by now. The daemon deletes it then."""
        if self.message is not None:
            expires = self.message.expires_at
            return expires is not None and expires <= datetime.now(timezone.utc)
        return self.ttl is not None and self.timestamp + timedelta(seconds=self.ttl) <= datetime.now(timezone.utc)

    def to_summary(self) -> str:
        """One line: who, and the beginning of the text."""
        named = self.message and (self.message.petname or self.message.claimed_name)
        return f"{named or self.sender}: {self.content[:80]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A thread of a conversation, or what is in no thread."""

    id: str | None
    title: str | None
    participants: tuple[str, ...]
    updated_at: datetime
    message_count: int
    unread_count: int
    conversation: str

    @staticmethod
    def of(thread: _api.Thread) -> Thread:
        """The thread of the daemon."""
        return Thread(
            id=thread.thread,
            title=thread.title,
            participants=thread.participants,
            updated_at=thread.last_at,
            message_count=thread.messages,
            unread_count=thread.unread,
            conversation=thread.conversation,
        )


class ChatHistory:
    """The daemon's store."""

    def __init__(self, store: Client | None = None) -> None:
        self.client = store if store is not None else Client()

    @staticmethod
    def from_config(store_path: str | os.PathLike[str] | None = None) -> ChatHistory:
        """The store of the profile in that folder, or of the one that the environment names."""
        return ChatHistory(Client(data_dir=store_path))

    def store_message(self, message: ChatMessage) -> str:
        """Makes a message durable; answers with its id. The daemon stores what it receives by itself, and one of this node's
        is stored by being queued for its recipient: there is no message that no node sends."""
        return message.id or ChatTransport(history=self).send_message(message).id

    def search_messages(self, query: str, limit: int = 20) -> list[ChatMessage]:
        """Messages that hold all words, the newest first."""
        return _all(self.client.messages.search(query, limit=limit).messages)

    def get_conversation(self, participant: str, other: str | None = None, limit: int = 50) -> list[ChatMessage]:
        """The newest messages with a participant, the oldest of them first. With two participants, the one that is not this
        node."""
        if other is not None and participant == self.client.identity.show().onion:
            participant = other
        return self._history(participant, limit)

    def get_unread(self, limit: int = PAGE) -> list[ChatMessage]:
        """The newest unread messages, the oldest of them first."""
        return _all(self.client.messages.inbox(unread=True, limit=limit).messages)

    def find_by_id(self, message_id: str) -> ChatMessage | None:
        """The message with that id, or whose id begins so."""
        try:
            return ChatMessage.of(self.client.messages.status(message_id))
        except UnknownMessageError:
            return None

    def list_threads(self, limit: int = 50) -> list[Thread]:
        """Conversations and their threads, the last used first."""
        return [Thread.of(thread) for thread in self.client.messages.threads(limit=limit).threads]

    def _history(self, conversation: str, limit: int) -> list[ChatMessage]:
        pages: list[_api.Message] = []
        before: str | None = None
        while limit > len(pages):
            asked = min(PAGE, limit - len(pages))
            page = self.client.messages.history(conversation, limit=asked, before=before).messages
            pages = [*page, *pages]
            if len(page) < asked:
                break
            before = f"{page[0].from_}/{page[0].id}"
        return _all(pages)


class ChatTransport:
    """Sends through the daemon, and takes what it has received."""

    #: The consumer of `poll_inbox`: what it has taken does not come again.
    CONSUMER = "chat"

    def __init__(self, transport: Client | None = None, history: ChatHistory | None = None) -> None:
        self.history = history if history is not None else ChatHistory(transport)
        self.client = transport if transport is not None else self.history.client

    @property
    def identity(self) -> str:
        """This node's onion address."""
        return self.client.identity.show().onion

    def send_message(self, message: ChatMessage) -> ChatMessage:
        """Sends a message; answers with it as it is durable then."""
        sent = self.client.send(
            message.recipient,
            message.content,
            content_type=_api.ContentType(message.content_type.value),
            thread=message.thread_id,
            reply_to=message.reply_to_id,
            ttl=message.ttl,
        )
        status = _STATUS.get(sent.state, DeliveryStatus(sent.state.value))
        return replace(message, id=sent.id, recipient=sent.conversation, sender=self.identity, delivery_status=status)

    def send_and_store(self, recipient: str, content: str, **options: Any) -> ChatMessage:
        """Sends a text. The options are the other fields of a `ChatMessage`."""
        return self.send_message(ChatMessage(recipient=recipient, content=content, **options))

    def poll_inbox(self) -> list[ChatMessage]:
        """What arrived since the last time. It counts as read."""
        taken: list[_api.Message] = []
        while True:
            received = self.client.receive(consumer=self.CONSUMER)
            taken += received.messages
            if not received.more:
                return _all(taken)


def run_daemon(
    interval: float | None = None,
    log_file: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    *,
    arguments: Sequence[str] = (),
) -> int:
    """Runs the daemon in the foreground until it is stopped; answers with its exit code. It is the program `sotto`; if that is
    not there, the error says how to get it.

    interval: as skchat has it. Messages arrive by themselves; nothing is polled.
    log_file: where the log goes, instead of standard error.
    quiet: only warnings in the log.
    arguments: more arguments of `sotto daemon start`, as `--key-file`.
    """
    command = [find_program(), "daemon", "start", "--foreground"]
    if interval is not None:
        command += ["--interval", str(interval)]
    if log_file is not None:
        command += ["--log-file", os.fspath(log_file)]
    if quiet:
        command.append("--quiet")
    return subprocess.call([*command, *arguments])


def _all(messages: Sequence[_api.Message]) -> list[ChatMessage]:
    return [ChatMessage.of(message) for message in messages]
