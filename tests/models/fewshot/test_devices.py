"""Few-shot models on a pretended CUDA device and in mixed precision: the numbers of the CPU."""

import pytest
import torch
from helpers.device_tests import DeviceTests
from helpers.fewshot_models import BACKBONE, HEADS
from helpers.pretended_cuda import same_on_cuda

from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.structures import Episode, SupportState

ASPP = dict(type='mmfewshot_seg.ASPPDecoder', low_level_channels=32)
KINDS = HEADS | dict(
    panet_distances=HEADS['panet'] | dict(metric='sqeuclidean', align_loss='annotated'),
    panet_reduced_masks=HEADS['panet'] | dict(pooling='mask_to_features', align_loss=None),
    asgnet_aspp=HEADS['asgnet'] | dict(decoder=ASPP),
    dense_matching_thinned=HEADS['dense_matching'] | dict(max_positions=6),
)
PREPROCESSOR = dict(mean=[120.0] * 3, std=[60.0] * 3, bgr_to_rgb=True)


def _model(kind: str, device: str, **options) -> FewShotSegmentor:
    torch.manual_seed(0)
    config = dict(backbone=BACKBONE, decode_head=KINDS[kind], data_preprocessor=PREPROCESSOR)
    return FewShotSegmentor(**config, **options).to(device)


class TestFewShot(DeviceTests):
    kinds = KINDS
    batches = dict(labelled={}, empty=dict(empty=True))
    predictions = batches
    waits = dict(asgnet=2, asgnet_aspp=2)  # masks to the host, their seeds back

    def model(self, kind, device):
        return _model(kind, device, test_cfg=dict(prototype_maps=kind.startswith('asgnet')))

    def batch(self, empty=False):
        """Two episodes as a data loader gives them, of two ways, two shots and unlike sizes."""
        inputs, episodes = dict(query=[], support=[], support_masks=[]), []
        for size in ((40, 33), (36, 40)):
            masks = torch.randint(0, 3, (2, 2, *size))
            masks[..., :4, :] = 255
            inputs['support_masks'].append(masks * 0 if empty else masks)
            inputs['query'].append(torch.randint(256, (2, 3, *size), dtype=torch.uint8))
            inputs['support'].append(torch.randint(256, (2, 2, 3, *size), dtype=torch.uint8))
            shapes = dict(img_shapes=(size, size), eval_shapes=(size, (20, 30)))
            label = torch.full((2, *size), 255) if empty else torch.randint(0, 3, (2, *size))
            episodes.append(Episode(metainfo=shapes, query_masks=label))
        return dict(inputs=inputs, data_samples=episodes)

    def predict(self, kind, device, **options):
        model = self.model(kind, device).eval()
        model._encode = model.extract_feat  # as on CUDA; one by one differs by rounding
        data = model.data_preprocessor(self.batch(**options))
        logits = model(**data, mode='tensor')
        return [logits, *(dict(each.items()) for each in model(**data, mode='predict'))]


@pytest.mark.parametrize('kind', KINDS)
@torch.no_grad()
def test_saved_and_joined_supports(kind, tmp_path) -> None:
    def run(device: str) -> list:
        model = _model(kind, device).eval()
        images, masks = torch.randn(1, 2, 2, 3, 40, 33), torch.randint(0, 2, (1, 2, 2, 40, 33))
        images, masks = images.to(device), masks.to(device)
        states = [
            [model.fit_support(images[:, [i]][:, :, [j]], masks[:, [i]][:, :, [j]]) for j in (0, 1)]
            for i in (0, 1)
        ]
        state = model.decode_head.join(states)
        state.cpu().save(tmp_path / 'state.pth')
        state = SupportState.load(tmp_path / 'state.pth').to(device)
        return [
            model.encode_decode(dict(query=torch.randn(1, 1, 3, 40, 33).to(device)), state=state),
            dict(state.items()),
        ]

    same_on_cuda(run)


@pytest.mark.parametrize('method', ['grabcut', 'guided'])
@torch.no_grad()
def test_refined_edges(method) -> None:
    def run(device: str) -> list:
        model = _model('panet', device, test_cfg=dict(refine=method)).eval()
        found = model(**model.data_preprocessor(TestFewShot().batch()), mode='predict')
        return [episode.pred_masks for episode in found]

    same_on_cuda(run)
