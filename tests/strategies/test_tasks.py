"""The repeated search as a task: over the wire, once at a time, and a silent venue is no crash."""

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.exchanges.leases import lease_is_live, lease_release, lease_take
from apps.strategies.models import Study
from apps.strategies.selectors import lines_watched
from apps.strategies.tasks import search_study
from tests.paper_fixtures import PaperVenueControl

pytestmark = [pytest.mark.django_db, pytest.mark.wire]


def test_a_search_runs_once_at_a_time(
    study: Study, moving_paper_venue: PaperVenueControl, settings: Settings, tmp_path: Path
) -> None:
    settings.PAPER_URL, settings.DATA_DIR = moving_paper_venue.url, tmp_path
    going_on = lease_take(f"search:{study.pk}", owner="another", ttl_s=30)
    assert going_on is not None
    assert search_study(study.pk) is None
    assert not lines_watched(study).exists()
    lease_release(going_on)
    assert search_study(study.pk) == lines_watched(study).count() > 0
    assert not lease_is_live(f"search:{study.pk}")


def test_a_venue_that_does_not_answer_leaves_the_study_as_it_was(
    study: Study, settings: Settings, tmp_path: Path
) -> None:
    settings.PAPER_URL, settings.DATA_DIR = "http://127.0.0.1:1", tmp_path
    assert search_study(study.pk) is None
    study.refresh_from_db()
    assert study.searched_at is None
    assert not lease_is_live(f"search:{study.pk}")
