"""Commands of kitty's graphics protocol, and its pictures as PNG.

Each command asks for no reply (``q=2``): a reply would arrive among the keys.
"""

import base64
import struct
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CHUNK_CHARACTERS = 4096
"""Largest number of base64 characters in one escape sequence, by the protocol."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED = 3
_UP = 2
# In larger pictures, the highest level of compression saves 3 % of the bytes for fifty times the work.
_STRIP_BYTES = 4096


class ImagePart(NamedTuple):
    """Rectangle of an image, shown from a cell on.

    Attributes
    ----------
    cell
        Column and line of the cell of the first pixel.
    offset_px
        Distance from the left of the cell to the first pixel.
    source
        Left, top, width and height in the image.
    depth
        Order of images that lie over each other; 0 and more lie over text.
    """

    cell: tuple[int, int]
    offset_px: int
    source: tuple[int, int, int, int]
    depth: int = 0


def command(control: str, data: bytes = b"", continued: str = "") -> str:
    """Return a command, with its data split into sequences.

    Parameters
    ----------
    control
        Keys and values of the command.
    data
        Data before base64.
    continued
        Keys that a command needs with each further sequence.
    """
    text = base64.standard_b64encode(data).decode()
    if len(text) <= CHUNK_CHARACTERS:
        return f"\x1b_G{control},q=2{';' if text else ''}{text}\x1b\\"
    chunks = [text[start : start + CHUNK_CHARACTERS] for start in range(0, len(text), CHUNK_CHARACTERS)]
    middle = "".join(f"\x1b_G{continued}q=2,m=1;{chunk}\x1b\\" for chunk in chunks[1:-1])
    return f"\x1b_G{control},q=2,m=1;{chunks[0]}\x1b\\{middle}\x1b_G{continued}q=2,m=0;{chunks[-1]}\x1b\\"


def transmit_image(image: int, png: bytes) -> str:
    """Return the command that sends an image, which is not yet shown."""
    return command(f"a=t,i={image},f=100", png)


def add_frame(image: int, png: bytes) -> str:
    """Return the command that adds a frame.

    It is a copy of the first frame, with a picture at its top left.
    """
    return command(f"a=f,i={image},c=1,X=1,f=100", png, f"a=f,i={image},")


def edit_frame(image: int, frame: int, left: int, top: int, png: bytes) -> str:
    """Return the command that replaces a rectangle of a frame."""
    return command(f"a=f,i={image},r={frame},x={left},y={top},X=1,f=100", png, f"a=f,i={image},r={frame},")


def shift_frame(image: int, source: int, target: int, left_px: int, size: tuple[int, int]) -> str:
    """Return the command that copies a frame into another, moved left.

    Parameters
    ----------
    image
        Number of the image.
    source, target
        Numbers of the frames, from 1.
    left_px
        Number of pixels by which the copy lies further to the left; negative for the right.
    size
        Width and height of the frame.
    """
    width, height = size
    corners = f"X={max(0, left_px)},Y=0,x={max(0, -left_px)},y=0"
    return command(f"a=c,i={image},r={source},c={target},w={width - abs(left_px)},h={height},{corners},C=1")


def show_frame(image: int, frame: int) -> str:
    """Return the command that makes a frame the visible one."""
    return command(f"a=a,i={image},c={frame}")


def show_part(image: int, placement: int, part: ImagePart) -> str:
    """Return the text that shows a part of an image.

    Parameters
    ----------
    image
        Number of the image.
    placement
        Number of the part; if it is shown already, it is moved.
    part
        What is shown, and where.
    """
    (column, line), (left, top, width, height) = part.cell, part.source
    offset = f",X={part.offset_px}" if part.offset_px else ""
    depth = f",z={part.depth}" if part.depth else ""
    keys = f"a=p,i={image},p={placement},C=1,x={left},y={top},w={width},h={height}{offset}{depth}"
    return f"\x1b[{line + 1};{column + 1}H" + command(keys)


def hide_part(image: int, placement: int) -> str:
    """Return the command that hides a part of an image.

    The image stays in the terminal.
    """
    return command(f"a=d,d=i,i={image},p={placement}")


def delete_all() -> str:
    """Return the text that deletes all images on the screen."""
    return command("a=d,d=A")


def delete_image(image: int) -> str:
    """Return the command that deletes an image with its data."""
    return command(f"a=d,d=I,i={image}")


def indexed_png(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Return pixels as a PNG with only the colours that they use.

    Parameters
    ----------
    pixels
        Numbers of colours, shape (height, width).
    palette
        Colours as RGB, shape (n, 3).
    """
    used = np.zeros(256, dtype=bool)
    used[pixels] = True
    numbers = (np.cumsum(used) - 1).astype(np.uint8)
    bits = _bits(int(used.sum()))
    return _png(
        _packed(numbers[pixels], bits), pixels.shape, bits, [(b"PLTE", palette[used[: len(palette)]].tobytes())]
    )


def clear_png(width: int, height: int) -> bytes:
    """Return a PNG of transparent pixels."""
    lines = np.zeros((height, -(-width // 8)), dtype=np.uint8)
    return _png(lines, (height, width), 1, [(b"PLTE", bytes(3)), (b"tRNS", bytes(1))])


def _bits(colours: int) -> int:
    """Return the number of bits of a pixel."""
    return next(bits for bits in (1, 2, 4, 8) if colours <= 1 << bits)


def _packed(pixels: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return lines of pixels with 8 / `bits` pixels a byte.

    The first pixel has the highest bits.
    """
    count = 8 // bits
    if count == 1:
        return pixels
    height, width = pixels.shape
    padded = np.zeros((height, -(-width // count) * count), dtype=np.uint8)
    padded[:, :width] = pixels
    groups = padded.reshape(height, -1, count)
    shifts = (np.arange(count - 1, -1, -1) * bits).astype(np.uint8)
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(groups << shifts, axis=2)
    return packed


def _png(
    lines: NDArray[np.uint8], shape: tuple[int, ...], bits: int, palette_chunks: list[tuple[bytes, bytes]]
) -> bytes:
    """Return a PNG file of packed lines."""
    height, width = shape
    # Noise is shorter as it is; similar neighbours are shorter as differences.
    plain = _compressed(lines, 0, zlib.Z_FILTERED)
    differences = _compressed(_from_above(lines), _UP, zlib.Z_DEFAULT_STRATEGY)
    data = min(plain, differences, key=len)
    header = struct.pack(">IIBBBBB", width, height, bits, _INDEXED, 0, 0, 0)
    chunks = [(b"IHDR", header), *palette_chunks, (b"IDAT", data), (b"IEND", b"")]
    return _PNG_SIGNATURE + b"".join(_png_chunk(kind, content) for kind, content in chunks)


def _from_above(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return each byte's difference from the byte above."""
    differences = lines.copy()
    differences[1:] -= lines[:-1]
    return differences


def _compressed(lines: NDArray[np.uint8], line_filter: int, strategy: int) -> bytes:
    """Return lines, each after the number of its filter."""
    raw = np.empty((lines.shape[0], lines.shape[1] + 1), dtype=np.uint8)
    raw[:, 0] = line_filter
    raw[:, 1:] = lines
    level = 9 if raw.size <= _STRIP_BYTES else 5
    compressor = zlib.compressobj(level, strategy=strategy)
    return compressor.compress(raw.tobytes()) + compressor.flush()


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
