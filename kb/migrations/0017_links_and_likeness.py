"""Links and anchors of each version, and passages that say nearly the same."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kb", "0016_words_changed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Outline",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="outline",
                        serialize=False,
                        to="kb.articleversion",
                    ),
                ),
                (
                    "anchors",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "rules",
                    models.PositiveSmallIntegerField(help_text="Which edition of the rules of kb.outlining made it."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Comparison",
            fields=[
                (
                    "passage",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="kb.passage",
                    ),
                ),
                ("made", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "embedder",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="kb.embedder"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("article", "Article"),
                            ("here", "Here"),
                            ("collection", "Collection"),
                            ("image", "Image"),
                            ("nowhere", "Nowhere"),
                        ],
                        max_length=10,
                    ),
                ),
                ("address", models.CharField(help_text="As written.", max_length=500)),
                (
                    "slug",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        help_text="Of the article or the collection; an image's digest.",
                        max_length=500,
                    ),
                ),
                ("anchor", models.CharField(blank=True, max_length=300)),
                ("words", models.CharField(blank=True, max_length=200)),
                ("line", models.PositiveIntegerField()),
                (
                    "former",
                    models.ForeignObject(
                        from_fields=["slug"],
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="kb.redirect",
                        to_fields=["old_slug"],
                    ),
                ),
                (
                    "target",
                    models.ForeignObject(
                        from_fields=["slug"],
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="kb.article",
                        to_fields=["slug"],
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="kb.articleversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Likeness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cosine", models.FloatField()),
                (
                    "one",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="kb.passage"),
                ),
                (
                    "other",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="kb.passage"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("one", "other"), name="one_likeness_of_two_passages")],
            },
        ),
    ]
