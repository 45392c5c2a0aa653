"""docs/use_in_your_config.md shows every part that a config may take, in at most ten lines each."""

import re
from pathlib import Path

from mmengine.config import Config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / 'docs' / 'use_in_your_config.md').read_text(encoding='utf-8')
REGISTERED = re.compile(r'^@register\((?:MODELS|METRICS)\b.*\nclass (\w+)', re.M)
PARTS = ('Head', 'Segmentor', 'RCNN', 'GatedSCNN', 'Upsampling', 'Metric', 'TTAModel')


BASE = re.compile(r'^\| (?:MMDetection|MMSegmentation|this package) \| `(.+)` \|$', re.M)


def parts() -> set[str]:
    sources = (ROOT / 'mmfewshot_seg').rglob('*.py')
    names = {name for path in sources for name in REGISTERED.findall(path.read_text())}
    return {name for name in names if name.endswith(PARTS)}


def test_every_part_is_shown() -> None:
    assert {'PANetHead', 'RefineRoIHead', 'BoundaryFMetric'} <= parts()
    assert not {name for name in parts() if not re.search(rf'\b{name}\b', PAGE)}


def test_configs_of_installed_packages_are_found(tmp_path) -> None:
    bases = BASE.findall(PAGE)
    assert len(bases) == 3
    if not (ROOT / 'mmfewshot_seg/.mim/configs').exists():  # made when the package is installed
        bases.pop()
    for base in bases:
        (tmp_path / 'config.py').write_text(f'_base_ = {base}\n')
        assert 'model' in Config.fromfile(tmp_path / 'config.py')


def test_ten_lines_suffice() -> None:
    blocks = re.findall(r'^```python\n(.*?)^```', PAGE, re.M | re.S)
    assert len(blocks) > 10
    assert not [block for block in blocks if len(block.strip().splitlines()) > 10]
