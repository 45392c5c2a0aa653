"""DANet: the attentions, the head, and the whole network."""

import torch
from parity.harness import Case
from parity.helpers import given, gradients, sampled_like
from torch import Tensor, nn

from mmfewshot_seg.converters import convert_state_dict, layouts
from mmfewshot_seg.converters.checkpoint import Layout, rename
from mmfewshot_seg.converters.danet import segmentor_config
from mmfewshot_seg.models.semseg import ChannelAttention, DualAttentionHead, PositionAttention
from mmfewshot_seg.models.semseg.dual_attention_head import OFFICIAL_RENAMES
from mmfewshot_seg.registry import MODELS

# The fixture allows 1e-4 below 1. Moving all keys together has no effect: this gradient is noise.
TOLERANCES = {'grad:sa.key_conv.bias': (1e-4, 0.0)}
LOGITS = ('sasc', 'sa', 'sc')  # fused, position, channel


def _attention(case: Case, module: nn.Module, official: str, ours: str) -> dict:
    """Output and input gradient of an attention alone."""
    weights = {
        rename(f'{official}.{key}', OFFICIAL_RENAMES).removeprefix(f'{ours}.'): value
        for key, value in case.checkpoint().items()
    }
    module.load_state_dict(weights)
    x = given(case, 'x').requires_grad_()
    output = module(x)
    (output * given(case, 'cotangent')).sum().backward()
    return _sampled(case, dict(output=output, grad_x=x.grad))


def _sampled(case: Case, values: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        key: sampled_like(value, case.expected[key])
        for key, value in values.items()
        if key in case.expected
    }


def position(case: Case) -> dict:
    """Position attention."""
    config = case.spec['config']
    module = PositionAttention(config['channels'], config['qk_channels'])
    return _attention(case, module, 'sa', 'pam')


def channel(case: Case) -> dict:
    """Channel attention."""
    return _attention(case, ChannelAttention(), 'sc', 'cam')


def head(case: Case) -> dict:
    """Logits, what the attentions give, and gradients where the case has cotangents."""
    config = case.spec['config']
    module = DualAttentionHead(
        in_channels=config['in_channels'],
        channels=config['inter_channels'],
        pam_channels=config['qk_channels'],
        num_classes=config['num_classes'],
        norm_cfg=dict(type='BN'),
    ).eval()
    module.load_state_dict(case.checkpoint('manifest_head.json'))
    kept = {}
    for name in ('pam', 'cam'):
        getattr(module, name).register_forward_hook(
            lambda _, inputs, output, name=name: kept.update({name: output})
        )
    x = given(case, 'x').requires_grad_()
    logits = dict(zip(LOGITS, module((x,)), strict=True))
    cotangents = {key: case.arrays[f'cot_{key}'] for key in LOGITS if f'cot_{key}' in case.arrays}
    if not cotangents:
        return _sampled(case, logits | kept)
    sum((logits[key] * cotangent).sum() for key, cotangent in cotangents.items()).backward()
    layout = Layout('head', '', OFFICIAL_RENAMES, target=dict)
    found = {
        key: value.reshape(case.expected[key].shape)  # scales are vectors of one there
        for key, value in gradients(case, module, layout).items()
    }
    return _sampled(case, logits | kept | dict(grad_x=x.grad)) | found


@torch.no_grad()
def full(case: Case) -> dict:
    """Features and logits of the whole network, from a converted checkpoint."""
    official = case.checkpoint('manifest_danet101.json')
    model = MODELS.build(segmentor_config(official))
    model.eval()
    prefixed = {f'module.{key}': value for key, value in official.items()}
    model.load_state_dict(convert_state_dict(prefixed, layouts('danet')))
    image = given(case, 'x')
    features = model.extract_feat(image)
    metas = [dict(img_shape=image.shape[-2:])]
    logits = {
        key: model.decode_head.predict_by_feat(value, metas)
        for key, value in zip(LOGITS, model.decode_head(features), strict=True)
    }
    logits['sasc'] = model.predict(image)[0].seg_logits.data[None]
    return _sampled(case, dict(logits, c4=features[-1]))


ADAPTERS = {'pam': position, 'cam': channel, 'head': head, 'full': full}
