"""`SottoError`, as the daemon reports it: a kind that programs branch on, a sentence for people, and what to do next.

Each kind has a class of its own in `sotto.errors`, made by the generator; `except sotto.errors.RateLimitedError` is
enough to catch one. An error of a kind that a newer daemon added is a plain `SottoError`.
"""

from __future__ import annotations

from typing import ClassVar

from ._api import Approval, ErrorData, Kind, Sent
from ._values import Object, integer, text

INTERNAL = -32603


class SottoError(Exception):
    """A request was not carried out."""

    by_kind: ClassVar[dict[Kind, type[SottoError]]] = {}

    def __init_subclass__(cls, kind: Kind | None = None) -> None:
        if kind is not None:
            SottoError.by_kind[kind] = cls

    def __init__(self, message: str, data: ErrorData, code: int = INTERNAL) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        self.code = code

    @staticmethod
    def of(kind: Kind, message: str, hint: str = "", *, retryable: bool = False) -> SottoError:
        """An error that this client found itself."""
        data = ErrorData(kind=kind, retryable=retryable, hint=hint)
        return SottoError.by_kind.get(kind, SottoError)(message, data)

    @staticmethod
    def from_json(value: object) -> SottoError:
        """Reads the error that the daemon answers with."""
        o = Object(value, "error")
        data = o.required("data", ErrorData.from_json)
        made = SottoError.by_kind.get(data.kind, SottoError)
        return made(o.required("message", text), data, o.required("code", integer))

    @property
    def kind(self) -> Kind:
        """Which kind of error."""
        return self.data.kind

    @property
    def hint(self) -> str:
        """What to do next."""
        return self.data.hint

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.data.retryable

    @property
    def sent(self) -> Sent | None:
        """The message that was waited for: it is durable, and will still be sent."""
        return self.data.sent

    @property
    def approval(self) -> Approval | None:
        """What waits for the owner's approval: nothing was sent."""
        return self.data.approval

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message
