"""MMEngine's storage on local disks, writing whole files."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmfewshot_seg.files.whole_file import whole_file

# For `mmcv.imwrite` and `mmengine.dump`, which write in place without it.
WHOLE = dict(backend='mmfewshot_seg_whole')


@register_backend(WHOLE['backend'])
class WholeFileBackend(LocalBackend):
    """Local files that appear when all of them is written; folders are made, as by the parent."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Raises:
            OSError: See :func:`whole_file`.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with whole_file(filepath) as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text; see :meth:`put`."""
        self.put(obj.encode(encoding), filepath)
