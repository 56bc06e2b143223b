"""By which day an article is read again, and who found it correct when."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("kb", "0013_followers")]
    operations = [
        migrations.AddField(
            model_name="article",
            name="review_on",
            field=models.DateField(blank=True, null=True, verbose_name="review date"),
        ),
        migrations.AddField(
            model_name="article",
            name="verified_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="article",
            name="verified_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
