"""What the fault runs are worth: a bug put in on purpose is seen by them, and without it the same plan is clean."""

import os
import subprocess
import sys

import pytest

from tests.chaos.plan import plan_make
from tests.chaos.planted import BUGS


def test_a_plan_is_its_seed_and_nothing_else() -> None:
    assert plan_make(7) == plan_make(7)
    assert plan_make(7) != plan_make(8)


def _played(name: str, *, is_planted: bool) -> str:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("CTS_", "DJANGO_", "DATABASE"))
    }
    environment |= {"PLAN": name, "PLANT": "1" if is_planted else ""}
    played = subprocess.run(
        [sys.executable, "-m", "tests.chaos"], env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    return played.stdout + played.stderr


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str) -> None:
    told = _played(name, is_planted=True)
    seen = [line for line in told.splitlines() if line.startswith("!!")]
    assert any(BUGS[name][2] in line for line in seen), told


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", BUGS)
def test_without_it_the_same_plan_is_clean(name: str) -> None:
    told = _played(name, is_planted=False)
    assert "seed 0: ok" in told, told
