"""How values are read: known ones strictly, unknown ones openly."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import unittest
from datetime import datetime, timezone
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import sotto
from sotto._rpc import LineBuffer, request
from sotto._values import UnreadableError

AT = "2026-01-31T09:05:07.250Z"
SENT = {"id": "ab", "conversation": "x", "state": "queued"}


class Values(unittest.TestCase):
    """Without a daemon."""

    def test_an_unknown_value_stays_a_value_of_its_enum(self) -> None:
        sent = sotto.Sent.from_json({**SENT, "state": "teleported"})
        self.assertIsInstance(sent.state, sotto.MessageState)
        self.assertFalse(sent.state.is_known)
        self.assertTrue(sotto.MessageState.SENT.is_known)
        self.assertEqual((sent.state, str(sent.state), f"{sent.state:>12}"), ("teleported", "teleported", "  teleported"))
        self.assertEqual(sent.state, sotto.MessageState("teleported"))
        self.assertIs(sotto.MessageState("sent"), sotto.MessageState.SENT)
        self.assertNotIn("teleported", [member.value for member in sotto.MessageState])

    def test_unknown_members_are_kept(self) -> None:
        sent = sotto.Sent.from_json({**SENT, "colour": {"of": "money"}})
        self.assertEqual(sent.extra, {"colour": {"of": "money"}})
        with self.assertRaises(TypeError):
            sent.extra["colour"] = "red"  # type: ignore[index]

    def test_an_event_of_an_unknown_type_is_an_event(self) -> None:
        event = sotto.Event.from_json({"type": "moon.full", "seq": 7, "at": AT, "phase": 1})
        self.assertIs(type(event), sotto.Event)
        self.assertEqual((event.type, event.seq, event.extra), ("moon.full", 7, {"phase": 1}))
        gap = sotto.Event.from_json({"type": "gap", "seq": 9, "at": AT, "from": 3, "to": 9})
        assert isinstance(gap, sotto.Gap)
        self.assertEqual((gap.from_, gap.to, gap.at), (3, 9, datetime(2026, 1, 31, 9, 5, 7, 250_000, timezone.utc)))

    def test_values_are_frozen_slotted_and_comparable(self) -> None:
        sent = sotto.Sent.from_json(SENT)
        with self.assertRaises(dataclasses.FrozenInstanceError):
            sent.id = "cd"  # type: ignore[misc]
        self.assertFalse(hasattr(sent, "__dict__"))
        self.assertEqual(len({sent, sotto.Sent.from_json(SENT), copy.copy(sent)}), 1)
        self.assertEqual(dataclasses.replace(sent, id="cd").id, "cd")
        self.assertIs(pickle.loads(pickle.dumps(sent.state)), sotto.MessageState.QUEUED)

    def test_what_the_api_does_not_allow_is_refused_with_its_place(self) -> None:
        for wrong, said in [
            ({**SENT, "id": 7}, "Sent.id: 7 is not a string"),
            ({"id": "ab", "state": "queued"}, "Sent has no conversation"),
            ([], "Sent is not an object"),
        ]:
            with self.assertRaises(UnreadableError) as caught:
                sotto.Sent.from_json(wrong)
            self.assertEqual(str(caught.exception), said)

    def test_an_error_of_an_unknown_kind_is_an_error(self) -> None:
        data: dict[str, Any] = {"kind": "sunspots", "retryable": True, "hint": "wait a decade"}
        error = sotto.SottoError.from_json({"code": -1, "message": "noise", "data": data})
        self.assertIs(type(error), sotto.SottoError)
        self.assertEqual((error.kind, error.retryable, str(error)), ("sunspots", True, "noise (wait a decade)"))

    def test_every_kind_of_error_has_a_class(self) -> None:
        for kind in sotto.Kind:
            error = sotto.SottoError.of(kind, "something")
            self.assertIsNot(type(error), sotto.SottoError, kind)
            self.assertIs(getattr(sotto.errors, type(error).__name__), type(error))
            self.assertIn(type(error).__name__, sotto.errors.__all__)

    def test_lines_come_in_any_pieces(self) -> None:
        buffer = LineBuffer()
        whole = request(1, "a.b", {"text": "é\n", "none": None}) * 3
        lines = []
        for byte in whole:
            buffer.feed(bytes([byte]))
            while (line := buffer.next()) is not None:
                lines.append(line)
        self.assertEqual([(line.id, line.params) for line in lines], [(1, {"text": "é\n"})] * 3)

    def test_the_package_is_typed_and_of_one_version(self) -> None:
        assert sotto.__file__ is not None
        self.assertTrue(Path(sotto.__file__).with_name("py.typed").exists())
        about = metadata("sotto-client")
        self.assertEqual(about["Version"], sotto.__version__)
        self.assertIsNone(about.get_all("Requires-Dist"))


if __name__ == "__main__":
    unittest.main()
