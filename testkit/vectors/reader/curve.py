"""X25519 (RFC 7748), ed25519 (RFC 8032) and the map between them. Plain, slow, and not for secrets."""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)
BASE_X25519 = (9).to_bytes(32, "little")


class Refused(Exception):
    """A key that [I-3] or [L-5] refuses, or an invalid signature."""


def sha512(*parts):
    return hashlib.sha512(b"".join(parts)).digest()


# Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def encode(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(key):
    """The point of a canonical encoding."""
    if len(key) != 32:
        raise Refused("length")
    number = int.from_bytes(key, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        raise Refused("not canonical")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        raise Refused("no point of the curve")
    if x == 0 and sign:
        raise Refused("not canonical")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def public_point(key):
    """[I-3]: canonical, in the prime-order subgroup, and not the neutral element."""
    point = decode(key)
    if same(point, NEUTRAL) or not same(multiply(ORDER, point), NEUTRAL):
        raise Refused("of small or of mixed order")
    return point


def clamp(secret):
    number = int.from_bytes(secret, "little")
    return number & ~7 & ~(1 << 255) | 1 << 254


def expand(seed):
    """The secret scalar of an ed25519 secret key, and the prefix for its signatures."""
    digest = sha512(seed)
    return clamp(digest[:32]), digest[32:]


def public_key(seed):
    return encode(multiply(expand(seed)[0], BASE))


def number_of(*parts):
    return int.from_bytes(sha512(*parts), "little") % ORDER


def sign(seed, message):
    scalar, prefix = expand(seed)
    nonce = number_of(prefix, message)
    commitment = encode(multiply(nonce, BASE))
    answer = (nonce + number_of(commitment, public_key(seed), message) * scalar) % ORDER
    return commitment + answer.to_bytes(32, "little")


def verify(key, message, signature):
    """[I-5]: strictly, with a canonical S and no component of small order."""
    if len(signature) != 64:
        raise Refused("length of the signature")
    point, commitment = public_point(key), decode(signature[:32])
    answer = int.from_bytes(signature[32:], "little")
    if answer >= ORDER:
        raise Refused("S is not canonical")
    if same(multiply(8, commitment), NEUTRAL):
        raise Refused("R is of small order")
    challenge = number_of(signature[:32], key, message)
    if not same(multiply(answer, BASE), add(commitment, multiply(challenge, point))):
        raise Refused("the signature does not hold")


def x25519_of_onion_key(key):
    """[I-4]: u = (1 + y) / (1 - y)."""
    y = public_point(key)[1]
    return ((1 + y) * pow(1 - y, -1, P) % P).to_bytes(32, "little")


def x25519_secret(seed):
    """[I-4]: the clamped lower half of SHA-512 of the ed25519 secret key."""
    return expand(seed)[0].to_bytes(32, "little")


def x25519(secret, public):
    """RFC 7748, section 5, refusing what [L-5] refuses."""
    u = int.from_bytes(public, "little")
    if u >= P:
        raise Refused("not canonical")
    scalar = clamp(secret)
    x2, z2, x3, z3, swapped = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = scalar >> t & 1
        if swapped != bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swapped:
        x2, z2 = x3, z3
    shared = x2 * pow(z2, P - 2, P) % P
    if shared == 0:
        raise Refused("the shared secret is zero")
    return shared.to_bytes(32, "little")
