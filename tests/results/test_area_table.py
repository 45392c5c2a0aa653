"""The table of areas, by hand."""

import numpy as np
from helpers.image_results import image_result

from mmfewshot_seg.results.area_table import AreaTable


def test_a_row_for_each_instance_and_for_each_absent_class() -> None:
    labels = np.zeros((10, 20), np.uint8)
    labels[2:4, 5:10] = labels[8, 0] = 1
    labels[0, 19] = 2
    table = AreaTable()
    table.add(image_result(labels, path='/photos/a "b", c.jpg'))
    assert table.text().splitlines() == [
        'image,class,instance,area,share,x,y,width,height,score',
        '"a ""b"", c.jpg",ring,1,10,0.050000,5,2,5,2,0.7500',
        '"a ""b"", c.jpg",ring,2,1,0.005000,0,8,1,1,0.7500',
        '"a ""b"", c.jpg",disc,1,1,0.005000,19,0,1,1,0.7500',
        '"a ""b"", c.jpg",nothing,0,0,0,,,,,',
    ]
