"""How many words each version added and removed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kb", "0015_images")]
    operations = [
        migrations.AddField(
            model_name="articleversion",
            name="words_added",
            field=models.PositiveIntegerField(help_text="Against the version before, wherever they stand.", null=True),
        ),
        migrations.AddField(
            model_name="articleversion",
            name="words_removed",
            field=models.PositiveIntegerField(null=True),
        ),
    ]
