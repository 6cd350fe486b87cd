"""Many rows at once, past Django's models but not past the database: its constraints and triggers see every row.

A model instance, its fields' conversions and a statement's text cost some 200 microseconds a row; the database itself
takes 10. So the two tables that grow by the thousand (usage records, ledger entries) are written by their columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections, models, router


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows of a table. `names`: its fields (`debit_id` for a foreign key); the rest has the database's default,
    so only fields that may be left out are. Values are as the database stores them: numbers, text, None.

    Errors: IntegrityError, as with any insert; then none of the rows is there (call it in a transaction).
    """
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    column_of = {field.attname: field.column for field in model._meta.concrete_fields}
    columns = ", ".join(quote(str(column_of[name])) for name in names)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # COPY fires row triggers and checks constraints as INSERT does (PostgreSQL, COPY, Notes).
            with (
                connection.wrap_database_errors,
                cursor.cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608
