"""Predictions of one image at several sizes and mirrored, merged."""

import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.structures import SegDataSample

from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmseg')
class SemanticTTAModel(SegTTAModel):
    """``SegTTAModel`` for edges and for a single output as well.

    Edges are averaged. A single output's probabilities, too; the host takes the sigmoid of them
    once more, after which all of them exceed its threshold.
    """

    def merge_preds(self, data_samples_list: list[list[SegDataSample]]) -> list[SegDataSample]:
        """One sample per image; edges are those of :class:`GatedSCNN`.

        Args:
            data_samples_list: Predictions of each image at the size of the original.
        """
        merged = super().merge_preds(data_samples_list)
        for sample, views in zip(merged, data_samples_list, strict=True):
            if self.module.out_channels == 1:
                probability = _mean(views, 'seg_logits')
                pred = (probability > self.module.decode_head.threshold).to(probability)
                sample.set_data(dict(pred_sem_seg=PixelData(data=pred)))
            if 'pred_edges' in sample:
                sample.set_data(dict(pred_edges=PixelData(data=_mean(views, 'pred_edges'))))
        return merged


def _mean(samples: list[SegDataSample], key: str) -> torch.Tensor:
    return torch.stack([sample.get(key).data for sample in samples]).mean(0)
