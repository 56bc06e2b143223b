"""What approximate search misses, for each audience; and searching exactly for one of them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kb", "0006_embedders_side_by_side")]
    operations = [
        migrations.AddField(
            model_name="audience",
            name="exact",
            field=models.BooleanField(
                default=False,
                help_text="Compare every passage with the question of these readers: misses none, slower when many.",
                verbose_name="search exactly",
            ),
        ),
        migrations.CreateModel(
            name="RecallProbe",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("questions", models.PositiveIntegerField()),
                ("allowed", models.PositiveIntegerField(help_text="Chunks the audience may see.")),
                (
                    "exact",
                    models.BooleanField(help_text="So few that they are searched exactly: nothing can be missed."),
                ),
                ("recall", models.FloatField(help_text="recall@10 of the vector leg, 0 to 1.")),
                (
                    "audience",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="probes", to="kb.audience"
                    ),
                ),
            ],
            options={
                "ordering": ["-at"],
                "indexes": [models.Index(fields=["audience", "-at"], name="probes_of_audience")],
            },
        ),
    ]
