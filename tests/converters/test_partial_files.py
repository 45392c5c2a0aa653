"""Official files with a part missing are the file's fault, told as such, for every system."""

import pytest
import torch
from helpers.official_files import official, official_fastfcn
from helpers.tool_calls import call_tool

from mmfewshot_seg.converters import convert_state_dict, layouts

MANIFESTS = dict(
    panet='panet/manifest_resnet50',
    asgnet='asgnet/manifest',
    refinemask='refinemask/manifest_detector_r50_coco',
    zsi='zsi/manifest_48_17',
    danet='danet/manifest_danet101',
    gscnn='gscnn/manifest',
    fastfcn=None,
)


class _Watched(dict):
    """Remembers which keys were asked for."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.asked = {}

    def __getitem__(self, key):
        self.asked[key] = None
        return super().__getitem__(key)


def _official(system: str) -> dict:
    return official_fastfcn() if system == 'fastfcn' else official(MANIFESTS[system])


@pytest.mark.slow
@pytest.mark.parametrize('system', MANIFESTS)
def test_each_key_that_tells_a_size_is_missed(system) -> None:
    official = {k.removeprefix('module.'): v for k, v in _official(system).items()}
    (layout,) = [x for x in layouts(system) if x.signature in official][:1]
    watched = _Watched(official)
    layout.target(watched)
    stages = [key for key in official if '.layer3.' in f'.{key}']
    lacking = [[key] for key in watched.asked if key != layout.signature]
    for keys in (*lacking, stages):
        partial = {key: value for key, value in official.items() if key not in keys}
        if len(partial) == len(official):
            continue
        with pytest.raises(ValueError, match='not a complete|layer3 has 0 blocks'):
            convert_state_dict(partial, layouts(system))


@pytest.mark.parametrize('system', MANIFESTS)
def test_a_signature_alone_is_no_file(system) -> None:
    for layout in layouts(system):
        with pytest.raises(ValueError, match='not a complete|layer3 has 0 blocks'):
            convert_state_dict({layout.signature: torch.ones(1, 1, 1, 1)}, layouts(system))


def test_values_that_are_not_finite_are_refused() -> None:
    official = _official('panet')
    key = next(iter(official))
    official[key] = torch.full_like(official[key], torch.nan)
    with pytest.raises(ValueError, match='not finite: backbone'):
        convert_state_dict(official, layouts('panet'))


def test_the_tool_blames_the_system_first(tmp_path, capsys) -> None:
    (tmp_path / 'in.pth').write_text('no weights')
    assert call_tool('convert_checkpoint', 'nosuch', tmp_path / 'in.pth', tmp_path / 'out') == 2
    assert "convert_checkpoint: unknown system 'nosuch', expected" in capsys.readouterr().err
    torch.save({layouts('gscnn')[0].signature: torch.ones(1)}, tmp_path / 'in.pth')
    for system, told in (('danet', 'looks like a file of gscnn'), ('gscnn', 'not a complete')):
        assert call_tool('convert_checkpoint', system, tmp_path / 'in.pth', tmp_path / 'out') == 2
        message = capsys.readouterr().err
        assert told in message and message.count('\n') == 1
    assert not (tmp_path / 'out').exists()
