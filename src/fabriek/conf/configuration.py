"""What a site may configure: environment variables that start with FABRIEK_, checked when the program starts."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Configuration(BaseSettings):
    """Each field is one environment variable, FABRIEK_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="FABRIEK_", extra="ignore")

    folder: Path = Field(default=Path("var"), description="Where the embedded database, keys and engine folders live.")
    database: str = Field(
        default="", description="postgresql://user:password@host:port/name; empty: SQLite in the folder."
    )
    secret_key: SecretStr | None = Field(
        default=None, description="Signs sign-in links and sessions; empty: one is made and kept in the folder."
    )
    hosts: str = Field(default="127.0.0.1,localhost", description="Host names that the portal answers to.")
    base_url: str = Field(default="http://127.0.0.1:8000", description="The address people use to reach the portal.")
    secure: bool = Field(default=False, description="Behind TLS: secure cookies and HSTS.")
    demo: bool = Field(default=True, description="This installation holds demonstration data; every page says so.")
    debug: bool = Field(default=False, description="Development only: tracebacks on pages.")
    mail: str = Field(
        default="", description="smtp://user:password@host:port; empty: mail is written to files in the folder."
    )
    mail_from: str = Field(default="fabriek@localhost", description="Sender of the platform's mail.")

    @field_validator("database")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("FABRIEK_DATABASE must start with postgresql:// or be empty for SQLite")
        return value

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    def database_settings(self) -> dict[str, Any]:
        """Django's DATABASES["default"]."""
        if not self.database:
            self.folder.mkdir(parents=True, exist_ok=True)
            return {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": self.folder / "fabriek.sqlite3",
                "OPTIONS": {
                    # IMMEDIATE: a writer waits for the other writer at the start, not in the middle,
                    # where SQLite would refuse at once (https://sqlite.org/lang_transaction.html).
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 30,
                    "init_command": (
                        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
                        "PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY"
                    ),
                },
                "CONN_MAX_AGE": None,
            }
        url = urlsplit(self.database)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path.lstrip("/")),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": url.hostname or "",
            "PORT": str(url.port or ""),
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
        }

    def key(self) -> str:
        """The secret key: given, or made once and kept in a file that only its owner reads."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        path = self.folder / "secret-key"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}")
            partial.touch(mode=0o600)
            partial.write_text(secrets.token_urlsafe(48))
            try:
                # link, not rename: the first of two processes that start together wins.
                os.link(partial, path)
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        return path.read_text().strip()


@lru_cache
def configuration() -> Configuration:
    """The configuration of this process, read once."""
    return Configuration()
