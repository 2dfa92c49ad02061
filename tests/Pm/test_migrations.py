"""Migrations of large tables: what an upgrade beside running requests must not do."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from Pm.labelling.services import label_give
from Pm.models import Photo, Prediction

LARGE = ("prediction", "comparison")
FIRST_WITH_AN_ADMIN = "0004"
INDEXES = importlib.import_module("Pm.migrations.0008_indexes")


def later_migrations() -> Iterator[migrations.Migration]:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app == "Pm" and name >= FIRST_WITH_AN_ADMIN:
            yield migration


def test_indexes_of_large_tables_are_built_without_a_lock() -> None:
    for migration in later_migrations():
        kinds = {type(each).__name__ for each in migration.operations if getattr(each, "model_name", "") in LARGE}
        assert "AddIndex" not in kinds, migration
        assert "BuildIndex" not in kinds or (kinds == {"BuildIndex"} and not migration.atomic), migration


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL: tests/with_postgres.sh")
@pytest.mark.django_db(transaction=True)
def test_postgresql_builds_an_index_beside_requests() -> None:
    state = ProjectState.from_apps(apps)
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        INDEXES.index("prediction", "new_index", "format").database_forwards("Pm", editor, state, state)
    assert [sql.partition('"new_index"')[0] for sql in editor.collected_sql] == ["CREATE INDEX CONCURRENTLY "]


@pytest.fixture
def before_the_indexes(transactional_db: None) -> Iterator[None]:
    call_command("migrate", "Pm", "0007", verbosity=0)
    yield
    call_command("migrate", "Pm", verbosity=0)


def indexes(model: type[Any]) -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, model._meta.db_table))


def test_an_upgrade_that_was_interrupted_is_made_again(before_the_indexes: None) -> None:
    assert "report_counts" not in indexes(Prediction)
    with connection.cursor() as cursor:
        cursor.execute('CREATE INDEX "report_counts" ON "Pm_prediction" ("day")')
    call_command("migrate", "Pm", verbosity=0)
    assert {"sampled_predictions", "refused_predictions", "uncertain_predictions"} <= indexes(Prediction)
    with connection.cursor() as cursor:
        made = connection.introspection.get_constraints(cursor, "Pm_prediction")["report_counts"]
    assert made["columns"] == ["day", "model_version", "result", "region", "institution"]
    assert "sampled_photos" in indexes(Photo)


@pytest.mark.django_db
def test_blind_labels_of_before_count() -> None:
    ann, bert = User.objects.create_user("ann"), User.objects.create_user("bert")
    said = {"a": "offline", "b": "skip", "c": "online"}
    for name, answer in said.items():
        photo = Photo.objects.create(content_sha256=name, name=name, queue="sample", source="posted", wanted=2)
        label_give(photo_id=photo.pk, by=ann, answer=answer)
        label_give(photo_id=photo.pk, by=bert, answer="offline", blind=name == "c")
    Photo.objects.update(blind_label="")
    importlib.import_module("Pm.migrations.0007_blind_labels").fill(apps, None)
    assert dict(Photo.objects.values_list("name", "blind_label")) == {"a": "offline", "b": "", "c": ""}
