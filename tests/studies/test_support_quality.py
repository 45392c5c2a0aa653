"""Figures of the study by hand, and a run of it on drawn images."""

import cv2
import numpy as np
import pytest
from helpers.fewshot_models import RESIZE, dense_matching_config
from PIL import Image

from mmfewshot_seg.command import UsageError
from mmfewshot_seg.datasets.drawn import draw_scene
from mmfewshot_seg.studies.support_quality import (
    Findings,
    draw_curve,
    roc_area,
    support_quality,
)


def _findings() -> Findings:
    return Findings(
        named=[True, True, False, True],
        alarms=[0, 2, 0, 0],
        supports=20,
        present=[dict(presence=0.9), dict(presence=0.3)],
        absent=[dict(presence=0.3), dict(presence=0.1)],
        margins=([0.4, -0.1], [0.0, -0.3]),
    )


def test_area_by_hand() -> None:
    assert roc_area([3, 1], [2, 0]) == 0.75
    assert roc_area([1], [1]) == 0.5


def test_report_by_hand() -> None:
    figures = [line.split(maxsplit=1)[0] for line in _findings().report().splitlines()]
    assert figures == ['0.750', '0.250', '0.100', '0.500', '0.500', '0.875', '0.750']


def test_curve_is_a_picture(tmp_path) -> None:
    path = tmp_path / 'new' / 'curve.png'
    draw_curve(_findings(), path)
    assert np.asarray(Image.open(path)).shape[:2] == (300, 400)


@pytest.mark.parametrize('spoil', ['mask', 'image'])
def test_a_run_of_it(tmp_path, spoil) -> None:
    for kind, name in enumerate(('disc', 'ring')):
        (tmp_path / 'data' / name).mkdir(parents=True)
        for number in range(4):
            scene = draw_scene(64, 64, [[kind]], np.random.RandomState(10 * kind + number))
            stem = str(tmp_path / 'data' / name / str(number))
            cv2.imwrite(f'{stem}.jpg', scene.image)
            cv2.imwrite(
                f'{stem}.png', np.where(scene.label_map == 1 + kind, 255, 0).astype(np.uint8)
            )
    config = dense_matching_config(tmp_path)
    config.model.decode_head.presence_levels = (0.5, 0.7)
    config.test_dataloader = dict(
        batch_size=1,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            type='mmfewshot_seg.FewShotDataset',
            source=dict(
                type='mmfewshot_seg.FolderSource',
                data_root=str(tmp_path / 'data'),
                index_dir=None,
            ),
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='mmfewshot_seg.LoadEpisodeMask'),
                RESIZE,
            ],
            test_mode=True,
        ),
    )
    config.default_scope = 'mmseg'
    config.dump(path := str(tmp_path / 'config.py'))
    findings = support_quality(path, num_trials=3, num_shots=2, spoil=spoil)
    assert len(findings.named) == len(findings.alarms) == 3 and findings.supports == 6
    assert len(findings.present) == len(findings.absent) == 3
    for scores in findings.present:
        assert 0 <= scores['share of what is found'] <= 1
        assert 0.5 < scores['highest probability'] <= 1
    again = support_quality(path, num_trials=3, num_shots=2, spoil=spoil)
    assert again.report() == findings.report()
    with pytest.raises(UsageError, match='2 shots'):
        support_quality(path, num_shots=1)
    with pytest.raises(UsageError, match='expected one of'):
        support_quality(path, spoil='all')
    with pytest.raises(UsageError, match='one class'):
        support_quality(path, ['test_dataloader.dataset.base_classes=[disc]'], num_shots=2)
