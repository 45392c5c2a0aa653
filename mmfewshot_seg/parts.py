"""Parts of this package that need a host or compiled ops, and what is told where these are missing.

A part is imported when a config or a program first asks for one of its names, see
:func:`on_demand`: MMDetection's data sets alone take a tenth of the time in which a few-shot model
is there. The wings of ``models`` are imported at once. Of a part that cannot be imported
:func:`stands` keeps the error, which says what to install; who asks for a name of it gets it. The
others work.
"""

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from mmfewshot_seg.compat import require_host, require_ops

PACKAGE = 'mmfewshot_seg'

NEEDS: dict[str, tuple[str, ...]] = {
    'models.fewshot': ('mmseg',),
    'models.semseg': ('mmseg',),
    'models.refinemask': ('mmdet', 'ops'),
    'models.zeroshot': ('mmdet', 'ops'),
    'datasets.labelled_images': ('mmseg',),
    'datasets.sources.seg_dataset': ('mmseg',),
    'datasets.transforms.load_labels': ('mmseg',),
    'datasets.transforms.random_crop_keep_foreground': ('mmseg',),
    'datasets.transforms.resize_long_side': ('mmseg',),
    'datasets.checked_coco': ('mmdet',),
    'datasets.zeroshot_coco': ('mmdet',),
    'evaluation.boundary_coco_metric': ('mmdet',),
    'evaluation.lvis_metric': ('mmdet',),
    'evaluation.zeroshot_coco_metric': ('mmdet',),
    'visualization.semantic_visualizer': ('mmseg',),
    'visualization.refinemask_visualizer': ('mmdet', 'ops'),
    'engine.label_report_hook': ('mmseg',),
    'apis.fewshot_inferencer': ('mmseg',),
    'apis.fewshot_results': ('mmseg',),
    'apis.leave_one_out': ('mmseg',),
    'apis.query_segmentation': ('mmseg',),
    'apis.result_files': ('mmseg',),
    'apis.support_set_inferencer': ('mmseg',),
    'apis.zeroshot_inferencer': ('mmdet', 'ops'),
}
"""What a module, or all modules of a folder, cannot be imported without.

Not what is imported when it is first used, as timm by ``TimmEncoder``.
"""

_DEFINITION = re.compile(r'^(?:class|def) (\w+)', re.MULTILINE)
_errors: dict[str, ImportError] = {}


def require(part: str) -> None:
    """Refuse to go on without what a part of ``NEEDS`` needs.

    Raises:
        ImportError: With the command that helps.
    """
    for need in NEEDS[part]:
        if need == 'ops':
            require_ops(f'{PACKAGE}.{part}')
        else:
            require_host(need)


def stands(part: str) -> bool:
    """Import a part of ``NEEDS``; whether it could be. An error is kept for who asks for a name.

    Raises:
        ImportError: If a module or a name of this package is missing: a fault of its own.
    """
    try:
        require(part)
        import_module(f'{PACKAGE}.{part}')
    except ImportError as error:
        if (error.name or '').partition('.')[0] == PACKAGE:
            raise
        _errors[part] = error
        return False
    return True


@cache
def _names(part: str) -> frozenset[str]:
    """Names that a part defines, read from its source: it is not imported for that."""
    path = Path(__file__).parent / part.replace('.', '/')
    files = path.glob('*.py') if path.is_dir() else [path.with_suffix('.py')]
    found = {name for file in files for name in _DEFINITION.findall(file.read_text('utf-8'))}
    return frozenset({path.name, *found})


def absence(name: str, package: str = PACKAGE) -> ImportError | None:
    """Why the part that defines a name could not be imported.

    Args:
        name: A class, function or module.
        package: Where to look: this package or one of its folders, ``'mmfewshot_seg.models'``.

    Returns:
        The error to raise; None if no part of ``package`` that defines the name has failed.
    """
    for part, error in _errors.items():
        if f'{PACKAGE}.{part}'.startswith(f'{package}.') and name in _names(part):
            told = ImportError(f'{name} cannot be imported: {error}')
            told.__cause__ = error
            return told
    return None


def on_demand(package: str, name: str) -> Any:
    """What ``__getattr__`` of a package returns for a name of a part, which is imported now.

    Raises:
        ImportError: If the part cannot be imported.
        AttributeError: If no part of the package defines the name.
    """
    for part in NEEDS:
        if f'{PACKAGE}.{part}'.startswith(f'{package}.') and name in _names(part):
            if absence(name, package) or not stands(part):
                break
            module = import_module(f'{PACKAGE}.{part}')
            return module if part.endswith(f'.{name}') else getattr(module, name)
    raise missing(package, name)


def missing(package: str, name: str) -> ImportError | AttributeError:
    """What ``__getattr__`` of a package raises for a name that it does not have."""
    unknown = AttributeError(f'module {package!r} has no attribute {name!r}')
    return absence(name, package) or unknown
