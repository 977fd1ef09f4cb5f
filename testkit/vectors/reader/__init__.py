"""A second implementation of PROTOCOL.md, without its Signal part, with Python's standard library alone."""
