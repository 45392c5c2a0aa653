"""A reader who tries a page from top to bottom, in one shell and one Python session."""

import ast
import os
import re
from pathlib import Path

import torch
from helpers.doc_blocks import ROOT, Block
from helpers.doc_data import host_config
from helpers.doc_programs import PROGRAMS, answer, reader_process
from helpers.doc_shell import Call, run_shell
from helpers.doc_weights import write_random

PANET = 'configs/panet/panet_r18-d8_1xb8-2k_class-folder.py'
ASGNET = 'configs/asgnet/asgnet_r18-d8_1xb8-2k_class-folder.py'
ASGNET_PASCAL = 'configs/asgnet/asgnet_r50-d8_1xb4-300k_pascal5i-fold0-1shot.py'
REFINEMASK = 'configs/refinemask/refinemask_r50_fpn_1x_coco.py'
ZSI = 'configs/zsi/zsi_r50_fpn_1x_coco-48-17.py'

# What CONFIG or MODEL means: the first row whose part is in the page's path or in the command.
CONFIGS = {
    'tools/zeroshot_demo.py': ZSI,
    'configs/asgnet': ASGNET_PASCAL,
    'docs/export.md': 'configs/danet/danet_lite0-d16_1xb4-1k_camvid.py',
    'docs/few_shot.md': ASGNET,
    'docs/instance.md': REFINEMASK,
    'docs/semantic.md': 'configs/gscnn/fcn_lite0-d16_1xb4-1k_camvid.py',
    'docs/zero_shot.md': ZSI.replace('.py', '-gzsi.py'),
    'zeroshot_baselines.py': ZSI.replace('48-17', '65-15'),
    '': PANET,
}
# Other words in capitals, and dots that readers fill in.
WORDS = {
    'SYSTEM': 'panet',
    'PROCESSES': '2',
    'CASE ...': 'panet_head_1shot',
    'CLASS_FOLDER=...': 'CLASS_FOLDER=mine',
    'CAMVID_DATA=...': 'CAMVID_DATA=data/camvid',
}
# Checkpoints of earlier days: random weights of a config.
WEIGHTS = {
    'work_dirs/demo/train/iter_350.pth': 'configs/panet/panet_r18-d8_1xb8-350_drawn.py',
    'zsi.pth': ZSI.replace('r50', 'r101').replace('48-17', '65-15'),
    'gscnn_wrn38.pth': 'configs/gscnn/gscnn_wrn38-d8_8xb1-175e_cityscapes-720x720.py',
    'epoch_12.pth': 'configs/zsi/zsi_r50_fpn_1x_own-coco.py',
    'refinemask_r50_coco.pth': REFINEMASK,
}
# The config that a part of a config is put into: the first row whose pattern is in the part.
BASES = {
    'TimmEncoder': 'configs/gscnn/fcn_lite0-d16_1xb4-1k_camvid.py',
    'ASGNetHead': 'your_few_shot_config.py',
    'protocol=': ASGNET_PASCAL,
    'BoundaryCocoMetric|MaskTTAModel': REFINEMASK,
    'FewShot': PANET,
    'ZeroShot': 'configs/zsi/zsi_r50_fpn_1x_own-coco.py',
    'BoundaryFMetric|GenerateShapeEdge': 'configs/gscnn/gscnn_r18-d8_1xb4-1k_camvid.py',
}
# Data of a zero-shot model in a config of MMDetection's.
ZERO_SHOT_DATA = """
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmfewshot_seg.ZeroShotCocoDataset',
        split=split,
        mode='seen',
        ann_file='mine/annotations/instances_train_seen.json',
        data_prefix=dict(img='mine/train/'),
        pipeline=_base_.train_pipeline,
    )
)
val_cfg = val_dataloader = val_evaluator = None
"""
OPTIONAL = re.compile(r'(?<=\s)\[(?=[-.\w])[^\[\]]*\]')


class Reader:
    """Tries blocks; what a block needs of earlier ones is done before it.

    Args:
        folder: A workspace of its own.
        blocks: Those of the page, in order.
    """

    def __init__(self, folder: Path, blocks: list[Block]) -> None:
        self.folder, self.blocks = folder, blocks
        self.environment = dict(os.environ, OWN_COCO='mine')
        self.session = {}
        self._outcomes: dict[Block, Exception | None] = {}

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

    def shell(self, block: Block) -> None:
        """Run by bash; of a synopsis what is not optional, and its options exist."""
        script = block.text.replace('\\\n', ' ')
        for word, meaning in WORDS.items():
            script = script.replace(word, meaning)
        lines = [self._command(block, line) for line in script.splitlines()]
        errors = []

        def tell(call: Call) -> int:
            try:
                return answer(call)
            except Exception as error:
                errors.append(error)
                return 1

        try:
            self.environment = run_shell(
                '\n'.join(lines), self.folder, self.environment, [*PROGRAMS], tell
            )
        except AssertionError as error:
            raise (errors or [error])[0] from error

    def _command(self, block: Block, line: str) -> str:
        plain, optional = line, ''
        while found := OPTIONAL.findall(plain):
            plain, optional = OPTIONAL.sub('', plain), optional + ' '.join(found)
        if optional:
            tool = re.search(r'tools/\S+', line)[0]
            if tool.endswith('.py'):
                for option in re.findall(r'--[\w-]+', optional):
                    assert f"'{option}'" in (ROOT / tool).read_text(), f'{tool} has no {option}'
        config = next(CONFIGS[part] for part in CONFIGS if part in block.page or part in line)
        weights = f'{Path(config).stem}.pth'
        if re.search(r'\b(CHECKPOINT|WEIGHTS)\b', plain):
            self._have_weights(weights, config)
            plain = re.sub(r'\b(CHECKPOINT|WEIGHTS)\b', weights, plain)
        self._have_named_weights(plain)
        return re.sub(r'\b(CONFIG|MODEL)\b', config, plain)

    def _have_named_weights(self, text: str) -> None:
        for name, config in WEIGHTS.items():
            if re.search(rf'(?<![\w/]){re.escape(name)}\b', text):
                self._have_weights(name, config)

    def _have_weights(self, name: str, config: str) -> None:
        if not (self.folder / name).exists():
            with reader_process(self.folder, self.environment):
                write_random(Path(config), Path(name))

    def python(self, block: Block) -> None:
        """A file is written; a script is run; a config, or a part of one, trains for a step."""
        if named := re.match(r'# ([\w/]+\.py)\n', block.text):
            path = self.folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            return
        kind = _kind_of(ast.parse(block.text))
        self._have_named_weights(block.text)
        if kind == 'script':
            with reader_process(self.folder, self.environment):
                self.session.update(_names_of(block.page, block.text, self.session))
                exec(compile(block.text, str(block), 'exec'), self.session)
            return
        text = block.text if kind == 'config' else _whole_config(block.text)
        if 'ZeroShotRoIHead' in text and 'dataset=' not in text:
            text += ZERO_SHOT_DATA
        name = f'block_{block.line}.py'
        for base in re.findall(r"^_base_ = '\./(.+)'", text, re.M):
            if not (self.folder / base).exists():
                (self.folder / base).write_text(f'_base_ = {str(host_config(base))!r}\n')
        (self.folder / name).write_text(text)
        commands = [f'python tools/train.py {name} --work-dir {name}_run']
        if re.search('^(test|tta)_', text, re.M):
            test = f'python tools/test.py {name} $(cat {name}_run/last_checkpoint)'
            commands.append(test + ' --tta' * ('tta_model' in text))
        self.shell(Block(block.page, block.line, 'shell', '\n'.join(commands)))

    def bibtex(self, block: Block) -> None:
        """Braces close, and there is what a citation needs."""
        assert re.fullmatch(r'@\w+\{\w+,\n(  \w+=\{.+\},?\n)+\}\n', block.text)
        for key in ('title', 'author', 'year'):
            assert f'  {key}=' in block.text


EXECUTORS = dict(
    shell=Reader.shell,
    bash=Reader.shell,
    python=Reader.python,
    bibtex=Reader.bibtex,
)


def _kind_of(tree: ast.Module) -> str:
    """``'config'``, ``'part'`` of one, or ``'script'``."""
    names = [ast.unparse(node.targets[0]) for node in tree.body if isinstance(node, ast.Assign)]
    if '_base_' in names:
        return 'config'
    values = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.Expr)]
    literal = [ast.unparse(value).startswith(('dict(', '[dict(')) for value in values]
    return 'part' if len(values) == len(tree.body) and all(literal) else 'script'


def _whole_config(part: str) -> str:
    """A config with the part in its place."""
    base = next(BASES[pattern] for pattern in BASES if re.search(pattern, part))
    # Pretrained weights of the base are those that its own page makes.
    text = f"_base_ = './{base}'\nmodel = dict(backbone=dict(init_cfg=None))\n"
    if part.startswith('dict('):  # the last transform before the item is packed
        return (
            f'{text}step = {part}'
            'pipeline = [*_base_.train_pipeline[:-1], step, _base_.train_pipeline[-1]]\n'
            'train_dataloader = dict(dataset=dict(pipeline=pipeline))\n'
        )
    text += part
    for name in re.findall(r'^(\w+) = ', part, re.M):
        if name in ('backbone', 'neck', 'decode_head', 'auxiliary_head'):
            text += f'model[{name!r}] = {name}\ndel {name}\n'
    return text


def _names_of(page: str, text: str, session: dict) -> dict:
    """What a script takes for granted."""
    if page != 'docs/few_shot.md' or 'model' in session:
        return {}
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmfewshot_seg.registry import MODELS

    config = Config.fromfile(PANET)
    init_default_scope(config.default_scope)
    return dict(
        model=MODELS.build(config.model).eval(),
        images=torch.randn(1, 1, 2, 3, 65, 65),
        masks=torch.ones(1, 1, 2, 65, 65, dtype=torch.long),
        queries=torch.randn(1, 3, 3, 49, 81),
    )
