"""Inserts a Prediction by a statement that is built once: Django's compiler takes as long as the rest of a record."""

from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction

from Pm.models import Prediction

# Fields whose values go to every database as they are; what else Django does for them is to look whether they may.
_AS_THEY_ARE = (models.CharField, models.IntegerField, models.FloatField, models.BooleanField)


def prediction_insert(draft: Prediction) -> None:
    """What draft.save(force_insert=True) does, without signals and without reading the new id.

    Raises: django.db.Error.
    """
    connection = connections[DEFAULT_DB_ALIAS]  # of this thread; its proxy would look it up anew each time
    insert = _insert(connection.vendor)
    converted = [field.get_db_prep_save(field.pre_save(draft, add=True), connection) for field in insert.converted]
    with transaction.mark_for_rollback_on_error(using=DEFAULT_DB_ALIAS), connection.cursor() as cursor:
        cursor.execute(insert.statement, [*insert.plain(draft), *converted])


class _Insert(NamedTuple):
    """The statement, and where its values come from: from the draft as they are, then those that fields convert."""

    statement: str
    plain: "attrgetter[tuple[Any, ...]]"  # not subscriptable at run time
    converted: list["models.Field[Any, Any]"]


@cache
def _insert(vendor: str) -> _Insert:  # noqa: ARG001 - quoting is the database's
    options = Prediction._meta
    plain: list[models.Field[Any, Any]] = []
    converted: list[models.Field[Any, Any]] = []
    for field in options.local_concrete_fields:
        if not field.primary_key:
            (plain if isinstance(field, _AS_THEY_ARE) else converted).append(field)
    fields = plain + converted
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(options.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - our own names
    return _Insert(statement, attrgetter(*(field.attname for field in plain)), converted)
