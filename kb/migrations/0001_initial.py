import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import pgvector.django.halfvec
import uuid
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension, UnaccentExtension
from django.db import migrations, models
from pgvector.django import VectorExtension


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        VectorExtension(),
        TrigramExtension(),
        UnaccentExtension(),
        migrations.CreateModel(
            name='Article',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=160, unique=True)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('in-review', 'In review'), ('scheduled', 'Scheduled'), ('published', 'Published'), ('archived', 'Archived')], default='draft', max_length=10)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('external_id', models.CharField(blank=True, help_text='Where an import took it from.', max_length=300)),
                ('position', models.PositiveIntegerField(default=0)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('updated', models.DateTimeField(auto_now=True)),
                ('published_at', models.DateTimeField(blank=True, null=True)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['position', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ArticleVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('title', models.CharField(max_length=200)),
                ('summary', models.CharField(blank=True, max_length=300)),
                ('source', models.TextField(blank=True)),
                ('language', models.CharField(default='en', max_length=8)),
                ('content_hash', models.BinaryField(max_length=32)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='kb.article')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='CorpusStatistics',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('articles', models.PositiveIntegerField(default=0)),
                ('chunks', models.PositiveIntegerField(default=0)),
                ('mean_length', models.FloatField(default=1.0)),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=8), default=list, size=None)),
                ('computed', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name_plural': 'corpus statistics',
            },
        ),
        migrations.CreateModel(
            name='Lexeme',
            fields=[
                ('lexeme', models.TextField(primary_key=True, serialize=False)),
                ('articles', models.PositiveIntegerField()),
                ('chunks', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('question', models.TextField()),
                ('session_hash', models.CharField(blank=True, help_text='Hash of the session that asked.', max_length=64)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('answered', 'Answered'), ('refused', 'Refused'), ('stopped', 'Stopped'), ('interrupted', 'Interrupted'), ('failed', 'Failed')], default='waiting', max_length=12)),
                ('text', models.TextField(blank=True)),
                ('message', models.TextField(blank=True, help_text='What to tell the reader: why it failed, or a quiet remark.')),
                ('sentences', models.JSONField(default=list, help_text='[{text, citations, state, reason}]')),
                ('nearest', models.JSONField(default=list, help_text='Ids of the nearest articles, when refused.')),
                ('generator', models.CharField(blank=True, max_length=80)),
                ('usage', models.JSONField(default=dict)),
                ('timings', models.JSONField(default=dict, help_text='Milliseconds: sources, first_token, total.')),
                ('runner', models.UUIDField(help_text='The run that holds the lease.', null=True)),
                ('beat', models.DateTimeField(help_text="When the run last moved, by the database's clock.", null=True)),
                ('stop_requested', models.BooleanField(default=False)),
                ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished', models.DateTimeField(null=True)),
                ('asker', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('previous', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='next', to='kb.answer')),
            ],
            options={
                'ordering': ['-created'],
            },
        ),
        migrations.CreateModel(
            name='IndexJob',
            fields=[
                ('article', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='job', serialize=False, to='kb.article')),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='queued', max_length=8)),
                ('generation', models.PositiveIntegerField(default=1, help_text='Moved by every request; a run finishes the one it saw.')),
                ('token', models.UUIDField(blank=True, help_text='Fences off a worker whose lease ran out.', null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('not_before', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True)),
                ('requested', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='IndexedVersion',
            fields=[
                ('version', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='indexed', serialize=False, to='kb.articleversion')),
                ('content_hash', models.BinaryField(max_length=32)),
                ('recipe', models.CharField(help_text="Hash of the chunking settings and the chunker's own version.", max_length=64)),
                ('chunks', models.PositiveIntegerField()),
                ('embedded', models.PositiveIntegerField(help_text='Passages embedded for it; the others were already there.')),
                ('requested', models.DateTimeField(help_text='When the save that asked for it was made.')),
                ('finished', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='article',
            name='latest_version',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='latest_of', to='kb.articleversion'),
        ),
        migrations.AddField(
            model_name='article',
            name='published_version',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='published_in', to='kb.articleversion'),
        ),
        migrations.AddField(
            model_name='article',
            name='wanted_version',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='wanted_by', to='kb.articleversion'),
        ),
        migrations.CreateModel(
            name='Audience',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True)),
                ('kind', models.CharField(choices=[('everyone', 'Everyone'), ('signed-in', 'Signed-in readers'), ('groups', 'Only these groups')], max_length=10)),
                ('groups', models.ManyToManyField(blank=True, related_name='audiences', to='auth.group')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AddField(
            model_name='article',
            name='audience',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='articles', to='kb.audience'),
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(max_length=40)),
                ('detail', models.CharField(blank=True, max_length=300)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('article', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='audit', to='kb.article')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, unique=True)),
                ('slug', models.SlugField(max_length=120, unique=True)),
                ('description', models.CharField(blank=True, max_length=300)),
                ('position', models.PositiveIntegerField(default=0)),
                ('audience', models.ForeignKey(help_text='What a new article in this collection starts with.', on_delete=django.db.models.deletion.PROTECT, to='kb.audience')),
            ],
            options={
                'ordering': ['position', 'name'],
            },
        ),
        migrations.AddField(
            model_name='article',
            name='collection',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='articles', to='kb.collection'),
        ),
        migrations.CreateModel(
            name='Embedder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('fingerprint', models.CharField(max_length=64)),
                ('dimensions', models.PositiveIntegerField()),
                ('live', models.BooleanField(default=False)),
                ('created', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'fingerprint'), name='one_row_per_embedder'), models.UniqueConstraint(condition=models.Q(('live', True)), fields=('live',), name='one_live_embedder')],
            },
        ),
        migrations.CreateModel(
            name='Feedback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('session_hash', models.CharField(max_length=64)),
                ('helped', models.BooleanField()),
                ('reasons', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('incomplete', 'Something is missing'), ('wrong', 'A statement is wrong'), ('sources', 'The sources do not say this'), ('other', 'It answers another question')], max_length=12), blank=True, default=list, size=None)),
                ('comment', models.TextField(blank=True)),
                ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('answer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='feedback', to='kb.answer')),
                ('version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='feedback', to='kb.articleversion')),
            ],
            options={
                'verbose_name_plural': 'feedback',
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('author', 'Author'), ('reviewer', 'Reviewer'), ('publisher', 'Publisher'), ('admin', 'Admin')], max_length=10)),
                ('collection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='kb.collection')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Passage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_hash', models.UUIDField(unique=True)),
                ('language', models.CharField(max_length=8)),
                ('text', models.TextField()),
                ('lead', models.PositiveIntegerField(help_text='Length of the lead, in characters.')),
                ('wordpieces', models.PositiveIntegerField()),
                ('length', models.PositiveIntegerField(help_text='Lexeme occurrences, the document length of BM25.')),
                ('tsv', django.contrib.postgres.search.SearchVectorField()),
                ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['tsv'], name='passage_tsv')],
            },
        ),
        migrations.CreateModel(
            name='Embedding',
            fields=[
                ('pk', models.CompositePrimaryKey('passage_id', 'embedder_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('vector', pgvector.django.halfvec.HalfVectorField()),
                ('embedder', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kb.embedder')),
                ('passage', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='embeddings', to='kb.passage')),
            ],
        ),
        migrations.CreateModel(
            name='Chunk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ordinal', models.PositiveIntegerField()),
                ('heading_path', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('anchor', models.CharField(blank=True, max_length=200)),
                ('lines', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), default=list, help_text='Source line of each line of the body.', size=None)),
                ('live', models.ForeignObject(from_fields=['version'], null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='kb.article', to_fields=['published_version'])),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='chunks', to='kb.articleversion')),
                ('vector', models.ForeignObject(from_fields=['passage'], null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='kb.embedding', to_fields=['passage'])),
                ('passage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='chunks', to='kb.passage')),
            ],
        ),
        migrations.CreateModel(
            name='AnswerSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('heading_path', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('anchor', models.CharField(blank=True, max_length=200)),
                ('lines', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), default=list, size=None)),
                ('score', models.FloatField(default=0.0)),
                ('answer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='kb.answer')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kb.articleversion')),
                ('passage', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kb.passage')),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='ReadCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('reads', models.PositiveIntegerField(default=0)),
                ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reads', to='kb.article')),
            ],
        ),
        migrations.CreateModel(
            name='Redirect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('old_slug', models.SlugField(max_length=160, unique=True)),
                ('created', models.DateTimeField(auto_now_add=True)),
                ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='redirects', to='kb.article')),
            ],
        ),
        migrations.CreateModel(
            name='TokenVectors',
            fields=[
                ('pk', models.CompositePrimaryKey('passage_id', 'embedder_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('bits', models.BinaryField()),
                ('sentences', models.BinaryField()),
                ('embedder', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kb.embedder')),
                ('passage', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='token_vectors', to='kb.passage')),
            ],
        ),
        migrations.AddIndex(
            model_name='answer',
            index=models.Index(fields=['session_hash', 'created'], name='answers_of_session'),
        ),
        migrations.AddIndex(
            model_name='indexjob',
            index=models.Index(fields=['state', 'updated'], name='jobs_due'),
        ),
        migrations.AddField(
            model_name='indexedversion',
            name='embedder',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kb.embedder'),
        ),
        migrations.AddField(
            model_name='indexedversion',
            name='title',
            field=models.ForeignKey(help_text='The title alone, for the reranker.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kb.passage'),
        ),
        migrations.AddConstraint(
            model_name='articleversion',
            constraint=models.UniqueConstraint(fields=('article', 'number'), name='one_number_per_article'),
        ),
        migrations.AddIndex(
            model_name='article',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='article_tags'),
        ),
        migrations.AddConstraint(
            model_name='article',
            constraint=models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('collection', 'external_id'), name='one_article_per_external_id'),
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.UniqueConstraint(fields=('answer', 'session_hash'), name='one_feedback_per_answer'),
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.UniqueConstraint(fields=('version', 'session_hash'), name='one_feedback_per_version'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(models.F('user'), models.F('collection'), models.F('role'), name='one_membership', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.UniqueConstraint(fields=('version', 'ordinal'), name='one_ordinal_per_version'),
        ),
        migrations.AddConstraint(
            model_name='answersource',
            constraint=models.UniqueConstraint(fields=('answer', 'number'), name='one_source_per_number'),
        ),
        migrations.AddConstraint(
            model_name='readcount',
            constraint=models.UniqueConstraint(fields=('article', 'day'), name='one_count_a_day'),
        ),
    ]
