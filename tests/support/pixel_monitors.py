"""The monitor on terminals in memory that show pictures in pixels.

The text goes to a screen of pyte, the pictures go to a screen of `pixel_terminals`. Text erases the sixels of its
cells; kitty's pictures lie over the text.
"""

import re
from dataclasses import replace

import numpy as np
import pyte
from monitors import Screen
from pixel_terminals import GROUND, KittyScreen, PassedOnScreen, SixelScreen
from terminals import CURSOR_QUESTION, UNKNOWN_TO_PYTE

from sunspec_tui.tui.display.pixel_steps import PixelSteps
from sunspec_tui.tui.terminal.abilities import Abilities, Graphics, KittyDialect
from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
from sunspec_tui.tui.terminal.canvas import PIXELS
from sunspec_tui.tui.widgets.waterfall import Waterfall

CELL = (6, 12)
PICTURE = re.compile(r"(?:\x1b\[\d+;\d+H)?\x1b(?:_G[^\x1b]*|P0;1;0q[^\x1b]*|Ptmux;(?:\x1b\x1b|[^\x1b])*)\x1b\\")


class FixedFinder(AbilityFinder):
    """Finder that knows everything from the start."""

    def __init__(self, abilities):
        super().__init__()
        self.fixed = abilities

    def first_text(self, now_s):
        return ""

    def next_text(self):
        return ""

    def note_screen(self, screen):
        return False

    def abilities(self, now_s):
        return self.fixed


def pixel_abilities(graphics, **options):
    """Return the abilities of a terminal whose pixels the user has chosen."""
    width, height = CELL
    known = {"graphics": graphics, "chosen_graphics": graphics, "cell_width_px": width, "cell_height_px": height}
    return Abilities(**known | options)


class WatchedScreen(pyte.Screen):
    """Screen of text that notes the cells on which something was written."""

    def __init__(self, columns, lines):
        self.written = np.zeros((lines, columns), bool)
        super().__init__(columns, lines)

    def resize(self, lines=None, columns=None):
        super().resize(lines, columns)
        self.written = np.ones((self.lines, self.columns), bool)

    def draw(self, data):
        x, y = self.cursor.x, self.cursor.y
        if data.isascii() and x + len(data) <= self.columns:
            self.written[y, x : x + len(data)] = True
            super().draw(data)
            return
        for character in data:
            self.written[self.cursor.y, min(self.cursor.x, self.columns - 1)] = True
            super().draw(character)

    def erase_in_display(self, how=0, *args, **kwargs):
        self.written[:] = True
        super().erase_in_display(how, *args, **kwargs)

    def erase_characters(self, count=None):
        self.written[self.cursor.y, self.cursor.x : self.cursor.x + (count or 1)] = True
        super().erase_characters(count)

    def insert_characters(self, count=None):
        self.written[self.cursor.y, self.cursor.x :] = True
        super().insert_characters(count)

    def delete_characters(self, count=None):
        self.written[self.cursor.y, self.cursor.x :] = True
        super().delete_characters(count)


class PictureTerminal:
    """Terminal in memory that shows text and pictures.

    Parameters
    ----------
    columns, lines
        Size in cells of `CELL`.
    graphics
        Protocol of the pictures.
    in_tmux
        True if the terminal is reached through tmux.
    """

    def __init__(self, columns, lines, graphics, *, in_tmux=False):
        self.graphics, self.in_tmux = graphics, in_tmux
        self.text = WatchedScreen(columns, lines)
        self._stream = pyte.ByteStream(self.text)
        self._make_pictures()

    def _make_pictures(self):
        kitty = PassedOnScreen if self.in_tmux else KittyScreen
        kind = kitty if self.graphics is Graphics.KITTY else SixelScreen
        self.pictures = kind(self.text.columns, self.text.lines, CELL)

    def resize(self, columns, lines):
        """Change the size; kitty keeps its pictures, others lose them."""
        self.text.resize(lines, columns)
        old = self.pictures
        self._make_pictures()
        if self.graphics is Graphics.KITTY:
            vars(self.pictures).update({key: vars(old)[key] for key in ("images", "visible", "placements", "pending")})

    def feed(self, text):
        """Read text with whole sequences."""
        at = 0
        for found in PICTURE.finditer(text):
            self._feed_text(text[at : found.start()])
            self.pictures.feed(found[0])
            at = found.end()
        self._feed_text(text[at:])

    def _feed_text(self, text):
        self.text.written[:] = False
        self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", text.encode()))
        if "\x1b[2J" in text and not self.in_tmux:
            # Clearing the screen also removes its pictures, but not those for placeholders.
            self._make_pictures()
        if self.in_tmux:
            self.pictures.show_text(self.text.buffer, self.text.columns, self.text.lines, self.text.dirty)
            self.text.dirty.clear()
        if self.graphics is Graphics.SIXEL:
            width, height = CELL
            written = np.repeat(np.repeat(self.text.written, height, axis=0), width, axis=1)
            self.pictures.pixels[written] = GROUND


class PixelMonitor(Screen):
    """A `Screen` whose terminal shows pictures.

    Parameters
    ----------
    columns, lines, receiver
        As `Screen` takes them.
    graphics
        Protocol of the terminal.
    in_tmux
        True if the terminal is reached through tmux.
    """

    def __init__(self, columns, lines, receiver, graphics, *, in_tmux=False, **options):
        self.graphics = graphics
        self.screen = None
        super().__init__(columns, lines, receiver, **options)
        self.screen = PictureTerminal(columns, lines, graphics, in_tmux=in_tmux)
        self.terminal = self.screen.text
        tmux = {"in_tmux": True, "dialect": KittyDialect.PLACEHOLDERS} if in_tmux else {}
        self.app.finder = FixedFinder(pixel_abilities(graphics, **tmux))
        # The effect of each step is checked at once.
        self.app.pixel_layer.strip_every_s = 0.0
        self.do(self.app.follow_terminal)
        self.do(self.app.redraw)

    @property
    def pictures(self):
        """Pixels of the terminal."""
        return self.screen.pictures

    def change_cell(self, cell):
        """Give the terminal cells of another size.

        Another font does so; a resize follows.
        """
        self.do(self._change_cell, cell)

    def _change_cell(self, cell):
        global CELL
        CELL = cell
        fixed = self.app.finder.fixed
        self.app.finder.fixed = replace(fixed, cell_width_px=cell[0], cell_height_px=cell[1])

    def resize(self, columns, lines):
        """Give the terminal another size."""
        self.do(self.screen.resize, columns, lines)
        self.do(self.pilot.resize_terminal, columns, lines)

    def _take(self, text):
        if self.screen is None:
            super()._take(text)
            return
        question = CURSOR_QUESTION.decode()
        self._unanswered += text.count(question)
        self.screen.feed(text.replace(question, ""))
        if self.answering:
            self._answer()

    def write(self, data):
        """Write to the terminal as another program does."""
        self.do(self.screen.feed, data.decode())

    # Checks

    def check(self):
        """Check that exactly the picture's cells show its pixels."""
        self.settle()
        wrong = self.do(self._wrong_cells)
        assert not wrong, f"{len(wrong)} cells show other pixels, the first: {wrong[:5]}"

    def _wrong_cells(self):
        app = self.app
        is_picture = app.canvas.desired.codes == PIXELS
        stray = self._cells(np.any(self.pictures.pixels != GROUND, axis=2)) & ~is_picture
        if stray.any():
            return [("stray", *at) for at in np.argwhere(stray).tolist()]
        if not is_picture.any():
            return []
        wanted, region = self._wanted(), app.pixel_layer.region
        width, height = CELL
        found = self.pictures.pixels[
            region.top * height : region.bottom * height, region.left * width : region.right * width
        ]
        near = 3 if self.graphics is Graphics.SIXEL else 0
        assert found.shape == wanted.shape
        differs = np.any(np.abs(found.astype(int) - wanted) > near, axis=2)
        part = (slice(region.top, region.bottom), slice(region.left, region.right))
        outside = is_picture.copy()
        outside[part] = False
        wrong = self._cells(differs) & is_picture[part]
        return [("wrong", *at) for at in np.argwhere(wrong).tolist()] + [
            ("without a picture", *at) for at in np.argwhere(outside).tolist()
        ]

    def _cells(self, pixels):
        width, height = CELL
        return pixels.reshape(pixels.shape[0] // height, height, -1, width).any(axis=(1, 3))

    def _wanted(self):
        """The waterfall's own array, computed again."""
        waterfall = self.app.main_screen.query_one(Waterfall)
        scene = waterfall._scene
        palette = self.app.pixel_layer._image.palette
        if scene.cursor is not None or len(scene.bursts):
            # Cursor and brackets are drawn over the values.
            return palette[self.app.pixel_layer._image.pixels]
        return palette[PixelSteps().pixels(scene.picture, scene.axis)]
