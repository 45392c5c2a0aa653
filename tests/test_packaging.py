"""Wheels and editable installs carry the configs where MIM and MMEngine look for them."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
SOURCES = ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'LICENSE', 'README.md', 'CHANGELOG.md')
SOURCES += ('model-index.yml', 'requirements', 'configs', 'tools', 'mmfewshot_seg')


@pytest.fixture
def tree(tmp_path) -> Path:
    """A source tree of its own, with the remains of an earlier editable install."""
    target = tmp_path / 'tree'
    target.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns('.mim', '__pycache__')
            shutil.copytree(ROOT / name, target / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, target / name)
    stale = target / 'mmfewshot_seg' / '.mim'
    stale.mkdir()
    (stale / 'stale.py').touch()
    (stale / 'configs').symlink_to(target / 'configs')
    return target


def build(tree: Path, hook: str) -> Path:
    """Call the hook that pip calls, without pip and network; the one file it makes."""
    out = tree.parent / hook
    out.mkdir()
    code = f'import setuptools.build_meta as b; b.{hook}({str(out)!r})'
    run = subprocess.run([sys.executable, '-c', code], cwd=tree, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (made,) = out.iterdir()
    return made


def files_under(folder: str) -> set[str]:
    paths = (ROOT / folder).rglob('*')
    return {str(p.relative_to(ROOT)) for p in paths if p.is_file() and p.suffix != '.pyc'}


def check_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    mim = {name.removeprefix('mmfewshot_seg/.mim/') for name in names if '/.mim/' in name}
    assert mim == files_under('configs') | files_under('tools') | {'model-index.yml'}
    assert {'mmfewshot_seg/registry.py', 'mmfewshot_seg/py.typed'} <= names
    assert not {name for name in names if name.startswith(('tests/', 'configs/', 'tools/'))}


@pytest.mark.slow
def test_wheel_holds_configs_and_no_leftovers(tree) -> None:
    check_wheel(build(tree, 'build_wheel'))


@pytest.mark.slow
def test_wheel_made_from_sdist_is_the_same(tree) -> None:
    sdist = build(tree, 'build_sdist')
    shutil.unpack_archive(sdist, tree.parent / 'unpacked')
    (unpacked,) = (tree.parent / 'unpacked').iterdir()
    shutil.rmtree(tree)
    check_wheel(build(unpacked, 'build_wheel'))


@pytest.mark.slow
def test_every_config_loads_from_an_installed_wheel(tree) -> None:
    """Where nothing of the checkout is to be found, neither as modules nor beside the configs."""
    site = tree.parent / 'site'
    pip = (sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-index')
    subprocess.run([*pip, '--target', site, build(tree, 'build_wheel')], check=True)
    shutil.rmtree(tree)
    run = subprocess.run(
        [sys.executable, ROOT / 'tests' / 'helpers' / 'installed_configs.py'],
        cwd=site.parent,
        env={**os.environ, 'PYTHONPATH': str(site)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    num_configs = len(list((ROOT / 'configs').glob('[!_]*/*.py')))
    assert run.stdout.splitlines()[-1] == f'{site / "mmfewshot_seg"} {num_configs}'


@pytest.mark.slow
def test_editable_install_links_configs(tree) -> None:
    build(tree, 'build_editable')
    mim = tree / 'mmfewshot_seg' / '.mim'
    assert {path.name for path in mim.iterdir()} == {'configs', 'tools', 'model-index.yml'}
    assert (mim / 'configs').resolve() == tree / 'configs'
    assert (mim / 'model-index.yml').samefile(tree / 'model-index.yml')


def test_setup_needs_neither_torch_nor_hosts() -> None:
    """The installed requirements must not lay one host stack over the other."""
    code = (
        "import sys; sys.argv = ['setup.py', '--version']; import runpy\n"
        "runpy.run_path('setup.py')\n"
        "print([m for m in ('torch', 'mmengine', 'mmfewshot_seg') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    version = re.search(r"'(.+)'", (ROOT / 'mmfewshot_seg/version.py').read_text()).group(1)
    assert run.stdout.splitlines()[-2:] == [version, '[]'], run.stderr
    required = (ROOT / 'requirements' / 'runtime.txt').read_text().split('\n')
    names = {line for line in required if line and not line.startswith('#')}
    assert not {name for name in names if re.match(r'(onedl-)?mm|torch', name)}


def test_model_index_leads_to_shipped_configs() -> None:
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    listed = []
    for metafile in index['Import']:
        models = yaml.safe_load((ROOT / metafile).read_text())['Models']
        listed += [model['Config'] for model in models]
        assert all(Path(model['Config']).stem == model['Name'] for model in models)
    shipped = {str(p.relative_to(ROOT)) for p in (ROOT / 'configs').glob('[!_]*/*.py')}
    assert len(listed) == len(set(listed))
    assert listed
    assert set(listed) <= shipped


MODULES = dict(pillow='PIL')  # of distributions that are not named like what they provide
# With the host stacks: torch brings typing_extensions, MMEngine yaml; timm brings torchvision.
HOSTS = {
    'torch',
    'torchvision',
    'mmengine',
    'mmcv',
    'mmdet',
    'mmseg',
    'cv2',
    'typing_extensions',
    'yaml',
}
OPTIONAL = {
    'skimage',
    'lvis',
    'tifffile',
    'onnx',
    'onnxruntime',
    'onnxscript',
}  # what needs them tells how to install them


def test_runtime_requirements_are_what_the_package_imports() -> None:
    imported = set()
    for path in (ROOT / 'mmfewshot_seg').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.partition('.')[0])
    lines = (ROOT / 'requirements/runtime.txt').read_text().splitlines()
    required = {MODULES.get(line, line) for line in lines if not line.startswith('#')}
    known = {*sys.stdlib_module_names, 'mmfewshot_seg'}
    assert imported - known - HOSTS - OPTIONAL == required
