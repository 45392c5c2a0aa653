"""Small networks of every kind: copied, pickled, saved whole, trained with checkpointed parts."""

import copy
import io
import pickle
from pathlib import Path

import pytest
import torch
from helpers.fewshot_models import fewshot_config
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing

from mmfewshot_seg.compat import ops_error
from mmfewshot_seg.registry import MODELS

ROOT = Path(__file__).parents[2]
REFINEMASK = 'refinemask/refinemask_r18_fpn_1xb4-1k_drawn'
ZSI = 'zsi'  # of the helpers: the shipped ones read their classes from files
STEMS = (
    'danet/danet_r18-d8_1xb4-1k_camvid',
    'gscnn/gscnn_r18-d8_1xb4-1k_camvid',
    'jpu/fcn_r18_jpu_1xb4-1k_camvid',
    'panet/panet_r18-d8_1xb8-350_drawn',
    'asgnet/asgnet_r18-d8_1xb8-500_drawn',
    'dense_matching',
    REFINEMASK,
    ZSI,
)
NECKS = (
    dict(type='mmfewshot_seg.StagedPyramidUpsampling', in_channels=(8, 16), mid_channels=32),
    dict(type='mmfewshot_seg.WideResNet38', base_channels=2),
)


def _model(stem: str) -> torch.nn.Module:
    if stem in (REFINEMASK, ZSI) and ops_error():
        pytest.skip("needs mmcv's compiled ops")
    if stem == ZSI:
        from helpers.zeroshot_configs import detector

        init_default_scope('mmdet')
        return MODELS.build(detector())
    if stem == 'dense_matching':
        return MODELS.build(fewshot_config(head=stem).model)
    config = Config.fromfile(ROOT / f'configs/{stem}.py')
    init_default_scope(config.default_scope)
    torch.manual_seed(0)
    return MODELS.build(config.model)


def _saved_whole(module: torch.nn.Module) -> torch.nn.Module:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize('part', [*STEMS, *NECKS], ids=str)
def test_models_are_copied_and_pickled(part) -> None:
    module = _model(part) if isinstance(part, str) else MODELS.build(part)
    weights = module.state_dict()
    for copied in (
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        _saved_whole(module),
    ):
        assert repr(copied) == repr(module)
        copied.load_state_dict(weights)  # by its own hooks, if any
        torch.testing.assert_close(dict(copied.state_dict()), dict(weights))


def test_copies_still_load_other_layouts() -> None:
    """The hook that renames goes with the copy."""
    neck = _model('jpu/fcn_r18_jpu_1xb4-1k_camvid').neck
    official = pickle.loads(pickle.dumps(neck))
    weights = {key: value.clone() for key, value in neck.state_dict().items()}
    for key in list(weights):
        if key.startswith('conv_layers.'):
            _, level, _, part, *rest = key.split('.')
            index = dict(conv=0, bn=1)[part]
            weights[f'conv{int(level) + 3}.{index}.{".".join(rest)}'] = weights.pop(key)
    weights['dilation1.0.conv1.weight'] = weights.pop(
        'dilation_layers.0.0.depthwise_conv.conv.weight'
    )
    assert official.load_state_dict(weights)


def test_checkpointed_decoders_of_few_shot_heads_have_the_same_gradients() -> None:
    for decoder in ('FeatureEnrichment', 'ASPPDecoder'):
        found = []
        for checkpointed in (False, True):
            torch.manual_seed(0)
            module = MODELS.build(dict(type=f'mmfewshot_seg.{decoder}', channels=8))
            holder = torch.nn.ModuleDict(dict(decoder=module.train()))
            _no_dropout(holder)
            if checkpointed:
                turn_on_activation_checkpointing(holder, 'decoder')
            query = torch.randn(2, 8, 6, 6).requires_grad_()
            level = torch.randn(2, 256, 8, 8).requires_grad_()
            guide = torch.ones(2, 1, 1, 6, 6)
            prototypes = torch.randn(2, 1, 1, 8).requires_grad_()
            outputs = holder.decoder(query * 1, prototypes, guide, guide, level)
            sum(output.square().mean() for output in outputs).backward()
            found.append([v.grad for v in (query, level, prototypes, *module.parameters())])
        torch.testing.assert_close(*found)


def _no_dropout(module: torch.nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, torch.nn.modules.dropout._DropoutNd):
            part.p = 0.0
