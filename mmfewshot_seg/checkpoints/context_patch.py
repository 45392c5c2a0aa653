"""A function of a host that does something else for those who ask for it, and for nobody else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps


class ContextPatch:
    """Another function in place of one of a host's, as seen by the contexts that are inside.

    Threads have contexts of their own: what one of them asks for, the others do not notice,
    however their times overlap. The host's own function is back in its place when nobody is inside.

    Args:
        owner: Module or class that has the function.
        name: Name of the function there.
        change: Gives the other function, of the host's.
    """

    def __init__(self, owner: object, name: str, change: Callable[[Callable], Callable]) -> None:
        self.owner = owner
        self.name = name
        self.change = change
        self._inside = ContextVar(f'inside a patch of {name}', default=False)
        self._lock = threading.Lock()
        self._count = 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Go inside."""
        with self._lock:
            if not self._count:
                self._replace()
            self._count += 1
        token = self._inside.set(True)
        try:
            yield
        finally:
            self._inside.reset(token)
            with self._lock:
                self._count -= 1
                if not self._count:
                    setattr(self.owner, self.name, self._replaced)

    def _replace(self) -> None:
        self._replaced = vars(self.owner)[self.name]  # a class method, not its function
        original = getattr(self.owner, self.name)
        changed = self.change(original)

        @wraps(original)
        def either(*args, **kwargs):
            return (changed if self._inside.get() else original)(*args, **kwargs)

        is_class = isinstance(self.owner, type)
        setattr(self.owner, self.name, staticmethod(either) if is_class else either)
