import pickle

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmfewshot_seg.evaluation import DumpLabelMaps


def test_labels_are_kept_and_logits_are_not(tmp_path) -> None:
    labels = torch.arange(6).reshape(1, 2, 3)
    sample = SegDataSample(metainfo=dict(img_path='a.png'))
    sample.set_data(
        dict(
            pred_sem_seg=PixelData(data=labels),
            gt_sem_seg=PixelData(data=labels),
            seg_logits=PixelData(data=torch.rand(9, 2, 3)),
        )
    )
    large = dict(pred_masks=labels + 255, scores=torch.rand(2, 3), class_ids=torch.arange(3))
    metric = DumpLabelMaps(out_file_path=str(tmp_path / 'out.pkl'))
    metric.process({}, [sample.to_dict()])
    metric.process({}, [large])
    metric.evaluate(size=2)
    with (tmp_path / 'out.pkl').open('rb') as file:
        found, unchanged = pickle.load(file)
    assert not {'seg_logits', 'gt_sem_seg'} & set(found) and found['img_path'] == 'a.png'
    stored = found['pred_sem_seg']['data']
    assert stored.dtype == torch.uint8 and torch.equal(stored.long(), labels)
    assert all(torch.equal(unchanged[key], large[key]) for key in large)
    assert unchanged['pred_masks'].dtype == torch.int64
