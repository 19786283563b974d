"""Draw the pictures of the README and of docs/faults.md.

The real program shows the recorded flare of the package, and faults.

``make pictures``; ``make pictures ARGS="small stall"`` draws only these. Braille is drawn as its dots and blocks as
rectangles, so that the pictures do not depend on a font.
"""

import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from browsers import Visit, chromium
from monitors import cells_of
from terminals import PROGRAM, Terminal
from webs import served

DOCS = Path(__file__).parents[1] / "docs"
PORT = 9796
WIDTH, HEIGHT = 8, 17
FOREGROUND, BACKGROUND = "#e0e0e0", "#121212"
# Names that pyte gives to the first sixteen colours.
NAMED = {
    "black": "#000000", "red": "#cd0000", "green": "#00cd00", "brown": "#cdcd00", "blue": "#0000ee",
    "magenta": "#cd00cd", "cyan": "#00cdcd", "white": "#e5e5e5", "brightblack": "#7f7f7f", "brightred": "#ff0000",
    "brightgreen": "#00ff00", "brightbrown": "#ffff00", "brightblue": "#5c5cff", "brightmagenta": "#ff00ff",
    "brightcyan": "#00ffff", "brightwhite": "#ffffff",
}  # fmt: skip
BLOCKS = {"▀": (0, 0, 1, 0.5), "▄": (0, 0.5, 1, 1), "█": (0, 0, 1, 1)}
# Column and row of each bit of a braille character.
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
# At a higher speed the link to the terminal would be measured as slow, and the monitor would draw less.
FLARE = ("--source", "flare", "--start", "2017-09-06T12:02:10", "--speed", "4")
FLARE_OF_BURSTS = ("--source", "flare", "--speed", "4")
# Name, size, source, options, keys, and the words with which it is drawn: after and in the type II burst.
PICTURES = (
    ("small", (80, 24), FLARE, ("--colors", "256"), "", "data 12:07:"),
    ("bursts", (120, 40), FLARE_OF_BURSTS, ("--span", "600", "--product", "I"), "LL", "data 12:04:"),
)
# The page keeps 1200 rows: those of the type II burst and after it.
FLARE_OF_PAGE = ("--source", "flare", "--start", "2017-09-06T12:01:30", "--speed", "5")
# Name, size and settings of the page.
PAGES = (
    ("web", (1440, 900), "#theme=dark&height=1200&palette=inferno"),
    ("web-phone", (390, 844), "#theme=light&height=600"),
)
# Name, fault, and the words by which the monitor shows it.
FAULTS = (
    ("gap", "gap=0.05", ("lost",)),
    ("corrupt", "corrupt=0.1", ("rejected", "payload length", "queue")),
    ("stall", "stall=60", ("STALLED  silent for 12",)),
    ("skew", "skew=0.4", ("clock skew",)),
    ("nan-band", "nan-band=55:59", ("pipelines at fault", "n no numbers")),
    ("dead-pipeline", "dead-pipeline=7", ("1 pipeline at fault", "0 zero")),
    ("restart", "restart=40", ("2 restarts",)),
    ("gain-loss", "gain-loss=10@40", ("gain lost?", "level fell by")),
    ("part-pipeline", "part-pipeline=7:0.2", ("1 pipeline at fault", "p power missing")),
    ("zeros", "zeros=0.02", ("32 pipelines at fault", "o some zeros")),
    ("dead-product", "dead-product=all", ("no signal: XX, YY, XY_real and XY_imag are zero",)),
    ("data-skew", "data-skew=-30600", ("time zone?",)),
)


def colour(name: str, default: str) -> str:
    """A colour of pyte's as Pillow takes it."""
    return default if name == "default" else NAMED.get(name, f"#{name}")


def draw(cells: list[list[Any]], path: Path) -> None:
    """Draw a screen."""
    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(fonts / "DejaVuSansMono.ttf"), 13)
    image = Image.new("RGB", (WIDTH * len(cells[0]), HEIGHT * len(cells)), BACKGROUND)
    pen = ImageDraw.Draw(image)
    for y, line in enumerate(cells):
        for x, cell in enumerate(line):
            _draw_cell(pen, x * WIDTH, y * HEIGHT, cell, font)
    image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def _draw_cell(pen: ImageDraw.ImageDraw, left: int, top: int, cell: Any, font: Any) -> None:
    front, back = colour(cell.fg, FOREGROUND), colour(cell.bg, BACKGROUND)
    if cell.reverse:
        front, back = back, front
    pen.rectangle([left, top, left + WIDTH - 1, top + HEIGHT - 1], fill=back)
    if cell.data in BLOCKS:
        x0, y0, x1, y1 = BLOCKS[cell.data]
        box = [left + x0 * WIDTH, top + round(y0 * HEIGHT), left + x1 * WIDTH - 1, top + round(y1 * HEIGHT) - 1]
        pen.rectangle(box, fill=front)
    elif "\u2800" <= cell.data <= "\u28ff":
        for bit, (column, row) in enumerate(DOTS):
            if (ord(cell.data) - 0x2800) >> bit & 1:
                x, y = left + 1 + 4 * column, top + 2 + 4 * row
                pen.rectangle([x, y, x + 1, y + 1], fill=front)
    elif cell.data.strip():
        pen.text((left, top), cell.data, font=font, fill=front)


def picture(
    name: str,
    source: list[str],
    options: list[str],
    size: tuple[int, int],
    keys: str,
    shown: tuple[str, ...],
    after_s: float = 0,
) -> None:
    """Run the monitor, press keys, and draw its screen.

    The screen is drawn when it shows the given words, and not before the given number of seconds.
    """
    with tempfile.TemporaryDirectory() as home:
        words = [*PROGRAM, "stream", *source, "--wait", "--port", str(PORT), "--log-level", "ERROR"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as producer:
            watching = [*PROGRAM, "--port", str(PORT), "--plot-interval", "0", "--buffer-length", "3600"]
            terminal = Terminal([*watching, *options], Path(home), columns=size[0], lines=size[1])
            try:
                terminal.shows("LIVE", timeout_s=30)
                terminal.press(keys)
                time.sleep(after_s)
                terminal.shows(*shown, timeout_s=240)
                draw(cells_of(terminal.screen), DOCS / f"{name}.png")
            finally:
                terminal.end()
                producer.kill()


def page() -> None:
    """Draw the page of the web view with the replayed flare.

    There is a picture for a screen and one for a phone.
    """
    words = [*PROGRAM, "stream", *FLARE_OF_PAGE, "--wait", "--port", str(PORT), "--log-level", "ERROR"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as producer, served(PORT) as (receiver, url):
        try:
            receiver.wait_for_frames(1250, 120)
            with chromium() as browser:
                for name, size, settings in PAGES:
                    visit = Visit(browser, url, settings, size=size)
                    visit.wait_for(lambda report: report["filled"] == 1200 and report["state"] == "LIVE")
                    visit.page.wait_for_timeout(1500)
                    shot = Image.open(BytesIO(visit.page.screenshot()))
                    shot.quantize(256, dither=Image.Dither.NONE).save(DOCS / f"{name}.png", optimize=True)
                    visit.close()
        finally:
            producer.kill()


def main() -> None:
    """Draw all pictures, or those that the arguments name."""
    wanted = set(sys.argv[1:])
    if not wanted or "web" in wanted:
        page()
    for name, size, source, options, keys, words in PICTURES:
        if not wanted or name in wanted:
            picture(name, list(source), list(options), size, keys, (words,))
    (DOCS / "faults").mkdir(exist_ok=True)
    for name, fault, words in FAULTS:
        if wanted and name not in wanted:
            continue
        picture(f"faults/{name}", ["--source", "simulate", "--fault", fault], [], (120, 40), "[[L", words, after_s=12)


if __name__ == "__main__":
    main()
