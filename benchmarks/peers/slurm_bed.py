"""A real cluster for a benchmark, in memory where there is a file system for it, and gone with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fabriek.demo.slurm import Bed, Cluster, Partition


@contextmanager
def one_cluster(partition: Partition, *, rest: bool = False) -> Iterator[tuple[Bed, Path]]:
    """Cluster alpha, up, and a folder for what else is needed."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="fabriek-", dir=memory if memory.is_dir() else None))
    # munge wants the folders above its socket open to all.
    folder.chmod(0o755)
    bed = Bed(folder / "bed", [Cluster("alpha", (partition,))], rest=rest)
    try:
        yield bed.up(), folder
    finally:
        bed.down(remove=True)
        shutil.rmtree(folder, ignore_errors=True)
