"""Django's settings, all derived from the checked configuration."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF

from fabriek.conf.configuration import configuration

_configuration = configuration()
_package = Path(__file__).resolve().parent.parent

FABRIEK_FOLDER = _configuration.folder
FABRIEK_BASE_URL = _configuration.base_url
FABRIEK_DEMO = _configuration.demo
FABRIEK_OPENID = _configuration.openid()
FABRIEK_HARVEST_NETWORKS = _configuration.networks()
FABRIEK_UPLOAD_BYTES = _configuration.upload_mib * 2**20

SECRET_KEY = _configuration.key()
DEBUG = _configuration.debug
ALLOWED_HOSTS = [host.strip() for host in _configuration.hosts.split(",") if host.strip()]
DATABASES = {"default": _configuration.database_settings()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "fabriek.audit",
    "fabriek.people",
    "fabriek.ledger",
    "fabriek.register",
    "fabriek.programmes",
    "fabriek.projects",
    "fabriek.operations",
    "fabriek.recipes",
    "fabriek.catalogue",
    "fabriek.harvest",
    "fabriek.support",
    "fabriek.events",
    "fabriek.access",
    "fabriek.promises",
    "fabriek.reports",
    "fabriek.foresight",
    "fabriek.demo",
    "fabriek.portal",
    "fabriek.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "fabriek.portal.errors.RefusalPages",
]

ROOT_URLCONF = "fabriek.conf.urls"
WSGI_APPLICATION = "fabriek.conf.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "fabriek.portal.context.portal",
            ],
            "builtins": ["django.templatetags.i18n", "fabriek.portal.templatetags.fabriek"],
        },
    }
]

AUTH_USER_MODEL = "people.Person"
LOGIN_URL = "portal:sign_in"
SESSION_COOKIE_NAME = "fabriek_session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _configuration.secure
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "fabriek.portal.errors.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if _configuration.secure else 0
SECURE_SSL_REDIRECT = False
X_FRAME_OPTIONS = "DENY"

# No inline script or style, nothing from elsewhere.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
LOCALE_PATHS = [_package / "portal" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = FABRIEK_FOLDER / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS: list[Path] = []
# The bundles have their hash in their name already (esbuild), so no manifest is needed and WhiteNoise can
# serve the files straight from the package: nothing to collect, nothing to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 31_536_000
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # What entries of the catalogue hold; never under the web root.
    "uploads": _configuration.uploads_settings(),
}

if _configuration.mail:
    _mail = urlsplit(_configuration.mail)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.hostname or "localhost"
    EMAIL_PORT = _mail.port or 25
    EMAIL_HOST_USER = unquote(_mail.username or "")
    EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
    EMAIL_USE_TLS = _mail.scheme == "smtp+tls"
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = FABRIEK_FOLDER / "mail"
DEFAULT_FROM_EMAIL = _configuration.mail_from

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
