"""Checkpoints are read as data: no code of a file runs, and each fault is named with its file."""

import builtins
import collections
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from helpers.hidden_code import Code, save_as_plain_pickle, save_with_code
from mmengine.logging import HistoryBuffer
from mmengine.optim import MultiStepLR
from mmengine.runner import CheckpointLoader, load_checkpoint

from mmfewshot_seg.checkpoints import CheckpointError, checkpoint_gate, read_checkpoint
from mmfewshot_seg.files.tensor_file import load_tensors

WRITERS = {
    'archive': save_with_code,
    'old format': lambda path, mark: save_with_code(
        path, mark, _use_new_zipfile_serialization=False
    ),
    'protocol 4': lambda path, mark: save_with_code(path, mark, pickle_protocol=4),
    'among weights': lambda path, mark: torch.save({'a': torch.ones(1), 'b': Code(mark)}, path),
    'no file of PyTorch': save_as_plain_pickle,
}


@pytest.mark.parametrize('kind', WRITERS)
def test_hidden_code_does_not_run(kind, tmp_path) -> None:
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    WRITERS[kind](path, mark)
    refused = r'a\.pth holds more than tensors and plain values \((posix|nt)\.mkdir\)'
    with pytest.raises(CheckpointError, match=rf'{refused}.*--trust-checkpoint'):
        read_checkpoint(path)
    with pytest.raises(ValueError, match=refused):
        load_tensors(path)
    with checkpoint_gate(), pytest.raises(CheckpointError, match=refused):
        load_checkpoint(torch.nn.Linear(1, 1), str(path))
    assert not mark.exists()


def test_trust_lets_it_run_and_ends(tmp_path) -> None:
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    save_with_code(path, mark)
    with checkpoint_gate(trust=True):
        assert read_checkpoint(path)['state_dict']['a'] == 1
    assert mark.exists()
    with pytest.raises(CheckpointError, match='run code'):
        read_checkpoint(path)
    hosts = CheckpointLoader._schemes
    with checkpoint_gate():
        assert CheckpointLoader._schemes.keys() == hosts.keys()
    assert CheckpointLoader._schemes is hosts


class _Asks:
    """Pickles as a call of ``function``."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    'asked',
    [
        _Asks(builtins.eval, '1'),
        _Asks(builtins.getattr, 'a', 'upper'),
        _Asks(builtins.getattr, HistoryBuffer, 'update'),
        _Asks(torch.load, 'other.pth'),
        _Asks(np.load, 'other.npy'),
        _Asks(torch.hub.download_url_to_file, 'http://localhost', 'x'),
        torch.nn.Linear(1, 1),
        collections.deque,
    ],
)
def test_names_that_are_not_of_data_are_refused(asked, tmp_path) -> None:
    torch.save(dict(state_dict={}, meta=asked), tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='a.pth holds more than'):
        read_checkpoint(tmp_path / 'a.pth')


def test_schemes_that_load_by_themselves_run_no_code_either(tmp_path, monkeypatch) -> None:
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    save_with_code(path, mark)

    def load_from_far(source: str, map_location: str | None = None) -> object:
        return torch.load(path, map_location=map_location, weights_only=False)

    schemes = {'far://': load_from_far, **CheckpointLoader._schemes}
    monkeypatch.setattr(CheckpointLoader, '_schemes', schemes)
    with pytest.raises(CheckpointError, match='far://a holds more than tensors'):
        read_checkpoint('far://a')
    assert not mark.exists()
    torch.save({'module.a': torch.ones(2)}, path)
    assert read_checkpoint('far://a')['state_dict']['a'].tolist() == [1, 1]


def test_a_scheme_that_is_registered_under_the_gate_stays(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(CheckpointLoader, '_schemes', dict(CheckpointLoader._schemes))
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    save_with_code(path, mark)
    with checkpoint_gate():
        CheckpointLoader.register_scheme(
            'late://', lambda source, map_location: torch.load(path, weights_only=False)
        )
        with pytest.raises(CheckpointError, match='late://a holds more than'):
            CheckpointLoader.load_checkpoint('late://a')
    assert not mark.exists()
    CheckpointLoader.load_checkpoint('late://a')  # the gate is down
    assert mark.exists()


def test_gates_of_threads_that_overlap(tmp_path) -> None:
    """Each thread has its own: neither trust nor the end of a gate reaches another one."""
    path, mark = tmp_path / 'a.pth', tmp_path / 'mark'
    save_with_code(path, mark)
    host = vars(CheckpointLoader)['_get_checkpoint_loader'], torch.load
    first_is_open, second_is_open, first_is_closed = (threading.Event() for _ in range(3))

    def trusts() -> None:
        with checkpoint_gate(trust=True):
            first_is_open.set()
            second_is_open.wait(10)
        first_is_closed.set()

    def does_not() -> None:
        first_is_open.wait(10)
        with checkpoint_gate():
            second_is_open.set()
            for _ in range(2):
                with pytest.raises(CheckpointError, match='run code'):
                    CheckpointLoader.load_checkpoint(str(path))
                first_is_closed.wait(10)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(trusts), pool.submit(does_not)]:
            done.result()
    assert not mark.exists()
    assert (vars(CheckpointLoader)['_get_checkpoint_loader'], torch.load) == host


def test_threads_read_at_the_same_time(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    for number in range(4):
        torch.save({'a': torch.full((1000,), number)}, tmp_path / f'{number}.pth')

    def read(number: int) -> set:
        found = [read_checkpoint(tmp_path / f'{number}.pth') for _ in range(20)]
        return {int(each['state_dict']['a'].sum()) for each in found}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, range(4))) == [{0}, {1000}, {2000}, {3000}]
    assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1'


def test_a_switch_of_pytorch_for_all_reading_is_no_obstacle(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    torch.save({'a': torch.ones(2)}, tmp_path / 'a.pth')
    assert read_checkpoint(tmp_path / 'a.pth')['state_dict']['a'].tolist() == [1, 1]
    assert os.environ['TORCH_FORCE_WEIGHTS_ONLY_LOAD'] == '1'


def test_data_of_trainings_are_read_as_they_were(tmp_path) -> None:
    buffer = HistoryBuffer([0.5, 0.25], [1, 2])
    written = dict(
        state_dict={'a': torch.arange(3.0), 'b': torch.ones(2, dtype=torch.bfloat16)},
        message_hub=dict(log_scalars=collections.OrderedDict({'train/loss': buffer})),
        meta=dict(
            best=np.float64(0.5),
            count=np.int64(3),
            array=np.arange(4, dtype=np.float32),
            flags=np.array([True]),
            names=('cat', 'dog'),
            kinds={1, 2},
            size=torch.Size([1, 2]),
            dtype=torch.float16,
            window=slice(1, 2),
        ),
        optimizer=dict(state={0: dict(step=torch.tensor(3))}, param_groups=[dict(lr=0.1)]),
        param_schedulers=[_schedule().state_dict()],
    )
    for options in ({}, dict(_use_new_zipfile_serialization=False), dict(pickle_protocol=4)):
        torch.save(written, tmp_path / 'a.pth', **options)
        read = read_checkpoint(tmp_path / 'a.pth')
        torch.testing.assert_close(
            read['state_dict'], collections.OrderedDict(written['state_dict'])
        )
        loss = read['message_hub']['log_scalars']['train/loss']
        assert loss.mean() == buffer.mean() and loss.current() == buffer.current()
        assert loss.data[1].tolist() == [1, 2]
        array = read['meta'].pop('array')
        assert array.dtype == np.float32 and array.tolist() == [0, 1, 2, 3]
        assert read['meta'] == {k: v for k, v in written['meta'].items() if k != 'array'}
        assert read['optimizer'] == written['optimizer']
        assert read['param_schedulers'] == written['param_schedulers']


def _schedule() -> MultiStepLR:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1)
    return MultiStepLR(optimizer, milestones=[2, 3])


def test_weights_of_packages_are_known_whatever_else_is_imported() -> None:
    code = (
        'from mmfewshot_seg.checkpoints import checkpoint_gate\n'
        'from mmengine.runner import CheckpointLoader\n'
        'with checkpoint_gate():\n'
        '    assert "packaged://" in CheckpointLoader._schemes\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


@pytest.mark.parametrize('key', ['state_dict', 'model', 'teacher', None])
@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_usual_wrappings(key, prefix, tmp_path) -> None:
    state_dict = torch.nn.Sequential(torch.nn.BatchNorm2d(1)).state_dict()
    wrapped = type(state_dict)((prefix + name, value) for name, value in state_dict.items())
    wrapped._metadata = {prefix + name: v for name, v in state_dict._metadata.items()}
    torch.save({key: wrapped, 'epoch': 3} if key else wrapped, tmp_path / 'a.pth')
    read = read_checkpoint(tmp_path / 'a.pth')
    assert list(read['state_dict']) == list(state_dict)
    assert read['state_dict']._metadata['0'] == dict(version=2)
    assert read.get('epoch') == (3 if key else None)


def test_safetensors(tmp_path) -> None:
    files = pytest.importorskip('safetensors.torch')
    files.save_file({'a': torch.ones(2)}, tmp_path / 'a.safetensors')
    assert read_checkpoint(tmp_path / 'a.safetensors')['state_dict']['a'].tolist() == [1, 1]
    (tmp_path / 'b.safetensors').write_bytes(b'nothing')
    with pytest.raises(CheckpointError, match='b.safetensors is no file of safetensors'):
        read_checkpoint(tmp_path / 'b.safetensors')


def _cut(path, **options) -> None:
    torch.save({'a': torch.ones(5000)}, path, **options)
    path.write_bytes(path.read_bytes()[:9000])


def _zip(path) -> None:
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('notes.txt', 'x')


FAULTS = {
    'is cut off: its end is missing': _cut,
    'is damaged': lambda path: _cut(path, _use_new_zipfile_serialization=False),
    "is a text file, which begins with 'epoch 1'": lambda path: path.write_text('epoch 1\n2'),
    "a text file, which begins with '<html>'": lambda path: path.write_text('<html>\n</html>'),
    'git lfs pull': lambda path: path.write_text('version https://git-lfs.github.com/spec/v1'),
    'is empty': lambda path: path.write_text(''),
    'is a folder': lambda path: path.mkdir(),
    'is a zip archive, but not of PyTorch': _zip,
    'is no file of PyTorch': lambda path: path.write_bytes(b'\x89PNG\r\n\x1a\n'),
    'was not written by torch.save': lambda path: path.write_bytes(pickle.dumps({'a': 1})),
    'is a program of TorchScript': lambda path: torch.jit.save(
        torch.jit.script(torch.nn.Linear(1, 1)), path
    ),
    'but a list; expected a checkpoint': lambda path: torch.save([1, 2], path),
    'holds no weights by name.* but keys epoch, lr': lambda path: torch.save(
        dict(epoch=1, lr=0.1), path
    ),
    'is a saved support set.*load_support': lambda path: torch.save(
        dict(shots={}, negatives=[], meta={}), path
    ),
    'does not exist': lambda path: None,
}


@pytest.mark.filterwarnings('ignore:.*torch.jit')
@pytest.mark.parametrize('fault', FAULTS)
def test_faults_are_named_with_the_file(fault, tmp_path) -> None:
    FAULTS[fault](tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match=rf'a\.pth.*{fault}|a\.pth {fault}') as error:
        read_checkpoint(tmp_path / 'a.pth')
    assert '\n' not in str(error.value)


def test_a_missing_file_is_both_errors(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match='none.pth does not exist'):
        read_checkpoint(tmp_path / 'none.pth')
