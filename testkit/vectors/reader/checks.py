"""Checks of each file of vectors against PROTOCOL.md. Each check returns the number of vectors."""

import hashlib
from pathlib import Path

from . import curve, noise, texts
from .curve import Refused
from .protobuf import Malformed, Schema

PROTO = Path(__file__).resolve().parents[3] / "core" / "proto"
LINK = Schema((PROTO / "link.proto").read_text())
CONTENT = Schema((PROTO / "content.proto").read_text())
TEXT, NAME, THREAD, EMOJI, TARGETS, ID, TIMER = 32768, 64, 128, 64, 256, 16, 366 * 24 * 3600


class Mismatch(Exception):
    """A vector that contradicts PROTOCOL.md."""


def raw(text):
    return bytes.fromhex(text)


def same(what, ours, theirs):
    if ours != theirs:
        raise Mismatch(f"{what}: {short(ours)} by the document, {short(theirs)} in the file")


def short(value):
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) < 80 else text[:77] + "..."


def refused(what, reason, attempt):
    """Checks that a value is refused, for the given reason if there is one."""
    try:
        attempt()
    except (Refused, Malformed) as error:
        if reason is not None:
            same(what, str(error), reason)
    else:
        raise Mismatch(f"{what}: taken")


def keys(who):
    """The keys of an identity, from its seed."""
    seed, public = raw(who["onion_seed"]), raw(who["onion_public_key"])
    same("onion_public_key", curve.public_key(seed), public)
    if "x25519_secret" in who:
        same("x25519_secret", curve.x25519_secret(seed), raw(who["x25519_secret"]))
        same("x25519_public_key", curve.x25519_of_onion_key(public), raw(who["x25519_public_key"]))
        same("x25519_public_key", curve.x25519(raw(who["x25519_secret"]), curve.BASE_X25519), raw(who["x25519_public_key"]))
    return seed, public


def addresses(file):
    for person in file["addresses"]:
        _, public = keys(person)
        same("address", texts.address(public), person["address"])
        same("onion_public_key", texts.read_address(person["address"]), public)
    for other in file["also_read"]:
        same(other["text"], texts.read_address(other["text"]), raw(other["onion_public_key"]))
    for wrong in file["refused"]:
        refused(wrong["what"], wrong["reason"], lambda: texts.read_address(wrong["text"]))
    for wrong in file["refused_keys"]:
        refused(wrong["what"], None, lambda: curve.public_point(raw(wrong["onion_public_key"])))
    return sum(len(file[part]) for part in ("addresses", "also_read", "refused", "refused_keys"))


def friend_codes(file):
    for code in file["codes"]:
        same("code", texts.friend_code(raw(code["onion_public_key"]), raw(code["invite"])), code["text"])
    for code in file["codes"] + file["also_read"]:
        meant = raw(code["onion_public_key"]), raw(code["invite"])
        same(code["text"], texts.read_friend_code(code["text"]), meant)
    for wrong in file["refused"]:
        refused(wrong["what"], wrong["reason"], lambda: texts.read_friend_code(wrong["text"]))
    return sum(len(file[part]) for part in ("codes", "also_read", "refused"))


def fingerprint(person):
    """[I-9]: one side's half of a safety number."""
    identifier, key = raw(person["onion_public_key"]), raw(person["identity_key"])
    digest = bytes(2) + key + identifier
    for _ in range(5200):
        digest = hashlib.sha512(digest + key).digest()
    return digest


def identity(file):
    for person in file["people"]:
        seed, public = keys(person)
        secret = raw(person["identity_secret"])
        same("identity_key", b"\5" + curve.x25519(secret, curve.BASE_X25519), raw(person["identity_key"]))
        statement = b"sotto identity v1" + raw(person["identity_key"])
        same("statement", statement, raw(person["statement"]))
        same("identity_signature", curve.sign(seed, statement), raw(person["identity_signature"]))
        curve.verify(public, statement, raw(person["identity_signature"]))
    one, other = file["people"]
    smaller = min(one, other, key=lambda person: raw(person["onion_public_key"]))
    same("smaller", smaller["name"], file["smaller"])
    halves = [fingerprint(one), fingerprint(other)]
    digits = ["".join(f"{int.from_bytes(half[at : at + 5], 'big') % 100000:05}" for at in range(0, 30, 5)) for half in halves]
    number = file["safety_number"]
    same("digits", "".join(sorted(digits)), number["digits"])
    for person, ours, theirs in ((one, *halves), (other, *reversed(halves))):
        scannable = b"\x08\2" + b"".join(
            bytes([tag, 34, 10, 32]) + half[:32] for tag, half in ((0x12, ours), (0x1A, theirs))
        )
        same("scannable", scannable, raw(number["scannable_" + person["name"]]))
    return len(file["people"]) + 2


def handshake(file):
    same("protocol", noise.PROTOCOL.decode(), file["protocol"])
    (dialers_seed, dialers_key), (listeners_seed, listeners_key) = keys(file["dialer"]), keys(file["listener"])
    same("prologue", noise.PROLOGUE + listeners_key, raw(file["prologue"]))
    dialer = noise.Handshake(dialers_seed, raw(file["dialer"]["ephemeral_secret"]), listeners_key)

    def listener():
        return noise.Handshake(listeners_seed, raw(file["listener"]["ephemeral_secret"]), listeners_key)

    listening = listener()
    same("record_1", dialer.call(), raw(file["record_1"]))
    listening.take_call(noise.message_of(raw(file["record_1"]), [noise.CALL]))
    same("record_2", listening.reply(), raw(file["record_2"]))
    dialer.take_reply(noise.message_of(raw(file["record_2"]), [noise.REPLY]))
    same("hash after message 2", dialer.hash, raw(file["handshake_hash_after_message_2"]))
    same("hash after message 2", listening.hash, dialer.hash)
    same("proof_signed", noise.PROOF + dialer.hash, raw(file["proof_signed"]))
    same("record_3", dialer.confirm(dialers_key), raw(file["record_3"]))
    same("payload", dialer.payload, raw(file["message_3_payload"]))
    known = listening.take_confirmation(noise.message_of(raw(file["record_3"]), [noise.CONFIRMATION]))
    same("dialer", known, dialers_key)
    same("hash after message 3", dialer.hash, raw(file["handshake_hash_after_message_3"]))
    senders, receivers = (dict(zip(("dialer", "listener"), side.split())) for side in (dialer, listening))
    for record in file["records"]:
        frame, bytes_ = raw(record["frame"]), raw(record["record"])
        same("record", noise.record(senders[record["from"]].seal(b"", noise.padded(frame))), bytes_)
        message = noise.message_of(bytes_, range(noise.SHORTEST, noise.LONGEST + 1))
        same("frame", noise.frame_of(receivers[record["from"]].open(b"", message)), frame)

    def listens(wrong):
        one = listener()
        one.take_call(noise.message_of(raw(wrong["record_1"]), [noise.CALL]))
        one.reply()
        one.take_confirmation(noise.message_of(raw(wrong["record_3"]), [noise.CONFIRMATION]))

    for wrong in file["refused"]:
        refused(wrong["what"], None, lambda: listens(wrong))
    for key in file["refused_x25519_keys"]:
        refused("an X25519 key", None, lambda: curve.x25519(listeners_seed, raw(key)))
    return 1 + sum(len(file[part]) for part in ("records", "refused", "refused_x25519_keys"))


def records(file):
    same("sizes", noise.SIZES, [size["record"] for size in file["sizes"]])
    for size in file["sizes"]:
        longest, record = size["longest_frame"], size["record"]
        same("size", noise.size_for(longest), record)
        # One byte more needs another record size, or none fits.
        same("longest frame", longest, record - 20)
    same("n", (noise.SHORTEST, noise.LONGEST), (file["n_min"], file["n_max"]))

    def frame_of(record):
        frame = noise.frame_of(raw(record["plaintext"]))
        try:
            LINK.decode("Frame", frame)
        except Malformed:
            raise Refused("frame") from None
        return frame

    for right in file["taken"]:
        same(right["what"], frame_of(right), raw(right["frame"]))
    for wrong in file["refused"]:
        refused(wrong["what"], wrong["reason"], lambda: frame_of(wrong))
    return 1 + sum(len(file[part]) for part in ("sizes", "taken", "refused"))


def fields_of(schema, name, file):
    """The fields of a file as the reader returns them: bytes as bytes, numbers as numbers, absent ones as zero."""
    fields = {}
    for field in schema.messages[name]:
        if field.body and field.name not in file:
            continue
        value = file.get(field.name)
        if value is None:
            fields[field.name] = schema.zero(field)
        else:
            values = [field_of(schema, field, one) for one in (value if field.repeated else [value])]
            fields[field.name] = values if field.repeated else values[0]
    unknown = set(file) - {field.name for field in schema.messages[name]}
    same(f"fields of {name} that it has not", set(), unknown)
    return fields


def field_of(schema, field, value):
    if field.kind in schema.messages:
        return fields_of(schema, field.kind, value)
    if field.kind == "bytes":
        return raw(value)
    return int(value) if field.kind == "uint64" else value


def frames(file):
    for frame in file["frames"] + file["also_decoded"]:
        bodies = fields_of(LINK, "Frame", {frame["kind"]: frame["fields"]})
        same(frame["kind"], LINK.decode("Frame", raw(frame["encoded"])), bodies)
    for frame in file["frames"]:
        bodies = fields_of(LINK, "Frame", {frame["kind"]: frame["fields"]})
        same(frame["kind"], LINK.encode("Frame", bodies), raw(frame["encoded"]))
    for frame in file["ignored"]:
        same(frame["what"], LINK.decode("Frame", raw(frame["encoded"])), {})
    for wrong in file["undecodable"]:
        refused(wrong["what"], None, lambda: LINK.decode("Frame", raw(wrong["encoded"])))
    return sum(len(file[part]) for part in ("frames", "also_decoded", "ignored", "undecodable"))


def broken_rule(encoded):
    """The clause of section 6 that a content violates in an established session, or None."""
    try:
        content = CONTENT.decode("Content", encoded)
    except Malformed:
        return "S-12"
    kinds = [field.name for field in CONTENT.messages["Content"] if field.body and field.name in content]
    kind = kinds[0] if kinds else None
    body = content.get(kind) or {}

    def length(name):
        return len(body[name].encode() if isinstance(body[name], str) else body[name])

    rules = {
        None: ("M-1", lambda: len(content["id"]) == ID),
        "accept": ("M-12", lambda: False),
        "renewed": ("M-12", lambda: False),
        "text": (
            "M-5",
            lambda: 1 <= length("text") <= TEXT and length("thread") <= THREAD and length("reply_to") in (0, ID),
        ),
        "edit": ("M-6", lambda: length("target") == ID and 1 <= length("text") <= TEXT),
        "delete": ("M-7", lambda: length("target") == ID),
        "reaction": ("M-8", lambda: length("target") == ID and length("emoji") <= EMOJI),
        "read": ("M-9", lambda: len(body["targets"]) <= TARGETS and all(len(one) == ID for one in body["targets"])),
        "timer": ("M-10", lambda: body["seconds"] <= TIMER),
    }
    if kind == "text" and not rules[None][1]():
        return "M-1"
    clause, holds = rules[kind]
    return None if holds() else clause


def contents(file):
    for content in file["contents"]:
        fields, encoded = fields_of(CONTENT, "Content", content["fields"]), raw(content["encoded"])
        same(content["what"], CONTENT.decode("Content", encoded), fields)
        same(content["what"], CONTENT.encode("Content", fields), encoded)
        opens = "accept" in fields or "renewed" in fields
        same(content["what"], broken_rule(encoded), "M-12" if opens else None)
    for content in file["unsupported"]:
        decoded = CONTENT.decode("Content", raw(content["encoded"]))
        same(content["what"], set(decoded), {"id", "sent_at", "repeat", "ignorable"})
        same(content["what"], broken_rule(raw(content["encoded"])), None)
    for wrong in file["refused"]:
        same(wrong["what"], broken_rule(raw(wrong["encoded"])), wrong["clause"])
    return sum(len(file[part]) for part in ("contents", "unsupported", "refused"))


FILES = {
    "addresses.json": addresses,
    "friend_codes.json": friend_codes,
    "identity.json": identity,
    "handshake.json": handshake,
    "records.json": records,
    "frames.json": frames,
    "contents.json": contents,
}
