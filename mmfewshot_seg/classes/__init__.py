"""Which classes there are: folds, splits into seen and unseen, and their word vectors."""

from mmfewshot_seg.classes.word_vectors import (
    WordVectors,
    read_vocabulary,
    read_word_vectors,
    write_word_vectors,
)
from mmfewshot_seg.classes.zeroshot_splits import ZeroShotSplit, resolve_split

__all__ = [
    'WordVectors',
    'ZeroShotSplit',
    'read_vocabulary',
    'read_word_vectors',
    'resolve_split',
    'write_word_vectors',
]
