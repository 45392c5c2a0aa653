"""Hook of MkDocs: the pages of the site, those outside of ``docs/`` included."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = (
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'docs/*.md',
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
