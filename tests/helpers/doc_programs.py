"""Programs that the documentation calls, as the test runs them: small, and in its own process."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from helpers.doc_shell import Call
from helpers.doc_small import last_checkpoint, small
from helpers.doc_weights import write_official
from mmengine.config import Config
from mmengine.utils import ManagerMixin
from packaging.requirements import Requirement

# Scripts of other repositories: nothing of them is here.
NOT_RUN = {
    'MMSEGMENTATION/tools/dataset_converters/cityscapes.py': "MMSegmentation's converter",
    'MMDETECTION/tools/dataset_converters/cityscapes.py': "MMDetection's converter",
}


def answer(call: Call) -> int:
    """Exit status of a program.

    Raises:
        Exception: What it raises, apart from ``SystemExit``.
    """
    with reader_process(call.folder, call.environment) as patch:
        return PROGRAMS[call.program](call.arguments, patch)


@contextmanager
def reader_process(folder, environment: dict[str, str]):
    """Folder, environment, modules and singletons of a process of its own; configs are small."""
    singletons = [ManagerMixin]
    for kind in singletons:
        singletons += kind.__subclasses__()
    before = {kind: dict(kind._instance_dict) for kind in singletons}
    with pytest.MonkeyPatch.context() as patch:
        for kind in singletons:
            kind._instance_dict.clear()
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        if 'PYTHONPATH' in environment:
            patch.syspath_prepend(str(Path(folder, environment['PYTHONPATH'])))
        patch.setattr(Config, 'fromfile', staticmethod(small))
        # Logs and dumps of configs without the line breaks that take a second.
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **style: (text, True))
        try:
            yield patch
        finally:
            for kind, instances in before.items():
                kind._instance_dict.clear()
                kind._instance_dict.update(instances)


def _python(arguments: list[str], patch) -> int:
    script, *rest = arguments
    if script == '-m':
        return _module(rest, patch)
    if script in NOT_RUN:
        return 0
    if '--help' in rest:
        return _run(script, rest, patch)
    if special := TOOLS.get(script.removeprefix('tools/')):
        return special(script, rest, patch)
    return _run(script, rest, patch)


def _module(arguments: list[str], patch) -> int:
    name, *rest = arguments
    if name == 'pip':
        return _pip(rest, patch)
    if name == 'pytest':  # cannot run within itself
        return subprocess.run([sys.executable, '-m', *arguments]).returncode
    raise AssertionError(f'python -m {name} is not known to the tests')


def _launch(script: str, arguments: list[str], patch) -> int:
    """One process stands for many, which tests/e2e/test_tools.py starts."""
    tool, processes, *options = arguments
    assert int(processes) > 0
    return _python([os.path.relpath(tool), *options], patch)


def _command(arguments: list[str], patch) -> int:
    """What the installed package calls."""
    if arguments[0] == '--help':
        return _run('mmfewshot_seg/__main__.py', arguments, patch)
    return _python([f'tools/{arguments[0]}.py', *arguments[1:]], patch)


def _run(script: str, arguments: list[str], patch) -> int:
    patch.setattr(sys, 'argv', [script, *arguments])
    patch.syspath_prepend(str(Path(script).resolve().parent))
    try:
        runpy.run_path(script, run_name='__main__')
    except SystemExit as stop:
        return stop.code or 0
    return 0


def _train(script: str, arguments: list[str], patch) -> int:
    """Leaves the checkpoint under the name that the whole training would give it."""
    if not torch.cuda.is_available():
        arguments = [word for word in arguments if word != '--amp']
    status = _run(script, arguments, patch)
    folder = Path('work_dirs', Path(arguments[0]).stem)
    if '--work-dir' in arguments:
        folder = Path(arguments[arguments.index('--work-dir') + 1])
    target = folder / last_checkpoint(arguments[0])
    if status == 0 and not target.exists():
        os.link((folder / 'last_checkpoint').read_text(), target)
    return status


def _convert(script: str, arguments: list[str], patch) -> int:
    """With a file in the layout of the official one."""
    write_official(arguments[0], Path(arguments[1]))
    return _run(script, arguments, patch)


def _draw(script: str, arguments: list[str], patch) -> int:
    """Few images for detectors, many small ones for episodes, which need each class twice."""
    from mmfewshot_seg.datasets import drawn

    detection = '--max-objects' in arguments
    count = 8 if detection else 200

    def few(out, num_train, num_test, size, **options):
        size, counts = size if detection else 64, (min(num_train, count), min(num_test, count))
        return draw(out, num_train=counts[0], num_test=counts[1], size=size, **options)

    draw = drawn.draw_dataset
    patch.setattr(drawn, 'draw_dataset', few)
    return _run(script, arguments, patch)


def _prepare(script: str, arguments: list[str], patch) -> int:
    """The stand-ins of the data sets have fewer images."""
    from mmfewshot_seg.datasets.prepare import coco_20i as prepare_coco_20i
    from mmfewshot_seg.datasets.prepare import pascal_5i as prepare_pascal_5i

    patch.setattr(prepare_pascal_5i, 'OFFICIAL_COUNTS', None)
    patch.setattr(prepare_coco_20i, 'OFFICIAL_COUNTS', {})
    return _run(script, arguments, patch)


def _compare(script: str, arguments: list[str], patch) -> int:
    from mmfewshot_seg.studies import compare

    def run_here(title, arguments, log, total) -> float:
        tool, *rest = map(str, arguments)
        assert _python([os.path.relpath(tool), *rest], patch) == 0, title
        return 0.0

    patch.setattr(compare, 'run_tool', run_here)
    return _run(script, arguments, patch)


def _benchmark(script: str, arguments: list[str], patch) -> int:
    """One case, tiny, in this process; that there are the others is checked."""
    patch.syspath_prepend(str(Path(script).resolve().parent))
    from benchmark import parse_args
    from benchmarks import measure

    patch.setattr(measure, 'in_own_process', lambda function, *args: function(*args))
    cases = parse_args(arguments).cases
    options = [word for word in arguments if word not in cases]
    return _run(script, [cases[0], '--tiny', *options], patch)


def _word_vectors(script: str, arguments: list[str], patch) -> int:
    """With a stand-in for the library."""

    class Network(torch.nn.Module):
        def encode_text(self, tokens):
            return tokens

    def tokenize(texts):
        return torch.tensor([[float(ord(letter)) for letter in f'{text:40}'] for text in texts])

    library = SimpleNamespace(
        create_model=lambda name, pretrained: Network(), get_tokenizer=lambda name: tokenize
    )
    patch.setitem(sys.modules, 'open_clip', library)
    return _run(script, arguments, patch)


def _web(script: str, arguments: list[str], patch) -> int:
    """The page is opened, then the server ends as by Ctrl+C."""
    from socketserver import BaseServer

    serve = BaseServer.serve_forever

    def serve_once(server) -> None:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        try:
            url = f'http://127.0.0.1:{server.server_port}'
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as page:
                assert b'<html' in page.read()
        finally:
            server.shutdown()
            thread.join()
        raise KeyboardInterrupt

    patch.setattr(BaseServer, 'serve_forever', serve_once)
    return _run(script, [*arguments, '--port', '0'], patch)


def _pip(arguments: list[str], patch) -> int:
    """Nothing is installed: files, extras and names of packages are checked."""
    words = iter(arguments)
    command = next(words)
    assert command in ('install', 'cache'), f'pip {command} is not known to the tests'
    if command == 'cache':
        return 0
    for word in words:
        if word in ('-r', '-c'):
            lines = Path(next(words)).read_text().splitlines()
            named = [line.partition('#')[0].strip() for line in lines]
            for line in filter(None, named):
                line.startswith('-') or Requirement(line)
        elif word == '-e':
            folder, extras = re.fullmatch(r'([^[]+)(?:\[([\w,]+)\])?', next(words)).groups()
            assert Path(folder, 'setup.py').exists()
            for extra in extras.split(',') if extras else ():
                assert f"'{extra}'" in Path('setup.py').read_text(), f'there is no extra {extra}'
        elif not word.startswith('-'):
            Requirement(word)
    return 0


def _make(arguments: list[str], patch) -> int:
    """Nothing is made: there is such a target, and make knows what to do for it."""
    return subprocess.run(['make', '-n', *arguments], stdout=subprocess.DEVNULL).returncode


def _labelme(arguments: list[str], patch) -> int:
    """A person marks the first image of a folder; later, corrects the first prediction."""
    (folder,) = map(Path, arguments)
    predictions = [
        path for path in sorted(folder.glob('*.json')) if 'predicted' in path.read_text()
    ]
    if predictions:
        content = json.loads(predictions[0].read_text())
        content['shapes'] = [dict(label='zebra', points=[[9, 9], [30, 9], [30, 30]])]
        predictions[0].write_text(json.dumps(content))
        return 0
    image = min(folder.glob('*.jpg'))
    shutil.copy('a.json', image.with_suffix('.json'))
    return 0


PROGRAMS = {
    'python': _python,
    'pip': _pip,
    'make': _make,
    'mmfewshot-seg': _command,
    'labelme': _labelme,
}
TOOLS = {
    'train.py': _train,
    'launch.py': _launch,
    'convert_checkpoint.py': _convert,
    'draw_dataset.py': _draw,
    'prepare_pascal5i.py': _prepare,
    'prepare_coco20i.py': _prepare,
    'make_word_vectors.py': _word_vectors,
    'web.py': _web,
    'analysis_tools/compare_configs.py': _compare,
    'analysis_tools/benchmark.py': _benchmark,
}
