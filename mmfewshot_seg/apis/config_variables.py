"""Variables of config files that are gone once a file is read."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping

from mmengine.config import Config
from mmengine.runner import Runner

from mmfewshot_seg.command import UsageError

# As MMEngine writes it: {{$CLASS_FOLDER:data/fss1000}}.
_ENVIRONMENT = re.compile(r'\{\{[\'"]?\s*\$(\w+)\s*:\s*(\S*?)\s*[\'"]?\}\}')
# Read by runners, tools and inferencers, besides the arguments of a runner.
_READ = {
    *('compile', 'custom_imports', 'data_preprocessor', 'env_cfg', 'find_unused_parameters'),
    *(
        'log_level',
        'log_processor',
        'model_wrapper_cfg',
        'runner_type',
        'tta_model',
        'tta_pipeline',
    ),
}


def check_read(cfg: Config, names: Iterable[str]) -> None:
    """Refuse options that change a variable which only the config file itself has used.

    It has if a runner reads the same value elsewhere, but not this name.

    Args:
        cfg: A config, before the options.
        names: Keys of the options, ``'train_cfg.max_iters'``.

    Raises:
        UsageError: With the places that have the value of the variable.
    """
    read = {*inspect.signature(Runner.__init__).parameters, *_READ}
    for name in names:
        variable, _, rest = name.partition('.')
        value = cfg.get(variable)
        if variable in read or value is None:
            continue
        places = [
            place for place in _places(dict(cfg.items()), value) if place.partition('.')[0] in read
        ]
        if places:
            rest = f'.{rest}' if rest else ''
            raise UsageError(
                f'--cfg-options {name}=... changes nothing: {variable} was used while the config '
                f'was read. Set {_environment_hint(cfg, variable)}'
                f'{", ".join(place + rest for place in places[:6])}'
            )


def _places(part: object, value: object, place: str = '') -> Iterator[str]:
    """Dotted names of the values below ``part`` that are equal to ``value``."""
    items: Iterable[tuple[object, object]] = ()
    if isinstance(part, Mapping):
        items = part.items()
    elif isinstance(part, list | tuple) and any(isinstance(v, Mapping) for v in part):
        items = enumerate(part)
    for key, child in items:
        below = f'{place}.{key}' if place else str(key)
        if type(child) is type(value) and child == value:
            yield below
        else:
            yield from _places(child, value, below)


def _environment_hint(cfg: Config, name: str) -> str:
    """The environment variable that the line of a variable asks for, if any."""
    line = re.search(rf'^\s*{re.escape(name)}\b.*=.*$', cfg.text, re.MULTILINE)
    found = line and _ENVIRONMENT.search(line[0])
    return f'the environment variable {found[1]}, or ' if found else ''
