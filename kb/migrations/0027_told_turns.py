"""How many earlier turns an answer was told of; those before that leant on an answered one count as told of it."""

from django.db import migrations, models


def count_told(apps, schema_editor):
    followed = apps.get_model("kb", "Answer").objects.filter(previous__state="answered")
    followed.exclude(searched="").update(told=1)


class Migration(migrations.Migration):
    dependencies = [("kb", "0026_chunks_for_each_audience")]
    operations = [
        migrations.AddField(
            "answer",
            "told",
            models.PositiveSmallIntegerField(
                default=0,
                db_default=0,
                help_text="Earlier turns used for it: it is for those who may read these, too.",
            ),
        ),
        migrations.RunPython(count_told, migrations.RunPython.noop),
    ]
