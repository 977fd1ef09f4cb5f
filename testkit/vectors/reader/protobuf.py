"""The part of Protocol Buffers 3 that frames and contents need, with the field numbers of core/proto/*.proto."""

import re


class Malformed(Exception):
    """Not Protocol Buffers."""


class Field:
    def __init__(self, kind, name, number, repeated, body):
        self.kind, self.name, self.number, self.repeated, self.body = kind, name, number, repeated, body


class Schema:
    """Messages and enums of a `.proto` file."""

    def __init__(self, text):
        text = re.sub(r"//.*", "", text)
        self.messages, self.enums = {}, {}
        for name, body in re.findall(r"^enum (\w+) \{(.*?)^\}", text, re.M | re.S):
            self.enums[name] = {int(number): value for value, number in re.findall(r"(\w+) = (\d+);", body)}
        for name, body in re.findall(r"^message (\w+) \{(.*?)^\}", text, re.M | re.S):
            inner = re.search(r"oneof \w+ \{(.*?)\}", body, re.S)
            choices = re.findall(r"(\w+) (\w+) = (\d+);", inner[1]) if inner else []
            fields = re.findall(r"(repeated )?(\w+) (\w+) = (\d+);", body)
            self.messages[name] = [
                Field(kind, field, int(number), bool(repeated), (kind, field, number) in choices)
                for repeated, kind, field, number in fields
            ]

    def zero(self, field):
        if field.repeated:
            return []
        if field.kind in self.messages:
            return None
        if field.kind in self.enums:
            return self.enums[field.kind][0]
        return {"bytes": b"", "string": "", "bool": False}.get(field.kind, 0)

    def decode(self, name, data):
        """The fields by name. Of a oneof, the last one counts; unknown fields are ignored."""
        fields = {field.number: field for field in self.messages[name]}
        found = {field.name: self.zero(field) for field in self.messages[name] if not field.body}
        at = 0
        while at < len(data):
            key, at = varint(data, at)
            number, wire = key >> 3, key & 7
            if not 0 < number < 1 << 29:
                raise Malformed("field number")
            if wire == 0:
                value, at = varint(data, at)
            elif wire == 2:
                length, at = varint(data, at)
                value, at = cut(data, at, length)
            elif wire in (1, 5):
                value, at = cut(data, at, 8 if wire == 1 else 4)
            else:
                raise Malformed("wire type")
            field = fields.get(number)
            if field is None:
                continue
            if field.repeated and wire == 2 and not self.lengthy(field):
                packed = 0
                while packed < len(value):
                    number, packed = varint(value, packed)
                    found[field.name].append(self.value(field, 0, number))
                continue
            value = self.value(field, wire, value)
            if field.body:
                for other in self.messages[name]:
                    if other.body:
                        found.pop(other.name, None)
            if field.repeated:
                found[field.name].append(value)
            else:
                found[field.name] = value
        return found

    def lengthy(self, field):
        return field.kind in ("bytes", "string") or field.kind in self.messages

    def value(self, field, wire, value):
        if wire != (2 if self.lengthy(field) else 0):
            raise Malformed("wire type")
        if field.kind in self.messages:
            return self.decode(field.kind, value)
        if field.kind in self.enums:
            return self.enums[field.kind].get(value & 0xFFFFFFFF, self.enums[field.kind][0])
        if field.kind == "string":
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise Malformed("not UTF-8") from None
        if field.kind == "bool":
            return value != 0
        return value & 0xFFFFFFFF if field.kind == "uint32" else value

    def encode(self, name, values):
        """In the order of their numbers, zeros left out."""
        encoded = b""
        for field in sorted(self.messages[name], key=lambda field: field.number):
            value = values.get(field.name, self.zero(field))
            if field.repeated and value and not self.lengthy(field):
                packed = b"".join(write_varint(one) for one in value)
                encoded += write_varint(field.number << 3 | 2) + write_varint(len(packed)) + packed
                continue
            for one in value if field.repeated else [value]:
                if field.repeated or field.body and field.name in values or one not in (self.zero(field), None):
                    encoded += self.encode_field(field, one)
        return encoded

    def encode_field(self, field, value):
        if field.kind in self.messages:
            value = self.encode(field.kind, value)
        elif field.kind in self.enums:
            value = next(number for number, name in self.enums[field.kind].items() if name == value)
        elif field.kind == "string":
            value = value.encode()
        if isinstance(value, bytes):
            return write_varint(field.number << 3 | 2) + write_varint(len(value)) + value
        return write_varint(field.number << 3) + write_varint(int(value))


def varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Malformed("cut off")
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                raise Malformed("a number of more than 64 bits")
            return value, at
    raise Malformed("a number of more than ten bytes")


def write_varint(value):
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])


def cut(data, at, length):
    if at + length > len(data):
        raise Malformed("cut off")
    return data[at : at + length], at + length
