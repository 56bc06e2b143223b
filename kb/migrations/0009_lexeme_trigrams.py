"""Words that are spelled alike are found by an index."""

import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kb", "0008_lexeme_audiences")]
    operations = [
        migrations.AddIndex(
            "lexeme",
            django.contrib.postgres.indexes.GinIndex(
                fields=["lexeme"], name="lexeme_trigrams", opclasses=["gin_trgm_ops"]
            ),
        ),
    ]
