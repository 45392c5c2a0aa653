"""Hook of MkDocs: the pages of the site, those outside of ``docs/`` included."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = (
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'docs/*.md',
    'docs/api/*.md',
    'docs/benchmarks/*.json',
    'docs/images/*',
    'docs/site.css',
    'configs/*/README.md',
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Give every page the path it has in the repository, where the same links then hold."""
    root = Path(config.config_file_path).parent
    pages = [
        File.generated(config, path.relative_to(root).as_posix(), abs_src_path=str(path))
        for pattern in PAGES
        for path in sorted(root.glob(pattern))
    ]
    of_theme = [file for file in files if file.src_dir != config.docs_dir]
    return Files([*of_theme, *pages])


def on_page_content(html: str, page: Page, **kwargs) -> str:
    """Docstrings without the marks of Sphinx, which Markdown does not know."""
    html = html.replace('<p>::</p>', '').replace('::</p>', ':</p>')  # before code
    role = r':(?:class|func|meth|mod|data|attr):'
    return re.sub(rf'{role}<code>~?(.+?)</code>', r'<code>\1</code>', html)
