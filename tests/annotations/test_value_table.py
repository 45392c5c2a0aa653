"""Files that say what the values of label maps mean."""

import pytest

from mmfewshot_seg.annotations.value_table import make_value_table, read_value_table


def _read(tmp_path, text: str, name: str = 'classes.txt'):
    (tmp_path / name).write_text(text, encoding='utf-8-sig')
    return read_value_table(tmp_path / name)


@pytest.mark.parametrize(
    ('name', 'text', 'classes', 'background', 'void'),
    [
        ('classes.txt', 'sky\nroad\n\n', dict(sky=0, road=1), (), (255,)),
        ('classes.txt', '_background_\ncat\n', dict(cat=1), (0,), (255,)),
        ('classes.txt', 'cat = 15\nsnow board: 3\n', {'cat': 15, 'snow board': 3}, (0,), (255,)),
        ('classes.txt', 'void=0\ncat=7', dict(cat=7), (), (0, 255)),
        ('classes.txt', 'cat = 192, 128, 128', dict(cat=(192, 128, 128)), ((0, 0, 0),), ()),
        (
            'label_colors.txt',
            '64 128 64\tAnimal\n0 0 0\tVoid',
            dict(Animal=(64, 128, 64)),
            (),
            ((0, 0, 0),),
        ),
        (
            'labelmap.txt',
            '# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0:head,leg:run\n',
            dict(cat=(128, 0, 0)),
            ((0, 0, 0),),
            (),
        ),
        ('labels.txt', '__ignore__\n_background_\ncat\ndog', dict(cat=1, dog=2), (0,), (255,)),
        ('classes.txt', '0 background\n1 cat 2\n2 dog', {'cat 2': 1, 'dog': 2}, (0,), (255,)),
        ('classes.txt', 'cat 0 64 0\nvoid 1 1 1', dict(cat=(0, 64, 0)), ((0, 0, 0),), ((1, 1, 1),)),
        ('classes.txt', 'background\ncat 1\ncat 2', {'cat 1': 1, 'cat 2': 2}, (0,), (255,)),
        ('a.txt', 'bg: #000000\ncat: #0080fF  # a', dict(cat=(0, 128, 255)), ((0, 0, 0),), ()),
        ('classes.txt', '# three\nbg\nC#  # a note\ndog', {'C#': 1, 'dog': 2}, (0,), (255,)),
        ('class_dict.csv', 'name,r,g,b\nSky,1,2,3\n', dict(Sky=(1, 2, 3)), ((0, 0, 0),), ()),
        ('_classes.csv', 'Pixel Value, Class\n0, background\n1, cat\n', dict(cat=1), (0,), (255,)),
    ],
)
def test_tables(tmp_path, name, text, classes, background, void) -> None:
    table = _read(tmp_path, text, name)
    assert (table.classes, table.background, table.void) == (classes, background, void)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('cat\ncat', "the name 'cat' twice"),
        ('cat=1\ndog=1', "gives 1 to 'cat' and to 'dog'"),
        ('cat=1\ndog=1,2,3', 'has values and colours'),
        ('cat=1,2', "a line is a name, .* got 'cat=1,2'"),
        ('cat=300,0,0', r'or a colour \(r, g, b\)'),
        ('background', 'names no classes'),
        ('', 'names no classes'),
    ],
)
def test_odd_tables_are_refused(tmp_path, text, message) -> None:
    with pytest.raises(ValueError, match=message):
        _read(tmp_path, text)


def test_classes_may_have_any_value() -> None:
    table = make_value_table(dict(zebra=255))
    assert table.background == (0,) and table.void == ()
    with pytest.raises(ValueError, match='mask_value is a whole number'):
        make_value_table(dict(zebra='x'))
