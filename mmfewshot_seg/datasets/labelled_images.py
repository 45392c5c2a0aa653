"""Images and semantic labels in folders: what there is instead of the files looked for."""

from collections import Counter
from pathlib import Path

from mmseg.datasets import BaseSegDataset

from mmfewshot_seg.registry import DATASETS, register


@register(DATASETS, host='mmseg')
class LabelledImages(BaseSegDataset):
    """``BaseSegDataset`` that says which files it looked for where it finds none.

    Its arguments are those of ``BaseSegDataset``; ``img_suffix`` (``'.jpg'``) and
    ``seg_map_suffix`` (``'.png'``) are matched to the letter.
    """

    def load_data_list(self) -> list[dict]:
        """Paths of images and labels.

        Raises:
            ValueError: If no image has the suffix.
        """
        data_list = super().load_data_list()
        if data_list:
            return data_list
        folder = self.data_prefix['img_path']
        suffixes = Counter(path.suffix for path in Path(folder).rglob('*') if path.is_file())
        there = ', '.join(f'{number} of {suffix or "none"}' for suffix, number in suffixes.items())
        cure = (
            f"set img_suffix='{next(iter(suffixes))}'" if len(suffixes) == 1 else 'set img_suffix'
        )
        raise ValueError(
            f"{folder} has no files ending in img_suffix='{self.img_suffix}'; files by suffix: "
            f'{there or "there are none"}. To read others {cure}, and seg_map_suffix for the labels'
        )
