"""How well questions fit is measured on another scale: what was calibrated on the old one goes, and is made anew."""

from django.db import migrations


def forget(apps, schema_editor):
    apps.get_model("kb", "Calibration").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("kb", "0024_what_answers_remember")]
    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
