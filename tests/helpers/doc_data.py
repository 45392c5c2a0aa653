"""Everything that the documentation's commands expect on a disk, drawn in a second."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
from helpers.class_folder import draw_class_folder
from helpers.zeroshot_data import write_coco, write_own
from mmengine.config import Config
from PIL import Image
from scipy.io import savemat

from mmfewshot_seg.datasets.drawn import draw_dataset

ROOT = Path(__file__).parents[2]
SIDE = 96
WORDS = ('zebra', 'cat', 'snow', 'board')


def write_workspace(root: Path) -> None:
    """``root`` as the folder that a reader works in: a checkout, data sets, files of their own."""
    for path in ROOT.iterdir():
        if path.name[0] != '.' and path.name not in ('data', 'work_dirs'):
            (root / path.name).symlink_to(path)
    coco = root / 'data/coco'
    write_coco(coco, word_dim=300)
    for split in ('train', 'val'):
        shutil.copytree(coco / f'{split}2014', coco / f'{split}2017')
        annotations = coco / 'annotations'
        shutil.copy(
            annotations / f'instances_{split}2014.json', annotations / f'instances_{split}2017.json'
        )
    _write_lvis(coco / 'annotations/instances_val2017.json', root / 'lvis_v0.5_val_cocofied.json')
    words = np.random.default_rng(0).integers(-9, 9, (300, 4717))  # as many as the official file
    np.savetxt(coco / 'vocabulary_w2v.txt', words, fmt='%d', delimiter=',')
    _write_pascal(root / 'data/VOCdevkit/VOC2012', root / 'data/sbd')
    (root / 'VOC2012').symlink_to('data/VOCdevkit/VOC2012')
    _write_pascal_context(root / 'data/VOCdevkit/VOC2010')
    for split in ('train', 'val'):
        for number in range(2):
            _write_cityscapes(root / 'data/cityscapes', split, f'x_{number:06}_000000')
            _write_labelled(
                root / f'data/camvid/img_dir/{split}/{number}.jpg',
                root / f'data/camvid/ann_dir/{split}/{number}.png',
                classes=11,
            )
    _write_mine(root / 'mine')
    for prepared in coco.glob('annotations/*_48_17.json'):  # readers prepare them
        prepared.unlink()
    (root / 'data/fss1000').symlink_to('../mine')
    draw_class_folder(root / 'data/mine', num_images=2)
    for shape, name in (('disc', 'zebra'), ('ring', 'teapot')):
        shutil.copytree(root / 'data/mine' / shape, root / 'data/mine' / name)
    _write_loose_files(root)
    _write_host_configs(root)


def _write_lvis(coco: Path, path: Path) -> None:
    content = json.loads(coco.read_text())
    for image in content['images']:
        image.update(neg_category_ids=[], not_exhaustive_category_ids=[])
    for category in content['categories']:
        category['frequency'] = 'f'
    path.write_text(json.dumps(content))


def _write_labelled(image: Path, label: Path, classes: int, void: int = 255) -> None:
    """An image of squares and its label map of every class; a column is void."""
    rng = np.random.default_rng(0)
    values = rng.permutation(np.arange(64) % classes).reshape(8, 8).astype(np.uint8)
    values = values.repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)
    values[:, :4] = void
    for path, content in ((image, values * 2), (label, values)):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(content).convert('RGB' if path == image else 'L').save(path)


def _write_cityscapes(root: Path, split: str, name: str) -> None:
    image = root / f'leftImg8bit/{split}/x/{name}_leftImg8bit.png'
    _write_labelled(image, root / f'gtFine/{split}/x/{name}_gtFine_labelTrainIds.png', classes=19)


def _write_pascal(voc: Path, sbd: Path) -> None:
    """Each class in two images of VOC train, of VOC val and of SBD alone."""
    for folder in ('JPEGImages', 'SegmentationClass', 'ImageSets/Segmentation'):
        (voc / folder).mkdir(parents=True)
    (sbd / 'cls').mkdir(parents=True)
    names = {split: [f'{split}_{label:02}' for label in range(1, 21)] for split in 'tvs'}
    for split in names:
        for label, name in enumerate(names[split], start=1):
            labels = np.zeros((SIDE, SIDE), np.uint8)
            labels[4:92, 2:46], labels[4:92, 50:94], labels[-2:] = label, label % 20 + 1, 255
            Image.fromarray(labels * 7).convert('RGB').save(voc / 'JPEGImages' / f'{name}.jpg')
            if split == 's':
                content = {'GTcls': {'Segmentation': labels}}
                savemat(sbd / 'cls' / f'{name}.mat', content)
            else:
                Image.fromarray(labels).save(voc / 'SegmentationClass' / f'{name}.png')
    lists = {voc / 'ImageSets/Segmentation': dict(train='t', val='v'), sbd: dict(train='s', val='')}
    for folder, splits in lists.items():
        for name, split in splits.items():
            lines = ''.join(f'{member}\n' for member in names.get(split, []))
            (folder / f'{name}.txt').write_text(lines)


def _write_pascal_context(root: Path) -> None:
    (root / 'ImageSets/SegmentationContext').mkdir(parents=True)
    for split in ('train', 'val'):
        names = [f'{split}_{number}' for number in range(2)]
        for name in names:
            image = root / f'JPEGImages/{name}.jpg'
            _write_labelled(image, root / f'SegmentationClassContext/{name}.png', 60, void=0)
        (root / f'ImageSets/SegmentationContext/{split}.txt').write_text('\n'.join(names))


def _write_mine(root: Path) -> None:
    """A class folder and data sets in COCO's format and with label maps, side by side."""
    write_own(root)
    for split in ('train', 'val'):
        for number in range(2):
            image = root / f'img_dir/{split}/{number}.jpg'
            _write_labelled(image, root / f'ann_dir/{split}/{number}.png', classes=3)
    draw_class_folder(root / 'data', num_images=6)
    (root / 'splits').mkdir()
    for split, names in dict(train='disc\nring', val='square', test='square').items():
        (root / f'splits/{split}.txt').write_text(names)


def _write_loose_files(root: Path) -> None:
    """Images, masks, a film, word vectors, lists."""
    draw_class_folder(root / 'support')
    draw_dataset(root / 'work_dirs/demo/data', num_train=200, num_test=200, size=64)
    for folder in ('queries', 'photos', 'herd'):
        (root / folder).mkdir()
    for number, name in enumerate('abc'):
        for suffix in ('jpg', 'png'):
            shutil.copy(root / f'support/disc/{number}.{suffix}', root / f'{name}.{suffix}')
        for folder in ('queries', 'photos', 'herd'):
            shutil.copy(root / f'{name}.jpg', root / folder)
    for name in ('query', 'image', 'd', 'street'):
        shutil.copy(root / 'a.jpg', root / f'{name}.jpg')
    shutil.copy(root / 'a.png', root / 'd.png')
    polygon = dict(label='zebra', shape_type='polygon', points=[[5, 5], [40, 5], [40, 40], [5, 40]])
    content = dict(shapes=[polygon], imageHeight=50, imageWidth=60)
    (root / 'a.json').write_text(json.dumps(content))
    film = cv2.VideoWriter(str(root / 'film.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 5, (60, 50))
    for _ in range(3):
        film.write(cv2.imread(str(root / 'a.jpg')))
    film.release()
    rng = np.random.default_rng(0)
    rows = [f'{word} {" ".join(f"{x:.3f}" for x in rng.normal(size=300))}' for word in WORDS]
    (root / 'glove.6B.300d.txt').write_text('\n'.join(rows))
    (root / 'names.txt').write_text('zebra\nsnow board')
    shutil.copy(root / 'data/sbd/train.txt', root / 'train_noval.txt')


def _write_host_configs(root: Path) -> None:
    """What the pages call your config: of MMSegmentation on episodes, of MMDetection on COCO."""
    few_shot = Config.fromfile(host_config('fcn_r50-d8_4xb4-20k_voc12aug-512x512.py'))
    episodes = Config.fromfile(ROOT / 'configs/_base_/datasets/class_folder.py')
    for key, value in episodes.items():
        few_shot[key] = value
    for name in ('your_config.py', 'your_mmseg_config.py'):
        few_shot.dump(root / name)
    head = dict(type='mmfewshot_seg.PANetHead')
    few_shot.model.update(type='mmfewshot_seg.FewShotSegmentor', decode_head=head)
    few_shot.model.auxiliary_head = None
    few_shot.dump(root / 'your_few_shot_config.py')
    mask_rcnn = host_config('mask-rcnn_r50_fpn_1x_coco.py')
    (root / 'your_mask_rcnn_config.py').write_text(f'_base_ = {str(mask_rcnn)!r}\n')


def host_config(name: str) -> Path:
    """A config of this package, MMDetection or MMSegmentation by the name of its file."""
    import mmdet
    import mmseg

    hosts = [Path(module.__file__).parent / '.mim/configs' for module in (mmdet, mmseg)]
    found = [path for folder in (ROOT / 'configs', *hosts) for path in folder.rglob(name)]
    assert len(found) == 1, f'{name} is the name of {len(found)} configs'
    return found[0]
