"""The page in headless Chromium: paints masks, gets masks; skipped where there is no Chromium."""

import shutil
import sys
from threading import Thread

import cv2
import numpy as np
import pytest
from helpers.fewshot_models import fewshot_inferencer

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.apis.annotations import annotation_label
from mmfewshot_seg.apis.photographs import example_photographs
from mmfewshot_seg.web import make_server, visits
from mmfewshot_seg.web.visits import decode_image, decode_mask

pytest.importorskip('selenium', reason='selenium is not installed')
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'chrome'))), None)
DRIVER = shutil.which('chromedriver')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason='no Chromium with chromedriver'),
]
MASK = "return maskOf(chosen, chosen.strokes, {object: 'rgb(255,0,0)', background: 'rgb(0,0,255)'})"


class Page:
    """The page as a visitor uses it."""

    def __init__(self, browser, address: str) -> None:
        self.browser = browser
        browser.get(address)

    def click(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def upload(self, selector: str, *paths) -> None:
        field = self.browser.find_element(By.CSS_SELECTOR, selector)
        field.send_keys('\n'.join(map(str, paths)))

    def wait(self, condition: str):
        return WebDriverWait(self.browser, 30).until(
            lambda browser: browser.execute_script(f'return {condition}')
        )

    def drag(self, tool: str, *points: tuple[float, float]) -> None:
        """Press at the first point of the image, move along the others, release."""
        self.click(f'[data-tool={tool}]')
        actions = self._at(ActionChains(self.browser, 20), points[0]).click_and_hold()
        for point in points[1:]:
            self._at(actions, point)
        actions.release().perform()

    def click_corners(self, *points: tuple[float, float]) -> None:
        self.click('[data-tool=polygon]')
        for point in points:
            self._at(ActionChains(self.browser, 20), point).click().perform()

    def _at(self, actions: ActionChains, point: tuple[float, float]) -> ActionChains:
        canvas = self.browser.find_element(By.ID, 'canvas')
        width, height = self.browser.execute_script(
            'return [chosen.image.naturalWidth, chosen.image.naturalHeight]'
        )
        x = point[0] / width * canvas.size['width'] - canvas.size['width'] / 2
        y = point[1] / height * canvas.size['height'] - canvas.size['height'] / 2
        return actions.move_to_element_with_offset(canvas, round(x), round(y))

    def label(self) -> np.ndarray:
        """What the chosen image's paint says to the server."""
        return decode_mask(self.browser.execute_script(MASK + '.toDataURL()'))

    def message(self) -> str:
        return self.browser.find_element(By.ID, 'message').text


@pytest.fixture(scope='module')
def inferencer(tmp_path_factory) -> FewShotInferencer:
    return fewshot_inferencer(tmp_path_factory.mktemp('web'))


@pytest.fixture(scope='module')
def address(inferencer):
    server = make_server(inferencer, port=0)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/'
    server.shutdown()
    server.server_close()


@pytest.fixture(scope='module')
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage'):
        options.add_argument(argument)
    options.add_argument('--window-size=1500,1300')
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield browser
    browser.quit()


@pytest.fixture
def page(browser, address) -> Page:
    page = Page(browser, address)
    page.wait('colours.length')
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


def test_paints_two_classes_and_gets_their_masks(page, images, inferencer, tmp_path) -> None:
    red, green, both = images
    page.upload('#support-files', red, green)
    page.wait('supports.length === 2')
    for number, name in enumerate(('red', 'green'), start=1):
        page.click(f'#supports .card:nth-child({number}) canvas')
        field = page.browser.find_element(
            By.CSS_SELECTOR, f'#supports .card:nth-child({number}) input'
        )
        field.clear()
        field.send_keys(name)
        left = 10 if name == 'red' else 30
        page.drag('box', (left, 20), (left + 20, 40))
        label = page.label()
        assert label[30, left + 10] == 1 and label[5, 5] == 0
        assert abs(int(label.sum()) - 400) < 60
    page.upload('#query-files', both)
    page.wait('queries.length === 1')
    page.click('#segment')
    page.wait("document.getElementById('message').textContent.startsWith('Done')")
    labels = decode_image(page.browser.execute_script('return queries[0].labels'))[..., 0]
    assert labels.shape == (60, 80)
    for way, left in ((1, 10), (2, 50)):  # even the untrained network knows red from green
        inside = labels[20:40, left : left + 20]
        assert (inside == way).mean() > 0.3 and (inside == 3 - way).mean() < 0.1
    link = page.browser.find_element(By.CSS_SELECTOR, '#queries a')
    assert link.get_attribute('download') == 'both.png'
    assert link.get_attribute('href') == page.browser.execute_script('return queries[0].labels')
    legend = page.browser.find_element(By.ID, 'legend').text
    assert 'red' in legend and 'green' in legend
    # The same as without the page.
    page.click('#supports .card:nth-child(1) canvas')
    masks = [page.label()]
    page.click('#supports .card:nth-child(2) canvas')
    masks.append(page.label())
    inferencer.set_support([str(red), str(green)], masks, ['red', 'green'])
    np.testing.assert_array_equal(inferencer(str(both))['predictions'][0]['label_map'], labels)
    shown = page.browser.execute_script('return queries[0].picture.src === queries[0].overlay')
    page.click('#queries img')
    assert shown and page.wait('queries[0].picture.src === queries[0].url')
    page.browser.save_screenshot(str(tmp_path / 'page.png'))
    assert not [entry for entry in page.browser.get_log('browser') if entry['level'] == 'SEVERE']


def test_tools_paint_what_they_say(page, images) -> None:
    page.upload('#support-files', images[0])
    page.wait('supports.length === 1')
    page.drag('brush', (10, 10), (40, 10))
    label = page.label()
    assert label[10, 25] == 1 and set(np.unique(label)) == {0, 1}
    page.drag('eraser', (25, 5), (25, 15))
    assert page.label()[10, 25] == 0 and page.label()[10, 12] == 1
    page.click('#undo')
    np.testing.assert_array_equal(page.label(), label)
    page.click_corners((50, 30), (75, 30), (75, 55), (50, 55), (50, 30))
    label = page.label()
    assert label[42, 62] == 1 and label[42, 45] == 0
    assert abs(int((label[25:] == 1).sum()) - 25 * 25) < 80
    page.drag('background', (5, 50), (30, 50))
    label = page.label()
    assert label[50, 15] == 0 and label[10, 25] == 1 and label[25, 5] == 255
    page.click('#clear')
    assert (page.label() == 0).all()


def test_mistakes_are_told_on_the_page(page, images) -> None:
    page.click('#segment')
    assert 'First add an image' in page.message()
    page.upload('#support-files', images[0])
    page.wait('supports.length === 1')
    page.upload('#query-files', images[2])
    page.wait('queries.length === 1')
    page.click('#segment')
    page.wait("document.getElementById('message').className === 'error'")
    assert "support 1 of 'object': the mask marks no pixel" in page.message()
    (images[0].parent / 'text.png').write_text('no image')
    page.upload('#query-files', images[0].parent / 'text.png')
    page.wait("document.getElementById('message').textContent.includes('text.png')")


def near(mask: np.ndarray) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def test_one_click_shows_an_example(page) -> None:
    pytest.importorskip('skimage', reason='photographs are an extra')
    for number, photograph in enumerate(example_photographs(), start=1):
        page.wait("!document.querySelector('#examples button:disabled')")
        page.click(f'#examples button:nth-of-type({number})')
        page.wait(f'supports.length === 1 && supports[0].name === "{photograph.name}"')
        page.wait('queries.length === 1 && queries[0].labels')
        labels = decode_image(page.browser.execute_script('return queries[0].labels'))
        assert labels.shape[:2] == photograph.query.shape[:2]
        label = page.label()
        expected = annotation_label(photograph.annotation, label.shape, photograph.name)
        for value in np.unique(expected):  # borders may differ by a pixel
            one, other = label == value, expected == value
            assert (one & ~near(other)).sum() < 0.01 * one.sum()
            assert (other & ~near(one)).sum() < 0.01 * other.sum()
    page.click('#undo')
    assert (page.label() == 1).sum() < (label == 1).sum()


def test_examples_ask_before_they_replace_images_of_the_visitor(page, images) -> None:
    pytest.importorskip('skimage', reason='photographs are an extra')
    page.upload('#support-files', images[0])
    page.wait('supports.length === 1')
    page.wait("document.querySelectorAll('#examples button').length === 3")
    page.click('#examples button')
    page.browser.switch_to.alert.dismiss()
    page.wait("!document.querySelector('#examples button:disabled')")
    assert page.browser.execute_script('return supports[0].name') == 'object'


def test_without_photographs_the_page_says_what_to_install(browser, address, monkeypatch) -> None:
    visits.examples.cache_clear()
    monkeypatch.setitem(sys.modules, 'skimage', None)
    page = Page(browser, address)
    page.wait("document.getElementById('examples').textContent.includes('pip install')")


def test_nothing_is_cut_off_on_a_phone(page, images) -> None:
    size = dict(width=390, height=844, deviceScaleFactor=1, mobile=True)
    page.browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', size)
    try:
        page.upload('#support-files', images[0])
        page.wait('supports.length === 1')
        outside = page.browser.execute_script(
            "return [...document.querySelectorAll('body *')].filter((one) => "
            'one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)'
        )
        assert outside == []
    finally:
        page.browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})
