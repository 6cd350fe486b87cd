"""Makes slurmdbd add up its usage now, for sreport: by itself it does so once an hour. For tests.

Slurm has no command for it, so this calls Slurm's own library, in a process of its own. SLURM_CONF says which cluster.
"""

from __future__ import annotations

import ctypes
import glob
import sys
import time


def roll_up(since: int, until: int) -> int:
    """Add up between two moments (seconds since 1970). Returns Slurm's status, 0 if it did."""
    slurm = ctypes.CDLL(glob.glob("/usr/lib/*/slurm-wlm/libslurmfull.so")[0], mode=ctypes.RTLD_GLOBAL)
    slurm.slurm_init(None)
    slurm.slurmdb_connection_get.restype = ctypes.c_void_p
    flags = ctypes.c_uint16(0)
    connection = slurm.slurmdb_connection_get(ctypes.byref(flags))
    statistics = ctypes.c_void_p()
    slurm.slurmdb_usage_roll.argtypes = [
        ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_uint16, ctypes.c_void_p,
    ]  # fmt: skip
    return int(slurm.slurmdb_usage_roll(connection, since, until, 0, ctypes.byref(statistics)))


if __name__ == "__main__":
    now = int(time.time())
    # From midnight, past the end of the hour at hand: an hour that isn't over is not added up otherwise.
    sys.exit(roll_up(now // 86_400 * 86_400, (now // 3_600 + 1) * 3_600))
