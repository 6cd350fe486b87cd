"""What every test needs to know of the database."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from absl import logging as absl_logging

# Before Django's settings are read: tests never touch the data of `make run`.
os.environ.setdefault("FABRIEK_FOLDER", tempfile.mkdtemp(prefix="fabriek-tests-"))


# absl, which mlcroissant brings, closes the stream that it found when it was imported as soon as logging is set up
# anew, as `fabriek` does: that would be pytest's own.
absl_logging.get_absl_handler().python_handler.setStream(sys.__stderr__)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, and first of all those that mostly wait for Slurm: processes side by side take one
    file after another, and the longest is not to be the last."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, "slurm" not in item.path.parts))


@pytest.fixture(scope="session", autouse=True)
def _emptying_is_possible() -> Iterator[None]:
    """Tests with real transactions are emptied afterwards, which the append-only tables refuse, as they should.

    So their triggers go before a flush; `post_migrate`, which follows a flush, puts them back.
    """
    from django.core.management.commands import flush
    from django.db import connections

    original = flush.sql_flush

    def without_triggers(style: Any, connection: Any, **more: Any) -> list[str]:
        return [*_drop_triggers(connections[connection.alias]), *original(style, connection, **more)]

    flush.sql_flush = without_triggers
    yield
    flush.sql_flush = original


@pytest.fixture(autouse=True)
def _tests_begin_in_english() -> None:
    """A request in Dutch leaves its language with the thread, until the next one: no test reads what another left."""
    from django.utils import translation

    translation.activate("en")


@pytest.fixture(autouse=True)
def _a_request_keeps_the_test_s_connection() -> Iterator[None]:
    """Requests through WSGI in this process run in the test's transaction; a server would close its old connections
    between them. Django's own test client holds them open the same way,
    and connects the signal again after each request: hence before every test."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Each test's database is its own, and so is what was remembered of it."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(scope="session", autouse=True)
def _index_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Processes that run tests side by side share a folder, in which each has an index of its own."""
    from fabriek.catalogue.search import feeding

    original, where = feeding.folder, tmp_path_factory.mktemp("search")
    feeding.folder = lambda: where
    yield
    feeding.folder = original


@pytest.fixture(autouse=True)
def _nothing_indexed(_index_of_this_process: None) -> None:
    """Nor does a test find what another's search index holds."""
    import shutil

    from fabriek.catalogue.search import feeding

    feeding.forget(broken=False)
    shutil.rmtree(feeding.folder(), ignore_errors=True)


def _drop_triggers(connection: Any) -> list[str]:
    if connection.vendor == "postgresql":
        query = (
            "SELECT 'DROP TRIGGER ' || tgname || ' ON ' || tgrelid::regclass || ';' "
            "FROM pg_trigger WHERE NOT tgisinternal"
        )
    else:
        query = "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [statement for (statement,) in cursor.fetchall()]
