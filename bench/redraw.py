"""Measure the costs of a long history.

These are the first frame of a long ring, and a change of product or of the time span.

Only names that every revision since fddcabe has, so that each can be measured.
"""

import logging
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from homes import Product, RingBuffer, Scene, View, on_message, whole_ring
from hot_path import messages

from sunspec_tui import StreamReceiver

ROWS = 14_400
COLUMNS, LINES = 120, 20
PRODUCTS = (Product.YY, Product.I, Product.V, Product.XX)
ROUNDS = 2


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures of this subject, in milliseconds of processor time."""
    logging.getLogger("sunspec_tui").setLevel(logging.ERROR)
    scene = filled_scene()
    # Earlier revisions call the context of the view actions `extent`.
    whole = whole_ring(scene.context if hasattr(scene, "context") else scene.extent)
    rounds = 1 if quick else ROUNDS
    products = [change_ms(scene, product=product, rows_per_column=whole) for product in PRODUCTS * rounds]
    spans = [change_ms(scene, rows_per_column=rows) for rows in (4, whole) * 2 * rounds][1::2]
    return {
        "ring_ms": new_ring_ms(),
        "product_ms": statistics.median(products),
        "span_ms": statistics.median(spans),
    }


def new_ring_ms() -> float:
    """Time that the first frame waits for its ring."""
    begun_s = time.thread_time()
    RingBuffer(ROWS, 768, 4)
    return (time.thread_time() - begun_s) * 1e3


def filled_scene() -> Scene:
    """Return a scene that has seen a ring of rows fill."""
    receiver = StreamReceiver(buffer_length=ROWS, plot_interval=0, gc_interval=0)
    scene = Scene(View(), receiver)
    scene.fit(COLUMNS, LINES, 2)
    for number, parts in enumerate(live(ROWS)):
        on_message(receiver)(parts)
        if number % 64 == 0:
            scene.update()
    load(scene)
    return scene


def live(count: int) -> Iterator[list[bytes]]:
    """Messages one after the other, as many as wanted, without keeping them."""
    for begin in range(0, count, 400):
        yield from messages(min(400, count - begin), begin)


def change_ms(scene: Scene, **changes: object) -> float:
    """Time until a changed view is loaded and drawn."""
    begun_s = time.thread_time()
    scene.view = replace(scene.view, **changes)
    load(scene)
    return (time.thread_time() - begun_s) * 1e3


def load(scene: Scene) -> None:
    """Load all that the picture wants, and draw it."""
    scene.update()
    while scene.loading:
        scene.update()
    scene.draw()
