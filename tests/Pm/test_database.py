"""Connections to PostgreSQL: few, shared by a process's threads, and never held while the model works."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import NO_DB_ALIAS

from Pm.images import Picture
from Pm.models import ApiKey
from tests.conftest import Post
from tests.fake_model import FakeModel

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: tests/with_postgres.sh"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def all_connections_taken() -> Iterator[None]:
    """Every connection of the pool is in use by others, for longer than a request waits."""
    connection.close()
    pool: Any = connection.pool  # type: ignore[attr-defined]
    pool.open()
    taken = [pool.getconn() for _ in range(pool.max_size)]
    patience_s, pool.timeout = pool.timeout, 0.1
    yield
    pool.timeout = patience_s
    for one in taken:
        pool.putconn(one)


def test_a_request_that_gets_no_connection_in_time_is_503(
    all_connections_taken: None, model: FakeModel, post: Post
) -> None:
    response = post()
    assert (response.status_code, response.json()["error"]["code"]) == (503, "storage_unavailable")


def test_a_key_that_cannot_be_looked_up_is_503(all_connections_taken: None, model: FakeModel, post: Post) -> None:
    response = post(headers={"Authorization": "Api-Key abcdefgh." + "x" * 32})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "storage_unavailable")


def test_no_connection_is_held_while_the_model_works(
    model: FakeModel, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    prepare = Picture.prepare

    def look(picture: Picture) -> None:
        held.append(connection.connection is not None)
        prepare(picture)

    monkeypatch.setattr(Picture, "prepare", look)
    _, key = ApiKey.objects.create_key(name="crawler")
    assert post(headers={"Authorization": f"Api-Key {key}"}).status_code == 200
    assert held == [False]


def test_a_connection_that_died_is_replaced(model: FakeModel, post: Post) -> None:
    connection.close_pool()  # type: ignore[attr-defined]
    assert post().status_code == 200
    connection.close()
    other = connection.copy(alias=NO_DB_ALIAS)
    with other.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1
    other.close()
    assert post().status_code == 200
