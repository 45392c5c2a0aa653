"""Programs that the documentation calls, as the test runs them: small, and in its own process."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseServer
from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from helpers.official_files import official, official_fastfcn, pspnet_backbone
from helpers.small_configs import fromfile, small_config
from helpers.tool_calls import keep_dumps_short
from mmengine.config import Config
from mmengine.utils import ManagerMixin
from packaging.requirements import Requirement

from mmfewshot_seg.classes.word_vectors import read_word_vectors
from mmfewshot_seg.classes.zeroshot_splits import SPLITS
from mmfewshot_seg.datasets import drawn
from mmfewshot_seg.datasets.prepare import coco_20i, pascal_5i
from mmfewshot_seg.studies import compare, gpu_check

OFFICIAL = dict(
    panet='panet/manifest',
    asgnet='asgnet/manifest',
    danet='danet/manifest_danet101',
    gscnn='gscnn/manifest',
    refinemask='refinemask/manifest_detector_r50_coco',
    zsi='zsi/manifest_65_15',
)


@contextmanager
def reader_process(folder: Path, environment: dict[str, str]):
    """Folder, environment, modules and singletons of a process of its own; all is small."""
    kinds = [ManagerMixin]
    for kind in kinds:
        kinds += kind.__subclasses__()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        pytest.MonkeyPatch.context() as patch,
    ):
        for kind in kinds:
            patch.setattr(kind, '_instance_dict', type(kind._instance_dict)())
        patch.chdir(folder)
        if 'PYTHONPATH' in environment:
            patch.syspath_prepend(str(Path(folder, environment['PYTHONPATH'])))
        patch.setattr(Config, 'fromfile', staticmethod(small_config))
        keep_dumps_short(patch)
        draw = drawn.draw_dataset
        few = dict(num_train=200, num_test=200, size=64)  # episodes need each class twice
        patch.setattr(drawn, 'draw_dataset', lambda out, **options: draw(out, **(options | few)))
        patch.setattr(pascal_5i, 'OFFICIAL_COUNTS', None)
        patch.setattr(coco_20i, 'OFFICIAL_COUNTS', {})
        patch.setattr(compare, 'run_tool', lambda _, words, *__: _tool(map(str, words), patch))
        # which asks for the name of the last checkpoint
        patch.setattr(compare, 'load_config', lambda path, options: fromfile(path))
        patch.setitem(sys.modules, 'open_clip', _open_clip())
        yield patch


def _tool(words, patch) -> int:
    """A script, small."""
    script, *arguments = words
    script = os.path.relpath(script)
    if script == 'tools/launch.py':  # one process stands for many; tests/e2e start them
        if arguments[0] == '--max-restarts':
            arguments = arguments[2:]
        script, _, *arguments = arguments
    if script == 'tools/analysis_tools/gpu_check.py':  # tests/studies take its steps
        patch.setattr(gpu_check, 'STEPS', dict.fromkeys(gpu_check.STEPS, lambda check, step: {}))
        patch.setattr(gpu_check, 'describe_device', lambda device: {})
    if not torch.cuda.is_available():
        arguments = [word for word in arguments if word != '--amp']
    if script == 'tools/convert_checkpoint.py':
        _write_official(arguments[0], Path(arguments[1]))
    if script == 'tools/web.py':  # ends as by Ctrl+C
        arguments += ['--port', '0']
        patch.setattr(BaseServer, 'serve_forever', mock.Mock(side_effect=KeyboardInterrupt))
    patch.syspath_prepend(str(Path(script).resolve().parent))
    if script.endswith('/support_quality.py'):
        arguments += ['--trials', '1', '--shots', '2']
        arguments += ['--cfg-options', 'test_dataloader.dataset.fold=None']  # one class is too few
    if script.endswith('/benchmark.py'):
        arguments = ['panet_head_1shot', *arguments, '--tiny']
        patch.setattr('benchmarks.measure.in_own_process', lambda function, *args: function(*args))
    return _script(script, arguments, patch)


def _script(script: str, arguments: list[str], patch) -> int:
    patch.setattr(sys, 'argv', [script, *arguments])
    try:
        runpy.run_path(script, run_name='__main__')
    except SystemExit as stop:
        return stop.code or 0
    return 0


def _python(arguments: list[str], patch) -> int:
    if arguments[0] == '-m':
        return subprocess.run([sys.executable, *arguments]).returncode
    return _tool(arguments, patch)


def _srun(arguments: list[str], patch) -> int:
    """One process stands for many."""
    start = next(i for i, word in enumerate(arguments) if Path(word).name.startswith('python'))
    unbuffered, *words = arguments[start + 1 :]
    assert (unbuffered, words[-2:]) == ('-u', ['--launcher', 'slurm'])
    return _tool(words[:-2], patch)


def _labelme(arguments: list[str], patch) -> int:
    """A person marks the first image of a folder; later, corrects the first prediction."""
    folder = Path(arguments[0])
    for path in sorted(folder.glob('*.json')):
        if 'predicted' in path.read_text():
            shape = dict(label='zebra', points=[[9, 9], [30, 9], [30, 30]])
            path.write_text(json.dumps(json.loads(path.read_text()) | dict(shapes=[shape])))
            return 0
    shutil.copy('a.json', min(folder.glob('*.jpg')).with_suffix('.json'))
    return 0


def _command(arguments: list[str], patch) -> int:
    return _script('mmfewshot_seg/__main__.py', arguments, patch)


def _pip(arguments: list[str], patch) -> int:
    """Nothing is installed: files, extras and names of packages are checked."""
    for option, word in zip(arguments, arguments[1:], strict=False):
        if option in ('-r', '-c'):
            assert Path(word).is_file(), f'there is no {word}'
        elif not word.startswith('-'):
            requirement = Requirement(re.sub(r'^\.', 'mmfewshot_seg', word))
            if requirement.name == 'mmfewshot_seg':
                for extra in requirement.extras:
                    assert f"'{extra}'" in Path('setup.py').read_text(), f'no extra {extra}'
    return 0


def _make(arguments: list[str], patch) -> int:
    """Nothing is made: there is such a target, and make knows what to do for it."""
    return subprocess.run(['make', '-n', *arguments], stdout=subprocess.DEVNULL).returncode


PROGRAMS = {
    'python': _python,
    'pip': _pip,
    'make': _make,
    'mmfewshot-seg': _command,
    'srun': _srun,
    'labelme': _labelme,
}


def _open_clip() -> SimpleNamespace:
    """In place of the library, whose weights would be downloaded: letters are the vectors."""

    class Network(torch.nn.Module):
        def encode_text(self, tokens):
            return tokens

    def tokenize(texts):
        return torch.tensor([[float(ord(letter)) for letter in f'{text:40}'] for text in texts])

    return SimpleNamespace(
        create_model=lambda name, pretrained: Network(), get_tokenizer=lambda name: tokenize
    )


def _write_official(system: str, path: Path) -> None:
    """What is converted: a whole file, or, by its name, that of the backbone it starts from."""
    tensors = official_fastfcn() if system == 'fastfcn' else official(OFFICIAL[system])
    if path.name == 'resnet50_v2.pth':
        tensors = pspnet_backbone(official(OFFICIAL['asgnet']))
    if path.name == 'wider_resnet38.pth.tar':
        tensors = {f'module.{key}': tensors[key] for key in tensors if key.startswith('mod')}
    if system == 'zsi':  # holds the vectors that it was trained with
        seen = SPLITS['coco_65_15'].seen
        vectors = read_word_vectors('data/coco/word_w2v_withbg_65_15.txt', seen).select(seen)
        tensors['mask_head.conv_vec.weight'][1:] = torch.as_tensor(vectors)[..., None, None]
    torch.save(dict(state_dict=tensors), path)
