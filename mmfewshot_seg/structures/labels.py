"""Label values."""

IGNORED = 255
"""Pixels that neither train nor count: void, padding, and all that is not annotated."""
