"""`World`: two real daemons in a folder of their own, on the network `local`, who are friends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import sotto

PROGRAM = os.environ["SOTTO_PROGRAM"]


class Person:
    """One profile: its folder, and its daemon."""

    def __init__(self, world: Path, name: str) -> None:
        self.folder = world / name
        self.key = world / f"{name}.key"
        self.network = f"local:{world / 'net'}"
        self.name = name
        self.run("init", "--name", name, "--key-file", str(self.key))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def run(self, *arguments: str) -> Any:
        """Runs the program for this profile; answers with what it printed as JSON."""
        command = [PROGRAM, "--json", "--data-dir", str(self.folder), "--network", self.network, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def start(self) -> None:
        """Starts the daemon, and waits until it answers."""
        command = [PROGRAM, "--data-dir", str(self.folder), "--network", self.network, "daemon", "run"]
        with open(self.folder / "stderr", "ab") as log:
            self.process = subprocess.Popen([*command, "--key-file", str(self.key)], stderr=log, stdout=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.client(timeout=5) as client:
                    client.node.status()
                return
            except sotto.SottoError:
                assert time.monotonic() < deadline, (self.folder / "stderr").read_text()
                time.sleep(0.02)

    def kill(self) -> None:
        """Ends the daemon with SIGKILL."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(10)

    def signal(self, number: signal.Signals) -> None:
        """Signals the daemon."""
        assert self.process is not None
        self.process.send_signal(number)

    @property
    def socket(self) -> Path:
        """The daemon's socket."""
        return self.folder / "sotto.sock"

    def client(self, timeout: float | None = 30) -> sotto.Client:
        """A client of its daemon."""
        return sotto.Client(data_dir=self.folder, timeout=timeout)

    def async_client(self, timeout: float | None = 30) -> sotto.AsyncClient:
        """A client of its daemon, for asyncio."""
        return sotto.AsyncClient(data_dir=self.folder, timeout=timeout)


class World:
    """Ada and Bob, who are friends."""

    def __init__(self) -> None:
        # A short path: the name of a socket has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="sotto-py-", dir="/tmp"))
        (self.folder / "net").mkdir()
        self.ada = Person(self.folder, "ada")
        self.bob = Person(self.folder, "bob")
        with self.ada.client() as ada, self.bob.client() as bob:
            bob.friends.add(ada.identity.invite().friend_code, name="ada")
            until(lambda: [one.contact for one in ada.friends.list().friends])
            ada.friends.rename(bob.identity.show().onion, "bob")

    def close(self) -> None:
        """Ends both daemons, and deletes the folder."""
        for person in (self.ada, self.bob):
            if person.process is not None and person.process.poll() is None:
                person.kill()
        shutil.rmtree(self.folder)


def until(condition: Any, seconds: float = 30) -> Any:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not (held := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return held
