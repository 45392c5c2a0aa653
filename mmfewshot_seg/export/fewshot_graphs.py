"""A few-shot network as two graphs: a support to its state, and queries with states to logits.

Shape letters: ``M`` supports, ``Q`` queries, ``N`` ways, ``H W`` image size.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmfewshot_seg.apis.fingerprint import weights_fingerprint
from mmfewshot_seg.apis.image_pipeline import pipelines_of_test
from mmfewshot_seg.command import UsageError
from mmfewshot_seg.export.image_steps import constant_size, image_meta
from mmfewshot_seg.export.onnx_file import Graph, Inputs, Size, compare
from mmfewshot_seg.models.fewshot import (
    ASGNetHead,
    BaseFewShotHead,
    DenseMatchingHead,
    FewShotSegmentor,
    PANetHead,
)
from mmfewshot_seg.runtime.join import JOINS
from mmfewshot_seg.structures import SupportState

SIZE = (64, 96)
"""Height and width that graphs for any size are made with."""


class HeadExport(NamedTuple):
    """What is to be known of a head to export it.

    Attributes:
        join: How its states are joined, one of ``JOINS``.
        state: Tensors of a state that ``scores`` needs, and names of their dimensions.
    """

    join: str
    state: dict[str, list[str | None]]


HEADS: dict[type[BaseFewShotHead], HeadExport] = {
    PANetHead: HeadExport('means', dict(prototypes=[None, 'classes', None])),
    ASGNetHead: HeadExport(
        'prototypes',
        dict(prototypes=[None, 'ways', 'prototypes', None], valid=[None, 'ways', 'prototypes']),
    ),
    DenseMatchingHead: HeadExport(
        'positions',
        dict(features=[None, 'positions', None], weights=[None, 'classes', 'positions']),
    ),
}


class SupportNetwork(nn.Module):
    """States of supports, each an episode of one way and one shot."""

    def __init__(self, model: FewShotSegmentor, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)

    def forward(self, image: Tensor, mask: Tensor, seeds: Tensor | None = None) -> tuple:
        """Tensors of the states, of (M, 3, H, W) images, (M, H, W) masks and (M, S, 2) seeds."""
        features = self.model.extract_feat(image)
        features = tuple(level.unsqueeze(1).unsqueeze(1) for level in features)
        options = {} if seeds is None else dict(support_seeds=seeds[:, None, None])
        state = self.model.decode_head.prototypes(features, mask[:, None, None], **options)
        return tuple(getattr(state, name) for name in self.names)


class QueryNetwork(nn.Module):
    """Logits of queries against one support set."""

    def __init__(self, model: FewShotSegmentor, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)

    def forward(self, image: Tensor, *state: Tensor) -> tuple[Tensor]:
        """(Q, 1+N, H, W), of (Q, 3, H, W) images and the tensors of a state."""
        fitted = SupportState(**dict(zip(self.names, state, strict=True)))
        return (self.model.encode_decode(dict(query=image[None]), state=fitted)[0],)


def export_fewshot(
    model: FewShotSegmentor, cfg: Config, folder: Path, meta: dict[str, Any], size: Size | None
) -> dict[str, Graph]:
    """Write ``support.onnx`` and ``query.onnx``.

    Args:
        model: With its weights.
        cfg: Its config, for the transforms of the test.
        folder: Where to write.
        meta: Meta data for both.
        size: Height and width to make the graphs with; by default that of the transforms.

    Returns:
        The graphs by name.

    Raises:
        UsageError: If the network serves one size, and there is none that all images have.
        ValueError: If the head cannot be exported, or a graph differs from PyTorch.
    """
    head = model.decode_head
    join = of_head(head).join
    check_join(model)
    support_meta, query_meta = (
        image_meta(pipeline.config, model.data_preprocessor) for pipeline in pipelines_of_test(cfg)
    )
    common = dict(meta, weights=weights_fingerprint(model), head=type(head).__name__)
    common.update(ways='any', shots='any', join=join, takes_negatives=head.takes_negatives)
    support_size, query_size = (size or constant_size(m) for m in (support_meta, query_meta))
    if isinstance(head, ASGNetHead):
        if support_size is None or query_size is None:
            raise UsageError(
                'graphs of ASGNet serve one size: give the transforms a Resize without keep_ratio '
                'or a Pad, or export with --size HEIGHT WIDTH'
            )
        support_meta['seeding'] = _seeding(model, support_size)
    support = support_graph(model, support_size or SIZE)
    query = query_graph(model, query_size or SIZE)
    support.write(folder / 'support.onnx', dict(common, kind='few-shot support', **support_meta))
    query.write(
        folder / 'query.onnx',
        dict(
            common,
            kind='few-shot query',
            align_corners=head.align_corners,
            refine=(model.test_cfg or {}).get('refine'),
            **query_meta,
        ),
    )
    return dict(support=support, query=query)


def support_graph(model: FewShotSegmentor, size: Size) -> Graph:
    """Images (M, 3, H, W) and masks (M, H, W) int64, of ASGNet with seeds, to states."""
    names = list(of_head(model.decode_head).state)
    free: dict[str, list[str | None]] = dict(
        image=['supports', None, 'height', 'width'], mask=['supports', 'height', 'width']
    )
    if isinstance(model.decode_head, ASGNetHead):
        # Seeds lie on the grid of one size; the exporter keeps the number of clusterings.
        free = dict(image=[None] * 4, mask=[None] * 3, seeds=[None] * 3)
    return Graph(SupportNetwork(model, names), _Supports(model), size, free, names)


def query_graph(model: FewShotSegmentor, size: Size) -> Graph:
    """Images (Q, 3, H, W), of ASGNet one, and the tensors of a state to logits (Q, 1+N, H, W)."""
    state = of_head(model.decode_head).state
    free: dict[str, Any] = {
        'image': [_queries(model), None, 'height', 'width'],
        ' '.join(state): tuple(state.values()),
    }
    return Graph(
        QueryNetwork(model, list(state)), _Queries(model, list(state)), size, free, ['logits']
    )


def _queries(model: FewShotSegmentor) -> str | None:
    """Name of the dimension; None where the exporter keeps the number of queries."""
    return None if isinstance(model.decode_head, ASGNetHead) else 'queries'


def check_join(model: FewShotSegmentor) -> None:
    """Compare the joining of the runtime with that of the head: two ways, one with two shots.

    Raises:
        ValueError: If they differ.
    """
    join, names = of_head(model.decode_head)
    states = [_fit(model, seed, SIZE) for seed in range(3)]
    ways = [states[:2], states[2:]]
    expected = model.decode_head.join(ways)
    plain = [[{n: getattr(s, n).numpy() for n in names} for s in way] for way in ways]
    for name, found in JOINS[join](plain).items():
        compare(f'joined {name}', found, getattr(expected, name).numpy())


def of_head(head: BaseFewShotHead) -> HeadExport:
    """How a head is exported.

    Raises:
        ValueError: If it cannot be.
    """
    known = [export for kind, export in HEADS.items() if isinstance(head, kind)]
    if not known:
        raise ValueError(
            f'{type(head).__name__} cannot be exported; there are '
            f'{", ".join(kind.__name__ for kind in HEADS)}. Another head needs a row in HEADS of '
            'mmfewshot_seg/export/fewshot_graphs.py'
        )
    if getattr(head, 'max_positions', None) is not None:
        raise ValueError(
            f'max_positions={head.max_positions} of the head chooses positions outside a graph: '
            'export with --cfg-options model.decode_head.max_positions=None'
        )
    return known[0]


def _seeding(model: FewShotSegmentor, size: Size) -> dict[str, Any]:
    """How the runtime places the seeds of superpixels, which are an input."""
    head = model.decode_head
    return dict(
        size=_feature_size(model, size),
        max_seeds=head.max_seeds,
        area=head.superpixel_area,
        seeding=head.seeding,
    )


def _feature_size(model: FewShotSegmentor, size: Size) -> list[int]:
    features = model.extract_feat(torch.zeros(1, 3, *size))
    return list(features[model.decode_head.in_index[0]].shape[-2:])


class _Supports:
    """Two random supports of a size, of ASGNet one, with a rectangle for a mask."""

    def __init__(self, model: FewShotSegmentor) -> None:
        self.model = model

    def __call__(self, size: Size) -> Inputs:
        height, width = size
        generator = torch.Generator().manual_seed(0)
        mask = torch.zeros(2, height, width, dtype=torch.int64)
        mask[:, height // 8 : -height // 4, width // 4 : -width // 8] = 1
        mask[1, height // 2 :, : width // 2] = 255
        inputs: Inputs = dict(image=torch.randn(2, 3, *size, generator=generator), mask=mask)
        if isinstance(self.model.decode_head, ASGNetHead):
            rows, columns = _feature_size(self.model, size)
            marked = (mask == 1)[:, None, None]
            places = self.model.decode_head._place_seeds(marked, (rows, columns))
            inputs['seeds'] = places[:, 0, 0]
            inputs = {name: value[:1] for name, value in inputs.items()}
        return inputs


class _Queries:
    """Two random queries of a size, of ASGNet one, and the state of three supports of two ways."""

    def __init__(self, model: FewShotSegmentor, names: Sequence[str]) -> None:
        self.names = ' '.join(names)
        self.model = model

    def __call__(self, size: Size) -> Inputs:
        states = [_fit(self.model, seed, size) for seed in range(3)]
        joined = self.model.decode_head.join([states[:2], states[2:]])
        generator = torch.Generator().manual_seed(9)
        tensors = tuple(getattr(joined, name) for name in self.names.split())
        images = torch.randn(2 if _queries(self.model) else 1, 3, *size, generator=generator)
        return {'image': images, self.names: tensors}


def _fit(model: FewShotSegmentor, seed: int, size: Size) -> SupportState:
    height, width = size
    mask = torch.zeros(1, 1, 1, height, width, dtype=torch.int64)
    rows = (height * part // 12 for part in (seed, 8 + seed))
    columns = (width * part // 12 for part in (2 * seed, 6 + 2 * seed))
    mask[..., slice(*rows), slice(*columns)] = 1
    generator = torch.Generator().manual_seed(seed)
    return model.fit_support(torch.randn(1, 1, 1, 3, *size, generator=generator), mask)
