"""Section 3 of PROTOCOL.md: Noise_XK_25519_ChaChaPoly_BLAKE2s, and the records of a link."""

import hashlib
import hmac
import struct

from .curve import BASE_X25519, Refused, sign, verify, x25519, x25519_of_onion_key, x25519_secret

PROTOCOL = b"Noise_XK_25519_ChaChaPoly_BLAKE2s"
PROLOGUE = b"sotto link v1"
PROOF = b"sotto dialer v1"
TAG = 16
# The three handshake records' messages.
CALL, REPLY, CONFIRMATION = 48, 48, 160
# Later records' messages.
SHORTEST, LONGEST = 18, 65534
SIZES = [512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536]


def rotate(value, by):
    value &= 0xFFFFFFFF
    return (value << by | value >> (32 - by)) & 0xFFFFFFFF


def chacha20(key, counter, nonce):
    """One block of RFC 8439, 2.3."""
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    state = start[:]

    def quarter(a, b, c, d):
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = state[x] + state[y] & 0xFFFFFFFF
            state[z] = rotate(state[z] ^ state[x], by)

    for _ in range(10):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for diagonal in range(4):
            quarter(diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4)
    return struct.pack("<16I", *((x + y) & 0xFFFFFFFF for x, y in zip(state, start)))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def crypt(key, nonce, text):
    blocks = (chacha20(key, 1 + at, nonce) for at in range((len(text) + 63) // 64))
    return bytes(x ^ y for x, y in zip(text, b"".join(blocks)))


def tag(key, nonce, associated, ciphertext):
    def pad(text):
        return text + bytes(-len(text) % 16)

    lengths = struct.pack("<QQ", len(associated), len(ciphertext))
    return poly1305(chacha20(key, 0, nonce)[:32], pad(associated) + pad(ciphertext) + lengths)


class Cipher:
    """Noise's CipherState."""

    def __init__(self, key):
        self.key, self.used = key, 0

    def nonce(self):
        self.used += 1
        return bytes(4) + struct.pack("<Q", self.used - 1)

    def seal(self, associated, plaintext):
        nonce = self.nonce()
        ciphertext = crypt(self.key, nonce, plaintext)
        return ciphertext + tag(self.key, nonce, associated, ciphertext)

    def open(self, associated, message):
        nonce, ciphertext = self.nonce(), message[:-TAG]
        if not hmac.compare_digest(tag(self.key, nonce, associated, ciphertext), message[-TAG:]):
            raise Refused("does not authenticate")
        return crypt(self.key, nonce, ciphertext)


def blake2s(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def derive(chaining_key, secret):
    """Noise's HKDF, two outputs."""

    def mac(key, text):
        return hmac.new(key, text, hashlib.blake2s).digest()

    key = mac(chaining_key, secret)
    first = mac(key, b"\1")
    return first, mac(key, first + b"\2")


class Handshake:
    """Either side of [L-3]."""

    def __init__(self, onion_seed, ephemeral, listener):
        self.seed, self.static, self.ephemeral = onion_seed, x25519_secret(onion_seed), ephemeral
        # The name has 33 bytes, one more than a hash, so it is hashed.
        self.hash = self.chaining_key = blake2s(PROTOCOL)
        self.cipher = None
        self.mix_hash(PROLOGUE + listener)
        # XK: the dialer knows the listener's static key.
        self.listener = x25519_of_onion_key(listener)
        self.mix_hash(self.listener)

    def mix_hash(self, text):
        self.hash = blake2s(self.hash, text)

    def mix_key(self, secret, public):
        self.chaining_key, key = derive(self.chaining_key, x25519(secret, public))
        self.cipher = Cipher(key)

    def seal(self, plaintext):
        message = self.cipher.seal(self.hash, plaintext)
        self.mix_hash(message)
        return message

    def open(self, message):
        plaintext = self.cipher.open(self.hash, message)
        self.mix_hash(message)
        return plaintext

    def take_key(self, message):
        """Reads the peer's ephemeral key."""
        self.theirs = message[:32]
        self.mix_hash(self.theirs)

    def say_key(self):
        public = x25519(self.ephemeral, BASE_X25519)
        self.mix_hash(public)
        return public

    def call(self):
        public = self.say_key()
        self.mix_key(self.ephemeral, self.listener)
        return record(public + self.seal(b""))

    def take_call(self, message):
        self.take_key(message)
        self.mix_key(self.static, self.theirs)
        self.open(message[32:])

    def reply(self):
        public = self.say_key()
        self.mix_key(self.ephemeral, self.theirs)
        return record(public + self.seal(b""))

    def take_reply(self, message):
        self.take_key(message)
        self.mix_key(self.ephemeral, self.theirs)
        self.open(message[32:])

    def confirm(self, onion_key):
        """[L-4]; the proof is over the hash before message 3 is written."""
        self.payload = onion_key + sign(self.seed, PROOF + self.hash)
        sealed = self.seal(x25519(self.static, BASE_X25519))
        self.mix_key(self.static, self.theirs)
        return record(sealed + self.seal(self.payload))

    def take_confirmation(self, message):
        """Returns the dialer's onion key."""
        signed = PROOF + self.hash
        static = self.open(message[:48])
        self.mix_key(self.ephemeral, static)
        payload = self.open(message[48:])
        key, signature = payload[:32], payload[32:]
        if x25519_of_onion_key(key) != static:
            raise Refused("another key")
        verify(key, signed, signature)
        return key

    def split(self):
        """The dialer's cipher, and the listener's."""
        return [Cipher(key) for key in derive(self.chaining_key, b"")]


def record(message):
    return struct.pack(">H", len(message)) + message


def message_of(record_bytes, lengths):
    """[L-2]: the check of the two length bytes."""
    (length,) = struct.unpack(">H", record_bytes[:2])
    if length not in lengths or len(record_bytes) != 2 + length:
        raise Refused("length")
    return record_bytes[2:]


def size_for(frame):
    """[L-11]: the size of the whole record for a frame of this length."""
    return next(size for size in SIZES if size >= 2 + 2 + frame + TAG)


def padded(frame):
    """[L-10]: the plaintext of a record."""
    plaintext = struct.pack(">H", len(frame)) + frame
    return plaintext + bytes(size_for(len(frame)) - 2 - TAG - len(plaintext))


def frame_of(plaintext):
    (length,) = struct.unpack(">H", plaintext[:2])
    frame, padding = plaintext[2 : 2 + length], plaintext[2 + length :]
    if len(frame) != length or any(padding):
        raise Refused("padding")
    return frame
