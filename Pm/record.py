"""Inserts a Prediction by a statement that is built once: Django's compiler takes as long as the rest of a record."""

from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from Pm.models import Prediction


def prediction_insert(draft: Prediction) -> None:
    """What draft.save(force_insert=True) does, without signals and without reading the new id.

    Raises: django.db.Error.
    """
    connection = connections[DEFAULT_DB_ALIAS]  # of this thread; its proxy would look it up anew each time
    statement, fields = _statement(connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(draft, add=True), connection) for field in fields]
    with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
        cursor.execute(statement, values)


@cache
def _statement(vendor: str) -> tuple[str, list["models.Field[Any, Any]"]]:  # noqa: ARG001 - quoting is the database's
    """The INSERT, and the fields whose values it takes."""
    options = Prediction._meta
    fields = [field for field in options.local_concrete_fields if not field.primary_key]
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(options.db_table)} ({columns}) VALUES ({places})", fields  # noqa: S608 - our own names
