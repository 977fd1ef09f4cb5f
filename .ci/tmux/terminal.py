"""`Tmux`: a server of its own, in which each person has a window with a shell, and the terminal that is attached to it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

COLUMNS, ROWS = 80, 24

# Nothing here takes longer than this unless it hangs.
PATIENCE = 30.0
PAUSE = 0.02


def until(what: str, done: Callable[[], bool], shown: Callable[[], str]) -> None:
    """Waits for something."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}:\n{shown()}")
        time.sleep(PAUSE)


class Tmux:
    """A server with the options that tmux has by itself, but for those that are named here."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.socket = folder / "tmux"
        # Nothing else of the environment: it tells of another terminal, or of a desktop.
        self.environment = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": f"{programs}:{os.environ['PATH']}",
            "SHELL": "/bin/sh",
            "TERM": "xterm-256color",
            "TZ": "UTC",
        }
        self.terminal: Terminal | None = None

    def run(self, *arguments: str, text: str | None = None) -> str:
        """A command of tmux."""
        command = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments]
        done = subprocess.run(
            command, env=self.environment, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if done.returncode != 0:
            raise AssertionError(f"tmux {arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def window(self, name: str, folder: Path, variables: dict[str, str]) -> Window:
        """A window with a shell in a folder."""
        settings = [part for variable in variables.items() for part in ("-e", "=".join(variable))]
        if self.terminal is None:
            size = ["-x", str(COLUMNS), "-y", str(ROWS)]
            self.run("new-session", "-d", *size, "-s", "people", "-n", name, "-c", str(folder), *settings, "sh")
            for option, value in (("status", "off"), ("allow-passthrough", "on")):
                self.run("set-option", "-g", option, value)
            self.run("set-option", "-s", "focus-events", "on")
            self.terminal = Terminal(self)
        else:
            self.run("new-window", "-t", "people", "-n", name, "-c", str(folder), *settings, "sh")
        return Window(self, f"people:{name}")

    def close(self) -> None:
        """Ends the server and all that runs in it."""
        if self.terminal is not None:
            self.run("kill-server")
            self.terminal.close()


class Window:
    """What one person sees and types."""

    def __init__(self, tmux: Tmux, target: str) -> None:
        self.tmux, self.target = tmux, target
        self.commands = 0
        self.until_shown("$")

    def screen(self, *options: str) -> str:
        """What is on the screen."""
        return self.tmux.run("capture-pane", "-p", *options, "-t", self.target)

    def state(self, variable: str) -> str:
        """What tmux knows of the window."""
        return self.tmux.run("display-message", "-p", "-t", self.target, f"#{{{variable}}}").rstrip("\n")

    def until_state(self, variable: str, value: str) -> None:
        """Waits until tmux knows that of the window."""
        until(f"{variable} {value!r}", lambda: self.state(variable) == value, lambda: self.state(variable))

    def until_shown(self, *texts: str) -> None:
        """Waits until all of the texts are on the screen."""
        until(str(texts), lambda: all(text in self.screen() for text in texts), self.screen)

    def until_hidden(self, text: str) -> None:
        """Waits until the text is not on the screen."""
        until(f"the end of {text!r}", lambda: text not in self.screen(), self.screen)

    def write(self, text: str) -> None:
        """Types a text."""
        self.tmux.run("send-keys", "-t", self.target, "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Presses keys, by the names that tmux has for them."""
        self.tmux.run("send-keys", "-t", self.target, *keys)

    def enter(self, text: str) -> None:
        """Types a text and Enter."""
        self.write(text)
        self.press("Enter")

    def paste(self) -> None:
        """Pastes what was copied last, as a bracketed paste if the program wants one."""
        self.tmux.run("paste-buffer", "-p", "-t", self.target)

    def select(self) -> None:
        """Has this window shown by the terminal."""
        self.tmux.run("select-window", "-t", self.target)

    def shell(self, command: str) -> str:
        """Runs a command in the shell; what it printed."""
        self.commands += 1
        end = f"end of command {self.commands}"
        self.enter(f"clear; {command}; echo {end}")
        until(end, lambda: end in self.screen().splitlines(), self.screen)
        return self.screen().partition(end)[0]


class Terminal:
    """The terminal that tmux is attached to, as bytes."""

    def __init__(self, tmux: Tmux) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        command = ["tmux", "-S", str(tmux.socket), "attach-session", "-t", "people"]
        self.process = subprocess.Popen(command, env=tmux.environment, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.received = bytearray()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        until("the attached terminal", lambda: bool(self.received), lambda: "nothing is drawn")

    def read(self) -> None:
        """Keeps all that is written to the terminal."""
        while True:
            try:
                self.received += os.read(self.master, 1 << 16)
            except OSError:
                return

    def type(self, keys: str) -> None:
        """Types on the terminal's own keyboard."""
        os.write(self.master, keys.encode())

    def until_received(self, sequence: str) -> None:
        """Waits until the terminal was told that."""
        until(repr(sequence), lambda: sequence.encode() in self.received, lambda: repr(bytes(self.received[-2000:])))

    def close(self) -> None:
        """Waits for the end of tmux."""
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        os.close(self.master)
