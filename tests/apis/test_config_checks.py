"""Mistakes in a config that are told before anything is built."""

import warnings

import pytest

from mmfewshot_seg.apis.config_checks import check_data_paths, check_parts, warn_of_new_keys
from mmfewshot_seg.apis.run_config import config_path, load_config
from mmfewshot_seg.command import UsageError

DATA = """
data_root = '{{$SOME_DATA:data/some}}'
dataset = dict(type='A', source=dict(type='B', data_root=data_root + '/images'))
train_dataloader = dict(dataset=dict(type='C', datasets=[dataset]))
test_dataloader = dict(dataset=dict(type='A', ann_file='gone.json'))
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SOME_DATA', raising=False)

    def write(text: str):
        (tmp_path / 'some.py').write_text(text)
        return load_config('some.py')

    return write


def test_a_config_without_parts_is_refused(write) -> None:
    cfg = write('model = dict(type="A")\ntrain_cfg = None')
    check_parts(cfg, ('model',))
    with pytest.raises(UsageError, match=r'some.py defines no train_cfg and no optim_wrapper'):
        check_parts(cfg, ('model', 'train_cfg', 'optim_wrapper'))


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('nosuchkey.deep', 'has no nosuchkey$'),
        ('train_dataloader.batchsize', "no train_dataloader.batchsize .did you mean 'batch_size'"),
        ('randomnes.seed', "did you mean 'randomness'"),
        ('randomness.seed', None),  # a key of the runner
        ('train_dataloader.pin_memory', None),  # new, and like none
        ('train_dataloader.dataset.pipe_line', None),  # told by the constructor
        ('train_dataloader.dataset.pipeline.0.type', None),
        ('train_dataloader.dataset.pipeline.7.type', None),  # told by MMEngine
    ],
)
def test_options_that_look_misspelled(option, message) -> None:
    dataset = dict(type='A', pipeline=[dict(type='B')])
    cfg = dict(train_dataloader=dict(batch_size=2, dataset=dataset))
    if message is None:
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            warn_of_new_keys(cfg, [option])
        return
    with pytest.warns(UserWarning, match=message):
        warn_of_new_keys(cfg, [option])


def test_missing_data_are_told_with_the_variable_to_set(write, tmp_path, monkeypatch) -> None:
    cfg = write(DATA)
    match = 'no folder data/some/images in .* environment variable SOME_DATA'
    with pytest.raises(UsageError, match=match):
        check_data_paths(cfg, ('train_dataloader', 'val_dataloader'))
    with pytest.raises(UsageError, match=r'no file gone.json .*set test_dataloader.dataset.ann_f'):
        check_data_paths(cfg, ('test_dataloader',))
    monkeypatch.setenv('SOME_DATA', str(tmp_path / 'mine'))
    cfg = write(DATA)
    with pytest.raises(UsageError, match=r'mine/images\. Set the environment variable SOME_DATA'):
        check_data_paths(cfg, ('train_dataloader',))
    (tmp_path / 'mine/images').mkdir(parents=True)
    (tmp_path / 'gone.json').touch()
    check_data_paths(cfg, ('train_dataloader', 'test_dataloader'))


@pytest.mark.parametrize('data', ["data_root='s3://x'", "data_root='x', backend_args=dict(a=1)"])
def test_data_elsewhere_are_not_looked_for(write, data) -> None:
    check_data_paths(write(f'a = dict(dataset=dict({data}))'), ('a',))


def test_a_config_may_be_named() -> None:
    name = 'panet_r18-d8_1xb8-350_drawn'
    assert load_config(name).filename == config_path(name)
    with pytest.raises(ValueError, match=f"did you mean '{name}'"):
        load_config('panet_r18-d8_1xb8_drawn')


def test_custom_modules(write, tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    text = 'custom_imports = dict(imports=["{}"])'
    with pytest.raises(UsageError, match="no module 'a_part_of_mine'; PYTHONPATH"):
        write(text.format('a_part_of_mine'))
    (tmp_path / 'its_bug.py').write_text('from os import nosuch')
    with pytest.raises(ImportError, match='nosuch') as error:
        write(text.format('its_bug'))
    assert str(error.traceback[-1].path).endswith('its_bug.py')
