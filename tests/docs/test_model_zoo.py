"""Figures of docs/model_zoo.md are those of the metafiles and of the methods' pages."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ZOO = (ROOT / 'docs' / 'model_zoo.md').read_text(encoding='utf-8')
SYSTEMS = sorted(path.parent.name for path in ROOT.glob('configs/*/README.md'))


def section(title: str, text: str) -> str:
    """What stands below a heading of the second level."""
    return re.search(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', text, re.M | re.S)[1]


def tables(text: str) -> list[list[list[str]]]:
    """Tables of Markdown, as rows of cells, the heading first and without the rule below it."""
    blocks = re.findall(r'(?:^\|.*\|\n)+', text, re.M)
    rows = [[line.strip('|').split('|') for line in block.splitlines()] for block in blocks]
    return [
        [[cell.strip() for cell in row] for i, row in enumerate(block) if i != 1] for block in rows
    ]


def figures(text: str) -> set[str]:
    """Numbers with a decimal point in tables, as they are written."""
    cells = ' '.join(cell for table in tables(text) for row in table[1:] for cell in row)
    return set(re.findall(r'(?<![\w.])\d+\.\d+(?![\w.])', cells))


def reported(system: str) -> dict[str, dict[str, float]]:
    """Metrics per config of the metafile, where it has any."""
    models = yaml.safe_load((ROOT / 'configs' / system / 'metafile.yml').read_text())['Models']
    found = {}
    for model in models:
        for result in model.get('Results', []):
            assert result['Origin'] == 'reported'
            found.setdefault(model['Name'], {}).update(result['Metrics'])
    return found


def in_zoo() -> dict[str, dict[str, float]]:
    """Cells per config that stands in the first column; of equal headings the first counts."""
    found = {}
    for heading, *rows in tables(ZOO):
        for row in rows:
            if re.fullmatch(r'`\w[\w-]+`', row[0]):
                cells = reversed(list(zip(heading[1:], row[1:], strict=True)))
                found[row[0].strip('`')] = dict(cells)
    return found


@pytest.mark.parametrize('system', SYSTEMS)
def test_metafile_and_zoo_agree(system) -> None:
    zoo = in_zoo()
    for config, metrics in reported(system).items():
        assert {name: float(zoo[config][name]) for name in metrics} == metrics


def test_zoo_names_no_config_that_is_not_in_a_metafile() -> None:
    assert in_zoo().keys() == {config for system in SYSTEMS for config in reported(system)}


@pytest.mark.parametrize('system', SYSTEMS)
def test_every_figure_of_a_method_is_in_the_zoo(system) -> None:
    page = (ROOT / 'configs' / system / 'README.md').read_text(encoding='utf-8')
    published = figures(section('Results', page))
    assert published
    title = re.search('^# (.*)', page)[1]
    assert published <= figures(section(title, ZOO))


def test_means_of_folds_are_means() -> None:
    checked = 0
    for system in ('PANet', 'ASGNet'):
        for heading, *rows in tables(section(system, ZOO)):
            first = heading.index('fold 0')
            for row in rows:
                if all(folds := row[first : first + 4]):
                    mean = sum(map(float, folds)) / 4
                    assert abs(mean - float(row[heading.index('mIoU')])) <= 0.06
                    checked += 1
    assert checked == 8
