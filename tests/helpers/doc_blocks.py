"""What the pages of the documentation tell readers to type, and notes on what that needs."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r'^ *```(?P<language>\w*)\n(?P<fenced>.*?)^ *```$'
    r'|<!-- test: (?P<needs>.*?) -->'
    r'|`(?P<shell>(?:python|pip|make|mim|bash|tools/\w+\.sh)\s[^`]+)`',
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A fenced block, a command within a sentence, or a note for the tests.

    Attributes:
        page: Path from the root of the repository.
        line: Where the block begins.
        language: What follows the fence; ``'shell'`` of a command, ``'needs'`` of a note.
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
    """Blocks of a page in the order of reading; a fence without a language is a tree of files."""
    text, name, found = page.read_text('utf-8'), str(page.relative_to(ROOT)), []
    for match in BLOCK.finditer(text):
        line = text.count('\n', 0, match.start()) + 1
        if match['fenced'] is None:
            language = 'needs' if match['needs'] else 'shell'
            found.append(Block(name, line, language, ' '.join(match[language].split()) + '\n'))
        elif match['language']:
            found.append(Block(name, line, match['language'], dedent(match['fenced'])))
    return found
