"""Run a plot service in a separate process."""

import json
import subprocess
import sys
from pathlib import Path

# The plot writer has a separate process, so that changes of its user or directory do not affect the test's process.
ALONE = f"""
import json, os, sys, threading, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import sunspec_tui.plots.plot_service as png
from plot_jobs import job
{{before}}
events = []
rows = iter(range(1, 1000000))
writer = png.PlotService(Path(sys.argv[1]), {{interval}}, lambda: job(directory=sys.argv[1], number=next(rows)),
                       on_event=events.append)
writer.start()
def wait(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
{{then}}
status = writer.status()
print(json.dumps({{{{"running": status.running, "failed": status.failed, "written": status.written,
                    "events": [event.text for event in events]}}}}), flush=True)
writer.stop()
"""


def alone(directory, *, before="", then="", interval=0.05, **options):
    """Run a plot writer in its own process.

    Return its final output.
    """
    code = ALONE.format(before=before, then=then, interval=interval)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(directory)], stdout=subprocess.PIPE, text=True, **options
    ) as run:
        said, _ = run.communicate(timeout=100)
    return json.loads(said.splitlines()[-1])
