"""`Object`, a JSON object of the daemon's while it is read, and the readers of its values.

Reading is open: a member without a field is kept in `extra`, an enum's value without a name stays a value of that enum.
So a client goes on working with a daemon that is newer than it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound="OpenEnum")

#: The members of an object that this version has no fields for, if there are none.
NOTHING: Mapping[str, Any] = MappingProxyType({})


class UnreadableError(ValueError):
    """A value is not what the API says: the daemon is of another, incompatible version."""


class OpenEnum(str, Enum):
    """Texts with names. A text that a newer daemon added is a member too, without a name of its own."""

    @classmethod
    def _missing_(cls, value: object) -> OpenEnum | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value.upper()
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """Whether this version of the client has a name for it."""
        return self._value_ in {member.value for member in type(self)}

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __str__(self) -> str:
        return str(self._value_)

    def __format__(self, spec: str) -> str:
        return format(str(self._value_), spec)


class Object:
    """A JSON object, and which of its members have been read."""

    __slots__ = ("_members", "_name", "_seen")

    def __init__(self, value: object, name: str) -> None:
        if not isinstance(value, dict):
            raise UnreadableError(f"{name} is not an object")
        self._members: dict[str, object] = value
        self._name = name
        self._seen: set[str] = set()

    def required(self, member: str, read: Callable[[object], T]) -> T:
        """The value of a member that is always there."""
        if member not in self._members:
            raise UnreadableError(f"{self._name} has no {member}")
        return self._read(member, read)

    def optional(self, member: str, read: Callable[[object], T]) -> T | None:
        """The value of a member that may be absent or null."""
        self._seen.add(member)
        if self._members.get(member) is None:
            return None
        return self._read(member, read)

    def defaulted(self, member: str, read: Callable[[object], T], default: T) -> T:
        """The value of a member, or what it is if it is absent."""
        value = self.optional(member, read)
        return default if value is None else value

    def rest(self) -> Mapping[str, Any]:
        """The members that were not read."""
        rest = {member: value for member, value in self._members.items() if member not in self._seen}
        return MappingProxyType(rest) if rest else NOTHING

    def _read(self, member: str, read: Callable[[object], T]) -> T:
        self._seen.add(member)
        try:
            return read(self._members[member])
        except UnreadableError as error:
            raise UnreadableError(f"{self._name}.{member}: {error}") from None


def nothing() -> Mapping[str, Any]:
    """The members without a field of an object that was not read."""
    return NOTHING


def text(value: object) -> str:
    """A string."""
    if isinstance(value, str):
        return value
    raise UnreadableError(f"{value!r} is not a string")


def integer(value: object) -> int:
    """An integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UnreadableError(f"{value!r} is not an integer")


def boolean(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    raise UnreadableError(f"{value!r} is neither true nor false")


def anything(value: object) -> Any:
    """A value that the API says nothing about."""
    return value


def moment(value: object) -> datetime:
    """A moment in UTC."""
    written = text(value)
    try:
        # Before 3.11, `fromisoformat` does not know `Z`.
        return datetime.fromisoformat(written.replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError:
        raise UnreadableError(f"{written!r} is not a moment") from None


def one_of(names: type[E]) -> Callable[[object], E]:
    """A value of an open enum."""
    return lambda value: names(text(value))


def sequence(read: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """An array."""

    def read_all(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise UnreadableError(f"{value!r} is not an array")
        return tuple(read(item) for item in value)

    return read_all


def mapping(read: Callable[[object], T]) -> Callable[[object], Mapping[str, T]]:
    """An object with names of the daemon's choice."""

    def read_all(value: object) -> Mapping[str, T]:
        if not isinstance(value, dict):
            raise UnreadableError(f"{value!r} is not an object")
        return MappingProxyType({name: read(item) for name, item in value.items()})

    return read_all


def written(value: object) -> object:
    """A parameter as JSON."""
    if isinstance(value, OpenEnum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [written(item) for item in value]
    return value
