"""Small data sets where the configs of zero-shot segmentation look for theirs."""

import json
from pathlib import Path

import cv2
import numpy as np

from mmfewshot_seg.classes.folds import COCO_CLASSES
from mmfewshot_seg.classes.word_vectors import WordVectors, write_word_vectors
from mmfewshot_seg.classes.zeroshot_splits import SPLITS
from mmfewshot_seg.datasets.drawn import draw_dataset
from mmfewshot_seg.datasets.prepare.zeroshot_json import prepare_zeroshot_json

SIDE = 96
WORD_DIM = 6
OWN = dict(seen=['traffic light', 'cat', 'zebra'], unseen=['dog', 'boat'])


def _write_images(root: Path, split: str, categories: list[str], shown: list[list[str]]) -> Path:
    """Images of squares, and their annotations; the given classes are shown in each."""
    images, annotations = [], []
    (root / split).mkdir(parents=True)
    for number, names in enumerate(shown, start=1):
        picture = np.full((SIDE, SIDE, 3), 40, np.uint8)
        for i, name in enumerate(names):
            x, y = 4 + 45 * i, 6 * number
            cv2.rectangle(picture, (x, y), (x + 39, y + 39), (0, 80 + 80 * i, 255), -1)
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=number,
                    category_id=categories.index(name) + 1,
                    iscrowd=0,
                    bbox=[x, y, 40, 40],
                    area=1600,
                    segmentation=[[x, y, x + 40, y, x + 40, y + 40, x, y + 40]],
                )
            )
        cv2.imwrite(str(root / split / f'{number}.png'), picture)
        images.append(dict(id=number, file_name=f'{number}.png', height=SIDE, width=SIDE))
    content = dict(images=images, annotations=annotations)
    content['categories'] = [dict(id=n, name=name) for n, name in enumerate(categories, start=1)]
    path = root / 'annotations' / f'instances_{split}.json'
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def _write_table(path: Path, columns: int, word_dim: int) -> None:
    table = np.random.RandomState(columns).standard_normal((word_dim, columns))
    np.savetxt(path, table, delimiter=',')


def write_coco(root: Path, word_dim: int = WORD_DIM) -> None:
    """``root`` as ``data/coco``: two images to train on and one to test on, for both splits."""
    train = [['person', 'car'], ['person'], ['cat', 'dog']]  # the last is left out of training
    sources = [
        _write_images(root, 'train2014', list(COCO_CLASSES), train),
        _write_images(root, 'val2014', list(COCO_CLASSES), [['person', 'cat'], ['car']]),
    ]
    _write_table(root / 'vocabulary_w2v.txt', 9, word_dim)
    for name, split in SPLITS.items():
        prepare_zeroshot_json(name, *sources)
        count = len(split.seen + split.unseen)
        _write_table(root / f'word_w2v_withbg_{name[5:]}.txt', 1 + count, word_dim)


def write_own(root: Path) -> None:
    """``root`` as the folder of ``OWN_COCO``."""
    categories = ['boat', 'zebra', 'sofa', 'cat', 'dog', 'traffic light']
    sources = [
        _write_images(root, 'train', categories, [['zebra', 'cat'], ['traffic light'], ['dog']]),
        _write_images(root, 'val', categories, [['cat', 'dog'], ['boat']]),
    ]
    for name, classes in OWN.items():
        (root / f'{name}.txt').write_text('\n'.join(classes))
    prepare_zeroshot_json(OWN, *sources)
    names = tuple(OWN['seen'] + OWN['unseen'])
    vectors = np.random.RandomState(0).standard_normal((len(names), WORD_DIM))
    write_word_vectors(root / 'word_vectors.txt', WordVectors(names, vectors))


def write_drawn(root: Path) -> None:
    """``root`` as the folder of ``DRAWN_DATA``."""
    draw_dataset(root, num_train=2, num_test=4, size=SIDE, train_classes='seen')
    split = dict(seen=root / 'seen.txt', unseen=root / 'unseen.txt')
    sources = [root / f'annotations/instances_{name}.json' for name in ('train', 'test')]
    prepare_zeroshot_json(split, *sources)
