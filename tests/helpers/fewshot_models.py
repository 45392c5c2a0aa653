"""Few-shot models small enough to run untrained in tests."""

import torch
from mmengine.config import Config

from mmfewshot_seg.apis import FewShotInferencer
from mmfewshot_seg.registry import MODELS

BACKBONE = dict(
    type='mmfewshot_seg.SignedResNet',
    depth=18,
    base_channels=8,
    stem_channels=8,
    num_stages=3,
    strides=(1, 2, 1),
    dilations=(1, 1, 2),
    out_indices=(2,),
)
HEADS = dict(
    panet=dict(type='mmfewshot_seg.PANetHead'),
    asgnet=dict(
        type='mmfewshot_seg.ASGNetHead',
        in_index=(-1,),
        in_channels=(32,),
        channels=16,
        superpixel_area=2,
    ),
)
HEADS['dense_matching'] = dict(type='mmfewshot_seg.DenseMatchingHead', in_index=-1)
RESIZE = dict(type='Resize', scale=(64, 64), keep_ratio=False)


def fewshot_config(*transforms: dict, head: str = 'panet') -> Config:
    """Config of a tiny network; ``transforms`` after the image is loaded, for all images."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='mmfewshot_seg.LoadEpisodeMask'),
        *(transforms or (RESIZE,)),
    ]
    model = dict(
        type='mmfewshot_seg.FewShotSegmentor',
        data_preprocessor=dict(
            type='mmfewshot_seg.EpisodeDataPreProcessor',
            mean=[120.0, 120.0, 120.0],
            std=[60.0, 60.0, 60.0],
            bgr_to_rgb=True,
        ),
        backbone=BACKBONE,
        decode_head=HEADS[head],
    )
    return Config(dict(model=model, test_dataloader=dict(dataset=dict(pipeline=pipeline))))


def dense_matching_config(folder) -> Config:
    """The same with a head that has no weights, and those of the backbone in a file."""
    config = fewshot_config(head='dense_matching')
    torch.manual_seed(0)
    path = folder / 'backbone.pth'
    torch.save(MODELS.build(config.model.backbone).state_dict(), path)
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(path))
    return config


def save_weights(config: Config, path, seed: int = 0) -> str:
    """Checkpoint of the model with random weights."""
    torch.manual_seed(seed)
    model = MODELS.build(config.model)
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


def fewshot_inferencer(folder, *transforms: dict, head='panet', seed=0) -> FewShotInferencer:
    """Inferencer of such a model, its weights in ``folder``."""
    config = fewshot_config(*transforms, head=head)
    weights = save_weights(config, folder / f'{head}_{seed}.pth', seed)
    return FewShotInferencer(config, weights, device='cpu', show_progress=False)
