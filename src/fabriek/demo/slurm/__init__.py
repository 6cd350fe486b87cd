"""Real Slurm clusters in a folder of this machine, for tests and for `make run SLURM=1`.

Pure: no Django and no other room, so that a test or a benchmark brings up clusters without a platform.
Nothing outside the folder is written, and only 127.0.0.1 is listened on.
"""

from fabriek.demo.slurm.bed import Bed, ordinary_user
from fabriek.demo.slurm.packages import NotInstalled
from fabriek.demo.slurm.processes import BedError
from fabriek.demo.slurm.shape import Cluster, Partition

__all__ = ["Bed", "BedError", "Cluster", "NotInstalled", "Partition", "ordinary_user"]
