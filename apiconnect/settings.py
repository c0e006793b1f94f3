"""Settings, all from the environment (django-environ); every default works on a laptop."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import environ
from import_export.formats.base_formats import CSV

from apiconnect import safety
from apiconnect.logs import logging_config
from apiconnect.look import UNFOLD  # noqa: F401  read by django-unfold

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
VERSION = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

env = environ.Env()
environ.Env.read_env(env.path("ENV_FILE", default=str(BASE_DIR / ".env"))(""))

DEBUG = env.bool("DEBUG", default=True)
TESTING = "pytest" in sys.modules

SECRET_KEY = env.str("SECRET_KEY", default="")
# Older ones that still open what they signed: unsubscribe links of mail that is out.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
field_encryption_keys = env.str("FIELD_ENCRYPTION_KEYS", default="")
safety.require_secrets(debug=DEBUG, secret_key=SECRET_KEY, field_encryption_keys=field_encryption_keys)
if DEBUG and not (SECRET_KEY and field_encryption_keys):
    development_keys = safety.load_development_keys(VAR_DIR / "development-keys.json")
    SECRET_KEY = SECRET_KEY or development_keys.secret_key
    field_encryption_keys = field_encryption_keys or development_keys.field_encryption_keys
FIELD_ENCRYPTION_KEYS = [key.strip() for key in field_encryption_keys.split(",") if key.strip()]

SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https://") else []

# --- Providers: only other base URLs make the sandbox -------------------------------------------------

SANDBOX = env.bool("SANDBOX", default=False)
PROVIDER_URLS = {
    "MICROSOFT_LOGIN_URL": env.str("MICROSOFT_LOGIN_URL", default="https://login.microsoftonline.com"),
    "MICROSOFT_GRAPH_URL": env.str("MICROSOFT_GRAPH_URL", default="https://graph.microsoft.com/v1.0"),
    "GOOGLE_TOKEN_URL": env.str("GOOGLE_TOKEN_URL", default="https://oauth2.googleapis.com/token"),
    "GMAIL_URL": env.str("GMAIL_URL", default="https://gmail.googleapis.com"),
}
safety.require_provider_urls(PROVIDER_URLS, sandbox=SANDBOX)
MICROSOFT_LOGIN_URL = PROVIDER_URLS["MICROSOFT_LOGIN_URL"]
MICROSOFT_GRAPH_URL = PROVIDER_URLS["MICROSOFT_GRAPH_URL"]
GOOGLE_TOKEN_URL = PROVIDER_URLS["GOOGLE_TOKEN_URL"]
GMAIL_URL = PROVIDER_URLS["GMAIL_URL"]

# --- Applications -------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "import_export",
    "accounts",
    "pages",
    "keys",
    "audience",
    "mailboxes",
    "servers",
    "campaigns",
    "bounces",
    "monitors",
    "operations",
]

MIDDLEWARE = [
    "apiconnect.tracing.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apiconnect.middleware.ContentSecurityPolicy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.sessions.NoteLastSeen",
    "accounts.impersonating.NameTheAdmin",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pages.middleware.CustomerTimezone",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "apiconnect.urls"
WSGI_APPLICATION = "apiconnect.wsgi.application"

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
                "pages.context.site_state",
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"
AXES_USERNAME_CALLABLE = "accounts.lockout.counted_name"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# --- Work ---------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="memory://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_DB_REUSE_MAX = sys.maxsize  # when a connection is too old is for apiconnect.celery to say
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_ROUTES = {
    "campaigns.*": {"queue": "sending"},
    "bounces.*": {"queue": "reading"},
    "monitors.*": {"queue": "reading"},
    "operations.tasks.work_cycle": {"queue": "reading"},
}
CELERY_TIMEZONE = "UTC"
CYCLE_SECONDS = env.float("CYCLE_SECONDS", default=600)
TICK_SECONDS = env.float("TICK_SECONDS", default=60)
# How soon a mailbox whose pace or pause ends has its next turn.
DEAL_SECONDS = min(5.0, TICK_SECONDS)
CELERY_BEAT_SCHEDULE = {
    "cycle": {
        "task": "operations.tasks.start_cycle",
        "schedule": CYCLE_SECONDS,
        "options": {"expires": CYCLE_SECONDS * 0.9},
    },
    "tick": {
        "task": "operations.tasks.tick",
        "schedule": TICK_SECONDS,
        "options": {"expires": TICK_SECONDS * 0.9},
    },
    "deal": {
        "task": "campaigns.tasks.deal",
        "schedule": DEAL_SECONDS,
        "options": {"expires": DEAL_SECONDS * 0.9},
    },
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# --- Outgoing system mail -----------------------------------------------------------------------------

SYSTEM_DELIVERY_SERVER = env.str("SYSTEM_DELIVERY_SERVER", default="")
EMAIL_BACKEND = (
    "campaigns.email_backend.DeliveryServerBackend"
    if SYSTEM_DELIVERY_SERVER
    else "django.core.mail.backends.console.EmailBackend"
)

# --- Pages --------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
if DEBUG:
    STATIC_ROOT.mkdir(exist_ok=True)  # static files are found where they lie; whitenoise looks for it anyway
else:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
IMPORT_EXPORT_FORMATS = [CSV]
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
DJANGO_TABLES2_TEMPLATE = "components/table.html"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Security -----------------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
BEHIND_TLS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_SSL_REDIRECT = BEHIND_TLS and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31536000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Who may read /metrics beside the backend's staff: whoever sends this as a bearer token.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# For machines of the own network, which ask over plain http by the site's name.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]

LOGGING = logging_config(debug=DEBUG, level=env.str("LOG_LEVEL", default="INFO"))
