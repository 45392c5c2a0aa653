r"""Published ways to draw and to judge episodes, as data.

Figures of different protocols cannot be compared: they differ in the images, in the folds of
COCO, in the size of the label that is predicted and in the number of episodes.

=============  =====================  ===========================  =========================
\              panet                  pfenet, asgnet               hsnet
=============  =====================  ===========================  =========================
query          drawn at random        the image list in order,     the list of (image, class)
                                      class among those present    in order; COCO: random
size rule      none                   2048 pixels for the list     none
                                      and for supports
COCO folds     contiguous             interleaved                  interleaved
support void   background             ignored                      ignored
judged at      network resolution     square of the long side of   network resolution
                                      the original label
test episodes  5 runs of 1000         5000 (asgnet 1000);          1000
                                      COCO 20000
seed           1234                   321                          0
network input  417                    473; COCO 641                400
=============  =====================  ===========================  =========================

Differences to the official programs: supports are always distinct (HSNet may repeat one), a query
shows the labels of every way of its episode (PANet on COCO: of one class only). The side of the
network's input, in pixels, is that of the configs' transforms.
"""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mmfewshot_seg.did_you_mean import did_you_mean

_CHOICES = {
    'query_order': ('random', 'images', 'pairs'),
    'fold_style': ('contiguous', 'interleaved'),
    'support_void': ('background', 'ignore'),
    'eval_at': ('network', 'original', 'padded'),
}


@dataclass(frozen=True)
class Protocol:
    """How episodes are drawn and judged.

    Attributes:
        name: Name printed with the results; values that were replaced stand beside it.
        query_order: ``'random'``; ``'images'``: every image that shows a class large enough, in
            order, the class drawn among those it shows; ``'pairs'``: every pair of image and
            class, in order.
        min_area: Pixels of a class in the original label from which on an image may be its
            support, and enters the list of queries.
        fold_style: Fold table of a data set that has more than one.
        support_void: Whether void pixels of a support label are background or ignored.
        eval_at: Resolution of the tested label: ``'network'``, ``'original'`` or ``'padded'``, see
            :class:`Episode`.
        num_episodes: Episodes of a test run.
        num_runs: Test runs; run r has the seed ``seed + r``.
        seed: Seed of the first run.
        on: Differing values by ``benchmark`` of the source (``'pascal'``, ``'coco'``).
    """

    name: str
    query_order: str = 'random'
    min_area: int = 0
    fold_style: str = 'contiguous'
    support_void: str = 'ignore'
    eval_at: str = 'network'
    num_episodes: int = 1000
    num_runs: int = 1
    seed: int = 0
    on: Mapping[str, Mapping] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, allowed in _CHOICES.items():
            if getattr(self, key) not in allowed:
                raise ValueError(f'{key} is one of {allowed}, got {getattr(self, key)!r}')


_PFENET = Protocol(
    'pfenet',
    query_order='images',
    min_area=2048,
    fold_style='interleaved',
    eval_at='padded',
    num_episodes=5000,
    seed=321,
    on={'coco': {'num_episodes': 20000}},
)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol('panet', support_void='background', num_runs=5, seed=1234),
        _PFENET,
        dataclasses.replace(_PFENET, name='asgnet', num_episodes=1000),
        Protocol(
            'hsnet',
            query_order='pairs',
            fold_style='interleaved',
            on={'coco': {'query_order': 'random'}},
        ),
    )
}


def resolve_protocol(protocol: str | Mapping, benchmark: str | None = None) -> Protocol:
    """The protocol as it applies to one data set.

    Args:
        protocol: A name in :data:`PROTOCOLS`, or a dict with ``name`` and values that replace
            those of that protocol.
        benchmark: ``'pascal'``, ``'coco'`` or None, the ``benchmark`` of the source.

    Raises:
        ValueError: If the name, a key or a value is unknown.

    Examples:
        >>> resolve_protocol('pfenet', 'coco').num_episodes
        20000
        >>> resolve_protocol({'name': 'pfenet', 'num_episodes': 1000}).num_episodes
        1000
    """
    changes = {'name': protocol} if isinstance(protocol, str) else dict(protocol)
    name = changes.pop('name', None)
    if name not in PROTOCOLS:
        raise ValueError(_unknown('protocol', name, PROTOCOLS))
    base = PROTOCOLS[name]
    keys = [item.name for item in dataclasses.fields(Protocol) if item.name not in ('name', 'on')]
    for key in changes:
        if key not in keys:
            raise ValueError(_unknown(f'key of protocol {name!r}', key, keys))
    own = base.on.get(benchmark, {}) if benchmark else {}
    published = dataclasses.replace(base, **own, on={})
    replaced = [f'{k}={v}' for k, v in changes.items() if v != getattr(published, k)]
    label = f'{name} with {", ".join(replaced)}' if replaced else name
    return dataclasses.replace(published, **changes, name=label)


def _unknown(what: str, value: object, known: Collection[str]) -> str:
    return f'unknown {what}: {value!r}{did_you_mean(value, known)}. Known: {", ".join(known)}'
