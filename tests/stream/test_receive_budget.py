"""Memory that a publisher can use before it is disconnected."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import psutil
import pytest
from peers import EndlessPublisher, free_port, serving
from publishers import Publisher, message
from waiting import poll_until

MIB = 2**20


@contextmanager
def monitoring(port):
    """Run a monitor; yield its process and its last status."""
    words = ["--no-ui", "--port", str(port), "--status-interval", "0.1", "--status-format", "json"]
    run = [sys.executable, "-m", "sunspec_tui", *words, "--plot-interval", "0"]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        status = {}

        def read():
            for line in process.stdout:
                if line.startswith("{"):
                    status.update(json.loads(line))

        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield process, status
        finally:
            process.terminate()
            thread.join()
            process.wait(10)


@pytest.mark.parametrize(("part", "limit"), [(b"y" * MIB, 1024 * MIB), (b"x", 100 * MIB)])
def test_a_message_whose_parts_never_end_is_dropped(part, limit):
    port = free_port()
    endless, largest_mb = EndlessPublisher(part, limit), 0.0
    with monitoring(port) as (process, status):
        watched = psutil.Process(process.pid)
        with serving(port, endless):
            while not endless.over.wait(0.02):
                largest_mb = max(largest_mb, watched.memory_info().rss / MIB)
        assert endless.sent < limit, f"{endless.sent / MIB:.0f} MiB were taken"
        assert largest_mb < 700
        poll_until(lambda: status.get("rejected") == {"message_size": 1})
        publisher = Publisher(port)
        try:
            publisher.wait_for_subscriber()
            publisher.send(message(np.ones((1, 64, 4))))
            poll_until(lambda: status["frames_received"] == 1)
        finally:
            publisher.close()
