"""API keys get scopes and limits of their own; the keys that exist go on working."""

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import Pm.models.api_key

COPIED = ("id", "prefix", "hashed_key", "created", "name", "revoked", "expiry_date")


def copy_keys(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """The old rows stay: until they are reloaded, gateways of the version before look there."""
    ours = apps.get_model("Pm", "ApiKey")
    for row in apps.get_model("rest_framework_api_key", "APIKey").objects.all():
        facts = {name: getattr(row, name) for name in COPIED}
        ours.objects.create(**facts)
        ours.objects.filter(pk=row.pk).update(created=row.created)  # create() has said now


class Migration(migrations.Migration):
    dependencies = [
        ("Pm", "0003_canary"),
        ("rest_framework_api_key", "0005_auto_20220110_1102"),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.CharField(editable=False, max_length=150, primary_key=True, serialize=False, unique=True)),
                ('prefix', models.CharField(editable=False, max_length=8, unique=True, verbose_name='prefix')),
                ('hashed_key', models.CharField(editable=False, max_length=150)),
                ('created', models.DateTimeField(auto_now_add=True, db_index=True, verbose_name='created')),
                ('name', models.CharField(default=None, help_text='Shown in the records and logs.', max_length=50, verbose_name='name')),
                ('revoked', models.BooleanField(blank=True, default=False, verbose_name='revoked')),
                ('expiry_date', models.DateTimeField(blank=True, help_text='Empty: never.', null=True, verbose_name='expires')),
                ('scopes', models.JSONField(default=Pm.models.api_key.classify_only, help_text='What the key may do.', verbose_name='scopes')),
                ('requests_per_minute', models.PositiveIntegerField(default=0, help_text='More are answered 429; 0 is no limit of its own.', verbose_name='requests per minute')),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used')),
                ('counted_minute', models.BigIntegerField(default=0, editable=False, help_text='Minutes since 1970.')),
                ('counted', models.PositiveIntegerField(default=0, editable=False, help_text='Requests let in, in that minute.')),
            ],
            options={
                'verbose_name': 'API key',
                'verbose_name_plural': 'API keys',
                'ordering': ('-created',),
            },
        ),
        migrations.RunPython(copy_keys, migrations.RunPython.noop),
        # Names for people only: no table is touched.
        migrations.AlterModelOptions(
            name='comparison',
            options={'ordering': ['-id'], 'verbose_name': 'comparison', 'verbose_name_plural': 'comparisons'},
        ),
        migrations.AlterModelOptions(
            name='modelversion',
            options={'ordering': ['-id'], 'permissions': [('activate_modelversion', 'Can activate a model version, and roll back')], 'verbose_name': 'model version', 'verbose_name_plural': 'model versions'},
        ),
        migrations.AlterModelOptions(
            name='rollout',
            options={'ordering': ['-id'], 'verbose_name': 'roll-out', 'verbose_name_plural': 'roll-outs'},
        ),
        migrations.AlterField(
            model_name='comparison',
            name='agrees',
            field=models.BooleanField(help_text='Nothing where the shadow did not answer.', null=True, verbose_name='agree'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='content_sha256',
            field=models.CharField(help_text="Of the image's bytes; names the kept file.", max_length=64, verbose_name='SHA-256'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='error_code',
            field=models.CharField(blank=True, help_text='Why the shadow did not answer.', max_length=32, verbose_name='error code'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='image_id',
            field=models.CharField(max_length=255, verbose_name='image_id'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='roll_out',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comparisons', to='Pm.rollout', verbose_name='roll-out'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='shadow_result',
            field=models.CharField(blank=True, choices=[('offline', 'Offline'), ('online', 'Online')], max_length=8, verbose_name='shadow result'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='shadow_score',
            field=models.FloatField(null=True, verbose_name='shadow score'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='stable_result',
            field=models.CharField(choices=[('offline', 'Offline'), ('online', 'Online')], max_length=8, verbose_name='stable result'),
        ),
        migrations.AlterField(
            model_name='comparison',
            name='stable_score',
            field=models.FloatField(verbose_name='stable score'),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='time'),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='manifest',
            field=models.JSONField(help_text="The artifact's manifest.json, its metrics within.", verbose_name='manifest'),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='sha256',
            field=models.CharField(help_text='Of the weights.', max_length=64, verbose_name='SHA-256'),
        ),
        migrations.AlterField(
            model_name='modelversion',
            name='version',
            field=models.CharField(help_text='The X-Model-Version of its answers.', max_length=64, unique=True, verbose_name='version'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='by',
            field=models.CharField(help_text='Who asked for it.', max_length=150, verbose_name='by'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='error',
            field=models.TextField(blank=True, help_text='Why it was refused or undone.', verbose_name='error'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='finished_at',
            field=models.DateTimeField(null=True, verbose_name='ended'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='percent',
            field=models.FloatField(help_text="A canary's share of the requests, 0.01 to 100.", null=True, verbose_name='percent'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='reason',
            field=models.TextField(blank=True, help_text='Why.', verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='started_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='began'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='state',
            field=models.CharField(choices=[('running', 'running'), ('canary', 'canary, the backup serves a share of the requests'), ('done', 'done'), ('refused', 'refused, nothing was changed'), ('undone', 'undone, the servers serve what they served before'), ('failed', 'failed, and could not be undone')], default='running', max_length=8, verbose_name='state'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='roll_outs', to='Pm.modelversion', verbose_name='version'),
        ),
    ]
