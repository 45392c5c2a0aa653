"""Everything that the documentation's commands expect on a disk, drawn in a second."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
from helpers.class_folder import draw_class_folder
from helpers.label_folder import draw_label_folder, draw_labelled
from helpers.zeroshot_data import write_coco, write_own
from mmengine.config import Config
from PIL import Image
from scipy.io import savemat

from mmfewshot_seg.datasets.drawn import draw_dataset

ROOT = Path(__file__).parents[2]
SIDE = 96
CONVERTER = 'tools/dataset_converters/cityscapes.py'  # of the hosts; nothing of it is here


def write_workspace(root: Path) -> None:
    """``root`` as the folder that a reader works in: a checkout, data sets, files of their own."""
    for path in ROOT.iterdir():
        if path.name[0] != '.' and path.name not in ('data', 'work_dirs'):
            (root / path.name).symlink_to(path)
    _write_coco(root / 'data/coco', root / 'lvis_v0.5_val_cocofied.json')
    _write_pascal(root / 'data/VOCdevkit/VOC2012', root / 'data/sbd')
    shutil.copy(root / 'data/sbd/train.txt', root / 'train_noval.txt')
    (root / 'VOC2012').symlink_to('data/VOCdevkit/VOC2012')
    context = root / 'data/VOCdevkit/VOC2010'
    for split in ('train', 'val'):
        _write(context / f'ImageSets/SegmentationContext/{split}.txt', f'{split}_0\n{split}_1')
        for n in range(2):
            image = context / f'JPEGImages/{split}_{n}.jpg'
            draw_labelled(image, context / f'SegmentationClassContext/{split}_{n}.png', 60, 0)
            city, name = root / 'data/cityscapes', f'{split}/x/x_{n:06}_000000'
            label = city / f'gtFine/{name}_gtFine_labelTrainIds.png'
            draw_labelled(city / f'leftImg8bit/{name}_leftImg8bit.png', label, 19)
    draw_label_folder(root / 'data/camvid', classes=11)
    draw_label_folder(root / 'mine', classes=3)
    _write_mine(root)
    _write_loose_files(root)
    _write_host_configs(root)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _write_coco(coco: Path, lvis: Path) -> None:
    """COCO 2014 and 2017, and LVIS' annotations of its categories."""
    write_coco(coco, word_dim=300)
    for path in [*coco.glob('*2014'), *coco.glob('annotations/*2014.json')]:
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, path.with_name(path.name.replace('2014', '2017')))
    for prepared in coco.glob('annotations/*_48_17.json'):  # readers prepare them
        prepared.unlink()
    content = json.loads((coco / 'annotations/instances_val2017.json').read_text())
    for image in content['images']:
        image.update(neg_category_ids=[], not_exhaustive_category_ids=[])
    for category in content['categories']:
        category['frequency'] = 'f'
    lvis.write_text(json.dumps(content))
    words = np.random.default_rng(0).integers(-9, 9, (300, 4717))  # as many as the official file
    np.savetxt(coco / 'vocabulary_w2v.txt', words, fmt='%d', delimiter=',')


def _write_pascal(voc: Path, sbd: Path) -> None:
    """Each class in two images of VOC train, of VOC val and of SBD alone."""
    for folder in (voc / 'JPEGImages', voc / 'SegmentationClass', sbd / 'cls'):
        folder.mkdir(parents=True)
    for split in ('train', 'val', 'sbd'):
        names = [f'{split}_{label:02}' for label in range(1, 21)]
        for label, name in enumerate(names, start=1):
            labels = np.zeros((SIDE, SIDE), np.uint8)
            labels[4:92, 2:46], labels[4:92, 50:94], labels[-2:] = label, label % 20 + 1, 255
            Image.fromarray(labels * 7).convert('RGB').save(voc / 'JPEGImages' / f'{name}.jpg')
            if split == 'sbd':
                savemat(sbd / f'cls/{name}.mat', {'GTcls': {'Segmentation': labels}})
            else:
                Image.fromarray(labels).save(voc / f'SegmentationClass/{name}.png')
        path = sbd / 'train.txt' if split == 'sbd' else voc / f'ImageSets/Segmentation/{split}.txt'
        _write(path, ''.join(f'{name}\n' for name in names))
    _write(sbd / 'val.txt', '')


def _write_mine(root: Path) -> None:
    """A class folder beside data in COCO's format, and one with classes of other names."""
    write_own(root / 'mine')
    draw_class_folder(root / 'mine/data', num_images=6)
    shutil.copytree(root / 'mine/data/square', root / 'mine/data/tile')  # a test of two ways
    for split, names in dict(train='disc\nring', val='square', test='square\ntile').items():
        _write(root / f'mine/splits/{split}.txt', names)
    (root / 'data/fss1000').symlink_to('../mine')
    draw_class_folder(root / 'data/mine', num_images=2)
    for shape, name in (('disc', 'zebra'), ('ring', 'teapot')):
        shutil.copytree(root / 'data/mine' / shape, root / 'data/mine' / name)
    draw_dataset(root / 'work_dirs/demo/data', num_train=200, num_test=200, size=64)


def _write_loose_files(root: Path) -> None:
    """Images, masks, a film, word vectors; what other repositories have."""
    draw_class_folder(root / 'support')
    disc = root / 'support/disc'
    folders = [f'{folder}/{name}' for folder in ('queries', 'photos', 'herd') for name in 'abc']
    images = ['a', 'b', 'c', 'd', 'query', 'image', *folders, 'labelme/a', 'labelme/b', 'street']
    for number, name in enumerate(images):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(disc / f'{number % 3}.jpg', root / f'{name}.jpg')
        if name in 'abcd':
            shutil.copy(disc / f'{number % 3}.png', root / f'{name}.png')
    polygon = dict(label='zebra', shape_type='polygon', points=[[5, 5], [40, 5], [40, 40], [5, 40]])
    content = dict(shapes=[polygon], imageHeight=50, imageWidth=60)
    _write(root / 'a.json', json.dumps(content))
    for name in 'ab':
        _write(root / f'labelme/{name}.json', json.dumps(content | dict(imagePath=f'{name}.jpg')))
    film = cv2.VideoWriter(str(root / 'film.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 5, (60, 50))
    for _ in range(3):
        film.write(cv2.imread(str(root / 'a.jpg')))
    film.release()
    table = np.random.default_rng(0).normal(size=(4, 300)).round(3)
    rows = zip(('zebra', 'cat', 'snow', 'board'), table, strict=True)
    _write(root / 'glove.6B.300d.txt', '\n'.join(f'{w} {" ".join(map(str, v))}' for w, v in rows))
    _write(root / 'names.txt', 'zebra\nsnow board')
    for host in ('MMSEGMENTATION', 'MMDETECTION'):
        _write(root / host / CONVERTER, '')


def _write_host_configs(root: Path) -> None:
    """What the pages call your config: of MMSegmentation on episodes, of MMDetection on COCO."""
    few_shot = Config.fromfile(host_config('fcn_r50-d8_4xb4-20k_voc12aug-512x512.py'))
    for key, value in Config.fromfile(ROOT / 'configs/_base_/datasets/class_folder.py').items():
        few_shot[key] = value
    for name in ('your_config.py', 'your_mmseg_config.py'):
        few_shot.dump(root / name)
    mask_rcnn = host_config('mask-rcnn_r50_fpn_1x_coco.py')
    _write(root / 'your_mask_rcnn_config.py', f'_base_ = {str(mask_rcnn)!r}\n')


def host_config(name: str) -> Path:
    """A config of this package, MMDetection or MMSegmentation by the name of its file."""
    import mmdet
    import mmseg

    hosts = [Path(module.__file__).parent / '.mim/configs' for module in (mmdet, mmseg)]
    found = [path for folder in (ROOT / 'configs', *hosts) for path in folder.rglob(name)]
    assert len(found) == 1, f'{name} is the name of {len(found)} configs'
    return found[0]
