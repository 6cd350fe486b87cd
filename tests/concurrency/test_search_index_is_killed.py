"""The writer of the search index is killed, readers read meanwhile. Real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from fabriek.catalogue.search.index import Index

WRITE = """
import sys
from pathlib import Path
from fabriek.catalogue.record import read_record
from fabriek.catalogue.search.documents import document_of
from fabriek.catalogue.search.index import Index
index = Index(Path(sys.argv[1]))
# Each commit: one more document, and the watermark that says how many there are.
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    said = {"code": f"e-{number}", "title": f"Frisian {number}", "details": {"kind": "dataset"}}
    with index.writing() as writer:
        writer.put([document_of(read_record(said), key=f"k{number}", stamp="1", published=number)])
        writer.mark(str(number))
    print(number, flush=True)
"""

READ = """
import json, sys
from pathlib import Path
from fabriek.catalogue.search.index import Index
index, seen = Index(Path(sys.argv[1])), []
print("ready", flush=True)
while not seen or seen[-1][0] < int(sys.argv[2]):
    seen.append([int(index.watermark() or 0), len(index.stamps())])
print(json.dumps(seen), flush=True)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own, that sees the packages that this one sees."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    words = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_writer_that_is_killed_leaves_whole_commits_and_no_lock(tmp_path: Path) -> None:
    reached = 0
    for _ in range(3):
        writer = start(WRITE, tmp_path, reached + 1, 1_000_000)
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(3)][-1]
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        index = Index(tmp_path)
        reached = int(index.watermark())
        # What was told is there; what was under way is there whole or not at all.
        assert reached >= told
        assert set(index.stamps()) == {f"k{number}" for number in range(1, reached + 1)}


def test_readers_in_other_processes_see_each_commit_whole(tmp_path: Path) -> None:
    Index(tmp_path)
    readers = [start(READ, tmp_path, 10) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    assert start(WRITE, tmp_path, 1, 11).wait(300) == 0
    for reader in readers:
        seen = json.loads(reader.communicate(timeout=300)[0])
        assert seen[-1] == [10, 10]
        # A commit may come between the two looks: never fewer documents than the watermark says.
        assert all(reached <= there <= 10 for reached, there in seen)
