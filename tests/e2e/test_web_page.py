"""The page in headless Chromium: paints masks, gets masks; skipped where there is no Chromium."""

import base64
import io
import json
import shutil
import sys
import zipfile
from contextlib import contextmanager
from threading import Event, Thread

import cv2
import numpy as np
import pytest
from helpers import annotation_files
from helpers.fewshot_models import fewshot_inferencer
from PIL import Image
from pycocotools.coco import COCO

from mmfewshot_seg.annotations.annotation_label import annotation_label
from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.apis.photographs import example_photographs
from mmfewshot_seg.web import PageServer, visits
from mmfewshot_seg.web.images import decode_mask
from mmfewshot_seg.web.visits import Visits

pytest.importorskip('selenium', reason='selenium is not installed')
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

CHROMIUM = next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
)
DRIVER = shutil.which('chromedriver')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason='no Chromium with chromedriver'),
]


class Page:
    """The page as a visitor uses it."""

    def __init__(self, browser, address: str) -> None:
        self.browser = browser
        browser.get(address)

    def click(self, selector: str) -> None:
        self._in_sight(self.browser.find_element(By.CSS_SELECTOR, selector)).click()

    def upload(self, selector: str, *paths) -> None:
        field = self.browser.find_element(By.CSS_SELECTOR, selector)
        field.send_keys('\n'.join(map(str, paths)))

    def js(self, expression: str):
        """Value of an expression that knows ``state`` and ``sentMask``."""
        return self.browser.execute_script(
            "return Promise.all([import('/state.js'), import('/paint.js')])"
            f'.then(([{{state}}, {{sentMask}}]) => {expression})'
        )

    def wait(self, condition: str):
        return WebDriverWait(self.browser, 60).until(lambda browser: self.js(condition))

    def wait_for_message(self, text: str) -> None:
        message = "document.getElementById('message').textContent"
        self.wait(f'{message}.includes({json.dumps(text)})')

    def add(self, selector: str, *paths) -> None:
        """Upload files and wait until they have been read."""
        self.upload(selector, *paths)
        self.wait_for_message(f'Added {len(paths)} file')

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        ActionChains(self.browser, 20).send_keys(*keys).perform()

    def hold_control(self, key: str) -> None:
        chain = ActionChains(self.browser, 20)
        chain.key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    def tab_to(self, identity: str) -> None:
        """Press Tab until the element of this id has the focus."""
        for _ in range(60):
            if self.browser.switch_to.active_element.get_attribute('id') == identity:
                return
            self.press(Keys.TAB)
        raise AssertionError(f'Tab does not reach {identity}')

    def drag(self, tool: str, *points: tuple[float, float]) -> None:
        """Press at the first point of the image, move along the others, release."""
        self.choose(tool)
        actions = self._at(ActionChains(self.browser, 20), points[0]).click_and_hold()
        for point in points[1:]:
            self._at(actions, point)
        actions.release().perform()

    def choose(self, tool: str) -> None:
        self.click(f'[data-tool={tool}]')
        self._in_sight(self.browser.find_element(By.ID, 'canvas'))

    def click_corners(self, *points: tuple[float, float]) -> None:
        self.choose('polygon')
        for point in points:
            self._at(ActionChains(self.browser, 20), point).click().perform()

    def _at(self, actions: ActionChains, point: tuple[float, float]) -> ActionChains:
        left, top, scale = self.js(
            '((box) => [box.left, box.top, box.width / state.chosen.image.naturalWidth])'
            "(document.getElementById('canvas').getBoundingClientRect())"
        )
        place = round(left + point[0] * scale), round(top + point[1] * scale)
        actions.w3c_actions.pointer_action.move_to_location(*place)
        actions.w3c_actions.key_action.pause()
        return actions

    def _in_sight(self, element):
        scroll = 'arguments[0].scrollIntoView({block: "center", behavior: "instant"})'
        self.browser.execute_script(scroll, element)
        return element

    def label(self) -> np.ndarray:
        """What the chosen image's paint says to the server."""
        return decode_mask(self.js('sentMask(state.chosen)'))

    def labels(self, query: int = 0) -> np.ndarray:
        """Label map of a query: the values of the file that can be downloaded."""
        return _labels(self.js(f'state.queries[{query}].result.labels'))

    def message(self) -> str:
        return self.browser.find_element(By.ID, 'message').text

    def corners(self) -> list:
        """Of the polygon that is not closed yet."""
        return self.js('state.chosen.history.now.open || []')


def _labels(url: str) -> np.ndarray:
    data = base64.b64decode(url.partition(',')[2])
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory) -> FewShotInferencer:
    return fewshot_inferencer(tmp_path_factory.mktemp('web'))


@contextmanager
def serving(inferencer: FewShotInferencer):
    with PageServer(port=0) as server:
        server.answers = Visits(inferencer).answers
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}/'
        server.shutdown()
        thread.join()


@pytest.fixture(scope='module')
def address(inferencer):
    with serving(inferencer) as address:
        yield address


@pytest.fixture(scope='module')
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage'):
        options.add_argument(argument)
    options.add_argument('--window-size=1500,1300')
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    browser.set_script_timeout(60)
    yield browser
    browser.quit()


@pytest.fixture
def page(browser, address) -> Page:
    page = Page(browser, address)
    page.wait('state.colours.length')
    return page


@pytest.fixture
def images(tmp_path):
    """A red and a green square on noise, 60 x 80, and an image of both."""
    rng, paths = np.random.default_rng(0), []
    for name, red, green in (('red', 10, None), ('green', None, 30), ('both', 10, 50)):
        image = rng.integers(60, 120, (60, 80, 3), dtype=np.uint8)
        for left, colour in ((red, (0, 0, 255)), (green, (0, 255, 0))):
            if left is not None:
                image[20:40, left : left + 20] = colour
        paths.append(tmp_path / f'{name}.png')
        cv2.imwrite(str(paths[-1]), image)
    return paths


def paint_red_and_green(page, red, green) -> None:
    """Two supports, each marked by a box and named."""
    page.add('#support-files', red, green)
    for number, name in enumerate(('red', 'green'), start=1):
        page.click(f'#supports .card:nth-child({number}) .show')
        field = page.browser.find_element(
            By.CSS_SELECTOR, f'#supports .card:nth-child({number}) input'
        )
        field.clear()
        field.send_keys(name)
        left = 10 if name == 'red' else 30
        page.drag('box', (left, 20), (left + 20, 40))


def segment(page) -> None:
    page.click('#segment')
    page.wait_for_message('Done')


def test_paints_two_classes_and_gets_their_masks(page, images, inferencer) -> None:
    red, green, both = images
    paint_red_and_green(page, red, green)
    masks = []
    for number, left in enumerate((10, 30), start=1):
        page.click(f'#supports .card:nth-child({number}) .show')
        label = page.label()
        assert label[30, left + 10] == 1 and label[5, 5] == 0
        assert abs(int(label.sum()) - 400) < 60
        masks.append(label)
    page.add('#query-files', both)
    segment(page)
    labels = page.labels()
    assert labels.shape == (60, 80)
    for way, left in ((1, 10), (2, 50)):  # even the untrained network knows red from green
        inside = labels[20:40, left : left + 20]
        assert (inside == way).mean() > 0.3 and (inside == 3 - way).mean() < 0.1
    # The same as without the page.
    inferencer.set_support([str(red), str(green)], masks, ['red', 'green'])
    np.testing.assert_array_equal(inferencer(str(both))['predictions'][0]['label_map'], labels)
    card = page.browser.find_element(By.CSS_SELECTOR, '#queries .card').text
    assert 'both.png' in card and 'red' in card and 'green' in card
    links = page.browser.find_elements(By.CSS_SELECTOR, '#queries a')
    assert [link.get_attribute('download') for link in links] == ['both.png', 'both_overlay.jpg']
    np.testing.assert_array_equal(_labels(links[0].get_attribute('href')), labels)
    assert not [entry for entry in page.browser.get_log('browser') if entry['level'] == 'SEVERE']


def test_tools_paint_what_they_say(page, images) -> None:
    page.add('#support-files', images[0])
    page.drag('brush', (10, 10), (40, 10))
    label = page.label()
    assert label[10, 25] == 1 and set(np.unique(label)) == {0, 1}
    page.drag('eraser', (25, 5), (25, 15))
    erased = page.label()
    assert erased[10, 25] == 0 and erased[10, 12] == 1
    page.click('#undo')
    np.testing.assert_array_equal(page.label(), label)
    page.click('#redo')
    np.testing.assert_array_equal(page.label(), erased)
    page.click('#undo')
    page.click_corners((50, 30), (75, 30), (75, 55), (50, 55), (50, 30))
    label = page.label()
    assert label[42, 62] == 1 and label[42, 45] == 0
    assert abs(int((label[25:] == 1).sum()) - 25 * 25) < 80
    page.drag('background', (5, 50), (30, 50))
    label = page.label()
    assert label[50, 15] == 0 and label[10, 25] == 1 and label[25, 5] == 255
    page.click('#clear')
    assert (page.label() == 0).all()
    page.click('#undo')
    np.testing.assert_array_equal(page.label(), label)


def test_an_open_polygon_stays_until_it_is_closed_or_dropped(page, images) -> None:
    page.add('#support-files', *images[:2])
    page.click_corners((20, 20), (60, 20), (60, 50))
    assert len(page.corners()) == 3 and (page.label() == 0).all()
    page.click('[data-tool=brush]')
    page.click('#supports .card:nth-child(2) .show')
    assert page.corners() == []
    page.click('#supports .card:nth-child(1) .show')
    assert len(page.corners()) == 3
    page.click('[data-tool=polygon]')
    canvas = page.browser.find_element(By.ID, 'canvas')
    canvas.send_keys(Keys.BACKSPACE)
    assert len(page.corners()) == 2
    canvas.send_keys(Keys.ESCAPE)
    assert page.corners() == []
    for length in (2, 3):
        page.hold_control('z')
        assert len(page.corners()) == length
    page.hold_control('y')
    assert len(page.corners()) == 2
    page.hold_control('z')
    canvas.send_keys(Keys.ENTER)
    assert page.corners() == [] and page.label()[25, 55] == 1


def test_segment_closes_open_polygons(page, images) -> None:
    page.add('#support-files', images[0])
    page.click_corners((10, 20), (30, 20), (30, 40), (10, 40))
    page.add('#query-files', images[2])
    segment(page)
    assert page.label()[30, 20] == 1 and page.corners() == []


def test_corners_can_be_dragged(page, images) -> None:
    page.add('#support-files', images[0])
    page.click_corners((20, 20), (50, 20), (50, 50), (20, 50), (20, 20))
    before = page.label()
    page.drag('polygon', (50, 50), (75, 55))
    after = page.label()
    assert before[50, 65] == 0 and after[50, 65] == 1
    page.click('#undo')
    np.testing.assert_array_equal(page.label(), before)
    # A click on a corner alone changes nothing.
    steps = page.js('state.chosen.history.steps.length')
    page.drag('polygon', (20, 20))
    assert page.js('state.chosen.history.steps.length') == steps and page.corners() == []


def test_zoom_keeps_what_is_painted_in_its_place(page, images) -> None:
    page.add('#support-files', images[0])
    width = page.js("document.getElementById('canvas').clientWidth")
    for _ in range(3):
        page.click('#zoom-in')
    assert page.js("document.getElementById('canvas').clientWidth") > 1.8 * width
    box = page.js("document.getElementById('stage').scrollWidth")
    assert box > page.js("document.getElementById('stage').clientWidth")
    page.drag('box', (38, 28), (42, 32))  # the middle is in sight
    rows, columns = np.nonzero(page.label())
    assert abs(rows.mean() - 29.5) < 1.5 and abs(columns.mean() - 39.5) < 1.5
    for _ in range(3):
        page.click('#zoom-out')
    assert page.js("document.getElementById('canvas').clientWidth") == width


def test_everything_can_be_done_by_keyboard(page, images) -> None:
    page.tab_to('support-files')
    page.add('#support-files', images[0])
    while page.browser.switch_to.active_element.get_attribute('data-tool') != 'box':
        page.press(Keys.TAB)
    page.press(Keys.ENTER)
    page.tab_to('canvas')
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, ' ')  # 2 of 80 pixels a step, from the middle
    page.press(*[Keys.ARROW_RIGHT] * 5, *[Keys.ARROW_DOWN] * 5, ' ')
    label = page.label()
    assert (label[31:39, 37:45] == 1).all() and label.sum() < 140
    page.press(Keys.BACKSPACE)
    assert (page.label() == 0).all()
    page.browser.find_element(By.CSS_SELECTOR, '[data-tool=polygon]').send_keys(Keys.ENTER)
    page.tab_to('canvas')
    page.press(' ', *[Keys.ARROW_RIGHT] * 6, ' ', *[Keys.ARROW_DOWN] * 6, ' ', Keys.ENTER)
    assert page.label()[33, 49] == 1
    page.tab_to('query-files')
    page.add('#query-files', images[2])
    page.tab_to('segment')
    page.press(Keys.ENTER)
    page.wait_for_message('Done')
    page.browser.find_element(By.CSS_SELECTOR, '#queries .show').send_keys(Keys.ENTER)
    assert page.js("document.getElementById('viewer').open")
    page.press(Keys.ESCAPE)
    page.wait("!document.getElementById('viewer').open")
    reached = set()
    for _ in range(60):
        page.press(Keys.TAB)
        reached.add(page.js('document.activeElement.outerHTML'))
    everything = page.js(
        "[...document.querySelectorAll('button:not(:disabled), input, a, canvas[tabindex]')]"
        '.filter((one) => one.offsetParent).map((one) => one.outerHTML)'
    )
    assert [one for one in everything if one not in reached] == []


def test_broken_files_are_named_and_stop_no_other(page, images) -> None:
    folder = images[0].parent
    (folder / 'text.png').write_text('no image')
    (folder / 'empty.jpg').write_bytes(b'')
    (folder / 'draw.svg').write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60">'
        '<rect x="10" y="20" width="20" height="20" fill="red"/></svg>'
    )
    broken = folder / 'text.png', folder / 'empty.jpg'
    for selector, kind in (('#support-files', 'supports'), ('#query-files', 'queries')):
        page.upload(selector, images[0], broken[0], folder / 'draw.svg', broken[1], images[2])
        page.wait_for_message('Left out 2 of 5')
        assert 'text.png' in page.message() and 'empty.jpg' in page.message()
        names = page.js(f'state.{kind}.map(({{file}}) => file)')
        assert names == ['red.png', 'draw.svg', 'both.png']
        cards = page.browser.find_element(By.ID, kind).text
        assert all(name in cards for name in names)
    for number in (1, 2, 3):
        page.click(f'#supports .card:nth-child({number}) .show')
        page.drag('box', (10, 20), (30, 40))
    segment(page)
    assert page.message() == 'Done: 3 images.'


def test_a_query_that_fails_stops_no_other(page, images, monkeypatch) -> None:
    page.add('#support-files', images[0])
    page.drag('box', (10, 20), (30, 40))
    page.add('#query-files', images[0], images[1], images[2])
    page.js("state.queries[1].url = 'data:image/png;base64,AAAA'")
    segment(page)
    assert 'Done: 2 of 3 images. green.png: image: not an image' in page.message()
    assert page.js('state.queries.map(({result}) => result !== null)') == [True, False, True]


def test_a_run_can_be_stopped(page, images, inferencer, monkeypatch) -> None:
    begun, go = Event(), Event()
    preprocess = inferencer.preprocess

    def wait(*args):
        begun.set()
        assert go.wait(60)
        return preprocess(*args)

    page.add('#support-files', images[0])
    page.drag('box', (10, 20), (30, 40))
    page.add('#query-files', images[0], images[2])
    monkeypatch.setattr(inferencer, 'preprocess', wait)
    page.click('#segment')
    assert begun.wait(60)
    page.click('#stop')
    page.wait_for_message('Stopped')
    go.set()
    monkeypatch.undo()
    segment(page)
    assert page.message() == 'Done: 2 images.'


def test_mistakes_are_told_on_the_page(page, images) -> None:
    page.click('#segment')
    page.wait_for_message('First add an image')
    page.add('#support-files', images[0])
    page.add('#query-files', images[2])
    page.click('#segment')
    page.wait_for_message('the mask marks no pixel')
    assert "support 1 of 'object'" in page.message()
    assert page.js("document.getElementById('message').className") == 'error'


def test_dropped_files_are_added_where_they_fall(page) -> None:
    for section, kind in (('show', 'supports'), ('find', 'queries')):
        page.js(
            """new Promise((done) => {
                const canvas = document.createElement('canvas');
                canvas.toBlob((blob) => {
                    const dataTransfer = new DataTransfer();
                    dataTransfer.items.add(new File([blob], 'a.png', {type: 'image/png'}));
                    const options = {dataTransfer, bubbles: true, cancelable: true};
                    document.querySelector('#SECTION h2').dispatchEvent(
                        new DragEvent('drop', options));
                    done();
                });
            })""".replace('SECTION', section)
        )
        page.wait(f'state.{kind}.length === 1')


@pytest.fixture
def downloads(browser, tmp_path):
    options = dict(behavior='allow', downloadPath=str(tmp_path))
    browser.execute_cdp_cmd('Browser.setDownloadBehavior', options)
    return tmp_path


def _downloaded(page, path):
    WebDriverWait(page.browser, 60).until(lambda browser: path.exists())
    return path


def test_all_results_come_in_an_archive(page, images, downloads) -> None:
    paint_red_and_green(page, *images[:2])
    (images[2].parent / 'again').mkdir()
    again = shutil.copy(images[2], images[2].parent / 'again/both.png')
    page.add('#query-files', images[2], again)
    segment(page)
    page.click('#download')
    path = _downloaded(page, downloads / 'results.zip')
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        of_each = [
            f'{folder}/{name}.{suffix}'
            for folder, suffix in (('pred', 'png'), ('vis', 'jpg'), ('labelme', 'json'))
            for name in ('both', 'both_2')
        ]
        assert archive.namelist() == [*of_each, 'coco.json', 'areas.csv', 'classes.txt']
        image = Image.open(io.BytesIO(archive.read('pred/both_2.png')))
        assert image.mode == 'P'
        np.testing.assert_array_equal(np.asarray(image), page.labels(1))
        assert Image.open(io.BytesIO(archive.read('vis/both.jpg'))).size == (80, 60)
        archive.extractall(downloads)
    classes = (downloads / 'classes.txt').read_text().splitlines()
    assert classes[0] == 'both.png: 0 background, 1 red, 2 green'
    coco = COCO(str(downloads / 'coco.json'))
    assert [one['file_name'] for one in coco.dataset['images']] == ['both.png', 'both_2.png']
    labels = np.zeros((60, 80), np.uint8)
    for annotation in coco.loadAnns(coco.getAnnIds(2)):
        labels[coco.annToMask(annotation) > 0] = annotation['category_id']
    np.testing.assert_array_equal(labels, page.labels(1))
    assert (downloads / 'areas.csv').read_text().startswith('image,class,instance,area,share,')
    # Beside its image a file of LabelMe is a support.
    label = annotation_label(downloads / 'labelme/both_2.json', (60, 80), 'red')
    red = page.labels(1) == 1
    assert ((label == 1) & red).sum() > 0.8 * ((label == 1) | red).sum()


def test_results_that_the_server_has_forgotten_are_told(page, images) -> None:
    paint_red_and_green(page, *images[:2])
    page.add('#query-files', images[2])
    segment(page)
    page.js("(state.queries[0].result.result = 'of long ago')")
    page.click('#download')
    page.wait_for_message('the result of both.png is no longer known: segment it again')


def test_a_support_set_is_saved_and_loaded(page, images, downloads, address) -> None:
    paint_red_and_green(page, *images[:2])
    page.drag('background', (5, 5), (70, 5))
    page.add('#query-files', images[2])
    segment(page)
    page.click('#queries .class:nth-child(1) button')
    page.wait('state.supports.length === 3')
    masks = page.js('state.supports.map(sentMask)')
    assert page.js(UNSAVED)
    page.click('#save')
    path = _downloaded(page, downloads / 'support_set.json')
    assert not page.js(UNSAVED)
    page.browser.get(address)
    page.wait('state.colours.length')
    page.add('#set-file', path)
    assert page.js('state.supports.map(({name}) => name)') == ['red', 'green', 'red']
    for mask, before in zip(page.js('state.supports.map(sentMask)'), masks, strict=True):
        np.testing.assert_array_equal(decode_mask(mask), decode_mask(before))
    content = json.loads(path.read_text())
    content['supports'][1]['strokes'] = [dict(tool='box', points=[[0, None]])]
    for name, text, message in (
        ('odd.json', json.dumps(content), 'image 2 of odd.json has a stroke that is none'),
        ('other.json', '{}', 'other.json is no support set'),
        ('broken.json', '{', 'broken.json is no support set'),
    ):
        (downloads / name).write_text(text)
        page.upload('#set-file', downloads / name)
        page.wait_for_message(message)


UNSAVED = (
    "(() => { const event = new Event('beforeunload', {cancelable: true}); "
    'dispatchEvent(event); return event.defaultPrevented; })()'
)


def examples_of(page) -> list:
    return page.js('state.supports.map(({file, name}) => [file, name])')


def marks(page, number: int) -> np.ndarray:
    return decode_mask(page.js(f'sentMask(state.supports[{number}])'))


def drop(page, section: str, *paths) -> None:
    """Drop files on a section, as a file manager does."""
    kinds = {'.jpg': 'image/jpeg', '.json': 'application/json'}
    files = [
        (path.name, kinds[path.suffix], base64.b64encode(path.read_bytes()).decode())
        for path in paths
    ]
    page.js(
        f"""((files) => {{
            const dataTransfer = new DataTransfer();
            for (const [name, type, data] of files) {{
                const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
                dataTransfer.items.add(new File([bytes], name, {{ type }}));
            }}
            document.querySelector('#{section} h2').dispatchEvent(
                new DragEvent('drop', {{dataTransfer, bubbles: true, cancelable: true}}));
        }})({json.dumps(files)})"""
    )


def test_files_of_labelme_are_dropped_with_their_images(page, tmp_path, downloads, address) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    (folder / 'broken.json').write_text('{')
    shutil.copy(folder / 'a.jpg', folder / 'c.jpg')
    drop(page, 'show', *sorted(folder.iterdir()))
    page.wait_for_message('Added 3 examples.')
    shown = [['a.jpg', 'leaf'], ['b.jpg', 'leaf'], ['a.jpg', 'snow board']]
    assert examples_of(page) == shown
    message = page.message()
    assert 'Nothing is marked in c.jpg.' in message
    assert (
        'Left out: broken.json cannot be read as json' in message and str(tmp_path) not in message
    )
    masks = [marks(page, number) for number in range(3)]
    for mask, (file, name) in zip(masks, shown, strict=True):
        np.testing.assert_array_equal(mask, annotation_files.expected(file[0], name))
    # Seen, corrected, undone, kept in a set, removed as others are.
    page.click('#supports .card:nth-child(2) .show')
    page.drag('eraser', (0, 15), (59, 15))
    assert (page.label()[15] == 0).all() and (masks[1][15] == 1).any()
    page.click('#undo')
    np.testing.assert_array_equal(page.label(), masks[1])
    page.add('#query-files', folder / 'c.jpg')
    segment(page)
    page.click('#save')
    path = _downloaded(page, downloads / 'support_set.json')
    page.click('#supports .card:nth-child(1) .remove')
    assert examples_of(page) == shown[1:]
    page.browser.get(address)
    page.wait('state.colours.length')
    drop(page, 'show', path, folder / 'b.jpg', folder / 'b.json')
    page.wait_for_message('Added 1 example.')
    assert examples_of(page) == [*shown, shown[1]]
    for number, mask in enumerate([*masks, masks[1]]):
        np.testing.assert_array_equal(marks(page, number), mask)


def test_files_of_coco_and_cvat_are_chosen_with_their_images(page, tmp_path) -> None:
    for number, writer in enumerate((annotation_files.coco, annotation_files.cvat), start=1):
        folder = writer(tmp_path / writer.__name__)
        (path,) = [path for path in folder.rglob('*') if path.suffix in ('.json', '.xml')]
        page.upload('#support-files', folder / 'images/a.jpg', path)
        page.wait(f'state.supports.length === {2 * number}')
        page.wait_for_message('Added 2 examples.')
    assert examples_of(page) == [['a.jpg', 'leaf'], ['a.jpg', 'snow board']] * 2
    np.testing.assert_array_equal(marks(page, 3), annotation_files.expected('a', 'snow board'))


def test_scribbles_of_labelme_leave_the_rest_open(page, tmp_path, downloads, address) -> None:
    folder = annotation_files.labelme(tmp_path / 'data')
    content = json.loads((folder / 'a.json').read_text())
    line = dict(shape_type='linestrip', points=[[5, 5], [30, 5]], label='<b>leaf\n2</b>')
    other = dict(line, points=[[5, 30], [30, 30]], label='background')
    (folder / 'a.json').write_text(json.dumps(dict(content, shapes=[line, other])))
    page.upload('#support-files', folder / 'a.json', folder / 'a.jpg')
    page.wait_for_message('Added 1 example.')
    label = annotation_label(folder / 'a.json', (40, 50), line['label'])
    assert set(np.unique(label)) == {0, 1, 255}
    np.testing.assert_array_equal(marks(page, 0), label)
    assert examples_of(page) == [['a.jpg', '<b>leaf2</b>']]
    page.click('#save')
    path = _downloaded(page, downloads / 'support_set.json')
    page.browser.get(address)
    page.wait('state.colours.length')
    page.add('#set-file', path)
    np.testing.assert_array_equal(marks(page, 0), label)


def test_work_is_not_lost_without_a_warning(page, images) -> None:
    assert not page.js(UNSAVED)
    page.add('#support-files', images[0])
    assert page.js(UNSAVED)


def test_a_result_is_corrected_into_an_example(page, images) -> None:
    paint_red_and_green(page, *images[:2])
    page.add('#query-files', images[2])
    segment(page)
    labels = page.labels()
    page.click('#queries .class:nth-child(2) button')
    page.wait('state.supports.length === 3')
    assert page.js('[state.chosen.file, state.chosen.name]') == ['both.png', 'green']
    np.testing.assert_array_equal(page.label(), labels == 2)
    page.drag('eraser', (0, 30), (79, 30))
    assert (page.label()[30] == 0).all() and (labels[30] == 2).any()
    page.drag('box', (50, 20), (70, 40))
    segment(page)


def test_results_can_be_enlarged(page, images) -> None:
    paint_red_and_green(page, *images[:2])
    page.add('#query-files', images[2], images[0])
    segment(page)
    page.click('#queries .show')
    shown = "document.getElementById('viewer-picture').src"
    assert page.js(f'{shown} === state.queries[0].result.overlay')
    picture = page.browser.find_element(By.ID, 'viewer-picture')
    assert picture.size['width'] > 1000 and picture.size['height'] > 500
    page.click('#viewer-toggle')
    assert page.js(f'{shown} === state.queries[0].url')
    page.press(Keys.ARROW_RIGHT)
    assert page.js(f'{shown} === state.queries[1].url')
    page.click('#viewer-toggle')
    assert page.js(f'{shown} === state.queries[1].result.overlay')
    page.click('#viewer-close')


def test_images_that_show_none_are_negatives(browser, images, tmp_path) -> None:
    red, green, both = images
    with serving(fewshot_inferencer(tmp_path, head='dense_matching')) as address:
        page = Page(browser, address)
        page.wait('state.takesNegatives')
        page.add('#support-files', red)
        page.drag('box', (10, 20), (30, 40))
        page.add('#query-files', both, green)
        segment(page)
        shares = page.js('state.queries.map(({result}) => result.shares[0])')
        page.click('#queries .card:nth-child(1) .links button')
        page.wait('state.supports.length === 2 && state.supports[1].negative')
        segment(page)
        assert page.js('state.queries[0].result.shares[0]') < shares[0]
        page.click('#supports .card:nth-child(2) input[type=checkbox]')
        assert not page.js('state.supports[1].negative')
        page.click('#supports .card:nth-child(2) input[type=checkbox]')
        assert not page.browser.find_element(By.ID, 'tools').is_displayed()


def near(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def test_one_click_shows_an_example(page) -> None:
    pytest.importorskip('skimage', reason='photographs are an extra')
    for number, photograph in enumerate(example_photographs(), start=1):
        page.wait("!document.querySelector('#examples button:disabled')")
        page.click(f'#examples button:nth-of-type({number})')
        page.wait(f'state.supports.length === 1 && state.supports[0].name === "{photograph.name}"')
        page.wait('state.queries.length === 1 && state.queries[0].result')
        labels = page.labels()
        assert labels.shape == photograph.query.shape[:2]
        label = page.label()
        expected = annotation_label(photograph.annotation, label.shape, photograph.name)
        for value in np.unique(expected):  # borders may differ by a pixel
            one, other = label == value, expected == value
            assert (one & ~near(other)).sum() < 0.01 * one.sum()
            assert (other & ~near(one)).sum() < 0.01 * other.sum()
    page.click('#clear')
    assert (page.label() == 0).all()
    page.click('#undo')
    np.testing.assert_array_equal(page.label(), label)


def test_examples_ask_before_they_replace_images_of_the_visitor(page, images) -> None:
    pytest.importorskip('skimage', reason='photographs are an extra')
    page.add('#support-files', images[0])
    page.wait("document.querySelectorAll('#examples button').length === 3")
    page.click('#examples button')
    page.browser.switch_to.alert.dismiss()
    page.wait("!document.querySelector('#examples button:disabled')")
    assert page.js('state.supports[0].name') == 'object'


def test_without_photographs_the_page_says_what_to_install(browser, address, monkeypatch) -> None:
    visits.examples.cache_clear()
    monkeypatch.setitem(sys.modules, 'skimage', None)
    page = Page(browser, address)
    page.wait("document.getElementById('examples').textContent.includes('pip install')")


@pytest.mark.parametrize('width', [390, 320, 1100])
def test_nothing_is_cut_off(page, images, width) -> None:
    size = dict(width=width, height=844, deviceScaleFactor=1, mobile=width < 500)
    page.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)
    try:
        long_name = images[0].parent / f'{"a_long_name_" * 8}.png'
        shutil.copy(images[0], long_name)
        page.add('#support-files', images[1], long_name)
        page.click('#supports .card:nth-child(2) .show')
        page.drag('box', (10, 20), (30, 40))
        page.click('#supports .card:nth-child(1) .show')
        page.drag('box', (30, 20), (50, 40))
        page.add('#query-files', images[2], long_name)
        segment(page)
        outside = page.js(
            "[...document.querySelectorAll('body *')].filter((one) => one.offsetParent && "
            'one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)'
        )
        assert outside == []
        assert page.js('document.documentElement.scrollWidth') <= width
        cut = page.js(
            "[...document.querySelectorAll('button, .button, p, .class')].filter((one) => "
            'one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map((one) => one.outerHTML)'
        )
        assert cut == []
    finally:
        page.browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
