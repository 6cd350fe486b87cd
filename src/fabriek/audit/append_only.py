"""Tables that only grow: the database itself refuses to change or delete their rows.

Used for audit events, ledger entries and usage records, on SQLite and PostgreSQL alike, so that no code path, shell or
stray UPDATE can rewrite what happened. The triggers are (re)installed after every `migrate`, not by one migration:
SQLite rebuilds a table to alter it and silently drops its triggers on the way.
"""

from __future__ import annotations

import re
from typing import Any

from django.apps import AppConfig
from django.db import connection, connections
from django.db.models.signals import post_migrate

_SQLITE = "CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} BEGIN \
SELECT RAISE(ABORT, '{table} is append-only: {verb} refused'); END"

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION fabriek_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, lower(TG_OP) USING ERRCODE = 'restrict_violation';
END $$
"""

_POSTGRESQL = "CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} \
FOR EACH STATEMENT EXECUTE FUNCTION fabriek_append_only()"


def append_only(table: str, vendor: str) -> list[str]:
    """The statements that make `table` append-only on a database of this vendor.

    TRUNCATE on PostgreSQL is left to the table's owner: an application role should not own its tables.
    """
    statements = [_POSTGRESQL_FUNCTION] if vendor == "postgresql" else []
    template = _POSTGRESQL if vendor == "postgresql" else _SQLITE
    return statements + [template.format(table=table, verb=verb) for verb in ("update", "delete")]


_NAME = re.compile(r"TRIGGER (?:IF NOT EXISTS )?(\w+) ")
_registered: list[Any] = []


def missing_triggers(prefix: str = "") -> list[str]:
    """Names of the triggers that should be in this database and aren't, of tables that start with `prefix`."""
    wanted = {
        name
        for statements in _registered
        for statement in statements(connection.vendor)
        for name in _NAME.findall(statement)
        if name.startswith(prefix)
    }
    catalogue = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        there = {name for (name,) in cursor.fetchall()}
    return sorted(wanted - there)


def install_after_migrate(app: AppConfig, statements: Any) -> None:
    """Run `statements(vendor) -> list[str]` after each migration of `app`. The statements must be repeatable."""

    _registered.append(statements)

    def install(using: str, **_: Any) -> None:
        connection = connections[using]
        with connection.cursor() as cursor:
            for statement in statements(connection.vendor):
                cursor.execute(statement)

    post_migrate.connect(install, sender=app, weak=False, dispatch_uid=f"{app.label}.triggers")
