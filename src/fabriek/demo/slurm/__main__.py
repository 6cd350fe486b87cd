"""`python -m fabriek.demo.slurm up FOLDER`: two clusters for a shell of one's own; `down` ends them, `env` prints."""

from __future__ import annotations

import sys
from pathlib import Path

from fabriek.demo.slurm import Bed, BedError, NotInstalled

USE = "usage: python -m fabriek.demo.slurm up|down FOLDER  or  env FOLDER CLUSTER"


def main(arguments: list[str]) -> int:
    """Exit status 1: it did not work, and why; 2: asked wrongly."""
    if (
        len(arguments) < 2
        or arguments[0] not in ("up", "down", "env")
        or (arguments[0] == "env") != (len(arguments) == 3)
    ):
        print(USE, file=sys.stderr)
        return 2
    verb, folder, *cluster = arguments
    try:
        bed = Bed(Path(folder), rest=True, tied=False)
        if verb == "up":
            bed.up()
            print(f'Up. For its commands: eval "$(python -m fabriek.demo.slurm env {folder} {bed.clusters[0].name})"')
        elif verb == "down":
            bed.down()
        else:
            for name, value in bed.env(*cluster).items():
                print(f"export {name}={value}")
    except (BedError, NotInstalled) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
