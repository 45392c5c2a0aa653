"""The benchmark: its oracle agrees with our head, its rows have the promised form."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
import torch

from mmfewshot_seg import compat
from mmfewshot_seg.compat import ops_error
from mmfewshot_seg.models.fewshot import PANetHead

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / 'tools/analysis_tools'
KEYS = ['case', 'peer', 'time_s', 'peer_time_s', 'time_ratio']
KEYS += ['peak_mb', 'peer_peak_mb', 'peak_ratio']


@pytest.fixture
def benchmark(monkeypatch):
    """The tool, measuring in this process."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import benchmark
    from benchmarks import measure

    monkeypatch.setattr(measure, 'in_own_process', lambda function, *args: function(*args))
    return benchmark


def _naive_head() -> torch.nn.Module:
    from benchmarks.naive_panet import NaivePANetHead

    return NaivePANetHead()


@pytest.mark.parametrize('ways', [1, 2])
@pytest.mark.parametrize('shots', [1, 5])
def test_oracle_agrees_with_our_head(benchmark, ways, shots) -> None:
    generator = torch.Generator().manual_seed(10 * ways + shots)
    labels = torch.tensor([*range(ways + 1), 255])

    def draw_labels(*shape):
        # Blobs of 4 x 4, cut to a size that is no multiple of the features'.
        index = torch.randint(len(labels), (*shape, 6, 5), generator=generator)
        return labels[index].repeat_interleave(4, -1).repeat_interleave(4, -2)[..., :21, :18]

    masks, query_masks = draw_labels(2, ways, shots), draw_labels(2, 2)
    features = [
        torch.randn(size, generator=generator, dtype=torch.float64).float().requires_grad_()
        for size in [(2, 2, 8, 5, 4), (2, ways, shots, 8, 5, 4)]
    ]
    query, support = ((level,) for level in features)
    outputs = []
    for head in PANetHead(), _naive_head():
        scores = head.scores(query, head.prototypes(support, masks))
        losses = head.loss(query, support, masks, query_masks)
        gradients = torch.autograd.grad(sum(losses.values()), features)
        outputs.append((head.resize(scores, (21, 18)), losses, gradients))
    (logits, losses, gradients), (oracle_logits, oracle_losses, oracle_gradients) = outputs
    assert logits.shape == (2, 2, 1 + ways, 21, 18)
    assert losses['loss_align'] > 0
    torch.testing.assert_close(logits, oracle_logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(losses, oracle_losses, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients, oracle_gradients, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    'builder',
    ['head_forward', 'head_training', pytest.param('train_step', marks=pytest.mark.slow)],
)
def test_both_sides_of_a_case_compute_the_same(benchmark, builder, monkeypatch) -> None:
    from benchmarks import panet

    seen = []

    def recorded(head_class):
        def loss(self, *args):
            losses = head_class.loss(self, *args)
            seen.append({name: value.detach() for name, value in losses.items()})
            return losses

        return type('Recorded', (head_class,), dict(loss=loss))

    monkeypatch.setattr(panet, 'HEADS', {k: recorded(v) for k, v in panet.HEADS.items()})
    outputs = [getattr(panet, builder)(side, 'cpu', True, 1)() for side in ('ours', 'peer')]
    ours, peer = seen or outputs
    torch.testing.assert_close(ours, peer, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_all_cases_give_rows_and_a_table(benchmark, tmp_path, capsys) -> None:
    file = tmp_path / 'rows.json'
    cases = [c for c in benchmark.runnable_cases('cpu') if not benchmark.CASES[c].is_exported]
    # Making graphs takes minutes: tests/export makes smaller ones.
    benchmark.main([*cases, '--tiny', '--repeats', '1', '--json', str(file)])
    rows = json.loads(file.read_text())['rows']
    names = [row['case'] for row in rows]
    assert {'panet_head_1shot', 'panet_head_5shot', 'panet_train_step'} <= set(names)
    assert {'sgc_gpa_1shot', 'sgc_gpa_5shot'} <= set(names)
    assert ('refinemask_infer_lvis' in names) == (ops_error() is None)
    for row in rows:
        assert list(row)[: len(KEYS)] == KEYS
        assert row['peer'] == benchmark.CASES[row['case']].peer
        assert row['time_ratio'] == row['time_s'] / row['peer_time_s'] > 0
        assert row['peak_mb'] >= 0 and row['peer_peak_mb'] >= 0
    shares = {row['case']: row['head_share'] for row in rows if 'head_share' in row}
    with_backbone = {name for name in names if name.startswith(('panet_head', 'asgnet'))}
    assert set(shares) == with_backbone and all(shares.values())
    captured = capsys.readouterr()
    lines = [line for line in captured.out.splitlines() if line.startswith('|')]  # not the log
    assert lines[0].startswith('| case ') and set(lines[1]) == set('|-')
    assert [line.split()[1] for line in lines[2:]] == names
    assert len({len(line) for line in lines}) == 1
    assert 'panet_train_step: peak memory of peer' in captured.err


FREED_AGAIN = """
import torch
from benchmarks.measure import MEGABYTE, _resident_high_water
torch.ones(10)
baseline = _resident_high_water(reset=True)
block = torch.ones(100 * MEGABYTE // 4)
del block
grown = _resident_high_water(reset=False) - baseline
print(grown // MEGABYTE, (_resident_high_water(reset=True) - baseline) // MEGABYTE)
"""


def test_resident_peak_counts_what_was_freed_again() -> None:
    # In a process of its own: what other tests free meanwhile would be counted.
    environment = {**os.environ, 'PYTHONPATH': str(FOLDER)}
    command = [sys.executable, '-c', FREED_AGAIN]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    grown, left = map(int, result.stdout.split())
    assert 95 < grown < 110
    assert left < 10


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['panet_hed_1shot'], "unknown case 'panet_hed_1shot' (did you mean 'panet_head_1shot'"),
        (['--repeats', '0'], '--repeats 0: must be at least 1'),
        (['--clock', 'cpu', '--device', 'cuda'], '--clock cpu measures --device cpu only'),
        (['sgc_gpa_1shot', '--amp'], '--amp changes nothing in sgc_gpa_1shot'),
        (['--json', 'nowhere/rows.json'], 'there is no directory nowhere'),
    ],
)
def test_wrong_arguments_end_with_status_2(benchmark, argv, message, capsys) -> None:
    with pytest.raises(SystemExit) as error:
        benchmark.main(argv)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


AMP_CASES = {
    'panet_head_train_1shot': 0.0,  # a float32 island
    'panet_train_step': 0.1,
    'asgnet_head_1shot': 0.05,
    'dense_matching_1shot': 0.0,  # likewise
    'position_attention_97': 0.05,
    'gated_conv': 0.05,
    'refinemask_train_coco': 0.1,
    'zsi_bbox_head': 0.1,
}


@pytest.mark.slow
@pytest.mark.parametrize(('case', 'most'), AMP_CASES.items())
def test_bfloat16_is_near_float32(benchmark, case, most) -> None:
    from benchmarks import CASES
    from benchmarks.measure import amp_difference

    if CASES[case].needs_ops and ops_error() is not None:
        pytest.skip('mmcv has no compiled ops')
    difference = amp_difference(case, 'cpu', tiny=True)
    assert (0 < difference < most) or difference == most == 0


def test_the_json_tells_how_rows_were_measured(benchmark, tmp_path, monkeypatch, capsys) -> None:
    file, seen = tmp_path / 'rows.json', []

    def measure(case, device, report, **options):
        seen.append(json.loads(file.read_text())['rows'] if file.exists() else None)
        return dict(case=case)

    monkeypatch.setattr(benchmark, 'measure', measure)
    arguments = ['--clock', 'cpu', '--repeats', '3', '--tiny', '--json', str(file)]
    benchmark.main(['gated_conv', 'edge_labels', *arguments])
    content = json.loads(file.read_text())
    assert seen == [None, [dict(case='gated_conv')]]  # written after each case
    assert content['rows'] == [dict(case='gated_conv'), dict(case='edge_labels')]
    measured = content['measured']
    assert date.fromisoformat(measured.pop('date')) <= date.today()
    assert measured.pop('machine') in [platform.machine(), *_cpu_models()]
    assert 1 <= measured.pop('cores') <= os.cpu_count() and measured.pop('load') >= 0
    if (commit := measured.pop('commit')) is not None:
        assert re.fullmatch('[0-9a-f]{7,}(-dirty)?', commit)
    known = dict(threads=torch.get_num_threads(), torch=torch.__version__, device='cpu')
    assert measured == known | dict(clock='cpu', repeats=3, amp=False, tiny=True)
    assert not {str(ROOT), str(Path.home()), platform.node()} & set(map(str, measured.values()))
    assert (
        'tiny inputs, float32, CPU seconds of all threads, median of 3' in capsys.readouterr().err
    )


def _cpu_models() -> list[str]:
    lines = Path('/proc/cpuinfo').read_text().splitlines()
    return [line.partition(': ')[2] for line in lines if line.startswith('model name')]


@pytest.mark.skipif(shutil.which('git') is None, reason='git is not installed')
def test_the_commit_is_that_of_the_clone_and_tells_of_changes(benchmark, tmp_path) -> None:
    from benchmarks.measure import _commit

    def git(*words: str) -> str:
        names = ['-c', 'user.name=a', '-c', 'user.email=a@b']
        command = ['git', '-C', tmp_path, *names, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    (tmp_path / 'archive').mkdir()
    git('init')
    (tmp_path / 'file').write_text('1')
    git('add', 'file')
    git('commit', '-m', 'first')
    git('tag', '-a', 'v1', '-m', 'v1')
    commit = git('rev-parse', 'HEAD')
    assert len(_commit(tmp_path)) >= 7 and commit.startswith(_commit(tmp_path))
    (tmp_path / 'file').write_text('2')
    assert _commit(tmp_path).endswith('-dirty')
    assert _commit(tmp_path / 'archive') is None  # unpacked in somebody's clone


def test_a_row_of_amp_has_the_difference(benchmark, tmp_path, capsys) -> None:
    file = tmp_path / 'rows.json'
    benchmark.main(['gated_conv', '--tiny', '--amp', '--repeats', '1', '--json', str(file)])
    (row,) = json.loads(file.read_text())['rows']
    assert 0 < row['amp_difference'] < 0.05
    assert capsys.readouterr().out.splitlines()[0].rstrip(' |').endswith('bf16 differs')


def test_results_that_are_not_finite_are_refused(benchmark, monkeypatch) -> None:
    from benchmarks import Case
    from benchmarks.measure import amp_difference

    monkeypatch.setattr(
        Case, 'build', lambda self, *args: lambda: torch.tensor([1.0, float('nan')])
    )
    with pytest.raises(ValueError, match='gated_conv: a result in bfloat16 is not finite'):
        amp_difference('gated_conv', 'cpu', tiny=True)


def test_cpu_seconds_do_not_count_waiting(benchmark) -> None:
    from benchmarks.measure import CLOCKS, _timed

    assert _timed(lambda: time.sleep(0.1), 'cpu', CLOCKS['cpu']) < 0.05
    assert _timed(lambda: time.sleep(0.1), 'cpu', CLOCKS['wall']) > 0.09


def test_cuda_without_a_device_is_refused(benchmark, monkeypatch, capsys) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(SystemExit) as error:
        benchmark.main(['--device', 'cuda'])
    assert error.value.code == 2
    assert 'torch sees no CUDA device: use --device cpu' in capsys.readouterr().err


def test_cases_that_need_compiled_ops_are_left_out_without(benchmark, monkeypatch, capsys) -> None:
    everything = benchmark.runnable_cases() if ops_error() is None else list(benchmark.CASES)
    assert everything == list(benchmark.CASES)
    monkeypatch.setattr(compat, 'ops_error', lambda: 'no _ext')
    names = benchmark.runnable_cases()
    assert set(everything) - set(names) == {
        n for n in everything if n.startswith(('refinemask', 'zsi'))
    }
    assert '(no _ext): refinemask_infer_coco, ' in capsys.readouterr().err


@pytest.mark.slow
def test_runs_as_a_command_in_processes_of_its_own(tmp_path) -> None:
    command = [sys.executable, FOLDER / 'benchmark.py', 'panet_head_1shot', '--tiny']
    result = subprocess.run(
        [*command, '--json', 'rows.json'], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 3  # the table, and nothing a library prints
    (row,) = json.loads((tmp_path / 'rows.json').read_text())['rows']
    assert row['case'] == 'panet_head_1shot'


def test_cases_of_graphs_are_left_out_where_none_are_made(benchmark, monkeypatch) -> None:
    graphs = {name for name, case in benchmark.CASES.items() if case.is_exported}
    assert graphs == {'onnx_photograph', 'onnx_danet'}
    assert not graphs & set(benchmark.runnable_cases('cuda'))
    monkeypatch.setattr(benchmark, 'exports', lambda device: True)
    assert graphs <= set(benchmark.runnable_cases())
    monkeypatch.setattr(benchmark, 'exports', lambda device: False)
    assert not graphs & set(benchmark.runnable_cases())
