"""Who asks and follows from where, for limits; and when a replayed answer was written."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kb", "0012_generations")]
    operations = [
        migrations.CreateModel(
            name="OpenSocket",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("visitor", models.CharField(help_text="Keyed hash of the address.", max_length=64)),
                ("beat", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name="answer",
            name="followed",
            field=models.DateTimeField(help_text="When another process last followed it.", null=True),
        ),
        migrations.AddField(
            model_name="answer",
            name="replayed",
            field=models.DateTimeField(help_text="When it was written, if for an earlier question.", null=True),
        ),
        migrations.AddField(
            model_name="answer",
            name="visitor",
            field=models.CharField(blank=True, help_text="Keyed hash of the address that asked.", max_length=64),
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(fields=["created"], name="answers_by_age"),
        ),
        migrations.AddIndex(
            model_name="answer",
            index=models.Index(fields=["visitor", "created"], name="answers_of_visitor"),
        ),
        migrations.AddIndex(
            model_name="opensocket",
            index=models.Index(fields=["visitor"], name="sockets_of_visitor"),
        ),
    ]
