"""A short slice of the fault runs, so that no change breaks them unseen; `make chaos` plays many more."""

import os
import subprocess
import sys

import pytest

from tests.chaos.plan import plan_make

pytestmark = pytest.mark.slow


def test_a_plan_is_its_seed_and_nothing_else() -> None:
    assert plan_make(7) == plan_make(7)
    assert plan_make(7) != plan_make(8)


@pytest.mark.timeout(300)
def test_two_runs_leave_both_sides_equal() -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CTS_", "DJANGO_", "DATABASE"))
    }
    environment |= {"RUNS": "2", "JOBS": "1"}
    played = subprocess.run(
        [sys.executable, "-m", "tests.chaos"], env=environment, capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stdout
    assert "chaos: 2 runs, 0 failed" in played.stdout
