"""Every few-shot head does what the contract says; a new head is one row."""

import pytest

from mmfewshot_seg.testing import FewShotHeadContract

ASGNET = dict(type='mmfewshot_seg.ASGNetHead', in_channels=(8, 16), channels=8, superpixel_area=2)
MATCHING = dict(type='mmfewshot_seg.DenseMatchingHead', in_index=(0, 1))
HEADS = {
    'panet': dict(type='mmfewshot_seg.PANetHead'),
    'panet_residual': dict(
        type='mmfewshot_seg.PANetHead',
        scale=10.0,
        pooling='mask_to_features',
        align_loss='annotated',
    ),
    'panet_distance': dict(type='mmfewshot_seg.PANetHead', metric='sqeuclidean', scale=1.0),
    'panet_levels': dict(type='mmfewshot_seg.PANetHead', in_index=(0, 1)),
    'asgnet': ASGNET,
    'asgnet_mean': {**ASGNET, 'similarity': 'mean'},
    'asgnet_aspp': {
        **ASGNET,
        'decoder': dict(type='mmfewshot_seg.ASPPDecoder', low_level_channels=8),
    },
    'dense_matching': MATCHING,
    'dense_matching_thinned': {**MATCHING, 'max_positions': 8},
}


@pytest.fixture(params=HEADS, autouse=True)
def _head(request) -> None:
    request.cls.head = HEADS[request.param]


class TestHeads(FewShotHeadContract):
    """The heads of this package."""
