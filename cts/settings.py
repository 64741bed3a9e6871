"""Every knob, read once. cts/env.py checks each value: a bad one stops the start with its name and the remedy."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from cts import env
from cts.embedded import install_values
from cts.env import BASE_DIR

# --- what kind of start this is -----------------------------------------------------------------------------------
IS_EMBEDDED = env.switch("CTS_EMBEDDED", True)
DEBUG = env.switch("CTS_DEBUG", False)
if DEBUG and not IS_EMBEDDED:
    raise ImproperlyConfigured("CTS_DEBUG must be off when CTS_EMBEDDED is off: debug pages show secrets")

DATA_DIR = env.folder("CTS_DATA_DIR", BASE_DIR / "var")
LOG_DIR = env.folder("CTS_LOG_DIR", BASE_DIR / "logs")
# What this install made for itself at its first start; nothing in production, where the environment says it all.
try:
    INSTALL = install_values(DATA_DIR) if IS_EMBEDDED else {}
except OSError as error:
    raise ImproperlyConfigured(f"CTS_DATA_DIR={DATA_DIR} can't be written ({error.strerror}); name another") from None
HOST = env.text("CTS_HOST", default="127.0.0.1")
PORT = int(env.number("CTS_PORT", 8000, low=1, high=65535))
PAPER_PORT = int(env.number("CTS_PAPER_PORT", float(INSTALL.get("CTS_PAPER_PORT", 8001)), low=1, high=65535))
PAPER_URL = env.address("CTS_PAPER_URL", schemes=("http", "https"), default=f"http://127.0.0.1:{PAPER_PORT}")

SECRET_KEY = env.secret("CTS_SECRET_KEY", minimum=50, default=INSTALL.get("CTS_SECRET_KEY", ""))
# Comma-separated "id:hex" pairs of 32-byte keys; the first encrypts, all decrypt.
ENCRYPTION_KEYS = env.secret("CTS_ENCRYPTION_KEYS", minimum=66, default=INSTALL.get("CTS_ENCRYPTION_KEYS", ""))

ALLOWED_HOSTS: list[str] = env.words("CTS_ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.words("CTS_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS: list[str] = env.words("CTS_CORS_ORIGINS", default=[])
REGISTRATION_OPEN = env.switch("CTS_REGISTRATION_OPEN", True)
DEMO_PASSWORD = env.text("CTS_DEMO_PASSWORD", default=INSTALL.get("CTS_DEMO_PASSWORD", ""))

# --- applications ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "django_htmx",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "apps.accounts",
    "apps.exchanges",
    "apps.strategies",
    "apps.orders",
    "apps.positions",
    "apps.portfolios",
    "apps.engine",
    "apps.monitoring",
]
MIDDLEWARE = [
    "cts.logging.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "cts.urls"
WSGI_APPLICATION = "cts.wsgi.application"
ASGI_APPLICATION = "cts.asgi.application"
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
            ],
        },
    },
]

# --- database -------------------------------------------------------------------------------------------------------
if not IS_EMBEDDED and not env.text("DATABASE_URL"):
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database when CTS_EMBEDDED is off")
DATABASES = {
    "default": env.database(
        "DATABASE_URL",
        default=f"sqlite:///{DATA_DIR / 'cts.sqlite3'}",
        pool=int(env.number("CTS_DB_POOL", 16, low=1, high=200)),
        test_file=DATA_DIR / "test.sqlite3",
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis, Celery, Channels ------------------------------------------------------------------------------------------
REDIS_URL = env.address("REDIS_URL", schemes=("redis", "rediss", "unix"))
IS_REDIS_PRIVATE = IS_EMBEDDED and not REDIS_URL
if IS_REDIS_PRIVATE:
    REDIS_URL = f"redis://:{INSTALL['CTS_REDIS_PASSWORD']}@127.0.0.1:{INSTALL.get('CTS_REDIS_PORT', 6379)}/0"
if not REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL must be set when CTS_EMBEDDED is off")
REDIS_PREFIX = env.text("CTS_REDIS_PREFIX", default="cts")
CHANNEL_LAYERS = {
    "default": {
        # The pub/sub layer: the list-based one keeps the oldest messages of a slow reader and drops the newest.
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": f"{REDIS_PREFIX}-ws", "capacity": 1000},
    }
}
_REDIS_CACHE = "django.core.cache.backends.redis.RedisCache"
CACHES = {
    "default": {
        "BACKEND": _REDIS_CACHE,
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}:cache",
        # Every request counts its caller first: a Redis that hangs may not hold it up.
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": f"{REDIS_PREFIX}:celery:", "socket_keepalive": True}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = {name: {"binding_key": name} for name in ("default", "sync", "compute", "engine")}
CELERY_TASK_ROUTES = {
    "apps.exchanges.tasks.feed_run": {"queue": "engine"},
    "apps.strategies.tasks.study_run": {"queue": "engine"},
    "apps.engine.tasks.engine_run": {"queue": "engine"},
    "apps.strategies.tasks.search_*": {"queue": "compute"},
}
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
import cts.celery  # noqa: E402, F401 - the app of every process: without it, tasks would go to Celery's own default broker
from cts.beat import SCHEDULE as CELERY_BEAT_SCHEDULE  # noqa: E402, F401

CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

# --- runs -------------------------------------------------------------------------------------------------------------
LEASE_TTL_S = env.number("CTS_LEASE_TTL_S", 15, low=2, high=300)
RUN_MAX_S = env.number("CTS_RUN_MAX_S", 3600, low=10, high=86_400)
VENUE_TIMEOUT_S = env.number("CTS_VENUE_TIMEOUT_S", 10, low=1, high=60)
RECONCILE_INTERVAL_S = env.number("CTS_RECONCILE_INTERVAL_S", 30, low=1, high=600)
# No venue funds more often, and each moves money on the hour.
FUNDING_INTERVAL_S = env.number("CTS_FUNDING_INTERVAL_S", 3600, low=1, high=28_800)

# A search keeps so many lines of a symbol; one file of SQLite can't take what a server can.
LINES_PER_SYMBOL = int(env.number("CTS_LINES_PER_SYMBOL", 200 if IS_EMBEDDED else 2000, low=2, high=20_000))

# Exchanges spoken to through ccxt, which is an extra; `apps.exchanges` looks at them when it is ready.
CCXT_EXCHANGES: list[str] = [name.strip() for name in env.words("CTS_CCXT_EXCHANGES", []) if name.strip()]

# --- accounts ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in [
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    ]
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "sign_in"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_EMBEDDED
SESSION_COOKIE_NAME = "cts_session"
CSRF_COOKIE_NAME = "cts_csrf"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if not IS_EMBEDDED:
    SECURE_SSL_REDIRECT = env.switch("CTS_SSL_REDIRECT", True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = int(env.number("CTS_HSTS_S", 31_536_000, low=0, high=63_072_000))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked over plain HTTP by load balancers and by `manage.py up`
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/", "/api/docs/"],
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "connect-src": ["'self'", "ws:", "wss:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    },
}

# --- API --------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.api.authentication.FamilyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.api.permissions.ViewersOnlyRead"],
    "DEFAULT_THROTTLE_CLASSES": ["cts.rest.CallerThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cts.rest.BoundedJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "cts.rest.Pagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "cts.problems.problem_response",
    "COERCE_DECIMAL_TO_STRING": True,
}
# Requests a minute of one user, one token and one address; proxies in front of us that append to X-Forwarded-For.
API_RATES = {
    who: int(env.number(f"CTS_API_RATE_{who.upper()}", rate, low=1, high=1_000_000))
    for who, rate in (("user", 1200), ("token", 600), ("address", 2400))
}
TRUSTED_PROXIES = int(env.number("CTS_TRUSTED_PROXIES", 0, low=0, high=10))
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "SIGNING_KEY": SECRET_KEY,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CTS API",
    "DESCRIPTION": "Everything the pages can do. Decimals are strings, times are UTC ISO 8601, errors are problem+json.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["cts.schema.problems_describe"],
}

# --- pages ------------------------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = "cts.formats"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS: list[Any] = [BASE_DIR / "static"]
_CHARTS = BASE_DIR / "node_modules" / "lightweight-charts" / "dist"
_HTMX = BASE_DIR / "node_modules" / "htmx.org" / "dist"
STATICFILES_DIRS += [
    (name, path) for name, path in [("vendor/charts", _CHARTS), ("vendor/htmx", _HTMX)] if path.is_dir()
]
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # the finders serve; WhiteNoise only wants it to be there
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
UNFOLD = {
    "SITE_TITLE": "CTS",
    "SITE_HEADER": "CTS administration",
    "SITE_URL": "/",
    "DASHBOARD_CALLBACK": "apps.monitoring.admin.dashboard",
}

# --- logs -------------------------------------------------------------------------------------------------------------
LOGGING_CONFIG = None
LOG_LEVEL = env.choice("CTS_LOG_LEVEL", "INFO", of=("DEBUG", "INFO", "WARNING", "ERROR"))
from cts.logging import configure  # noqa: E402

# Warnings and worse also become rows, searchable from the monitoring page.
LOG_TO_DATABASE = env.switch("CTS_LOG_DATABASE", True)
configure(log_dir=LOG_DIR, level=LOG_LEVEL, is_stderr=env.switch("CTS_LOG_STDERR", True))
