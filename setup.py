"""Packaging of mmfewshot_seg; imports neither torch nor the package itself.

MIM and MMEngine look for configs in ``mmfewshot_seg/.mim``. A wheel gets copies there; an
editable install gets links, so that edited configs count at once.
"""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.develop import develop
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).resolve().parent
PACKAGE = 'mmfewshot_seg'
MIM_ENTRIES = ('configs', 'tools', 'model-index.yml')


def fill_mim(package_dir: Path, link: bool) -> None:
    """Replace ``package_dir/.mim`` by fresh copies of, or links to, ``MIM_ENTRIES``.

    Raises:
        FileNotFoundError: If the source tree lacks one of them.
    """
    mim = package_dir / '.mim'
    if mim.exists():
        shutil.rmtree(mim)
    mim.mkdir(parents=True)
    for name in MIM_ENTRIES:
        source, target = ROOT / name, mim / name
        if not source.exists():
            raise FileNotFoundError(f'{source} is missing: build from a complete source tree')
        if link:
            try:
                target.symlink_to(source, target_is_directory=source.is_dir())
                continue
            except OSError:  # file systems and accounts without links: copy
                pass
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy2(source, target)


class BuildPyWithMim(build_py):
    """Part of every wheel build, also of one made from an sdist; copies into the build folder."""

    def run(self) -> None:
        """Build, then copy what ``.mim`` holds."""
        super().run()
        if not self.editable_mode:
            fill_mim(Path(self.build_lib) / PACKAGE, link=False)


class EditableWheelWithMim(editable_wheel):
    """``pip install -e``, which never calls ``develop`` when there is a pyproject.toml."""

    def run(self) -> None:
        """Link what ``.mim`` holds, then install."""
        fill_mim(ROOT / PACKAGE, link=True)
        super().run()


class DevelopWithMim(develop):
    """``python setup.py develop``."""

    def run(self) -> None:
        """Link what ``.mim`` holds, then install."""
        fill_mim(ROOT / PACKAGE, link=True)
        super().run()


def read_version() -> str:
    """The version that the package states."""
    text = (ROOT / PACKAGE / 'version.py').read_text(encoding='utf-8')
    return re.search(r"^__version__ = '([^']+)'$", text, re.MULTILINE).group(1)


def read_requirements(name: str) -> list[str]:
    """Lines of ``requirements/<name>.txt`` that are no comments."""
    lines = (ROOT / 'requirements' / f'{name}.txt').read_text(encoding='utf-8').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


setup(
    name=PACKAGE,
    version=read_version(),
    description='Few-shot, zero-shot and high-quality segmentation in MMDetection, MMSegmentation',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords='few-shot segmentation, semantic segmentation, MMSegmentation, MMDetection',
    classifiers=[
        'Development Status :: 4 - Beta',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    include_package_data=True,
    python_requires='>=3.10',
    install_requires=read_requirements('runtime'),
    extras_require={
        name: read_requirements(name)
        for name in ('docs', 'export', 'onedl', 'openmmlab', 'photos', 'test', 'web')
    },
    entry_points={'console_scripts': ['mmfewshot-seg = mmfewshot_seg.__main__:main']},
    cmdclass={
        'build_py': BuildPyWithMim,
        'develop': DevelopWithMim,
        'editable_wheel': EditableWheelWithMim,
    },
    zip_safe=False,
)
