"""Fingerprints change with what predictions depend on, and with nothing else."""

import torch

from mmfewshot_seg.apis.fingerprint import fingerprint, tensors_fingerprint


def test_config() -> None:
    config = dict(type='A', head=dict(scale=20, in_index=(1, 2)))
    trained = dict(
        head=dict(in_index=[1, 2], scale=20, loss_decode=dict(type='B')), type='A', train_cfg={}
    )
    assert fingerprint(config) == fingerprint(trained)
    assert fingerprint(config) != fingerprint(dict(type='A', head=dict(scale=10, in_index=(1, 2))))


def test_weights() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    before = tensors_fingerprint(model.state_dict())
    assert before == tensors_fingerprint(model.state_dict())
    model[1].running_mean[1] = 0.5
    assert tensors_fingerprint(model.state_dict()) != before
    assert tensors_fingerprint(model.to(torch.bfloat16).state_dict()) != before
