"""What was generated once is kept, and what each day cost."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kb", "0011_calibration")]
    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="Hash of the request.", max_length=64, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("done", "Done"),
                            ("over", "Over"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("runner", models.UUIDField()),
                ("beat", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("wanted", models.DateTimeField(null=True)),
                ("deltas", models.JSONField(default=list, help_text="What the generator gave, in order.")),
                ("error", models.TextField(blank=True)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Spending",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("amount", models.DecimalField(decimal_places=6, default=0, max_digits=14)),
            ],
            options={
                "verbose_name_plural": "spending",
            },
        ),
    ]
