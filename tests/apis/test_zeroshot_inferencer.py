"""The zero-shot inferencer against the model itself; classes, inputs, outputs, mistakes."""

import json
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from helpers.refinemask_configs import detector as plain_detector
from helpers.refinemask_configs import roi_head as plain_roi_head
from helpers.zeroshot_data import OWN, WORD_DIM
from helpers.zeroshot_runs import own_config, write_own_run
from mmdet.structures.mask import encode_mask_results
from mmdet.visualization import local_visualizer
from mmengine.config import Config
from PIL import Image

from mmfewshot_seg.classes.word_vectors import WordVectors, write_word_vectors

inferencers = pytest.importorskip('mmfewshot_seg.apis.zeroshot_inferencer', reason='needs ops')

SEEN, UNSEEN = tuple(OWN['seen']), tuple(OWN['unseen'])


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('own')
    write_own_run(folder)
    return folder


@pytest.fixture
def inferencer(folder):
    model, weights = folder / 'unseen.py', folder / 'weights.pth'
    return inferencers.ZeroShotInferencer(model, weights, device='cpu', show_progress=False)


def image(seed: int = 0, size: tuple = (96, 80)) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (*size, 3), np.uint8)


def table(names, seed: int = 3) -> WordVectors:
    numbers = np.random.RandomState(seed).standard_normal((len(names), WORD_DIM))
    return WordVectors(tuple(names), numbers)


def assert_same(one: dict, other: dict) -> None:
    for ours, theirs in zip(one['predictions'], other['predictions'], strict=True):
        assert ours['labels'] == theirs['labels'] and ours['masks'] == theirs['masks']
        np.testing.assert_allclose(ours['scores'], theirs['scores'], atol=1e-5)
        np.testing.assert_allclose(ours['bboxes'], theirs['bboxes'], atol=1e-2)  # pixels


def test_predictions_are_those_of_the_model(inferencer) -> None:
    """A picture that needs no resizing, so that the network's input is at hand."""
    picture = image(size=(96, 96))
    (found,) = inferencer(picture)['predictions']
    sample = inferencer(picture, return_datasamples=True)['predictions'][0].new()
    inputs = dict(inputs=[torch.from_numpy(picture.transpose(2, 0, 1))], data_samples=[sample])
    with torch.no_grad():
        (expected,) = inferencer.model.test_step(inputs)
    expected = expected.pred_instances
    assert found['labels'] == expected.labels.tolist() and len(found['labels']) > 0
    assert found['names'] == [UNSEEN[label] for label in found['labels']]
    np.testing.assert_allclose(found['scores'], expected.scores)
    rles = encode_mask_results(expected.masks.numpy())
    assert [mask['counts'] for mask in found['masks']] == [rle['counts'].decode() for rle in rles]


def test_classes_of_a_call(inferencer, tmp_path) -> None:
    """By name from the model's file, from another one, as numbers; later calls know nothing."""
    assert inferencer.class_names == UNSEEN == inferencer.visualizer.dataset_meta['classes']
    before = inferencer(image())
    numbers = table(['lion']).vectors
    words = WordVectors(('lion', 'fire_truck'), np.concatenate([numbers, 0.98 * numbers]))
    write_word_vectors(tmp_path / 'words.txt', words)
    from_file = inferencer(image(), ['Fire truck', 'lion'], tmp_path / 'words.txt')
    assert inferencer.class_names == UNSEEN
    assert set(from_file['predictions'][0]['names']) == {'Fire truck', 'lion'}
    assert_same(inferencer(image()), before)
    assert_same(inferencer(image(), ['a', 'b'], words.vectors[::-1].copy()), from_file)
    assert_same(inferencer(image(), ('fire truck', 'lion'), words), from_file)
    (alone,) = inferencer(image(), 'boat')['predictions']
    assert set(alone['names']) == {'boat'}
    assert_same(inferencer(image(), UNSEEN), before)
    inferencer.set_classes(['Fire truck', 'lion'], words)
    assert inferencer.class_names == ('Fire truck', 'lion')
    assert_same(inferencer(image()), from_file)


def test_threads_that_ask_for_different_classes(inferencer, tmp_path, monkeypatch) -> None:
    """Predictions, pictures and files are those of calls one after the other."""
    # The host draws masks in colours that are moved by chance.
    monkeypatch.setattr(local_visualizer, 'jitter_color', tuple)
    cv2.imwrite(str(tmp_path / '1.png'), image(1, (96, 96)))
    calls = [
        dict(classes=['lion'], vectors=table(['lion']).vectors),
        dict(classes=['tram', 'ship'], vectors=table(['tram', 'ship'], 4), mode='generalized'),
        dict(mode='seen'),
    ]

    def ask(number: int, folder: str) -> dict:
        out = dict(out_dir=str(tmp_path / folder / str(number)), no_save_pred=False)
        options = dict(calls[number], **out, return_vis=True, pred_score_thr=-9.0)
        return inferencer([tmp_path / '1.png', image(2, (96, 96))], batch_size=2, **options)

    alone = [ask(number, 'alone') for number in range(len(calls))]
    with ThreadPoolExecutor(len(calls)) as pool:
        together = list(pool.map(ask, range(len(calls)), ['together'] * len(calls)))
    for number, (one, other) in enumerate(zip(alone, together, strict=True)):
        assert one['predictions'] == other['predictions']
        assert [len(p['names']) > 0 for p in one['predictions']] == [True, True]
        for ours, theirs in zip(one['visualization'], other['visualization'], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        for folder in (tmp_path / 'alone', tmp_path / 'together'):
            written = json.loads((folder / str(number) / 'preds/1.json').read_text())
            assert written == one['predictions'][0]
            assert len(list((folder / str(number) / 'vis').iterdir())) == 2
    assert inferencer.class_names == UNSEEN


def test_vectors_are_scaled_as_those_of_the_model(folder) -> None:
    cfg = Config.fromfile(folder / 'unseen.py')
    cfg.model.classes.norm = 2.0
    inferencer = inferencers.ZeroShotInferencer(cfg, folder / 'weights.pth', device='cpu')
    words = table(['lion', 'tram'])
    for given in (words, words.vectors):
        inferencer.set_classes(['lion', 'tram'], given)
        vectors = inferencer.model.detected.unseen
        np.testing.assert_allclose(vectors.norm(dim=1), 2.0, rtol=1e-6)


def test_modes(inferencer) -> None:
    names = {mode: set() for mode in ('seen', 'unseen', 'generalized')}
    for mode in names:
        names[mode].update(inferencer(image(), mode=mode)['predictions'][0]['names'])
        assert inferencer.class_names == UNSEEN
    assert names['seen'] <= set(SEEN) and names['unseen'] <= set(UNSEEN)
    assert names['generalized'] == names['seen'] | names['unseen']
    inferencer.set_classes('ship', np.ones((1, WORD_DIM)), mode='generalized')
    assert inferencer.class_names == (*SEEN, 'ship')
    (alone,) = inferencer(image(), mode='unseen')['predictions']
    assert set(alone['names']) == {'ship'} and inferencer.class_names == (*SEEN, 'ship')


def test_word_vectors_instead_of_those_of_the_config(folder, tmp_path) -> None:
    write_word_vectors(tmp_path / 'words.npz', table(SEEN + UNSEEN + ('lion',)))
    inferencer = inferencers.ZeroShotInferencer(
        own_config(folder), folder / 'weights.pth', tmp_path / 'words.npz', 'cpu'
    )
    expected = table(SEEN + UNSEEN + ('lion',)).vectors
    seen = inferencer.model.roi_head.class_vectors[0].seen
    np.testing.assert_allclose(seen, expected[: len(SEEN)], rtol=1e-6)
    inferencer.set_classes('lion')
    np.testing.assert_allclose(inferencer.model.detected.unseen, expected[-1:], rtol=1e-6)


def test_results_on_disk(inferencer, tmp_path) -> None:
    for number in range(2):
        cv2.imwrite(str(tmp_path / f'photo{number}.png'), image(number))
    out = tmp_path / 'out'
    found = inferencer(tmp_path, batch_size=2, out_dir=str(out), no_save_pred=False)
    assert found['visualization'] == []
    for number, prediction in enumerate(found['predictions']):
        assert json.loads((out / f'preds/photo{number}.json').read_text()) == prediction
        assert cv2.imread(str(out / f'vis/photo{number}.png')).shape == (96, 80, 3)
    listed = inferencer(sorted(tmp_path.glob('*.png')), return_vis=True, pred_score_thr=-9.0)
    assert_same(listed, found)
    for number, picture in enumerate(listed['visualization']):
        assert picture.shape == (96, 80, 3) and (picture[..., ::-1] != image(number)).any()
    with pytest.raises(ValueError, match='vis/photo0.png would overwrite an image: name another'):
        inferencer(out / 'vis', out_dir=str(out))
    inferencer([image(), image(1)], out_dir=str(tmp_path / 'arrays'), no_save_pred=False)
    names = sorted(path.name for path in (tmp_path / 'arrays/preds').iterdir())
    assert names == ['00000000.json', '00000001.json']


def test_names_are_drawn(inferencer, monkeypatch) -> None:
    texts, draw = [], inferencer.visualizer.draw_texts

    def draw_texts(text, *args, **kwargs):
        texts.append(text)
        return draw(text, *args, **kwargs)

    monkeypatch.setattr(inferencer.visualizer, 'draw_texts', draw_texts)
    options = dict(return_vis=True, pred_score_thr=-9.0)
    inferencer(image(), 'okapi', np.ones((1, WORD_DIM)), **options)
    assert texts and all(text.startswith('okapi: ') for text in texts)


def test_video(inferencer, tmp_path) -> None:
    path = str(tmp_path / 'film.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 5, (80, 96))
    for number in range(3):
        writer.write(image(number))
    writer.release()
    assert len(inferencer(path, batch_size=2)['predictions']) == 3


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(classes=['cat', 'lion']), 'overlap: cat'),
        (dict(classes='okapi'), "no word vector for 'okapi'"),
        (dict(classes=['a', 'b'], vectors=np.ones((1, WORD_DIM))), '1 vectors for 2 classes'),
        (dict(classes='a', vectors=np.ones((1, 3))), 'vectors of shape'),
        (dict(vectors=np.ones((1, WORD_DIM))), 'give classes too'),
        (dict(mode='zsi'), "mode='zsi'"),
        (dict(batch_size=0), 'batch_size must be at least 1, not 0'),
        (dict(inputs='none.jpg'), 'none.jpg: '),
    ],
)
def test_mistakes_of_a_call(inferencer, arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        inferencer(**dict(inputs=image()) | arguments)
    assert inferencer.class_names == UNSEEN


def test_mistakes_of_a_model(folder, tmp_path) -> None:
    build, weights = inferencers.ZeroShotInferencer, folder / 'weights.pth'
    with pytest.raises(FileNotFoundError, match='words.txt'):
        build(folder / 'unseen.py', weights, 'words.txt')
    with pytest.raises(ValueError, match='holds no config: give the config'):
        build(None, weights, 'words.txt')
    with pytest.raises(ValueError, match='did you mean .*zsi_r50_fpn_1x_coco-48-17'):
        build('zsi_r50_coco-48-17', weights)
    cfg = own_config(folder)
    cfg.model.classes.split = dict(seen=UNSEEN, unseen=SEEN)
    with pytest.raises(ValueError, match='does not fit the model'):
        build(cfg, weights)
    cfg.model = plain_detector(plain_roi_head())
    with pytest.raises(ValueError, match='needs a model of type mmfewshot_seg.ZeroShotMaskRCNN'):
        build(cfg)


def test_names_parted_by_commas(inferencer) -> None:
    numbers = table(['lion', 'fire truck']).vectors
    by_list = inferencer(image(), ['lion', 'fire truck'], numbers)
    assert_same(inferencer(image(), 'lion, fire truck', numbers), by_list)
    assert set(by_list['predictions'][0]['names']) <= {'lion', 'fire truck'}


@pytest.mark.parametrize(
    ('classes', 'message'),
    [([1], 'classes are names, got 1'), ([None], 'classes are names, got None'), (',', 'no class')],
)
def test_what_is_no_name(inferencer, classes, message) -> None:
    with pytest.raises(ValueError, match=message):
        inferencer(image(), classes)


def test_vectors_of_other_types(inferencer) -> None:
    numbers = torch.from_numpy(table(['lion']).vectors).bfloat16()
    by_numbers = inferencer(image(), 'lion', numbers.float().numpy())
    assert_same(inferencer(image(), 'lion', numbers.requires_grad_()), by_numbers)
    for value, message in ((0, 'is zero'), (float('nan'), 'is not finite')):
        with pytest.raises(ValueError, match=f"classes: the vector of 'lion' {message}"):
            inferencer(image(), 'lion', torch.full((1, WORD_DIM), value))


def test_other_classes_are_not_for_the_mode_of_the_training(inferencer) -> None:
    with pytest.raises(ValueError, match="mode='seen' detects the classes of the training"):
        inferencer(image(), 'lion', table(['lion']).vectors, mode='seen')


@pytest.mark.parametrize(
    'array',
    [
        image().astype(np.float32),
        image()[..., 0],
        image().transpose(2, 0, 1),
        np.concatenate([image(), image()[..., :1]], axis=2),
    ],
    ids=['float', 'grey', 'channels-first', 'alpha'],
)
def test_arrays_that_are_no_images(inferencer, array) -> None:
    with pytest.raises(ValueError, match=r'an image array is \(H, W, 3\) uint8, BGR, got'):
        inferencer([array])


def test_images_of_one_name_keep_their_results(inferencer, tmp_path) -> None:
    for number, folder in enumerate('ab'):
        cv2.imwrite(str(tmp_path / f'{folder}.1.png'), image(number))
        (tmp_path / folder).mkdir()
        (tmp_path / f'{folder}.1.png').rename(tmp_path / folder / '1.png')
    paths = [str(tmp_path / folder / '1.png') for folder in 'ab']
    found = inferencer(paths, out_dir=str(tmp_path / 'out'), no_save_pred=False)
    for name, expected in zip(('1', '1_2'), found['predictions'], strict=True):
        written = json.loads((tmp_path / 'out' / 'preds' / f'{name}.json').read_text())
        assert written['scores'] == expected['scores']
    pictures = [cv2.imread(str(tmp_path / 'out' / 'vis' / n)) for n in ('1.png', '1_2.png')]
    assert (pictures[0] != pictures[1]).any()


def test_half_precision_is_refused_with_the_way_out(inferencer) -> None:
    with pytest.raises(TypeError, match='use torch.autocast'):
        inferencer.model.half()


def test_pil_images(inferencer) -> None:
    assert_same(inferencer(Image.fromarray(image()[..., ::-1])), inferencer(image()))
