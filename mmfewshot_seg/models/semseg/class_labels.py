"""Labels of classes, compared with the classes."""

from torch import Tensor


def check_labels(labels: Tensor, num_classes: int, ignore_index: int = 255) -> None:
    """Refuse labels outside the classes, for which PyTorch's losses have no clear message.

    Raises:
        ValueError: If a label is neither a class nor ignored.
    """
    wrong = ((labels < 0) | (labels >= num_classes)) & (labels != ignore_index)
    if wrong.any():
        raise ValueError(
            f'labels {labels[wrong].unique().tolist()} are outside the {num_classes} classes '
            f'(0 to {num_classes - 1}; {ignore_index} is ignored): set num_classes of the head, or '
            'reduce_zero_label or label_map of the data set'
        )
