"""The tools by the command of the package."""

import sys
from pathlib import Path

import pytest

from mmfewshot_seg import __main__ as command

ROOT = Path(__file__).parents[1]


def _run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, 'argv', ['mmfewshot-seg', *arguments])
    monkeypatch.setattr(sys, 'path', list(sys.path))
    with pytest.raises(SystemExit) as stop:
        command.main()
    return stop.value.code


def test_all_tools_are_listed_with_their_purpose(monkeypatch, capsys) -> None:
    assert _run(monkeypatch, '--help') == 0
    lines = capsys.readouterr().out.partition('tools:\n')[2].splitlines()
    files = [*ROOT.glob('tools/*.py'), *ROOT.glob('tools/analysis_tools/*.py')]
    assert {line.split()[0] for line in lines} == {path.stem for path in files}
    assert all(len(line.split()) > 3 for line in lines)


def test_a_tool_gets_its_options(monkeypatch, capsys) -> None:
    assert _run(monkeypatch, 'train', '--help') == 0
    assert capsys.readouterr().out.startswith('usage: train.py')
    assert _run(monkeypatch, 'test', 'config.py') == 2
    assert 'required: checkpoint' in capsys.readouterr().err


def test_an_unknown_tool(monkeypatch, capsys) -> None:
    assert _run(monkeypatch, 'trian') == 2
    assert "did you mean 'train'?" in capsys.readouterr().err


def test_without_a_clone_the_shipped_tools_are_found(monkeypatch, tmp_path) -> None:
    shipped = tmp_path / 'mmfewshot_seg/.mim/tools/train.py'
    shipped.parent.mkdir(parents=True)
    shipped.touch()
    monkeypatch.setattr(command, 'PACKAGE', tmp_path / 'mmfewshot_seg')
    assert command.tool_paths() == {'train': shipped}
