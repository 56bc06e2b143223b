"""An embedder's row says what settings call it, hosted embedders are paced and their use is counted."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kb", "0005_evaluations")]
    operations = [
        migrations.AddField(
            model_name="embedder",
            name="path",
            field=models.CharField(blank=True, default="", help_text="What settings call it.", max_length=300),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="Pace",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("ready", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Metering",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("embedder", models.CharField(max_length=120)),
                ("day", models.DateField()),
                ("requests", models.PositiveIntegerField(default=0)),
                ("texts", models.PositiveIntegerField(default=0)),
                ("tokens", models.PositiveBigIntegerField(default=0)),
                ("price", models.DecimalField(decimal_places=6, default=0, max_digits=14)),
            ],
            options={
                "ordering": ["-day", "embedder"],
                "constraints": [models.UniqueConstraint(fields=("embedder", "day"), name="one_metering_a_day")],
            },
        ),
    ]
