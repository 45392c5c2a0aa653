"""Names of weights in another layout, by a table of regular expressions."""

import re
from collections.abc import Iterable


def rename(key: str, renames: Iterable[tuple[str, str]]) -> str | None:
    """Replacement by the first regular expression that the whole key matches, if one does."""
    for pattern, replacement in renames:
        if re.fullmatch(pattern, key):
            return re.sub(pattern, replacement, key)
    return None
