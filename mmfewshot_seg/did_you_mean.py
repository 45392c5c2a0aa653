"""What a name that is not known may have been meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of a message about an unknown name, or nothing if no known name is like it.

    Capitals and underscores do not count.

    Examples:
        >>> f"unknown class 'Sofaa'{did_you_mean('Sofaa', ['sofa', 'table'])}"
        "unknown class 'Sofaa' (did you mean 'sofa'?)"
    """
    by_spelling = {_spelling(other): other for other in known}
    near = get_close_matches(_spelling(name), by_spelling, n=3, cutoff=0.6)
    names = ' or '.join(repr(by_spelling[spelling]) for spelling in near)
    return f' (did you mean {names}?)' if names else ''


def _spelling(name: object) -> str:
    return str(name).lower().replace('_', ' ')
