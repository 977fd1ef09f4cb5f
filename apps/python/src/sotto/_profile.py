"""Where the files of a profile are, and where the program `sotto` is."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

INSTALL = (
    "the program sotto was not found. It is not part of this package: build it from Sotto's repository with "
    "`cargo install --path apps/sotto`, or put its folder on the PATH, or name the file in SOTTO_PROGRAM"
)


class ProgramNotFoundError(FileNotFoundError):
    """The program `sotto` is not installed, or not on the PATH."""

    def __init__(self) -> None:
        super().__init__(INSTALL)


def data_folder(data_dir: str | os.PathLike[str] | None = None, profile: str | None = None) -> Path:
    """The folder of a profile's database, socket and lock: as given, else as `SOTTO_DATA_DIR` and `SOTTO_PROFILE` say, else
    where the platform has it."""
    given = data_dir if data_dir is not None else os.environ.get("SOTTO_DATA_DIR")
    name = profile if profile is not None else os.environ.get("SOTTO_PROFILE")
    folder = Path(given).absolute() if given else _platform_folder()
    if not name:
        return folder
    # A name becomes a folder, so it must not lead elsewhere.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name):
        raise ValueError(f"profile name {name!r} must be 1 to 32 letters, digits, '-' or '_'")
    return folder / "profiles" / name


def socket_path(data_dir: str | os.PathLike[str] | None = None, profile: str | None = None) -> Path:
    """The socket of a profile's daemon."""
    return data_folder(data_dir, profile) / "sotto.sock"


def find_program() -> str:
    """The program `sotto`: as `SOTTO_PROGRAM` says, else on the PATH, beside this Python, or where Cargo installs it."""
    named = os.environ.get("SOTTO_PROGRAM")
    if named:
        found = shutil.which(named)
    else:
        beside = Path(sys.executable).parent
        places = [os.environ.get("PATH", os.defpath), str(beside), str(Path.home() / ".cargo" / "bin")]
        found = shutil.which("sotto", path=os.pathsep.join(places))
    if found is None:
        raise ProgramNotFoundError
    return found


def _platform_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "sotto"
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "sotto"
