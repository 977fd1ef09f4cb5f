"""[I-2] and [I-6]: addresses and friend codes."""

import base64
import hashlib

from .curve import Refused, public_point

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M = 0x2BC830A3
PREFIX = "sotto"
KEY, TOKEN = 32, 16


def checksum(key, version):
    return hashlib.sha3_256(b".onion checksum" + key + bytes([version])).digest()[:2]


def address(key):
    return base64.b32encode(key + checksum(key, 3) + b"\3").decode().lower() + ".onion"


def read_address(text):
    name = text.lower().removesuffix(".onion")
    try:
        raw = base64.b32decode(name.upper())
    except ValueError:
        raise Refused("form") from None
    if len(raw) != 35:
        raise Refused("form")
    key, version = raw[:32], raw[34]
    # The checksum covers the version: a typing error there does not look like a later version.
    if raw[32:34] != checksum(key, version):
        raise Refused("checksum")
    if version != 3:
        raise Refused("version")
    return checked(key)


def checked(key):
    try:
        public_point(key)
    except Refused:
        raise Refused("key") from None
    return key


def polymod(values):
    """BIP 173."""
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                state ^= generator
    return state


def spread(prefix):
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def friend_code(key, invite):
    raw = b"\1" + key + invite
    number, bits = int.from_bytes(raw, "big"), len(raw) * 8
    number <<= -bits % 5
    count = (bits + 4) // 5
    data = [number >> 5 * (count - 1 - at) & 31 for at in range(count)]
    state = polymod(spread(PREFIX) + data + [0] * 6) ^ BECH32M
    data += [state >> 5 * (5 - at) & 31 for at in range(6)]
    return PREFIX + "1" + "".join(LETTERS[value] for value in data)


def read_friend_code(text):
    """The key and the invite, or no invite. A bare address is a code, too."""
    prefix, separator, rest = text.rpartition("1")
    if not separator or prefix.lower() != PREFIX:
        return read_address(text), b""
    if text not in (text.lower(), text.upper()):
        raise Refused("checksum")
    values = [LETTERS.find(letter) for letter in rest.lower()]
    if len(values) < 6 or -1 in values or polymod(spread(PREFIX) + values) != BECH32M:
        raise Refused("checksum")
    number, count = 0, len(values) - 6
    for value in values[:-6]:
        number = number << 5 | value
    over = count * 5 % 8
    if over >= 5 or number & (1 << over) - 1:
        raise Refused("length")
    raw = (number >> over).to_bytes(count * 5 // 8, "big")
    if not raw:
        raise Refused("length")
    if raw[0] != 1:
        raise Refused("version")
    if len(raw) not in (1 + KEY, 1 + KEY + TOKEN):
        raise Refused("length")
    return checked(raw[1 : 1 + KEY]), raw[1 + KEY :]
