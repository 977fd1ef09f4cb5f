#!/usr/bin/env python3
"""Checks the golden vectors with a second reader of PROTOCOL.md, which shares nothing with the first: `reader/` is
written from that document and the `.proto` files, with Python's standard library alone.

    testkit/vectors/check.py              reads every file, says how many vectors each has, and fails on a mismatch
    testkit/vectors/check.py --self-test  changes each vector in turn, and fails if a change is not noticed
"""

import argparse
import copy
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from reader.checks import FILES, Mismatch  # noqa: E402
from reader.curve import Refused  # noqa: E402
from reader.protobuf import Malformed  # noqa: E402

FOLDER = Path(__file__).resolve().parent
# For people only.
WORDS = ("about", "what")
# What is wrong stays wrong, as a rule, when a byte of it is changed; so what is right is put in its place.
RIGHT = {
    ("addresses.json", "refused"): lambda file: {"text": file["addresses"][0]["address"]},
    ("addresses.json", "refused_keys"): lambda file: {"onion_public_key": file["addresses"][0]["onion_public_key"]},
    ("friend_codes.json", "refused"): lambda file: {"text": file["codes"][0]["text"]},
    ("handshake.json", "refused"): lambda file: {"record_1": file["record_1"], "record_3": file["record_3"]},
    ("handshake.json", "refused_x25519_keys"): lambda file: file["listener"]["x25519_public_key"],
    ("records.json", "refused"): lambda file: {"plaintext": file["taken"][0]["plaintext"]},
    ("frames.json", "also_decoded"): lambda file: {"encoded": file["frames"][0]["encoded"]},
    ("frames.json", "ignored"): lambda file: {"encoded": file["frames"][0]["encoded"]},
    ("frames.json", "undecodable"): lambda file: {"encoded": file["frames"][0]["encoded"]},
    ("contents.json", "unsupported"): lambda file: {"encoded": file["contents"][2]["encoded"]},
    ("contents.json", "refused"): lambda file: {"encoded": file["contents"][2]["encoded"]},
}
# Some of these bytes are nobody's.
LOOSE = ("also_decoded",)


def load(name):
    return json.loads((FOLDER / name).read_text())


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in WORDS:
                yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, (*path, at))
    else:
        yield path, value


def changes(path, value):
    """Other values in the place of one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    try:
        data = bytes.fromhex(value)
    except ValueError:
        data = b""
    if data and path[-1] not in ("text", "name"):
        places = sorted({0, len(data) // 2, len(data) - 1})
        # A bit that clamping leaves alone.
        return [(data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :]).hex() for at in places]
    if value.isdigit():
        return [str(int(value) + 1)]
    middle = len(value) // 2
    return [value[:middle] + ("q" if value[middle : middle + 1] != "q" else "p") + value[middle + 1 :]]


def said(path):
    """Whether this is what a file says of a vector, which must be true of a wrong one, too."""
    return path[-1] in ("reason", "clause") or path[0] in LOOSE and path[-1] != "encoded"


def mutants(name, file):
    """Copies of a file with one vector changed, and what was changed."""
    for path, value in leaves(file):
        if (name, path[0]) in RIGHT and not said(path):
            continue
        for other in changes(path, value):
            mutant = copy.deepcopy(file)
            place = mutant
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = other
            yield ".".join(map(str, path)), mutant
    for (other, part), right in RIGHT.items():
        for at in range(len(file[part]) if other == name else 0):
            mutant = copy.deepcopy(file)
            good = right(file)
            mutant[part][at] = {**mutant[part][at], **good} if isinstance(good, dict) else good
            yield f"{part}.{at}", mutant


def self_test(name):
    check, file, noticed = FILES[name], load(name), 0
    for what, mutant in mutants(name, file):
        try:
            check(mutant)
        except (Mismatch, Refused, Malformed, KeyError, ValueError, StopIteration):
            noticed += 1
        else:
            raise Mismatch(f"a change of {what} is not noticed")
    return noticed


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--self-test", action="store_true", help="see that a change of any vector is noticed")
    testing = arguments.parse_args().self_test
    failed = False
    unread = {path.name for path in FOLDER.glob("*.json")} - set(FILES)
    for name in sorted(unread):
        print(f"{name}: nobody checks it")
        failed = True
    for name, check in FILES.items():
        try:
            count = self_test(name) if testing else check(load(name))
        except (Mismatch, Refused, Malformed) as error:
            print(f"{name}: {error}")
            failed = True
        else:
            print(f"{name}: {count} {'changes noticed' if testing else 'vectors hold'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
