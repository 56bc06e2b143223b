"""Whether an answer was asked anew, what was searched for it, and who might read its sources when they were cited."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kb", "0023_batches"),
    ]

    operations = [
        migrations.AddField(
            model_name="answer",
            name="anew",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Asked again: what is kept is not wanted."
            ),
        ),
        migrations.AddField(
            model_name="answer",
            name="searched",
            field=models.TextField(
                blank=True, db_default="", help_text="What was searched for, where that is not the question itself."
            ),
        ),
        migrations.AddField(
            model_name="answersource",
            name="audience",
            field=models.ForeignKey(
                help_text="The article's when it was cited.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="kb.audience",
            ),
        ),
        migrations.AlterField(
            model_name="answer",
            name="nearest",
            field=models.JSONField(default=list, help_text="Ids of the nearest articles, when refused or unclear."),
        ),
        migrations.AlterField(
            model_name="answer",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("running", "Running"),
                    ("answered", "Answered"),
                    ("refused", "Refused"),
                    ("unclear", "Unclear"),
                    ("stopped", "Stopped"),
                    ("interrupted", "Interrupted"),
                    ("failed", "Failed"),
                ],
                default="waiting",
                max_length=12,
            ),
        ),
    ]
