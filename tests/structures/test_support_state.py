"""Saving, loading and moving of support states."""

import pytest
import torch

from mmfewshot_seg.structures import SupportState


def test_round_trip_keeps_tensors_and_meta(tmp_path) -> None:
    meta = dict(class_names=('cat', 'dog'))
    state = SupportState(metainfo=meta, prototypes=torch.randn(1, 3, 4), valid=torch.ones(2).bool())
    state.save(tmp_path / 'state.pth')
    loaded = SupportState.load(tmp_path / 'state.pth')
    assert loaded.metainfo == meta
    assert torch.equal(loaded.prototypes, state.prototypes)
    assert torch.equal(loaded.valid, state.valid)
    assert loaded.to(torch.float64).prototypes.dtype == torch.float64


def test_other_files_are_refused(tmp_path) -> None:
    torch.save({'state_dict': {}}, tmp_path / 'model.pth')
    with pytest.raises(ValueError, match=r'model\.pth is not a support state'):
        SupportState.load(tmp_path / 'model.pth')
    (tmp_path / 'notes.txt').write_text('hello')
    with pytest.raises(ValueError, match=r'notes\.txt is a text file'):
        SupportState.load(tmp_path / 'notes.txt')


@pytest.mark.parametrize(
    ('tensors', 'told'),
    [
        ({'prototypes': torch.full((1, 2, 3), torch.nan)}, 'prototypes has values that are not'),
        ({'prototypes': 3}, 'is damaged'),
        ([torch.ones(1)], 'is damaged'),
    ],
)
def test_spoilt_states_are_refused(tensors, told, tmp_path) -> None:
    torch.save(dict(tensors=tensors, meta={}), tmp_path / 'state.pth')
    with pytest.raises(ValueError, match=rf'state\.pth.* {told}'):
        SupportState.load(tmp_path / 'state.pth')


def test_saving_names_a_missing_folder(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match='none is no folder'):
        SupportState(prototypes=torch.zeros(1)).save(tmp_path / 'none' / 'state.pth')
