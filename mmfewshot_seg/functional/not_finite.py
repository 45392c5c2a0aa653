"""Which tensors have values that are no numbers."""

from collections.abc import Mapping

from torch import Tensor


def not_finite(tensors: Mapping[str, object]) -> list[str]:
    """Names of the floating-point tensors that have NaN or infinite values."""
    return [
        name
        for name, value in tensors.items()
        if isinstance(value, Tensor)
        and value.is_floating_point()
        and not value.is_meta  # of which only the shape is known
        and not value.isfinite().all()
    ]
