"""What a notification server is asked to show: by real daemons, over a real message bus.

What arrives shortly after a notification is shown in its place. So that a step begins with nothing shown, it begins with a daemon that
has just started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import unittest
from typing import Any

import dbusmock

import sotto
from world import Person, World, until

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"


class Server:
    """A notification server."""

    def __init__(self, capabilities: str = "body body-markup") -> None:
        self.process, self.calls = dbusmock.DBusTestCase.spawn_server_template(
            "notification_daemon", {"capabilities": capabilities}, stdout=subprocess.DEVNULL
        )

    def shown(self) -> list[tuple[int, str, str]]:
        """What it was asked to show: in place of which one, the summary and the body."""
        calls = self.calls.GetMethodCalls("Notify", dbus_interface=dbusmock.MOCK_IFACE)
        return [(int(call[1]), str(call[3]), str(call[4])) for _, call in calls]

    def next(self) -> tuple[str, str]:
        """The only notification since the last time."""
        until(self.shown)
        (_, *said) = self.shown()[0]
        assert len(self.shown()) == 1, self.shown()
        self.calls.ClearCalls(dbus_interface=dbusmock.MOCK_IFACE)
        return (said[0], said[1])

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()


class Notifications(unittest.TestCase):
    """Ada's desktop, while Bob writes to her."""

    @classmethod
    def setUpClass(cls) -> None:
        dbusmock.DBusTestCase.start_session_bus()
        cls.world = World()
        cls.ada, cls.bob = cls.world.ada, cls.world.bob

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.close()
        dbusmock.DBusTestCase.tearDownClass()

    def setUp(self) -> None:
        self.server = Server()
        self.addCleanup(lambda: self.server.stop())

    def restart(self, *notifications: str) -> None:
        """Ada's daemon anew, with other notifications."""
        if notifications:
            self.ada.run("notifications", *notifications)
        self.ada.kill()
        self.ada.start()

    def says(self, text: str, **more: Any) -> None:
        """Bob writes to Ada, who gets it."""
        with self.bob.client() as bob:
            assert bob.messages.send("ada", text, wait="delivered", timeout=30, **more).state != "queued"

    def fence(self) -> tuple[str, str]:
        """Something of which there is always a notification; answers with the next one."""
        with self.ada.client() as ada:
            ada.session.open(surface="mcp")
            try:
                ada.messages.send("bob", f"to be allowed {time.monotonic()}")
            except sotto.SottoError as error:
                assert error.kind == "approval_required", error
        return self.server.next()

    FENCE = ("Approval needed", "A message to bob waits for you")

    def test_each_mode(self) -> None:
        """There is none at first; then each mode says what it may."""
        self.restart("off")
        self.says("not shown")
        shown = self.ada.run("notifications", "on")
        self.assertEqual(shown["mode"], "sender")
        self.assertEqual(shown["desktop"], {"state": "ready", "server": "mock-notify"})
        self.assertEqual(self.fence(), self.FENCE)
        self.restart()
        self.says("<b>Hello</b> & welcome\nsecond line")
        self.assertEqual(self.server.next(), ("bob", "New message"))
        self.restart("on", "--show", "text")
        self.says("<b>Hello</b> & welcome\nsecond line")
        self.assertEqual(self.server.next(), ("bob", "&lt;b&gt;Hello&lt;/b&gt; &amp; welcome"))
        self.restart()
        self.says("it disappears", ttl=3600)
        self.assertEqual(self.server.next(), ("bob", "New message"))
        self.restart("on", "--show", "count")
        self.says("how many?")
        self.assertEqual(self.server.next(), ("Sotto", "1 new message"))

    def test_a_server_without_markup_gets_the_text_as_it_is(self) -> None:
        self.server.stop()
        self.server = Server("body")
        self.restart("on", "--show", "text")
        self.says("1 < 2 & 3")
        self.assertEqual(self.server.next(), ("bob", "1 < 2 & 3"))

    def writes(self, count: int) -> None:
        """Bob writes to Ada, who may be away."""
        with self.bob.client() as bob:
            for n in range(count):
                bob.messages.send("ada", f"message {n}")

    def shows_one(self, count: int) -> None:
        """All that Bob has written is one notification."""
        until(lambda: any(f"{count} new messages" in body for _, _, body in self.server.shown()))
        shown = self.server.shown()
        self.assertEqual([place for place, _, _ in shown], [0] + [1] * (len(shown) - 1), "one place on the screen")
        self.assertLess(len(shown), 10, shown)
        self.assertEqual(shown[-1][1:], ("bob", f"{count} new messages"))

    def test_a_burst_is_one_notification(self) -> None:
        """Bob has written much while Ada's daemon did not run."""
        self.ada.run("notifications", "on")
        self.ada.kill()
        self.writes(50)
        self.ada.start()
        self.shows_one(50)

    def test_a_burst_after_waking_is_one_notification(self) -> None:
        """Bob has written much while Ada's machine slept: her daemon was stopped, with its links as they were."""
        self.restart("on")
        self.ada.signal(signal.SIGSTOP)
        self.writes(20)
        self.ada.signal(signal.SIGCONT)
        self.shows_one(20)

    def test_muted(self) -> None:
        self.ada.run("notifications", "mute", "bob")
        self.restart("on")
        self.says("into the void")
        self.assertEqual(self.fence(), self.FENCE)
        self.ada.run("notifications", "unmute", "bob")
        self.restart()
        self.says("hello again")
        self.assertEqual(self.server.next(), ("bob", "New message"))

    def test_a_request_is_shown_with_the_name_that_is_claimed(self) -> None:
        carol = Person(self.world.folder, "carol")
        self.addCleanup(carol.kill)
        self.restart("on")
        with carol.client() as client, self.ada.client() as ada:
            client.friends.add(ada.identity.show().friend_code)
        self.assertEqual(self.server.next(), ("Friend request", "from ~carol"))

    def test_what_the_user_looks_at_is_not_shown(self) -> None:
        self.restart("on", "--show", "text")
        with self.ada.client() as interface:
            interface.notifications.focus(conversation="bob")
            self.says("seen already")
            self.assertEqual(self.fence(), self.FENCE)
            self.restart()
        with self.ada.client() as interface:
            interface.notifications.focus(conversation="bob")
            interface.notifications.focus()
            self.says("seen elsewhere")
            self.assertEqual(self.server.next(), ("bob", "seen elsewhere"))
            self.restart()
        with self.ada.client() as interface:
            interface.notifications.focus(conversation="bob", locked=True)
            self.says("nothing of this")
            self.assertEqual(self.server.next(), ("Sotto", "1 new message"))
        # The connection has ended, and what it said with it.
        self.restart()
        self.says("unlocked")
        self.assertEqual(self.server.next(), ("bob", "unlocked"))

    def test_an_absent_or_silent_server_is_a_state(self) -> None:
        self.restart("on")
        self.server.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        desktop = self.ada.run("notifications", "status")["desktop"]
        self.assertEqual(desktop["state"], "unavailable")
        self.assertIn("does not answer", desktop["problem"])
        self.assertLess(time.monotonic() - began, 20, "no client waits for the desktop")
        self.says("nothing is held up")
        self.server.process.send_signal(signal.SIGCONT)
        until(lambda: self.ada.run("notifications", "status")["desktop"]["state"] == "ready")

        self.server.stop()
        until(lambda: self.ada.run("notifications", "status")["desktop"]["state"] == "unavailable")
        self.says("nothing is shown")
        self.server = Server()
        self.restart()
        self.says("it is back")
        self.assertEqual(self.server.next(), ("bob", "New message"))


if __name__ == "__main__":
    # A developer's own desktop shows nothing of this.
    os.environ.pop("DBUS_SESSION_BUS_ADDRESS", None)
    unittest.main(verbosity=2)
