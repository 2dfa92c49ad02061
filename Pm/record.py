"""Inserts a Prediction by a statement that is built once: Django's compiler takes as long as the rest of a record."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections, models

from Pm.models import Prediction

# Fields whose values go to every database as they are; what else Django does for them is to look whether they may.
_AS_THEY_ARE = (models.CharField, models.IntegerField, models.FloatField, models.BooleanField)
# What get_db_prep_save() comes down to for the others, once it has looked whether the value is of the field's type; no
# field of a Prediction that holds JSON may be null or has an encoder of its own.
_ADAPT: dict[str, Callable[[Any, Any], Any]] = {
    "DateTimeField": lambda operations, value: operations.adapt_datetimefield_value(value),
    "DateField": lambda operations, value: operations.adapt_datefield_value(value),
    "JSONField": lambda operations, value: operations.adapt_json_value(value, None),
}


def prediction_insert(draft: Prediction) -> None:
    """What draft.save(force_insert=True) does, without signals and without reading the new id.

    Raises: django.db.Error.
    """
    connection = connections[DEFAULT_DB_ALIAS]  # of this thread; its proxy would look it up anew each time
    insert = _insert(connection.vendor)
    converted = [adapt(connection.ops, field.pre_save(draft, add=True)) for field, adapt in insert.converted]
    with connection.cursor() as cursor:
        cursor.execute(insert.statement, [*insert.plain(draft), *converted])


class _Insert(NamedTuple):
    """The statement, and where its values come from: from the draft as they are, then those that fields convert."""

    statement: str
    plain: "attrgetter[tuple[Any, ...]]"  # not subscriptable at run time
    converted: list[tuple["models.Field[Any, Any]", Callable[[Any, Any], Any]]]


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
    adapted = [(field, _ADAPT[field.get_internal_type()]) for field in converted]
    return _Insert(statement, attrgetter(*(field.attname for field in plain)), adapted)
