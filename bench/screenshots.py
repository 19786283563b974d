"""Draw the pictures of docs/terminals: the packaged flare in real terminals.

``make screenshots``. It needs Debian's xvfb, kitty, xterm, xdotool and tmux.
"""

import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from real_terminals import KITTY, XTERM, Kind, RealTerminal, missing_programs, virtual_screen
from terminals import PROGRAM

DOCS = Path(__file__).parents[1] / "docs" / "terminals"
SPEED = 8
# Time of the recording at which the pictures are taken. Both lanes of the type II burst are then visible.
RECORDED_S = 552
SIZE = (120, 40)


class Shot(NamedTuple):
    """One picture.

    Attributes
    ----------
    name
        Name of the file.
    kind
        Terminal.
    options
        Options of the monitor.
    in_tmux
        True to run the monitor in tmux in this terminal.
    """

    name: str
    kind: Kind
    options: tuple[str, ...] = ()
    in_tmux: bool = False


SHOTS = (
    Shot("kitty", KITTY),
    Shot("sixel", XTERM),
    Shot("blocks-24-bit", KITTY, ("--graphics", "blocks")),
    Shot("blocks-256", KITTY, ("--graphics", "blocks", "--colors", "256")),
    Shot("blocks-16", KITTY, ("--graphics", "blocks", "--colors", "16")),
    Shot("blocks-none", KITTY, ("--graphics", "blocks", "--colors", "none")),
    Shot("tmux", KITTY, in_tmux=True),
)


def free_port() -> int:
    """Return a port that is free at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def words_of(shot: Shot, port: int, home: Path) -> list[str]:
    """Return the command of the terminal with the monitor in it."""
    monitor = [*PROGRAM, "--port", str(port), "--plot-interval", "0", *shot.options]
    if shot.in_tmux:
        (home / "tmux.conf").write_text('set -g default-terminal "tmux-256color"\nset -g status on\n')
        monitor = ["tmux", "-S", str(home / "tmux"), "-f", str(home / "tmux.conf"), "new-session", shlex.join(monitor)]
    return [*shot.kind.words(*SIZE), *monitor]


def take(shot: Shot) -> None:
    """Replay the flare, and take a picture at its time."""
    port = free_port()
    producer = [*PROGRAM, "stream", "--source", "flare", "--speed", str(SPEED), "--wait", "--port", str(port)]
    with tempfile.TemporaryDirectory() as home, virtual_screen() as environment:
        terminal = RealTerminal(environment, words_of(shot, port, Path(home)), Path(home))
        with subprocess.Popen([*producer, "--log-level", "ERROR"], stdout=subprocess.DEVNULL) as stream:
            try:
                time.sleep(RECORDED_S / SPEED)
                image = Image.fromarray(terminal.screenshot())
            finally:
                if shot.in_tmux:
                    subprocess.run(["tmux", "-S", str(Path(home, "tmux")), "kill-server"], check=False)
                terminal.close()
                stream.kill()
    box = image.getbbox()
    assert box is not None, f"{shot.name}: the screen is black"
    image.crop((0, 0, *box[2:])).quantize(256, dither=Image.Dither.NONE).save(DOCS / f"{shot.name}.png", optimize=True)


def main() -> None:
    """Take all pictures, or those that the arguments name."""
    missing = missing_programs(KITTY, XTERM)
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}; install Debian's xvfb, kitty, xterm, xdotool and tmux")
    DOCS.mkdir(exist_ok=True)
    for shot in SHOTS:
        if not sys.argv[1:] or shot.name in sys.argv[1:]:
            take(shot)


if __name__ == "__main__":
    main()
