"""`Transcript`: screens as a page of the documentation, written once and compared ever after."""

from __future__ import annotations

import re
import time
from pathlib import Path

from terminal import PATIENCE, PAUSE, Window, until

# What differs from one run to the next, in as many columns.
VARIES = [
    (re.compile(r"sotto1[a-z0-9]{20,}"), lambda found: stretched("sotto1qexample", found)),
    (re.compile(r"(?<=Friend code: )[a-z0-9]{20,}"), lambda found: stretched("example", found)),
    (re.compile(r"[a-z2-7]{56}\.onion"), lambda found: stretched("example", found[:-6]) + ".onion"),
    (re.compile(r"\([a-z2-7]{8}\)"), lambda _: "(example2)"),
    (re.compile(r"\b\d{2}:\d{2}\b"), lambda _: "12:00"),
    (re.compile(r" · seen \d+s ago"), lambda _: " · seen 1s ago"),
]


def stretched(sample: str, found: str) -> str:
    """The sample over and over, as long as what it stands for."""
    return (sample * len(found))[: len(found)]


def lasting(screen: str) -> str:
    """A screen without what differs from one run to the next."""
    for pattern, example in VARIES:
        screen = pattern.sub(lambda match, example=example: example(match.group()), screen)
    return "\n".join(line.rstrip() for line in screen.splitlines()).rstrip()


def compared(screen: str) -> str:
    """The part of a screen that lasts: what was just said stands for seconds at the left of the last line."""
    lines = screen.split("\n")
    lines[-1] = lines[-1][1:].partition("  ")[2].lstrip()
    return "\n".join(lines)


class Transcript:
    """The page, and whether it is to be written."""

    def __init__(self, page: Path, write: bool) -> None:
        self.page, self.writes = page, write
        self.text = page.read_text() if page.exists() else ""
        self.kept = re.findall(r"^```text\n(.*?)\n```$", self.text, re.M | re.S)
        self.parts: list[str] = []
        self.shown = 0

    def say(self, text: str) -> None:
        """A paragraph."""
        self.parts.append(text)

    def show(self, window: Window, *texts: str) -> None:
        """The screen, once it has those texts. What is compared is waited for: a screen that does not come is not the page's."""
        window.until_shown(*texts)
        if self.writes:
            screen = rested(window)
        else:
            screen = self.kept[self.shown] if self.shown < len(self.kept) else ""
            until(
                f"the screen of {self.page.name} (.ci/tmux/run --write writes it anew):\n{screen}\nSeen",
                lambda: compared(lasting(window.screen())) == compared(screen),
                window.screen,
            )
        self.shown += 1
        self.parts.append(f"```text\n{screen}\n```")

    def finish(self) -> None:
        """Writes the page, or compares what is not a screen."""
        text = "\n\n".join(self.parts) + "\n"
        if self.writes:
            self.page.write_text(text)
        elif text != self.text:
            raise AssertionError(f"{self.page} is not of today: .ci/tmux/run --write")


def rested(window: Window) -> str:
    """The screen when nothing on it has changed for a while: for the one who writes the page and looks at it."""
    screen, since = lasting(window.screen()), time.monotonic()
    deadline = since + PATIENCE
    while time.monotonic() < since + 1:
        assert time.monotonic() < deadline, f"it does not rest:\n{screen}"
        time.sleep(PAUSE)
        now = lasting(window.screen())
        if now != screen:
            screen, since = now, time.monotonic()
    return screen
