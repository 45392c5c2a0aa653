"""The built documents: complete, without broken links, read without a network."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ('README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'configs/*/README.md')
LOADING = {'script': 'src', 'img': 'src', 'link': 'href'}


class Page(HTMLParser):
    """Ids, links and what a browser fetches of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs) -> None:
        attrs = dict(attrs)
        self.ids.add(attrs.get('id'))
        if tag == 'a' and 'href' in attrs:
            self.links.append(attrs['href'])
        if LOADING.get(tag) in attrs:
            self.loaded.append(attrs[LOADING[tag]])


def documents() -> list[Path]:
    return [path for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]


def build(config: Path, site: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '-f', config, '-d', site]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope='module')
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('site')
    run = build(ROOT / 'mkdocs.yml', folder)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope='module')
def pages(site) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob('*.html')) if path.name != '404.html'}


@pytest.mark.slow
def test_every_document_is_a_page(site, pages) -> None:
    assert len(documents()) > 20
    for source in documents():
        page = site / source.relative_to(ROOT).with_suffix('.html')
        assert (page.with_name('index.html') if source.name == 'README.md' else page) in pages


@pytest.mark.slow
def test_links_and_anchors_lead_somewhere(pages) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            target, anchor = urldefrag(link)
            if urlparse(target).scheme:
                continue
            found = (path.parent / unquote(target)).resolve() if target else path
            if found.is_dir():
                found /= 'index.html'
            if not found.is_file() or anchor and found in pages and anchor not in pages[found].ids:
                broken.append(f'{path.name}: {link}')
    assert not broken


@pytest.mark.slow
def test_markdown_within_lists_is_understood(pages) -> None:
    """Indented by four spaces, a blank line after it: MkDocs wants that, GitHub takes it too."""
    for path in pages:
        text = re.sub('<pre.*?</pre>', '', path.read_text(encoding='utf-8'), flags=re.S)
        assert not re.search(r'^ *(\* |- |```)', text, re.M), path


@pytest.mark.slow
def test_examples_of_docstrings_are_code(pages) -> None:
    """Under ``Examples:``; any other heading makes a quotation of ``>>>``."""
    texts = {path: path.read_text(encoding='utf-8') for path in pages}
    assert any('class="gp"' in text for text in texts.values())  # Pygments' class of a prompt
    quoted = re.compile(r'<blockquote>\s*<blockquote>')
    assert not [path for path, text in texts.items() if quoted.search(text)]


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site, pages) -> None:
    assert not [link for page in pages.values() for link in page.loaded if urlparse(link).netloc]
    assert not [css.name for css in site.rglob('*.css') if 'url(http' in css.read_text()]


@pytest.mark.slow
def test_broken_link_lost_anchor_and_forgotten_page_stop_the_build(tmp_path) -> None:
    shutil.copytree(ROOT / 'docs', tmp_path / 'docs')
    (tmp_path / 'mmfewshot_seg').symlink_to(ROOT / 'mmfewshot_seg')
    for path in [ROOT / 'mkdocs.yml', *documents()]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (tmp_path / 'docs' / 'forgotten.md').write_text('[a](lost.md) [b](semantic.md#lost)')
    run = build(tmp_path / 'mkdocs.yml', tmp_path / 'site')
    assert run.returncode != 0
    for complaint in ('not included in the "nav"', "'lost.md'", "'#lost'"):
        assert complaint in run.stderr.replace('\n', ' '), run.stderr
