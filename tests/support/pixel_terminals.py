"""Terminals in memory that show pictures: kitty's protocol, and sixels.

They decode what painters send, independently of the encoders. Each keeps the pixels of the screen.
"""

import base64
import io
import re

import numpy as np
from PIL import Image
from pyte.graphics import FG_BG_256

from sunspec_tui.tui.terminal.placeholders import MARKS

GROUND = (1, 2, 3)
"""Colour of the screen outside pictures."""
_KITTY = re.compile(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")
_PASSED_ON = re.compile(r"\x1bPtmux;((?:\x1b\x1b|[^\x1b])*)\x1b\\")
_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_SIXEL = re.compile(r"\x1bP([0-9;]*)q([^\x1b]*)\x1b\\")
_ERASE = re.compile(r"\x1b\[(\d+)X")
_OTHER = re.compile(r"\x1b\[[?0-9;]*[hlm]")
_SIXEL_ITEM = re.compile(r'"([0-9;]+)|#([0-9;]+)|!(\d+)([?-~])|([?-~])|([$-])')

_BITS = [np.array([bit for bit in range(6) if code >> bit & 1], int) for code in range(64)]


class PixelScreen:
    """Screen of cells with pixels; each subclass reads one protocol.

    Parameters
    ----------
    columns, lines
        Size in cells.
    cell
        Width and height of a cell in pixels.
    """

    def __init__(self, columns, lines, cell):
        self.cell_width, self.cell_height = cell
        self.size = (lines * self.cell_height, columns * self.cell_width)
        self.line = self.column = 0

    def feed(self, text):
        """Read text; an unknown sequence is an error."""
        at = 0
        while at < len(text):
            found = next((hit for hit in (p.match(text, at) for p in self.handlers) if hit), None)
            assert found, f"unknown sequence {text[at : at + 60]!r}"
            self.handlers[found.re](found)
            at = found.end()

    def move(self, found):
        self.line, self.column = int(found[1]) - 1, int(found[2]) - 1

    @property
    def corner(self):
        """Top and left pixel of the cursor's cell."""
        return self.line * self.cell_height, self.column * self.cell_width


class KittyScreen(PixelScreen):
    """Kitty: images with frames, and their placements.

    Attributes
    ----------
    images
        Frames of each image, as RGBA.
    visible
        Visible frame of each image, from 1.
    placements
        Keys of each placement, with its top left pixel.
    """

    def __init__(self, columns, lines, cell):
        super().__init__(columns, lines, cell)
        self.handlers = {_KITTY: self.command, _MOVE: self.move}
        self.images, self.visible, self.placements = {}, {}, {}
        self.pending = None
        self.most_images = self.most_placements = 0

    def command(self, found):
        keys = dict(item.split("=") for item in found[1].split(","))
        data = found[2] or ""
        assert len(data) <= 4096
        assert keys["q"] == "2", "replies would arrive among the keys"
        if self.pending:
            first, so_far = self.pending
            if first["a"] == "f":
                # Without these keys, kitty adds the chunk to another image.
                assert (keys["a"], keys["r"] if "r" in first else None) == ("f", first.get("r"))
            keys, data = first | {"m": keys.get("m", "0")}, so_far + data
        if keys.get("m") == "1":
            assert len(data) % 4 == 0
            self.pending = (keys, data)
            return
        self.pending = None
        actions = {"t": self.transmit, "f": self.frame, "c": self.compose, "a": self.animate, "p": self.show}
        actions.get(keys["a"], self.delete)(keys, base64.b64decode(data, validate=True))
        self.most_images = max(self.most_images, len(self.images))
        self.most_placements = max(self.most_placements, len(self.placements))

    def picture(self, keys, data):
        assert keys["f"] == "100"
        image = Image.open(io.BytesIO(data))
        image.load()
        return np.asarray(image.convert("RGBA")).copy()

    def transmit(self, keys, data):
        self.remove_image(keys["i"])
        self.images[keys["i"]] = [self.picture(keys, data)]
        self.visible[keys["i"]] = 1

    def frame(self, keys, data):
        frames = self.images[keys["i"]]
        if "r" not in keys:
            frames.append(frames[int(keys["c"]) - 1].copy())
            assert len(frames) <= 2
        target = frames[int(keys.get("r", len(frames))) - 1]
        picture = self.picture(keys, data)
        top, left = int(keys.get("y", 0)), int(keys.get("x", 0))
        height, width = picture.shape[:2]
        assert top + height <= target.shape[0]
        assert left + width <= target.shape[1]
        assert keys["X"] == "1", "pixels replace others"
        target[top : top + height, left : left + width] = picture

    def compose(self, keys, _):
        frames = self.images[keys["i"]]
        assert keys["r"] != keys["c"], "areas of one frame must not overlap"
        source, target = frames[int(keys["r"]) - 1], frames[int(keys["c"]) - 1]
        width, height = int(keys["w"]), int(keys["h"])
        from_x, from_y, to_x, to_y = (int(keys[key]) for key in "XYxy")
        assert keys["C"] == "1"
        assert max(from_x, to_x) + width <= source.shape[1]
        assert max(from_y, to_y) + height <= source.shape[0]
        target[to_y : to_y + height, to_x : to_x + width] = source[from_y : from_y + height, from_x : from_x + width]

    def animate(self, keys, _):
        assert 1 <= int(keys["c"]) <= len(self.images[keys["i"]])
        self.visible[keys["i"]] = int(keys["c"])

    def show(self, keys, _):
        assert keys["i"] in self.images
        assert keys["C"] == "1", "the cursor must not move"
        self.placements[keys["i"], keys["p"]] = (keys, self.corner)

    def delete(self, keys, _):
        assert keys["a"] == "d"
        if keys["d"] == "A":
            for number in list(self.images):
                self.remove_image(number)
            return
        if keys["d"] == "i":
            self.placements.pop((keys["i"], keys["p"]))
            return
        assert keys["d"] == "I"
        self.remove_image(keys["i"])

    def remove_image(self, number):
        self.images.pop(number, None)
        self.placements = {key: value for key, value in self.placements.items() if key[0] != number}

    @property
    def pixels(self):
        """Pixels of the screen: the placements in the order of their depth."""
        screen = np.empty((*self.size, 3), np.uint8)
        screen[:] = GROUND
        for keys, (top, left) in sorted(
            self.placements.values(), key=lambda each: (int(each[0].get("z", 0)), int(each[0]["i"]))
        ):
            assert int(keys.get("z", 0)) >= 0, "kitty draws text wrongly over pictures"
            source = self.images[keys["i"]][self.visible[keys["i"]] - 1]
            x, y = int(keys.get("x", 0)), int(keys.get("y", 0))
            source = source[y : y + int(keys.get("h", source.shape[0])), x : x + int(keys.get("w", source.shape[1]))]
            top, left = top + int(keys.get("Y", 0)), left + int(keys.get("X", 0))
            assert int(keys.get("X", 0)) < self.cell_width
            assert int(keys.get("Y", 0)) < self.cell_height
            area = screen[top : top + source.shape[0], left : left + source.shape[1]]
            assert area.shape[:2] == source.shape[:2], "a picture reaches beyond the screen"
            opaque = source[..., 3] > 0
            area[opaque] = source[opaque][:, :3]
        return screen


class PassedOnScreen(KittyScreen):
    """Kitty behind tmux: cells of text show images.

    It reads only commands that are wrapped for tmux. After `unwrapped`, it reads unwrapped commands.

    Attributes
    ----------
    cells
        Cells of text with placeholders: their text and colour by line and column.
    """

    def __init__(self, columns, lines, cell):
        super().__init__(columns, lines, cell)
        self.handlers = {_PASSED_ON: self.unwrap, _MOVE: self.move}
        self.cells = {}

    def unwrapped(self):
        """Read commands as tmux has passed them on; return this screen."""
        self.handlers = {_KITTY: self.command, _MOVE: self.move}
        return self

    def unwrap(self, found):
        assert len(found[0]) < 5000, "each command alone"
        commands = _KITTY.fullmatch(found[1].replace("\x1b\x1b", "\x1b"))
        assert commands, f"not one command: {found[1][:60]!r}"
        self.command(commands)

    def show(self, keys, _):
        assert keys["i"] in self.images
        assert keys["U"] == "1", "a placement for placeholders"
        self.placements[keys["i"], "1"] = (keys, (int(keys["c"]), int(keys["r"])))

    def show_text(self, buffer, columns, lines, changed=None):
        """Note the placeholders on a screen of pyte's.

        Only the lines in `changed` are read, if it is given.
        """
        read = range(lines) if changed is None else changed
        kept = {} if changed is None else {at: cell for at, cell in self.cells.items() if at[0] not in changed}
        for line in read:
            for column, cell in buffer[line].items():
                if cell.data[:1] == "\U0010eeee" and line < lines and column < columns:
                    kept[line, column] = (cell.data, FG_BG_256.index(cell.fg, 16))
        self.cells = kept

    def show_cells(self, placeholders, covered):
        """Note the placeholders that a canvas writes, outside covered cells."""
        left, top, right, bottom = placeholders[:4]
        self.cells = {
            (line, column): (placeholders.text(column, line), int(placeholders.style(column).foreground[5:]))
            for line in range(top, bottom)
            for column in range(left, right)
            if covered is None or not covered[line - top, column - left]
        }

    @property
    def pixels(self):
        """Pixels of the screen: each placeholder shows its part of an image."""
        screen = np.empty((*self.size, 3), np.uint8)
        screen[:] = GROUND
        width, height = self.cell_width, self.cell_height
        for (line, column), (text, colour) in self.cells.items():
            if len(text) != 4:
                # tmux writes the marks one after the other.
                continue
            y, x, highest = map(MARKS.index, text[1:])
            number = str(highest << 24 | colour)
            if number not in self.images or (number, "1") not in self.placements:
                # An image has come whose placement has not.
                continue
            source = self.images[number][self.visible[number] - 1]
            _, (columns, lines) = self.placements[number, "1"]
            assert source.shape[:2] == (lines * height, columns * width), "a scaled picture"
            assert x < columns
            assert y < lines
            part = source[y * height : (y + 1) * height, x * width : (x + 1) * width]
            screen[line * height : (line + 1) * height, column * width : (column + 1) * width] = part[..., :3]
        return screen


class SixelScreen(PixelScreen):
    """Terminal that shows sixels, with 256 private colour registers for each image."""

    def __init__(self, columns, lines, cell):
        super().__init__(columns, lines, cell)
        self.handlers = {_SIXEL: self.image, _MOVE: self.move, _ERASE: self.erase, _OTHER: lambda _: None}
        self.pixels = np.empty((*self.size, 3), np.uint8)
        self.pixels[:] = GROUND

    def erase(self, found):
        """Erase cells, as text does."""
        top, left = self.corner
        self.pixels[top : top + self.cell_height, left : left + int(found[1]) * self.cell_width] = GROUND

    def image(self, found):
        assert found[1].split(";")[1] == "1", "pixels without sixels are kept"
        registers, current, x, band = {}, None, 0, 0
        top, left = self.corner
        width = height = 0
        for item in _SIXEL_ITEM.finditer(found[2]):
            raster, colour, count, repeated, sixel, control = item.groups()
            if raster:
                aspect_y, aspect_x, width, height = (int(part) for part in raster.split(";"))
                assert aspect_y == aspect_x
                assert max(width, height) <= 1000, "xterm refuses larger images"
                # At the last line, xterm scrolls.
                assert top + height <= self.size[0] - self.cell_height
                assert left + width <= self.size[1]
            elif colour:
                current = self.colour(colour, registers)
            elif control:
                x, band = 0, band + (control == "-")
            else:
                code, times = ord(repeated or sixel) - 63, int(count or 1)
                if code:
                    bits = _BITS[code]
                    assert x + times <= width
                    assert band * 6 + bits[-1] < height
                    self.pixels[top + band * 6 + bits, left + x : left + x + times] = registers[current]
                x += times
        assert sum(map(len, (item[0] for item in _SIXEL_ITEM.finditer(found[2])))) == len(found[2])

    def colour(self, text, registers):
        number, *rest = (int(part) for part in text.split(";"))
        assert 0 <= number < 256
        if rest:
            assert rest[0] == 2
            registers[number] = np.array(rest[1:]) * 255 // 100
        return number
