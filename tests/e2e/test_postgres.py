"""The whole stack on PostgreSQL; "make test" runs this with a throw-away cluster in DATABASE_URL."""

import os
from pathlib import Path

import psycopg
import pytest

from tests.e2e.stack import Load, running_stack

pytestmark = pytest.mark.e2e


def test_every_answer_is_on_record_in_postgresql(tmp_path: Path) -> None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        pytest.skip("no PostgreSQL here: tests/with_postgres.sh sets DATABASE_URL")
    with running_stack(tmp_path, DATABASE_URL=url) as stack:
        with Load(stack, clients=4) as load:
            load.wait_for_answers(20)
        assert load.failures == []
        with psycopg.connect(url) as connection:
            rows = connection.execute("""select count(*), count(distinct image_id) from "Pm_prediction" """).fetchone()
        assert rows == (len(load.answers) + 1, len(load.answers) + 1)  # and the sample that starts the stack
