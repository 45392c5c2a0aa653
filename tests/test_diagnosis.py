"""Each known trap is recognised, says what it stops, and names its cure."""

import pytest

from mmfewshot_seg.diagnosis import (
    DETECTION,
    FEWSHOT,
    Environment,
    find_problems,
    torchvision_for,
)

GOOD = {
    'torch': '2.11.0+cu130',
    'torchvision': '0.26.0+cu130',
    'mmengine': '0.10.12',
    'mmcv': '2.3.6',
    'mmdet': '3.5.1',
    'mmseg': '1.4.2',
    'setuptools': '81.0.0',
}
UPSTREAM = {
    'torch': '2.1.2',
    'torchvision': '0.16.2',
    'mmengine': '0.10.7',
    'mmcv': '2.1.0',
    'mmdet': '3.3.0',
    'mmseg': '1.2.2',
    'setuptools': '69.0.0',
}
BOTH = (FEWSHOT, DETECTION)


def environment(versions=GOOD, stack='onedl', errors=None, changed=None, **kwargs) -> Environment:
    errors = errors or {}
    kept = {name: v for name, v in {**versions, **(changed or {})}.items() if name not in errors}
    return Environment(stack, kept, errors, **kwargs)


@pytest.mark.parametrize(('stack', 'versions'), [('onedl', GOOD), ('openmmlab', UPSTREAM)])
def test_good_stacks_have_no_problem(stack: str, versions: dict) -> None:
    assert find_problems(environment(versions, stack)) == []


def test_missing_torchvision_is_no_problem() -> None:
    missing = "ModuleNotFoundError: No module named 'torchvision'"
    assert find_problems(environment(errors={'torchvision': missing})) == []


def test_missing_extras_of_photographs_are_named_with_their_line() -> None:
    (problem,) = find_problems(environment(has_lvis=False))
    assert problem.cure == 'pip install lvis' and problem.stops == ()
    (problem,) = find_problems(environment(missing_photos=('timm',)))
    assert problem.text == 'timm is not installed: there are no pretrained encoders'
    assert problem.stops == ()
    assert problem.cure == "pip install 'mmfewshot_seg[photos]'"


TRAPS = {
    'no ops': (
        {'ops_error': "No module named 'mmcv._ext'"},
        (DETECTION,),
        "No module named 'mmcv._ext'",
        'pip cache remove onedl_mmcv\npip install --no-build-isolation',
    ),
    'ops of another torch': (
        {'ops_error': '_ext.so: undefined symbol: _ZN3c10'},
        (DETECTION,),
        'compiled for another torch',
        'pip cache remove onedl_mmcv',
    ),
    "OpenMMLab's mmseg without ops": (
        {
            'versions': UPSTREAM,
            'stack': 'openmmlab',
            'errors': {'mmseg.models': "ModuleNotFoundError: No module named 'mmcv._ext'"},
            'ops_error': "No module named 'mmcv._ext'",
        },
        BOTH,
        "No module named 'mmcv._ext'",
        '`make ops STACK=openmmlab` in a clone',
    ),
    'unmatched torchvision, import fails': (
        {'errors': {'torchvision': 'RuntimeError: operator torchvision::nms does not exist'}},
        (),
        'torchvision::nms',
        'pip install torch==2.11.0 torchvision==0.26.*',
    ),
    'unmatched torchvision, import works': (
        {'changed': {'torchvision': '0.28.0'}},
        (),
        'requires 0.26',
        'pip install torch==2.11.0 torchvision==0.26.*',
    ),
    'mmcv too new for mmdet 3.3': (
        {
            'versions': UPSTREAM,
            'stack': 'openmmlab',
            'errors': {'mmdet': 'AssertionError: MMCV==2.2.0 is used but incompatible.'},
        },
        (DETECTION,),
        'MMCV==2.2.0',
        'pip install mmcv==2.1.0',
    ),
    'setuptools without pkg_resources': (
        {'versions': UPSTREAM, 'stack': 'openmmlab', 'changed': {'setuptools': '82.0.0'}},
        (),
        'pkg_resources',
        "pip install 'setuptools<82'",
    ),
    'torch that refuses checkpoints': (
        {
            'versions': UPSTREAM,
            'stack': 'openmmlab',
            'changed': {'torch': '2.6.0', 'torchvision': '0.21.0'},
        },
        (),
        'weights_only',
        'pip install torch==2.1.2 torchvision==0.16.*',
    ),
    'host missing': (
        {'errors': {'mmseg': "ModuleNotFoundError: No module named 'mmseg'"}},
        BOTH,
        "No module named 'mmseg'",
        'onedl-mmsegmentation==1.4.2',
    ),
    'ftfy missing': (
        {'errors': {'mmseg.models': "ModuleNotFoundError: No module named 'ftfy'"}},
        BOTH,
        'ftfy',
        'pip install ftfy regex',
    ),
    'too old': ({'changed': {'mmcv': '2.0.1'}}, BOTH, 'older than 2.1', 'onedl-mmcv==2.3.6'),
    'newer than tried': ({'changed': {'mmcv': '2.9.0'}}, (), 'newer than 2.3', 'nothing, unless'),
    'two distributions': (
        {'doubled': ('mmcv',)},
        BOTH,
        'overwrite each other',
        'pip uninstall -y onedl-mmcv mmcv',
    ),
}


@pytest.mark.parametrize('name', TRAPS)
def test_trap(name: str) -> None:
    found, stops, text, cure = TRAPS[name]
    (problem,) = find_problems(environment(**found))
    assert problem.stops == stops
    assert text in problem.text
    assert cure in problem.cure


@pytest.mark.parametrize(
    ('torch', 'torchvision'), [('2.11.0', '0.26'), ('2.13.0', '0.28'), ('2.1.2', '0.16')]
)
def test_pairs(torch: str, torchvision: str) -> None:
    assert torchvision_for(torch) == torchvision
