"""MMDetection's metric of LVIS, with today's NumPy."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from mmdet.evaluation import LVISMetric

from mmfewshot_seg.registry import METRICS, register


@contextmanager
def old_numpy_float() -> Iterator[None]:
    """``np.float``, which NumPy has not since 1.24 and the newest ``lvis``, 0.5.3, still uses."""
    if hasattr(np, 'float'):
        yield
        return
    np.float = float  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del np.float  # type: ignore[attr-defined]


@register(METRICS, host='mmdet')
class LVISv1Metric(LVISMetric):
    """``mmdet.LVISMetric`` that does not end in ``AttributeError`` after the last image.

    Args:
        *args: As of ``mmdet.LVISMetric``.
        **kwargs: As of ``mmdet.LVISMetric``.

    Raises:
        ImportError: If the package ``lvis`` is not installed.
    """

    def __init__(self, *args, **kwargs) -> None:
        try:
            import lvis  # noqa: F401
        except ImportError as error:
            raise ImportError(f'{error}. Install it: pip install lvis') from error
        super().__init__(*args, **kwargs)

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Figures of ``mmdet.LVISMetric``."""
        with old_numpy_float():
            return super().compute_metrics(results)
