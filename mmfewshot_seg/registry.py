"""Child registries of MMEngine's, and registration into the host framework.

``type='mmfewshot_seg.PANetHead'`` works in any config: the prefix makes MMEngine import this
module, and the registry then imports the module of the class. The same class is registered in the
host (mmseg or mmdet), so that ``type='PANetHead'`` works in a config of the host that has
``custom_imports = dict(imports=['mmfewshot_seg.models'])``; for data sets, metrics and visualizers
that is the module of the class, as ``mmfewshot_seg.evaluation.lvis_metric``.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from mmengine.config.utils import MODULE2PACKAGE
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import HOOKS as ROOT_HOOKS
from mmengine.registry import METRICS as ROOT_METRICS
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.registry import OPTIM_WRAPPERS as ROOT_OPTIM_WRAPPERS
from mmengine.registry import TASK_UTILS as ROOT_TASK_UTILS
from mmengine.registry import TRANSFORMS as ROOT_TRANSFORMS
from mmengine.registry import VISUALIZERS as ROOT_VISUALIZERS
from mmengine.registry import Registry

from mmfewshot_seg.compat import check_versions, hide_debug_prints, is_usable

hide_debug_prints()
SCOPE = 'mmfewshot_seg'
# For mmengine.hub.get_config('mmfewshot_seg::panet/....py'), which knows only packages listed.
# Not for `_base_`: there MMEngine would look for all types in our scope alone.
MODULE2PACKAGE[SCOPE] = SCOPE


class PartsRegistry(Registry):
    """Registry that imports the part of ours that defines a class, or tells what to install.

    Args:
        name: What it holds.
        parent: MMEngine's registry of the same kind.
        *packages: Packages of ours that have such classes.
    """

    def __init__(self, name: str, parent: Registry, *packages: str) -> None:
        self.packages = [f'{SCOPE}.{package}' for package in packages]
        super().__init__(name, parent=parent, scope=SCOPE, locations=self.packages)

    def get(self, key: str) -> type | None:
        """Find a class, as the base does.

        Raises:
            ImportError: If the part that defines it could not be imported.
        """
        scope, name = self.split_scope_key(key)
        if scope in (None, self.scope):
            for package in self.packages:
                getattr(import_module(package), name, None)  # imports the part that defines it
        return super().get(key)


MODELS = PartsRegistry('model', ROOT_MODELS, 'models')
DATASETS = PartsRegistry('dataset', ROOT_DATASETS, 'datasets')
TASK_UTILS = PartsRegistry('task util', ROOT_TASK_UTILS, 'models')
TRANSFORMS = PartsRegistry('transform', ROOT_TRANSFORMS, 'datasets')
METRICS = PartsRegistry('metric', ROOT_METRICS, 'evaluation')
VISUALIZERS = PartsRegistry('visualizer', ROOT_VISUALIZERS, 'visualization')
HOOKS = PartsRegistry('hook', ROOT_HOOKS, 'engine', 'visualization')
OPTIM_WRAPPERS = PartsRegistry('optimizer wrapper', ROOT_OPTIM_WRAPPERS, 'engine')


def register(registry: Registry, host: str, guest_of: str | None = None) -> Callable[[type], type]:
    """Class decorator: register in our ``registry`` and in the host's one of the same kind.

    Where the host is not installed, ours alone has the class.

    Args:
        registry: One of the registries of this module.
        host: ``'mmseg'`` or ``'mmdet'``, the framework whose configs use the class.
        guest_of: The other one, if its configs use the class too; left out where it is unusable.

    Raises:
        ImportError: If the host is too old, or what it stands on is missing or too old.
        KeyError: If the host already has a class of that name; ours then needs its own name.

    Example::

        @register(MODELS, host='mmseg')
        class MyHead(nn.Module): ...
    """
    check_versions('torch', 'mmengine', 'mmcv')
    hosts = []
    if find_spec(host) is not None:
        check_versions(host)
        hosts.append(host)
    if guest_of and is_usable(guest_of):
        hosts.append(guest_of)
    for name in hosts:
        import_module(f'{name}.registry')

    def decorator(cls: type) -> type:
        registry.register_module(module=cls)
        for name in hosts:
            registry.parent.children[name].register_module(module=cls)
        return cls

    return decorator
