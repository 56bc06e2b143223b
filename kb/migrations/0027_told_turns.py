"""How many earlier turns an answer was told of; of those before this, as many as it may have been."""

from django.db import migrations, models


def count_told(apps, schema_editor):
    answers = apps.get_model("kb", "Answer").objects
    before = dict(answers.exclude(previous=None).values_list("pk", "previous"))
    answered = set(answers.filter(state="answered").values_list("pk", flat=True))
    silent = set(answers.filter(searched="", generator__in=("", "quoting")).values_list("pk", flat=True))
    for pk in before.keys() - silent:
        told, turn, seen = 0, before[pk], {pk}
        while turn is not None and turn not in seen and told < 3:
            seen.add(turn)
            told += turn in answered
            turn = before.get(turn)
        answers.filter(pk=pk).update(told=told)


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
