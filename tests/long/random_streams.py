"""Send random streams to every reader of the receiver.

They are valid or unusual, and no reader may fail.

    python tests/long/random_streams.py --steps 100000 --seed 0

A step is one message and one look by most readers: the snapshot, the status as record, text and JSON, the terminal's
screen with its pictures and a random key, the web view's rows and answers, the doctor. Figures and exports come every
500th step. A failure tells the seed and the step; the same seed gives the same stream.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]

from monitors import Screen, StillReceiver
from odd_streams import OddStream
from starlette.applications import Starlette
from starlette.routing import Route

from sunspec_tui.cli.headless import figure, json_line, text_line
from sunspec_tui.core.printable import printable, printable_values
from sunspec_tui.core.products import Product, available
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.monitoring import stream_diagnosis
from sunspec_tui.monitoring.status_record import live_record, public_record
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.figure import SpectrumFigure
from sunspec_tui.plots.job_builder import recorded_job
from sunspec_tui.tui.key_bindings import KEYS
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.webapp import http_api
from sunspec_tui.webapp.answer_budget import ByteBudget
from sunspec_tui.webapp.broadcaster import Broadcaster
from sunspec_tui.webapp.viewer_queue import ViewerQueue

ROWS = 80
FIGURES_EVERY, ANSWERS_EVERY, SCREEN_EVERY, DOCTOR_EVERY = 500, 25, 4, 10
# Dialogs wait for an answer, and the others leave the process.
_NOT_PRESSED = ("end", "help", "command_palette", "levels", "manual_delay", "export", "web", "plot", "plot_now")
ACTIONS = [key.action for key in KEYS if key.action.partition("(")[0] not in _NOT_PRESSED]
PATHS = ["/data?product={}", "/refresh?n_frames=30&product={}", "/status", "/metrics"]
ENDINGS = (".fits", ".h5", ".npz", ".csv")


class Readers:
    """All readers of one receiver.

    Parameters
    ----------
    receiver
        The receiver to read.
    seed
        Seed of keys and choices.
    directory
        Directory of exports.
    """

    def __init__(self, receiver: StillReceiver, seed: int, directory: Path) -> None:
        self._receiver, self._directory = receiver, directory
        self._rng = random.Random(seed)
        self._arrivals_s: list[float] = []
        self._screen: Screen | None = None
        self._figure = SpectrumFigure()
        self._loop = asyncio.new_event_loop()
        self._hub = Broadcaster(receiver, monotonic=receiver.options.monotonic)
        self._viewers = [ViewerQueue(Product.XX), ViewerQueue(Product.V_OVER_I)]
        for viewer in self._viewers:
            self._hub.join(viewer)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(_answers(receiver, self._hub)), base_url="http://127.0.0.1"
        )

    def look(self, step: int) -> None:
        """Run the readers that are due."""
        self._arrivals_s = [*self._arrivals_s[-20:], self._receiver.options.monotonic()]
        self._status()
        self._rows()
        self._web()
        for every, reader in (
            (SCREEN_EVERY, self._terminal), (DOCTOR_EVERY, self._doctor), (ANSWERS_EVERY, self._answers),
            (FIGURES_EVERY, self._figures), (FIGURES_EVERY, self._exports),
        ):  # fmt: skip
            if step % every == 0:
                reader()

    def close(self) -> None:
        """Stop all started threads and processes."""
        if self._screen is not None:
            self._screen.close()
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()

    def _status(self) -> None:
        rng, receiver = self._rng, self._receiver
        snapshot = receiver.snapshot(
            rng.choice([0, 2**62, rng.randrange(10**6)]), epoch=rng.randrange(3), most=rng.choice([None, 0, 9])
        )
        assert not snapshot.check.failures, snapshot.check.failures
        assert text_line(snapshot)
        json.loads(json_line(snapshot))
        json.dumps([live_record(snapshot), public_record(snapshot)], allow_nan=False)
        health = snapshot.health
        assert health.frames_received + health.frames_rejected == receiver.taken
        assert len(health.last_rejection) <= 400

    def _rows(self) -> None:
        receiver, rng = self._receiver, self._rng
        receiver.get_buffer_status()
        position = receiver.position()
        if position is None:
            return
        assert len(receiver.get_latest_data(rng.randrange(ROWS + 5), rng.choice(available(position.axis.npol)))) <= ROWS
        assert sum(each.ring.nbytes for each in receiver.epochs()) < 2**26

    def _web(self) -> None:
        if self._rng.random() < 0.02:
            self._hub.choose(self._rng.choice(self._viewers), self._rng.choice(list(Product)))
        while self._hub.pump():
            pass
        while self._hub.encode_history():
            pass
        for viewer in self._viewers:
            while viewer._has_message():
                message = self._loop.run_until_complete(viewer.next_message())
                if isinstance(message, str):
                    json.loads(message)
            viewer.acknowledge(viewer.sent)

    def _terminal(self) -> None:
        if self._screen is None:
            size, depth = self._rng.choice([(120, 40), (80, 24)]), self._rng.choice(list(Depth))
            self._screen = Screen(*size, self._receiver, depth=depth)
        if self._rng.random() < 0.3:
            self._screen.act(self._rng.choice(ACTIONS))
        self._screen.tick()
        assert self._screen.app._exception is None, self._screen.app._exception

    def _doctor(self) -> None:
        receiver = self._receiver
        delays_s = {}
        for method in ("buffer", "auto"):
            receiver.set_delay_calculation_method(method)
            delays_s[method] = receiver.get_current_delay()
        found = stream_diagnosis.findings(receiver.snapshot(), receiver.last_frame(), self._arrivals_s, delays_s)
        json.dumps(printable_values(found), allow_nan=False)
        assert all(printable(line).isprintable() for line in stream_diagnosis.report(found))

    def _answers(self) -> None:
        for path in PATHS:
            answer = self._loop.run_until_complete(self._client.get(path.format(self._rng.choice(list(Product)))))
            assert answer.status_code in (200, 404), answer.text

    def _figures(self) -> None:
        snapshot = self._receiver.snapshot()
        figure(snapshot, self._rng.choice(list(Product)))
        job = self._receiver.plot_job()
        for epoch in self._receiver.epochs()[:2]:
            rows = self._receiver.recording(epoch=epoch.number)
            product = self._rng.choice(rows.carries())
            self._draw(recorded_job(rows, product))
        if job is not None:
            self._draw(job)

    def _draw(self, job: Any) -> None:
        self._figure.draw(job)
        assert self._figure.png()

    def _exports(self) -> None:
        for epoch in self._receiver.epochs():
            self._export(epoch)

    def _export(self, epoch: Epoch) -> None:
        axis = epoch.axis
        product = self._rng.choice(available(axis.npol))
        for ending in ENDINGS:
            path = self._directory / f"rows{ending}"
            try:
                assert self._receiver.export(path, str(product), epoch=epoch.number) > 0
            except Exception as error:
                raise AssertionError(f"export to {ending} of {axis}, {product}: {error!r}") from error


def _answers(receiver: StillReceiver, hub: Broadcaster) -> Starlette:
    app = Starlette(
        routes=[
            Route("/data", http_api.data), Route("/refresh", http_api.refresh), Route("/status", http_api.status),
            Route("/metrics", http_api.prometheus),
        ],
        exception_handlers={http_api.RequestRefused: http_api.refused},
    )  # fmt: skip
    app.state.context = SimpleNamespace(
        source=receiver, broadcaster=hub, status=WebStatus, buffer_length=ROWS, budget=ByteBudget(),
        connections=SimpleNamespace(abort=lambda peer: None),
    )  # fmt: skip
    return app


class OddReceiver(StillReceiver):
    """A receiver on the clocks of an odd stream."""

    def __init__(self, stream: OddStream, **options: Any) -> None:
        clocks = {"clock": lambda: stream.now_s, "monotonic": lambda: stream.monotonic_s}
        super().__init__(**clocks | options)
        self.stream, self.taken = stream, 0

    def take_next(self) -> None:
        """Receive the next message."""
        with self.handler.receiving():
            self.handler.on_message(self.stream.next())
        self.taken += 1


@contextmanager
def quiet() -> Iterator[None]:
    """Treat warnings as failures, and show the log only on the screen."""
    logger = logging.getLogger("sunspec_tui")
    before, handler = logger.propagate, logging.NullHandler()
    logger.propagate = False
    logger.addHandler(handler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Warnings of a library about itself.
        warnings.filterwarnings("default", category=DeprecationWarning)
        try:
            yield
        finally:
            logger.propagate = before
            logger.removeHandler(handler)


def drive(seed: int, steps: int, tell: Callable[[str], None] = print) -> None:
    """Take the steps of one seed.

    Raises
    ------
    AssertionError
        With seed and step, if any reader fails.
    """
    rng = random.Random(seed)
    stream = OddStream(seed)
    receiver = OddReceiver(
        stream, buffer_length=rng.choice([2, 20, ROWS]), channel_average=rng.choice([1, 4, 4, 7, 1000])
    )
    with tempfile.TemporaryDirectory() as directory, quiet():
        readers = Readers(receiver, seed, Path(directory))
        try:
            for step in range(steps):
                receiver.take_next()
                try:
                    readers.look(step)
                except Exception as error:
                    raise AssertionError(f"seed {seed}, step {step}: {error!r}") from error
        finally:
            readers.close()
    health = receiver.snapshot().health
    tell(f"seed {seed}: {steps} steps, {health.frames_received} frames, {health.frames_rejected} rejected")


STEPS_PER_SEED = 2000
"""So that sizes, averages and depths of colour vary too."""


def main() -> None:
    """Read the options and run the streams."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed; each next 2000 steps have the next one")
    given = parser.parse_args()
    begun_s = time.monotonic()
    failed = 0
    for n in range(-(-given.steps // STEPS_PER_SEED)):
        steps = min(STEPS_PER_SEED, given.steps - n * STEPS_PER_SEED)
        try:
            drive(given.seed + n, steps, lambda line: print(line, flush=True))
        except AssertionError:
            failed += 1
            traceback.print_exc()
    print(f"{given.steps} steps in {time.monotonic() - begun_s:.0f} s, {failed} seeds failed")
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
