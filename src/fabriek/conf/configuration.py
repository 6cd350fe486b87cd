"""What a site may configure: environment variables that start with FABRIEK_, checked when the program starts."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Network = IPv4Network | IPv6Network
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class OpenID:
    """The identity provider beside the mailed link. `emails_verified`: every address it tells is verified."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    label: str
    emails_verified: bool


class Configuration(BaseSettings):
    """Each field is one environment variable, FABRIEK_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="FABRIEK_", extra="ignore", hide_input_in_errors=True)

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
    upload_mib: int = Field(
        default=25, ge=1, le=2_048, description="Size of the largest file that an entry of the catalogue may hold."
    )
    uploads: SecretStr = Field(
        default=SecretStr(""),
        description="s3://key:secret@host/bucket/prefix?region=name (s3+http:// without TLS): where files of the "
        "catalogue lie; empty: in the folder.",
    )
    mail_from: str = Field(default="fabriek@localhost", description="Sender of the platform's mail.")
    openid_issuer: str = Field(default="", description="Address of an OpenID provider; empty: mailed links only.")
    openid_client_id: str = Field(default="", description="The name that the provider knows this portal by.")
    openid_client_secret: SecretStr = Field(default=SecretStr(""), description="Empty: a public client, PKCE alone.")
    openid_scopes: str = Field(default="openid profile email", description="What is asked of the provider.")
    openid_label: str = Field(default="OpenID", description="The provider's name, as people know it.")
    openid_emails_verified: bool = Field(
        default=False, description="The provider verifies every address, though it does not say email_verified."
    )

    harvest_networks: str = Field(
        default="",
        description="Networks beside the public internet's that harvesters may reach, with commas: 10.20.0.0/16.",
    )

    @field_validator("database")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("FABRIEK_DATABASE must start with postgresql:// or be empty for SQLite")
        return value

    @field_validator("uploads")
    @classmethod
    def _uploads_name_a_bucket(cls, value: SecretStr) -> SecretStr:
        url = urlsplit(value.get_secret_value())
        if not url.geturl():
            return value
        if url.scheme not in ("s3", "s3+http") or not (url.hostname and url.username and url.password and _bucket(url)):
            raise ValueError("FABRIEK_UPLOADS must be like s3://key:secret@host/bucket, with / in the secret as %2F")
        if find_spec("obstore") is None:
            raise ValueError("FABRIEK_UPLOADS names a bucket, for which obstore is needed: pip install 'fabriek[s3]'")
        return value

    @field_validator("harvest_networks")
    @classmethod
    def _networks_are_some(cls, value: str) -> str:
        for one in filter(None, (part.strip() for part in value.split(","))):
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(f"FABRIEK_HARVEST_NETWORKS: {error}. Write networks such as 10.20.0.0/16") from error
        return value

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @model_validator(mode="after")
    def _openid_is_whole(self) -> Configuration:
        if not self.openid_issuer:
            return self
        address = urlsplit(self.openid_issuer)
        if address.scheme != "https" and not (address.scheme == "http" and address.hostname in _LOOPBACK):
            raise ValueError("FABRIEK_OPENID_ISSUER must start with https://")
        if not self.openid_client_id:
            raise ValueError("FABRIEK_OPENID_ISSUER is set, so FABRIEK_OPENID_CLIENT_ID must be too")
        if "openid" not in self.openid_scopes.split():
            raise ValueError("FABRIEK_OPENID_SCOPES must hold openid")
        return self

    def networks(self) -> tuple[Network, ...]:
        """What harvesters may reach beside the public internet."""
        return tuple(ip_network(one.strip()) for one in self.harvest_networks.split(",") if one.strip())

    def openid(self) -> OpenID | None:
        """The identity provider, if one is configured."""
        if not self.openid_issuer:
            return None
        return OpenID(
            issuer=self.openid_issuer,
            client_id=self.openid_client_id,
            client_secret=self.openid_client_secret.get_secret_value(),
            scopes=self.openid_scopes,
            label=self.openid_label,
            emails_verified=self.openid_emails_verified,
        )

    def uploads_settings(self) -> dict[str, Any]:
        """Django's STORAGES["uploads"]: a bucket, or a folder that the platform's user alone reads."""
        url = urlsplit(self.uploads.get_secret_value())
        if not url.scheme:
            where = {"location": self.folder / "uploads"}
            modes = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
            return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {**where, **modes}}
        scheme = "https" if url.scheme == "s3" else "http"
        region = parse_qs(url.query).get("region", [])[:1]
        return {
            "BACKEND": "fabriek.conf.bucket.Bucket",
            "OPTIONS": {
                "endpoint": f"{scheme}://{url.netloc.rpartition('@')[2]}",
                "bucket": _bucket(url),
                "prefix": url.path.strip("/").partition("/")[2],
                "key": unquote(url.username or ""),
                "secret": unquote(url.password or ""),
                **({"region": region[0]} if region else {}),
            },
        }

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


def _bucket(url: SplitResult) -> str:
    return url.path.strip("/").partition("/")[0]


@lru_cache
def configuration() -> Configuration:
    """The configuration of this process, read once."""
    return Configuration()
