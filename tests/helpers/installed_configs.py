"""Load every config of the installed package by the name under which MMEngine knows it.

A program of its own, for an interpreter in which an installed wheel shadows the checkout. Prints
the folder of the package and the number of configs.
"""

from collections.abc import Iterator
from pathlib import Path

from mmengine.hub import get_config
from mmengine.registry import Registry

from mmfewshot_seg import parts, registry

PREFIX = f'{registry.SCOPE}.'


def own_types(node) -> Iterator[str]:
    """Our classes that a config names."""
    if isinstance(node, str) and node.startswith(PREFIX):
        yield node.removeprefix(PREFIX)
    elif isinstance(node, dict | list | tuple):
        for value in node.values() if isinstance(node, dict) else node:
            yield from own_types(value)


def main() -> None:
    registries = [found for found in vars(registry).values() if isinstance(found, Registry)]
    own = [found for found in registries if found.scope == registry.SCOPE]
    for found in own:
        found.import_from_location()
    for part in parts.NEEDS:
        parts.stands(part)
    known = {name for found in own for name in found.module_dict}
    package = Path(registry.__file__).parent
    shipped = sorted((package / '.mim' / 'configs').glob('[!_]*/*.py'))
    for path in shipped:
        config = get_config(f'{registry.SCOPE}::{path.parent.name}/{path.name}')
        assert Path(config.filename) == path, config.filename
        unknown = set(own_types(config.to_dict())) - known
        assert not unknown, f'{path.name} names {unknown}'
    print(package, len(shipped))


if __name__ == '__main__':
    main()
