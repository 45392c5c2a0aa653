"""Same numbers as the official implementations, for every case of the fixture folders."""

import pytest
from parity.harness import Case, collect, compare


@pytest.mark.parametrize('case', collect(), ids=str)
def test_parity(case: Case) -> None:
    ours = case.compute()
    missing = sorted(set(case.expected) - set(ours))
    assert not missing, f'not computed: {missing}'
    differences = [
        compare(case, entry, ours[entry], value) for entry, value in case.expected.items()
    ]
    assert not any(differences), '\n'.join(filter(None, differences))
