"""Command ``sunspec-tui stream``: publish a simulated Sun or a recorded file."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from sunspec_tui.cli.logging_setup import start_logging
from sunspec_tui.cli.signals import Ending
from sunspec_tui.cli.status_lines import status_output
from sunspec_tui.core.addresses import host_and_port
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK, log_signal
from sunspec_tui.core.settings import StreamSettings
from sunspec_tui.monitoring.problems import Problems

log = logging.getLogger("sunspec_tui")
_UNCOUNTABLE = "faults made; with headers of this format a receiver cannot count all of them:"


def run(settings: StreamSettings) -> int:
    """Publish until the source ends or a signal comes.

    Return the exit status.
    """
    problems = Problems()
    with ExitStack() as started:
        ending = started.enter_context(Ending())
        start_logging(started, settings.log_level, problems=problems)
        started.enter_context(problems.watching_threads())
        from sunspec_tui.cli.producer_setup import make_faults, make_producer, make_source

        say, faults = status_output(started, problems), make_faults(settings)
        op, feed = make_producer(started, make_source(settings), settings, faults)
        port = op.bind()
        log.info("publishing %s on %s", settings.source_text, host_and_port(op.stream_addr, port))
        with ThreadPoolExecutor(1, "sunspec-producer") as pool:
            publishing = pool.submit(op.main)
            while not publishing.done() and not ending.wait(0.1):
                pass
            if ending.exit_status is not None:
                log_signal(ending.signal_number)
                op.shutdown()
            publishing.result()
        say(f"{op.frames_sent} frames sent")
        if faults is not None:
            whose = "a receiver that got them all counts" if settings.format == "today" else _UNCOUNTABLE
            say(f"{whose} {json.dumps(faults.report())}")
        if feed.error is not None:
            raise feed.error
        if problems.threads_ended:
            return EXIT_FAILED
        return EXIT_OK if ending.exit_status is None else ending.exit_status
