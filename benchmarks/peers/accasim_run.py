"""Runs AccaSim 1.1.3 on an SWF file. Run by simulate_speed.py, with the Python that has AccaSim.

`accasim_run.py FILE PROCESSORS fcfs|easy FOLDER`: one node with so many cores, so that any free one serves any job.
Prints the seconds of processor time that the simulation took; the schedule is in the folder, one line a job.
"""

from __future__ import annotations

import collections
import collections.abc
import json
import sys
import time
from pathlib import Path

# AccaSim 1.1.3 imports it from where it was before Python 3.10.
collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined]

from accasim.base.allocator_class import FirstFit  # noqa: E402
from accasim.base.scheduler_class import EASYBackfilling, FirstInFirstOut  # noqa: E402
from accasim.base.simulator_class import Simulator  # noqa: E402

file, processors, policy, folder = sys.argv[1:]
machine = Path(folder) / "machine.json"
machine.write_text(
    json.dumps(
        {
            "system_name": "machine",
            "start_time": 0,
            "equivalence": {"processor": {"core": 1}},
            "groups": {"all": {"core": int(processors)}},
            "resources": {"all": 1},
        }
    )
)
dispatcher = {"fcfs": FirstInFirstOut, "easy": EASYBackfilling}[policy](FirstFit())
simulator = Simulator(
    file,
    str(machine),
    dispatcher,
    scheduling_output=True,
    statistics_output=False,
    show_statistics=False,
    RESULTS_FOLDER_PATH=folder,
)
begun = time.process_time()
simulator.start_simulation()
print(time.process_time() - begun)
