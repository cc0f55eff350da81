"""What is left of a server that was killed."""

from pathlib import Path

import pytest
from tests.server.faults.kills import kill_often


@pytest.mark.slow
def test_what_was_acknowledged_outlives_kill_9(tmp_path: Path) -> None:
    found = kill_often(tmp_path, times=4, seed=1)
    assert found.wrong == []
    assert found.kills == 4
    assert found.acknowledged_observations > 0
    assert found.acknowledged_scores > 0
