"""Whose readers know a word; words are counted again by the next sweep."""

import django.contrib.postgres.fields
from django.db import migrations, models

AGAIN = "UPDATE kb_corpusstatistics SET computed = 'epoch'"


class Migration(migrations.Migration):
    dependencies = [("kb", "0007_recall_probes")]
    operations = [
        migrations.AddField(
            "lexeme",
            "audiences",
            django.contrib.postgres.fields.ArrayField(
                models.IntegerField(),
                default=list,
                help_text="Of the articles that hold it: whose readers know the word.",
                size=None,
            ),
        ),
        migrations.RunSQL(AGAIN, migrations.RunSQL.noop),
    ]
