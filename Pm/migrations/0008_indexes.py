"""Indexes of large tables, built while requests are answered."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class BuildIndex(migrations.AddIndex):
    """Adds an index without a lock on PostgreSQL (CONCURRENTLY, so outside of transactions); on SQLite as ever.

    What an interrupted attempt left is made anew: on PostgreSQL that is an index that is not valid.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        options = {"concurrently": True} if connection.vendor == "postgresql" else {}
        with connection.cursor() as cursor:
            names = connection.introspection.get_constraints(cursor, model._meta.db_table)
        if self.index.name in names:
            schema_editor.remove_index(model, self.index, **options)
        schema_editor.add_index(model, self.index, **options)


def index(model: str, name: str, *fields: str, **condition: object) -> BuildIndex:
    return BuildIndex(model, models.Index(fields=fields, name=name, condition=models.Q(**condition) if condition else None))


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("Pm", "0007_blind_labels")]
    operations = [
        index("prediction", "sampled_predictions", "id", sampled=True),
        index("prediction", "refused_predictions", "id", result=""),
        index("prediction", "uncertain_predictions", "id", score__lt=0.9),
        index("prediction", "report_counts", "day", "model_version", "result", "region", "institution"),
        index("photo", "sampled_photos", "model_version", "blind_label", "result", sample=True),
    ]
