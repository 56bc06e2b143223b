"""Imports from a page: the archive, its files, and what became of them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kb", "0018_desks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="Of what was uploaded.", max_length=200)),
                ("publish", models.BooleanField(default=False)),
                (
                    "create",
                    models.BooleanField(default=False, help_text="Make collections and audiences that the files name."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reading", "Reading the files"),
                            ("planning", "Comparing them with the articles"),
                            ("planned", "Ready to import"),
                            ("importing", "Importing"),
                            ("done", "Imported"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="reading",
                        max_length=10,
                    ),
                ),
                ("message", models.TextField(blank=True, help_text="Why it failed.")),
                ("notes", models.JSONField(default=list, help_text="About the import as a whole, a sentence each.")),
                ("token", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "collection",
                    models.ForeignKey(
                        blank=True,
                        help_text="None: each file says its own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="kb.collection",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="ImportArchive",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="archive",
                        serialize=False,
                        to="kb.importrun",
                    ),
                ),
                ("data", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=300)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("read", "Read"), ("done", "Done"), ("failed", "Failed")],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("outcome", models.CharField(blank=True, help_text="created, changed or unchanged.", max_length=10)),
                ("reason", models.TextField(blank=True, help_text="Why it failed.")),
                ("notes", models.JSONField(default=list, help_text="What could not be kept, a sentence each.")),
                ("changes", models.JSONField(default=list, help_text="What changes of an article that is there.")),
                ("parsed", models.JSONField(default=dict)),
                ("title", models.CharField(blank=True, max_length=200)),
                ("source", models.TextField(blank=True)),
                ("based_on", models.PositiveIntegerField(default=0, help_text="The version it was compared with.")),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "article",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="kb.article"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="kb.importrun"
                    ),
                ),
            ],
            options={
                "ordering": ["path"],
                "constraints": [models.UniqueConstraint(fields=("run", "path"), name="one_file_a_path")],
            },
        ),
    ]
