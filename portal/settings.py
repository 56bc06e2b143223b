"""Settings, all from the environment; `.env.example` lists every variable with its default."""

import os
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from portal.embedded import EmbeddedPostgres, EmbeddedValkey
from portal.prices import PRICES
from portal.schedule import SCHEDULE

# Before anything imports numpy: its matrices are small here, and threads that wait for each other on busy cores make a
# passage eight times slower (40 ms instead of 5).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")

# --- where things are
VAR = Path(env.str("FOOTNOTE_VAR", str(BASE_DIR / "var"))).resolve()
MODEL_PATH = Path(env.str("MODEL_PATH", str(VAR / "model")))
DEBUG = env.bool("DEBUG", True)
SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is not set: give it a long random value when DEBUG is off.")
    SECRET_KEY = "only-for-development-" + "0" * 40
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL", "http://localhost:8000")

# --- the database and the broker: the embedded ones, unless URLs name others
EMBEDDED_POSTGRES: EmbeddedPostgres | None = None
EMBEDDED_VALKEY: EmbeddedValkey | None = None
DATABASE_URL = env.str("DATABASE_URL", "")
if DATABASE_URL:
    _database: dict[str, Any] = env.db_url("DATABASE_URL")
else:
    EMBEDDED_POSTGRES = EmbeddedPostgres(VAR, bindir=env.str("PG_BINDIR", ""))
    _database = EMBEDDED_POSTGRES.database_settings()
    _database["NAME"] = env.str("DATABASE_NAME", _database["NAME"])  # another database of the embedded server
# Iterative scan: without it an access filter makes approximate search return too few rows (1 of 10 at 1 % allowed).
# A set_config outside a transaction is silently lost, so both go with the connection.
# Pages come from memory or a fast disk: at the default cost of 4 the lexical leg reads all passages, not its index.
# Parallel workers, and compiling a statement, take longer than the search on cores that other readers use as well.
_database.setdefault("OPTIONS", {})["options"] = (
    "-c hnsw.iterative_scan=relaxed_order -c hnsw.ef_search=100 -c random_page_cost=1.1"
    " -c max_parallel_workers_per_gather=0 -c jit=off"
)
_database["ENGINE"] = "portal.database"  # Django's own, which after a restart looks at all of its pool at once
if env.bool("DATABASE_POOL", True):
    _database["OPTIONS"]["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", 16), "timeout": 20}
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BROKER_URL = env.str("BROKER_URL", "")
if not BROKER_URL:
    EMBEDDED_VALKEY = EmbeddedValkey(VAR)
    BROKER_URL = EMBEDDED_VALKEY.url()
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # a save never waits for the broker: the sweep re-sends a lost wake-up
# Without the retry limits a save would wait 7 s for a broker that is down; the worker has limits of its own.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "max_retries": 1,
    "interval_start": 0.0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_IMPORTS = ["kb.probing"]  # its task stands beside what it does: kb.tasks belongs to the write journey
CELERY_BEAT_SCHEDULE = SCHEDULE
# The cache lives in the database: no broker in the read path, and every web process shares it.
CACHES = {
    "default": env.cache_url("CACHE_URL")
    if env.str("CACHE_URL", "")
    else {
        "BACKEND": "portal.cache.TableCache",
        "LOCATION": "portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# --- the application
INSTALLED_APPS = [
    "daphne",
    "portal",
    "kb",
    "streaming",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "channels",
    "csp",
    "django_htmx",
    "template_partials",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.htmx.private_pages",
    "portal.public.faults.explained",
]
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.htmx.site",
            ],
        },
    }
]
SITE_NAME = env.str("SITE_NAME", "Footnote")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "support@example.org")
CONTACT_URL = env.str("CONTACT_URL", "")  # a form or chat to reach a person, offered instead of the address

# --- people
AUTH_USER_MODEL = "portal.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "portal.people.AccountAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": env.str("LOGIN_LIMIT", "10/m/ip,5/5m/key")}
# How many proxies of ours stand in front: 1 behind docker-compose's. The address they report is what limits count by.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", 0)
SIGNUP_OPEN = env.bool("SIGNUP_OPEN", False)
# Single sign-on: any OpenID Connect provider, by three variables.
OPENID_SERVER_URL = env.str("OPENID_SERVER_URL", "")
SINGLE_SIGN_ON = {
    "provider_id": "sso",
    "name": env.str("OPENID_NAME", "Single sign-on"),
    "client_id": env.str("OPENID_CLIENT_ID", ""),
    "secret": env.str("OPENID_CLIENT_SECRET", ""),
    "settings": {"server_url": OPENID_SERVER_URL},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [SINGLE_SIGN_ON] if OPENID_SERVER_URL else []}}
if env.str("EMAIL_URL", ""):
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "Footnote <help@example.org>")

# --- language, time, files
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", "UTC")
STATIC_URL = "/static/"
# The figures of the demo articles; never content/ itself, which holds the text of restricted articles.
STATICFILES_DIRS: list[Any] = [BASE_DIR / "static", *(("figures", path) for path in BASE_DIR.glob("content/*/images"))]
STATIC_ROOT = VAR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(VAR / "media")))
_STATIC = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else _STATIC},
}
WHITENOISE_USE_FINDERS = DEBUG
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
CSRF_FAILURE_VIEW = "portal.public.faults.no_token"

# --- security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **{name: [NONE] for name in ("default-src", "base-uri", "frame-ancestors")},
        **{name: [SELF] for name in ("script-src", "style-src", "connect-src", "form-action")},
        "img-src": [SELF, "data:"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", True)

# --- the knowledge base
EMBEDDER = env.str("EMBEDDER", "kb.providers.onnx.OnnxEmbedder")
EMBEDDER_THREADS = env.int("EMBEDDER_THREADS", 2)
# For kb.providers.openai_compatible.OpenAICompatibleEmbedder, any server that speaks POST /v1/embeddings.
EMBEDDINGS_URL = env.str("EMBEDDINGS_URL", "")
EMBEDDINGS_KEY = env.str("EMBEDDINGS_KEY", "")
EMBEDDINGS_MODEL = env.str("EMBEDDINGS_MODEL", "text-embedding-3-small")
EMBEDDINGS_DIMENSIONS = env.int("EMBEDDINGS_DIMENSIONS", 1536)
EMBEDDINGS_SHORTEN = env.bool("EMBEDDINGS_SHORTEN", False)  # ask the server for vectors of that many dimensions
EMBEDDINGS_BATCH = env.int("EMBEDDINGS_BATCH", 64)  # texts a request
EMBEDDINGS_REQUESTS_PER_MINUTE = env.float("EMBEDDINGS_REQUESTS_PER_MINUTE", 0.0)  # of all processes; 0: no limit
EMBEDDINGS_TOKENS_PER_MINUTE = env.float("EMBEDDINGS_TOKENS_PER_MINUTE", 0.0)
EMBEDDINGS_PRICE = env.float("EMBEDDINGS_PRICE", 0.0)  # of a million tokens
EMBEDDINGS_SECONDS = env.float("EMBEDDINGS_SECONDS", 20.0)  # for one answer
EMBEDDINGS_PATIENCE = env.float("EMBEDDINGS_PATIENCE", 30.0)  # seconds for a batch with its waits and tries
CHUNK_LIMIT = env.int("CHUNK_LIMIT", 200)  # wordpieces
CHUNK_OVERLAP = env.int("CHUNK_OVERLAP", 0)  # wordpieces
RETRIEVAL_CANDIDATES = env.int("RETRIEVAL_CANDIDATES", 50)  # a leg
EXACT_BELOW = env.int("EXACT_BELOW", 10_000)  # allowed chunks; above: HNSW
GRAPH_MEMORY = env.int("GRAPH_MEMORY", 1024)  # megabytes at most to build a vector index in: 2 kB a passage
RERANKER = env.str("RERANKER", "")  # a cross-encoder's second look, kb.providers.hub.HubReranker and a model's name
RERANK_FIRST = env.int("RERANK_FIRST", 20)  # hits it looks at
RECALL_FLOOR = env.float("RECALL_FLOOR", 0.95)  # of the recall probe; below, operators are told
PROBE_QUESTIONS = env.int("PROBE_QUESTIONS", 50)  # the newest ones
WORDS_BUDGET = env.int("WORDS_BUDGET", 1000)  # expected candidates of the lexical leg
INDEX_LEASE_SECONDS = env.int("INDEX_LEASE_SECONDS", 60)
INDEX_ATTEMPTS = env.int("INDEX_ATTEMPTS", 8)
REVIEW_DAYS = env.int("REVIEW_DAYS", 180)  # from one check of an article to the next; 0: no date is set
SEPARATE_PUBLISHER = env.bool("SEPARATE_PUBLISHER", False)  # nobody publishes what they wrote themselves
TRASH_DAYS = env.float("TRASH_DAYS", 30.0)  # then a deleted article is gone for good; 0: never

# --- answers
ANTHROPIC_API_KEY = env.str("ANTHROPIC_API_KEY", "")
ANTHROPIC_BASE_URL = env.str("ANTHROPIC_BASE_URL", "")
ANTHROPIC_MODEL = env.str("ANTHROPIC_MODEL", "claude-sonnet-5-5")
ANTHROPIC_MAX_TOKENS = env.int("ANTHROPIC_MAX_TOKENS", 1024)
ANTHROPIC_EFFORT = env.str("ANTHROPIC_EFFORT", "low")  # low, medium, high, xhigh, max; empty for models without it
MODEL_PRICES = PRICES | env.json("MODEL_PRICES", default={})
BUDGET_PER_DAY = env.float("BUDGET_PER_DAY", 10.0)  # US dollars; then quoting goes on. 0: no limit
ANSWER_CACHE_DAYS = env.float("ANSWER_CACHE_DAYS", 7.0)  # how long a generated text is replayed; 0: never
ANTHROPIC_FIRST_TOKEN_SECONDS = env.float("ANTHROPIC_FIRST_TOKEN_SECONDS", 20.0)
ANTHROPIC_TOTAL_SECONDS = env.float("ANTHROPIC_TOTAL_SECONDS", 120.0)
GENERATOR = env.str(
    "GENERATOR",
    "kb.providers.anthropic.AnthropicGenerator" if ANTHROPIC_API_KEY else "kb.providers.quoting.QuotingGenerator",
)
QUOTING_PACE = env.float("QUOTING_PACE", 0.02)  # seconds a delta
REFUSAL_TARGET = env.float("REFUSAL_TARGET", 0.95)  # share of foreign questions to refuse, see kb.refusing
ANSWER_THRESHOLD = env.float("ANSWER_THRESHOLD") if env.str("ANSWER_THRESHOLD", "") else None  # instead of the target
ANSWER_SOURCES = env.int("ANSWER_SOURCES", 8)
ANSWER_WORDPIECES = env.int("ANSWER_WORDPIECES", 1000)  # of all sources of an answer together
QUESTION_LIMIT = env.int("QUESTION_LIMIT", 2000)  # characters
ASK_LIMIT = env.str("ASK_LIMIT", "20/m,300/d")  # questions of one reader
ADDRESS_LIMIT = env.str("ADDRESS_LIMIT", "60/m,2000/d")  # questions from one address, of which only a hash is kept
ANSWERS_AT_ONCE = env.int("ANSWERS_AT_ONCE", 5)  # of one reader
SOCKETS_AT_ONCE = env.int("SOCKETS_AT_ONCE", 40)  # from one address
RUN_LONGEST_SECONDS = env.float("RUN_LONGEST_SECONDS", 300.0)  # then an answer is stopped
RUN_ABANDONED_SECONDS = env.float("RUN_ABANDONED_SECONDS", 60.0)  # without a follower, an answer is stopped
ANONYMISE_DAYS = env.float("ANONYMISE_DAYS", 30.0)  # then a question no longer says who asked; 0: never
DELETE_DAYS = env.float("DELETE_DAYS", 365.0)  # then it is deleted with its answer; 0: never
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 30.0)  # how long a stopping server lets running answers finish
RUN_STALE_SECONDS = env.float("RUN_STALE_SECONDS", 10.0)  # a run that has not moved for so long is interrupted

SILENCED_SYSTEM_CHECKS = ["fields.E311"]  # Chunk.vector: unique together with the embedder, which every query names
QUIET = ("beat", "worker.strategy", "worker.request", "app.trace")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    # The sweep comes every two seconds: its three lines each time would drown everything else.
    "loggers": {name: {"level": "WARNING"} for name in ("httpx2", *(f"celery.{name}" for name in QUIET))},
}
