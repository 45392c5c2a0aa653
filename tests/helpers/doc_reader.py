"""A reader who tries a page from top to bottom, in one shell and one Python session.

Blocks of shell are run by bash, with stand-ins for the programs of ``doc_programs``, which write
down their calls. The calls are made afterwards, in the process of the test.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from glob import glob
from pathlib import Path

import torch
from helpers.doc_blocks import ROOT, Block
from helpers.doc_data import host_config
from helpers.doc_programs import PROGRAMS, reader_process
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfewshot_seg.registry import MODELS

STAND_IN = f"""#!{sys.executable} -SE
import json, os, sys
with open({{calls!r}}, 'a') as file:
    print(json.dumps([sys.argv, os.getcwd(), dict(os.environ)]), file=file)
"""
OPTIONAL = re.compile(r'(?<=\s)\[(?=[-.\w])[^\[\]]*\]')
BASE = re.compile(r"^_base_ = '(?:\./)?(.+)'", re.M)


class Reader:
    """Tries blocks; what a block needs of earlier ones is done before it.

    Args:
        folder: A workspace of its own.
        blocks: Those of the page, in order.
    """

    def __init__(self, folder: Path, blocks: list[Block]) -> None:
        self.folder, self.blocks = folder, blocks
        self.environment = dict(os.environ, OWN_COCO='mine')
        self.words: dict[str, str] = {}
        self.session: dict = {}
        self._outcomes: dict[Block, BaseException | None] = {}

    def try_block(self, block: Block) -> None:
        """Run a block once.

        Raises:
            Exception: What went wrong in it; not what went wrong in an earlier one.
        """
        for one in self.blocks[: self.blocks.index(block) + 1]:
            if one not in self._outcomes:
                try:
                    EXECUTORS[one.language](self, one)
                    self._outcomes[one] = None
                except (Exception, SystemExit) as error:
                    self._outcomes[one] = error
        if self._outcomes[block]:
            raise self._outcomes[block]

    def needs(self, block: Block) -> None:
        """Words that stand for something, and files of random weights: ``<name>.pth=<config>``."""
        for name, _, meaning in (pair.partition('=') for pair in shlex.split(block.text)):
            if name.endswith('.pth'):
                with reader_process(self.folder, self.environment):
                    write_random_weights(self.words.get(meaning, meaning), Path(name))
            else:
                self.words[name] = meaning

    def shell(self, block: Block) -> None:
        """Run by bash; of a synopsis what is not optional, and its options exist."""
        script = block.text.replace('\\\n', ' ')
        self._run('\n'.join(self._command(line) for line in script.splitlines()))

    def _command(self, line: str) -> str:
        while found := OPTIONAL.findall(line):
            line = OPTIONAL.sub('', line)
            tool = ROOT / re.search(r'tools/\S+', line)[0]
            for option in re.findall(r'--[\w-]+', ' '.join(found)) if tool.suffix == '.py' else ():
                assert f"'{option}'" in tool.read_text(), f'{tool} has no {option}'
        for word, meaning in self.words.items():
            line = re.sub(rf'\b{word}\b', meaning, line)
        return line

    def _run(self, script: str) -> None:
        stand_ins, calls = self.folder / '.stand_ins', self.folder / '.calls'
        stand_ins.mkdir(exist_ok=True)
        calls.unlink(missing_ok=True)
        for name in PROGRAMS:
            (stand_ins / name).write_text(STAND_IN.format(calls=str(calls)))
            (stand_ins / name).chmod(0o755)
        path = self.environment['PATH']
        subprocess.run(  # the last call tells the environment that the block leaves
            ['bash', '-euo', 'pipefail', '-c', f'{script}\npython'],
            cwd=self.folder,
            env={**self.environment, 'PATH': f'{stand_ins}:{path}'},
            check=True,
        )
        made = [json.loads(line) for line in calls.read_text().splitlines()]
        self.environment = {**made.pop()[2], 'PATH': path}
        for (program, *words), folder, environment in made:
            with reader_process(folder, {**environment, 'PATH': path}) as patch:
                # bash has not seen the files that the calls before this one made
                arguments = [file for word in words for file in sorted(glob(word)) or [word]]
                status = PROGRAMS[Path(program).name](arguments, patch)
            assert status == 0, f'{shlex.join([Path(program).name, *words])} ended with {status}'

    def python(self, block: Block) -> None:
        """A file is written, a config trains for a step, anything else goes on in the session."""
        if named := re.match(r'# ([\w/]+\.py)\n', block.text):
            path = self.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        elif base := BASE.search(block.text):
            if not (self.folder / base[1]).exists():
                (self.folder / base[1]).write_text(f'_base_ = {str(host_config(base[1]))!r}\n')
            self._try_config(f'block_{block.line}', block.text)
        else:
            with reader_process(self.folder, self.environment):
                exec(compile(block.text, str(block), 'exec'), self.session)

    def _try_config(self, name: str, text: str) -> None:
        (self.folder / f'{name}.py').write_text(text)
        self._run(f'python tools/train.py {name}.py --work-dir {name}')
        if re.search('^(test|tta)_', text, re.M):
            tta = '--tta' if 'tta_model' in text else ''
            self._run(f'python tools/test.py {name}.py $(cat {name}/last_checkpoint) {tta}')

    def bibtex(self, block: Block) -> None:
        """Braces close, and there is what a citation needs."""
        assert re.fullmatch(r'@\w+\{\w+,\n(  \w+=\{.+\},?\n)+\}\n', block.text)
        for key in ('title', 'author', 'year'):
            assert f'  {key}=' in block.text


EXECUTORS = dict(
    needs=Reader.needs,
    shell=Reader.shell,
    python=Reader.python,
    bibtex=Reader.bibtex,
)


def write_random_weights(config: str, path: Path) -> None:
    """A checkpoint of a config's model as it begins."""
    loaded = Config.fromfile(config)
    init_default_scope(loaded.default_scope)
    torch.manual_seed(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=MODELS.build(loaded.model).state_dict(), meta={}), path)
