"""Pictures and dumps of the hosts' functions are written whole."""

import ast
from pathlib import Path

import mmcv
import mmengine
import numpy as np

from mmfewshot_seg.files import whole_backend
from mmfewshot_seg.files.whole_backend import WHOLE

PACKAGE = Path(whole_backend.__file__).parent


def test_pictures_and_dumps_are_whole_files(tmp_path, monkeypatch) -> None:
    written, whole_file = [], whole_backend.whole_file
    monkeypatch.setattr(
        whole_backend, 'whole_file', lambda path: written.append(str(path)) or whole_file(path)
    )
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    paths = [str(tmp_path / 'new' / name) for name in ('a.png', 'b.json', 'c.pkl')]
    mmcv.imwrite(picture, paths[0], backend_args=WHOLE)
    mmengine.dump({'a': 1}, paths[1], backend_args=WHOLE)
    mmengine.dump({'a': 1}, paths[2], backend_args=WHOLE)
    assert written == paths
    assert (mmcv.imread(paths[0]) == picture).all()
    assert [mmengine.load(path) for path in paths[1:]] == [{'a': 1}] * 2


def test_all_that_the_package_writes_by_the_hosts_is_written_so() -> None:
    calls = [
        f'{path.relative_to(PACKAGE)}:{node.lineno}'
        for path in PACKAGE.rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ('mmcv.imwrite', 'mmengine.dump')
        and 'backend_args' not in [keyword.arg for keyword in node.keywords]
    ]
    assert calls == []
