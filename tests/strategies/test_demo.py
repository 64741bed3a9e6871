"""The demonstration does something: its study finds lines worth trading on the synthetic market, and they fire."""

import pytest

from apps.strategies.demo import RULE_SET, STUDY, SYMBOLS
from apps.strategies.searches import study_search, study_warm_up
from apps.strategies.selectors import real_line_ids, study_context
from apps.strategies.services import rule_sets_seed, study_follow
from tests.conftest import ConnectionFactory
from tests.strategies.conftest import NOW, NOW_MS, history

pytestmark = pytest.mark.django_db


@pytest.mark.timeout(600)  # two hours of a market, second by second
def test_real_lines_of_the_demo_fire_about_once_a_minute(connection_factory: ConnectionFactory) -> None:
    rules = rule_sets_seed()[RULE_SET]
    study = study_follow(connection_factory(symbols=SYMBOLS), rule_set=rules, **STUDY).study
    study_search(study, now=NOW, history=history)
    real = real_line_ids(study, rules)
    assert len(real) >= 40
    context = study_warm_up(study, study_context(study), until_ms=NOW_MS + 2 * 3_600_000, history=history)
    opened = [closed for line_id, closed in context.take_batch().results if line_id in real]
    assert len(opened) >= 100  # in two hours
