"""Fingerprints change with what predictions depend on, and with nothing else."""

import torch

from mmfewshot_seg.apis.fingerprint import fingerprint, weights_fingerprint


def test_config() -> None:
    config = dict(type='A', head=dict(scale=20, in_index=(1, 2)))
    trained = dict(
        head=dict(in_index=[1, 2], scale=20, loss_decode=dict(type='B')), type='A', train_cfg={}
    )
    assert fingerprint(config) == fingerprint(trained)
    assert fingerprint(config) != fingerprint(dict(type='A', head=dict(scale=10, in_index=(1, 2))))


def test_weights() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    before = weights_fingerprint(model)
    assert before == weights_fingerprint(model)
    model[1].running_mean[1] = 0.5
    assert weights_fingerprint(model) != before
    assert weights_fingerprint(model.to(torch.bfloat16)) != before
