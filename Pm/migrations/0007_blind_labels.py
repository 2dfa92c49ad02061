"""What people said without the model's answer on the screen is kept apart: accuracy is measured against it."""

from collections import Counter

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def fill(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """As Pm.labelling.services.blind_label does for labels from now on."""
    labels = apps.get_model("Pm", "Label").objects.filter(blind=True, undone_at=None, by__isnull=False)
    votes: dict[int, Counter[str]] = {}
    for photo, answer in labels.exclude(answer="skip").order_by().values_list("photo", "answer").iterator():
        votes.setdefault(photo, Counter())[answer] += 1
    for answer, other in (("offline", "online"), ("online", "offline")):
        photos = [photo for photo, counts in votes.items() if counts[answer] > counts[other]]
        for start in range(0, len(photos), 500):
            apps.get_model("Pm", "Photo").objects.filter(pk__in=photos[start : start + 500]).update(blind_label=answer)


class Migration(migrations.Migration):
    dependencies = [("Pm", "0006_report")]
    operations = [
        migrations.AddField(
            model_name="photo",
            name="blind_label",
            field=models.CharField(
                blank=True,
                choices=[("offline", "Offline"), ("online", "Online")],
                default="",
                db_default="",
                help_text="Of most people who did not see the model's answer; what accuracy is measured against.",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="label",
            name="corrected",
            field=models.BooleanField(
                default=False,
                db_default=False,
                help_text="Replaced by the same person with the model's answer in sight: accuracy keeps to this.",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
