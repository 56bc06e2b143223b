"""What the page of the index shows: every run that made a version searchable, and which workers are alive."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("kb", "0009_lexeme_trigrams")]
    operations = [
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("beat", models.DateTimeField(db_default=Now())),
            ],
        ),
        migrations.CreateModel(
            name="IndexRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("chunks", models.PositiveIntegerField()),
                (
                    "embedded",
                    models.PositiveIntegerField(help_text="Passages embedded for it; the others were already there."),
                ),
                ("requested", models.DateTimeField(help_text="When the save that asked for it was made.")),
                ("finished", models.DateTimeField(db_default=Now(), db_index=True)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="kb.articleversion"
                    ),
                ),
            ],
        ),
    ]
