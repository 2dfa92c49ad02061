"""Who ran the class, where and when; in SQL of our own, since Django would copy a whole SQLite table for a NOT NULL column."""

from django.db import migrations, models

import Pm.models.fields


def add_text(name: str, length: int, help_text: str) -> migrations.SeparateDatabaseAndState:
    field = models.CharField(blank=True, db_default="", default="", max_length=length, help_text=help_text)
    column = f"""ALTER TABLE "Pm_prediction" ADD COLUMN "{name}" varchar({length}) DEFAULT '' NOT NULL"""
    return migrations.SeparateDatabaseAndState(
        database_operations=[migrations.RunSQL(column, f'ALTER TABLE "Pm_prediction" DROP COLUMN "{name}"')],
        state_operations=[migrations.AddField("prediction", name, field)],
    )


class Migration(migrations.Migration):
    dependencies = [("Pm", "0005_labelling")]
    operations = [
        migrations.AlterModelOptions(
            name="prediction",
            options={
                "ordering": ["-id"],
                "permissions": [("view_report", "Can see the report")],
                "verbose_name": "photo",
                "verbose_name_plural": "photos",
            },
        ),
        add_text("institution", 255, "As sent, or else read from image_id."),
        add_text("region", 64, "As sent, or else of the institution's city."),
        migrations.AddField(
            model_name="prediction",
            name="captured_at",
            field=models.DateTimeField(null=True, help_text="When the photo was taken, if the client said so."),
        ),
        migrations.AddField(
            model_name="prediction",
            name="day",
            field=Pm.models.fields.ReportDayField(
                null=True, editable=False, help_text="The report's; nothing in old records until fill_report_fields."
            ),
        ),
    ]
