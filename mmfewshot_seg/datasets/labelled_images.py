"""Images of any format and semantic labels in folders."""

from collections import Counter
from pathlib import Path

from mmseg.datasets import BaseSegDataset

from mmfewshot_seg.datasets.sources.image_files import IMAGE_SUFFIXES
from mmfewshot_seg.registry import DATASETS, register


@register(DATASETS, host='mmseg')
class LabelledImages(BaseSegDataset):
    """``BaseSegDataset`` of images of any format, which says what is there where it finds none.

    Args:
        img_suffix: How the names of images end, to the letter. None: as those of any format do, in
            capitals or not; of an ``ann_file``, a list of names without endings, ``'.jpg'``.
        kwargs: Arguments of ``BaseSegDataset``; ``seg_map_suffix`` (``'.png'``) is matched to the
            letter.
    """

    img_suffix: str | None

    def __init__(self, *args, img_suffix: str | None = None, **kwargs) -> None:
        super().__init__(*args, img_suffix=img_suffix, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Paths of images and labels.

        Raises:
            ValueError: If there are no images.
        """
        folder = self.data_prefix['img_path']
        given = self.img_suffix
        if given is not None:
            endings = [given]
        elif self.ann_file and not Path(self.ann_file).is_dir():
            endings = ['.jpg']
        else:
            found = {path.suffix for path in Path(folder).rglob('*')}
            endings = sorted(suffix for suffix in found if suffix.lower() in IMAGE_SUFFIXES)
        data_list = []
        for self.img_suffix in endings:
            data_list += super().load_data_list()
        self.img_suffix = given
        if data_list:
            return sorted(data_list, key=lambda data: data['img_path'])
        suffixes = Counter(path.suffix for path in Path(folder).rglob('*') if path.is_file())
        there = ', '.join(f'{number} of {suffix or "none"}' for suffix, number in suffixes.items())
        cure = (
            f"set img_suffix='{next(iter(suffixes))}'" if len(suffixes) == 1 else 'set img_suffix'
        )
        looked_for = 'that are images' if given is None else f"ending in img_suffix='{given}'"
        raise ValueError(
            f'{folder} has no files {looked_for}; files by suffix: {there or "there are none"}. To '
            f'read others {cure}, and seg_map_suffix for the labels'
        )
