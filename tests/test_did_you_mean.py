import pytest

from mmfewshot_seg.did_you_mean import did_you_mean


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('sofaa', " (did you mean 'sofa'?)"),
        ('DINING-TABLE', " (did you mean 'dining_table'?)"),
        ('bat', " (did you mean 'Cat' or 'boat'?)"),
        ('zebra', ''),
        ('', ''),
        (None, ''),
    ],
)
def test_hints(name, hint) -> None:
    assert did_you_mean(name, ['sofa', 'dining_table', 'Cat', 'boat']) in (hint, *_turned(hint))


def _turned(hint: str) -> list[str]:
    names = hint[15:-2].split(' or ')
    return [f' (did you mean {" or ".join(reversed(names))}?)'] if len(names) > 1 else []
