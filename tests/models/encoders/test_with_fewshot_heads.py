"""Few-shot heads on tiny encoders of timm, convolutional and transformer: train and predict."""

import pytest
import torch

from mmfewshot_seg.registry import MODELS
from mmfewshot_seg.structures import Episode

pytest.importorskip('timm', reason='needs timm: pip install mmfewshot_seg[photos]')

CNN = dict(
    type='mmfewshot_seg.TimmEncoder',
    model_name='resnet10t',
    channels=(8, 8, 16, 16),
    out_indices=(3, 4),
    output_stride=8,
)
VIT = dict(
    type='mmfewshot_seg.TimmEncoder',
    model_name='vit_tiny_patch16_224',
    patch_size=8,
    img_size=32,
    embed_dim=16,
    depth=2,
    num_heads=2,
    out_indices=(0, 1),
)
HEADS = dict(
    dense_matching=dict(type='mmfewshot_seg.DenseMatchingHead', in_index=(0, 1)),
    panet=dict(type='mmfewshot_seg.PANetHead', in_index=(0, 1)),
    asgnet=dict(
        type='mmfewshot_seg.ASGNetHead',
        in_channels=(16, 16),
        channels=16,
        superpixel_area=2,
        decoder=dict(type='mmfewshot_seg.FeatureEnrichment', scales=(1.0, 0.5)),
    ),
)


@pytest.mark.parametrize('encoder', [CNN, VIT], ids=['cnn', 'vit'])
@pytest.mark.parametrize('head', HEADS)
def test_losses_train_and_queries_of_odd_sizes_are_segmented(encoder, head) -> None:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(type='mmfewshot_seg.FewShotSegmentor', backbone=encoder, decode_head=HEADS[head])
    )
    masks = torch.zeros(2, 1, 2, 40, 40, dtype=torch.long)
    masks[..., 8:30, 6:26] = 1
    inputs = dict(
        query=torch.randn(2, 1, 3, 40, 40),
        support=torch.randn(2, 1, 2, 3, 40, 40),
        support_masks=masks,
    )
    losses = model.train().loss(inputs, [Episode(query_masks=mask) for mask in masks[:, 0, :1]])
    sum(losses.values()).backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    gradients = [p.grad for p in model.backbone.parameters() if p.grad is not None]
    assert any(gradient.abs().sum() > 0 for gradient in gradients)
    inputs['query'] = torch.randn(2, 3, 3, 35, 51)
    with torch.no_grad():
        logits = model.eval()(inputs)
    assert logits.shape == (2, 3, 2, 35, 51) and logits.isfinite().all()
