"""Fields of what the page sends: JSON that may hold anything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager


def fields(content: object, where: str, /, **kinds: type) -> list:
    """Values of the fields of a JSON object, which has these and no others.

    Raises:
        ValueError: If it is none, or a value is missing, of another kind or not asked for.
    """
    if not isinstance(content, dict):
        raise ValueError(f'{where} must be an object with {", ".join(kinds)}')
    if unknown := content.keys() - kinds.keys():
        raise ValueError(f'{where} has no field {sorted(unknown)[0]!r}, but {", ".join(kinds)}')
    for name, kind in kinds.items():
        if name not in content:
            raise ValueError(f'{where} lacks the field {name!r}')
        if not isinstance(content[name], kind):
            raise ValueError(wrong_kind(f'{name!r} of {where}', kind, content[name]))
    return [content[name] for name in kinds]


def wrong_kind(field: str, kind: type, value: object) -> str:
    """What is told of a field that is of another kind."""
    wanted = {str: 'text', list: 'a list', int: 'a whole number'}[kind]
    return f'{field} must be {wanted}, got {json.dumps(value)[:40]}'


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Put what is wrong, and a colon, before the message of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f'{what}: {error}') from error
