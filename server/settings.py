"""Django's settings, all taken from the one GatewaySettings."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from server.admin_theme import THEME
from server.database import database_settings
from server.env import HEALTH_HOST, ROOT, GatewaySettings, SettingsError, read_settings
from server.log_config import logging_settings
from server.secret_key import read_or_make

try:
    GATEWAY: GatewaySettings = read_settings()
    SECRET_KEY = GATEWAY.secret_key or read_or_make(GATEWAY.var_dir / "secret_key")
except SettingsError as exc:
    raise ImproperlyConfigured(str(exc)) from None

DEBUG = GATEWAY.debug
ALLOWED_HOSTS = [*GATEWAY.allowed_hosts, HEALTH_HOST]
ROOT_URLCONF = "server.urls"
WSGI_APPLICATION = "server.wsgi.application"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the admin's templates; before Django's own
    "unfold.contrib.filters",
    "Pm.admin_app.PmAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "api",
    "Pm",
]
# Only where pages may ask: it would take each request's headers apart to find no Origin.
CORS_MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"] if GATEWAY.cors_allowed_origins else []
# Below /api/v1/ (api/handler.py) nobody has a session: who asks is known by a key, or by nothing. What an answer tells
# browsers, nginx adds (conf/nginx/public.conf); where HTTPS is asked for, a key must not travel without it.
API_MIDDLEWARE = [
    "api.request_id.RequestIdMiddleware",
    "api.access_log.AccessLogMiddleware",
    *(["django.middleware.security.SecurityMiddleware"] if GATEWAY.public_https else []),
    *CORS_MIDDLEWARE,
    "django.middleware.common.CommonMiddleware",
]
MIDDLEWARE = [
    "api.request_id.RequestIdMiddleware",
    "api.access_log.AccessLogMiddleware",
    "api.page_policy.PagePolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    *CORS_MIDDLEWARE,
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "api.admin_locale.AdminLocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "Pm" / "templates"],  # ours before those of unfold and drf-spectacular
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

DATABASES = {
    "default": database_settings(GATEWAY.database_url, default=GATEWAY.var_dir / "db.sqlite3", root=ROOT),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = GATEWAY.max_body_bytes

STATIC_URL = "/static/"
STATIC_ROOT = GATEWAY.var_dir / "static"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
UNFOLD = THEME
LOGGING = logging_settings(GATEWAY.log_level)

# Security: https://docs.djangoproject.com/en/5.2/howto/deployment/checklist/
CSRF_TRUSTED_ORIGINS = list(GATEWAY.csrf_trusted_origins)
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = GATEWAY.public_https
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if GATEWAY.public_https else 0
# HSTS speaks for this host name only: browsers would hold a whole domain and its subdomains to HTTPS for a year.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # includeSubDomains, preload
# nginx sets this header to https where TLS ends in it, and else passes on the word of the proxy in front.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GATEWAY.public_https else None
SECURE_REDIRECT_EXEMPT = [
    r"^healthz$",
    r"^readyz$",
    r"^metrics$",
]  # balancers ask by plain HTTP, and take a redirect for a failure

# Who gets in: sessions, passwords, log-in attempts.
# A working day; a browser that is closed forgets it earlier.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # a link in a mail opens the page it names
CSRF_COOKIE_SAMESITE = "Lax"  # as the session: a link from elsewhere would else replace the token of open pages
CSRF_FAILURE_VIEW = "api.errors.csrf_failure"

MIN_PASSWORD_CHARACTERS = 12
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": MIN_PASSWORD_CHARACTERS},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: refuses who has tried too often
    "django.contrib.auth.backends.ModelBackend",
]

# django-axes. Attempts are counted in the database, so that all uwsgi processes see them.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
LOGIN_REDIRECT_URL = "admin:index"  # where who asked for nothing, or for another site, goes
# A name from an address: who guesses locks out neither its owner elsewhere, nor others behind the same address.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# nginx sets REMOTE_ADDR (conf/nginx/uwsgi_params); a client's own X-Forwarded-For is not believed.
AXES_IPWARE_META_PRECEDENCE_ORDER = ["REMOTE_ADDR"]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says when to try again, and that must stay true
AXES_LOCKOUT_CALLABLE = "Pm.access.views.locked_out"
AXES_ENABLE_ADMIN = False  # Pm/admin/people.py shows them
AXES_VERBOSE = False

# No inline script or style, nothing from another host; data: is for the icons within style sheets.
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
    }
}

CORS_ALLOWED_ORIGINS = list(GATEWAY.cors_allowed_origins)
CORS_ALLOW_METHODS = ["POST"]
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_HEADERS = ["authorization", "content-type", "x-request-id"]
CORS_EXPOSE_HEADERS = ["X-Request-ID", "X-Model-Version", "X-Score", "Retry-After"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["Pm.authentication.ApiKeyAuthentication"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "Pm.negotiation.FirstRenderer",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is answered 405, as the contract says
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pm",
    "VERSION": "1",
    "DESCRIPTION": "Tells whether a class photo shows an offline class (people in a room) or an online one (a screen).",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["api.schema.mark_required_key"],
}
