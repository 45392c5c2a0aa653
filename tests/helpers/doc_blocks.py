"""What the pages of the documentation tell readers to type: fenced blocks and inline commands."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r'^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$', re.M | re.S)
COMMAND = re.compile(r'`(?P<text>(?:python|pip|make|mim|bash|tools/\w+\.sh)\s[^`]+)`')


@dataclass(frozen=True)
class Block:
    """A fenced block, or a command within a sentence, which counts as a block of shell.

    Attributes:
        page: Path from the root of the repository.
        line: Where the block begins.
        language: What follows the fence; without one a block is a tree or a picture.
        text: Its lines, without a common indentation.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f'{self.page}:{self.line}'


def pages() -> list[Path]:
    """All pages that users read."""
    folders = (ROOT / 'docs').glob('*.md'), (ROOT / 'configs').rglob('README.md')
    return [ROOT / 'README.md', *sorted(path for folder in folders for path in folder)]


def blocks_of(page: Path) -> list[Block]:
    """Blocks of a page in the order of reading; those without a language are left out."""
    text, name = page.read_text('utf-8'), str(page.relative_to(ROOT))
    found = [
        Block(name, _line(text, match), match['language'], dedent(match['text']))
        for match in FENCE.finditer(text)
        if match['language']
    ]
    prose = FENCE.sub(lambda match: '\n' * match[0].count('\n'), text)
    found += [
        Block(name, _line(prose, match), 'shell', re.sub(r'\s+', ' ', match['text']) + '\n')
        for match in COMMAND.finditer(prose)
    ]
    return sorted(found, key=lambda block: block.line)


def _line(text: str, match: re.Match) -> int:
    return text.count('\n', 0, match.start()) + 1
