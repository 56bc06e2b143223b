"""A cache need not survive a crash: without a log nobody waits for the disk to keep it."""

from django.db import migrations

FORWARD = "ALTER TABLE IF EXISTS portal_cache SET UNLOGGED"
BACKWARD = "ALTER TABLE IF EXISTS portal_cache SET LOGGED"


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_cache_table")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
