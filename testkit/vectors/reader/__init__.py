"""PROTOCOL.md once more, as far as it needs no Signal library, with nothing but Python's standard library."""
