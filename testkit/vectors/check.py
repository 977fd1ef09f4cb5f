#!/usr/bin/env python3
"""Checks the golden vectors with a second reader of PROTOCOL.md, independent of the first: `reader/` is written from that
document and the `.proto` files, with Python's standard library alone.

    testkit/vectors/check.py              reads every file, prints the number of its vectors, and fails on a mismatch
    testkit/vectors/check.py --self-test  changes each vector in turn and fails if a change is not noticed
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
# Fields for readers only.
PROSE = ("about", "what")
# An invalid vector usually stays invalid when a byte changes, so a valid one is put in its place.
VALID = {
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
# Files in which some bytes have no effect.
LOOSE = ("also_decoded",)


def load(name):
    return json.loads((FOLDER / name).read_text())


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in PROSE:
                yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, (*path, at))
    else:
        yield path, value


def changes(path, value):
    """Changed values in place of one."""
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
        # A bit that clamping does not change.
        return [(data[:at] + bytes([data[at] ^ 8]) + data[at + 1 :]).hex() for at in places]
    if value.isdigit():
        return [str(int(value) + 1)]
    middle = len(value) // 2
    return [value[:middle] + ("q" if value[middle : middle + 1] != "q" else "p") + value[middle + 1 :]]


def is_statement(path):
    """Whether this is a statement about a vector, which is checked for invalid ones, too."""
    return path[-1] in ("reason", "clause") or path[0] in LOOSE and path[-1] != "encoded"


def mutants(name, file):
    """Copies of a file with one vector changed, and what was changed."""
    for path, value in leaves(file):
        if (name, path[0]) in VALID and not is_statement(path):
            continue
        for other in changes(path, value):
            mutant = copy.deepcopy(file)
            place = mutant
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = other
            yield ".".join(map(str, path)), mutant
    for (other, part), valid in VALID.items():
        for at in range(len(file[part]) if other == name else 0):
            mutant = copy.deepcopy(file)
            good = valid(file)
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
    arguments.add_argument("--self-test", action="store_true", help="check that a change of any vector is noticed")
    testing = arguments.parse_args().self_test
    failed = False
    unread = {path.name for path in FOLDER.glob("*.json")} - set(FILES)
    for name in sorted(unread):
        print(f"{name}: no check reads it")
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
