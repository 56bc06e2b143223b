"""Chunks are counted for each audience, with the lexemes. Two indexes go that repeat what primary keys begin with."""

from datetime import UTC, datetime

import django.db.models.deletion
from django.db import migrations, models


def count_anew(apps, schema_editor):
    apps.get_model("kb", "CorpusStatistics").objects.update(computed=datetime(2000, 1, 1, tzinfo=UTC))


def of_passage(related_name):
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to="kb.passage"
    )


class Migration(migrations.Migration):
    dependencies = [("kb", "0025_calibrate_anew")]
    operations = [
        migrations.AddField(
            "corpusstatistics",
            "audiences",
            models.JSONField(default=dict, help_text="Chunks for each audience, by its id."),
        ),
        migrations.RunPython(count_anew, migrations.RunPython.noop),
        migrations.AlterField("embedding", "passage", of_passage("embeddings")),
        migrations.AlterField("tokenvectors", "passage", of_passage("token_vectors")),
    ]
