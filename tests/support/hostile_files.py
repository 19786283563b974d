"""Create small hostile files: false declarations, decompression bombs, links to elsewhere.

A maker gets a directory and returns the path to read. All files are created for each test; each has at most 5 MB.
Those of FITS and HDF5 are in `hostile_formats`.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

TIMES_S = np.array([1.7e9, 1.7e9 + 0.25])
FREQUENCIES_HZ = np.array([5e7, 5.1e7])
Maker = Callable[[Path], Path]

MAKERS: dict[str, Maker] = {}


def hostile(make: Maker) -> Maker:
    """Register a maker."""
    MAKERS[make.__name__] = make
    return make


# NPZ


def array_bytes(values: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def header_bytes(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    out = io.BytesIO()
    npy.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})
    return out.getvalue()


def npz(path: Path, **members: Any) -> Path:
    """Write an NPZ file of two rows.

    Members are arrays or raw bytes.
    """
    whole = {
        "data": np.ones((2, 2, 1), "f4"),
        "times": TIMES_S,
        "frequencies": FREQUENCIES_HZ,
        "products": np.array(["XX"]),
        "about": np.array(json.dumps({"station": "X", "cadence_s": 0.25})),
    } | members
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, values in whole.items():
            if values is not None:
                file.writestr(f"{name}.npy", values if isinstance(values, bytes) else array_bytes(values))
    return path


@hostile
def npz_claims_terabytes(place: Path) -> Path:
    return npz(place / "a.npz", data=header_bytes((10**6, 10**6, 1)))


@hostile
def npz_claims_what_fits_its_axes(place: Path) -> Path:
    rows = 600_000
    times = 1.7e9 + np.arange(rows) * 0.25
    freq = 2e7 + 1e4 * np.arange(800)
    return npz(place / "a.npz", data=header_bytes((rows, 800, 1)), times=times, frequencies=freq)


@hostile
def npz_of_zeros_that_fit_its_axes(place: Path) -> Path:
    """Write a decompression bomb.

    It has 120 MB of zeros in a file of less than 1 MB.
    """
    rows, bins = 150_000, 200
    times, freq = 1.7e9 + np.arange(rows) * 0.25, 2e7 + 1e4 * np.arange(bins)
    path = npz(place / "a.npz", data=None, times=times, frequencies=freq)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file, file.open("data.npy", "w") as member:
        member.write(header_bytes((rows, bins, 1)))
        for _ in range(rows // 1000):
            member.write(bytes(bins * 4000))
    return path


@hostile
def npz_with_a_pickle(place: Path) -> Path:
    return npz(place / "a.npz", data=header_bytes((1,), "|O") + b"\x80\x05K\x01.")


@hostile
def npz_with_a_pickle_for_its_text(place: Path) -> Path:
    return npz(place / "a.npz", about=header_bytes((), "|O") + b"\x80\x05K\x01.")


@hostile
def npz_with_a_header_of_gigabytes(place: Path) -> Path:
    return npz(place / "a.npz", data=b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + b" " * 2_000_000)


@hostile
def npz_with_a_header_of_version_three(place: Path) -> Path:
    return npz(place / "a.npz", data=b"\x93NUMPY\x03\x00" + (2**31).to_bytes(4, "little") + b"{")


@hostile
def npz_with_a_header_of_parentheses(place: Path) -> Path:
    head = b"(" * 3000
    return npz(place / "a.npz", data=b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)


@hostile
def npz_with_a_length_below_zero(place: Path) -> Path:
    return npz(place / "a.npz", data=header_bytes((-2, 2, 1)))


@hostile
def npz_with_letters_of_gigabytes(place: Path) -> Path:
    return npz(place / "a.npz", about=header_bytes((), "<U1000000000"))


@hostile
def npz_with_a_nested_text(place: Path) -> Path:
    return npz(place / "a.npz", about=np.array("[" * 100_000))


@hostile
def npz_with_a_list_for_a_text(place: Path) -> Path:
    return npz(place / "a.npz", about=np.array("[1]"))


@hostile
def npz_with_a_structured_array(place: Path) -> Path:
    return npz(place / "a.npz", times=np.zeros(2, [("a", "f8"), ("b", "V1000")]))


@hostile
def npz_without_a_member(place: Path) -> Path:
    return npz(place / "a.npz", times=None)


@hostile
def npz_cut_off(place: Path) -> Path:
    whole = npz(place / "a.npz").read_bytes()
    (place / "a.npz").write_bytes(whole[: len(whole) // 2])
    return place / "a.npz"


@hostile
def npz_with_a_wrong_sum(place: Path) -> Path:
    path = place / "a.npz"
    with zipfile.ZipFile(npz(path)) as file:
        at = file.getinfo("data.npy").header_offset + 30 + len("data.npy") + 4
    whole = bytearray(path.read_bytes())
    whole[at] ^= 0xFF
    path.write_bytes(whole)
    return path


@hostile
def npz_of_endless_members(place: Path) -> Path:
    path = place / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(12_000):
            file.writestr(f"{i:040}{'x' * 60}", b"")
    return path


@hostile
def npz_packed_with_lzma(place: Path) -> Path:
    path = npz(place / "a.npz", data=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as file:
        file.writestr("data.npy", array_bytes(np.ones((2, 2, 1), "f4")))
    return path


@hostile
def npz_of_the_year_30000(place: Path) -> Path:
    return npz(place / "a.npz", times=np.array([1.7e9, 9e11]))


@hostile
def npz_of_times_without_end(place: Path) -> Path:
    return npz(place / "a.npz", times=np.array([1e300, 2e300]))


@hostile
def npz_of_no_times(place: Path) -> Path:
    return npz(place / "a.npz", times=np.array([np.nan, np.inf]))


@hostile
def npz_of_frequencies_without_size(place: Path) -> Path:
    return npz(place / "a.npz", frequencies=np.array([1e-300, 5e7]))


@hostile
def npz_of_frequencies_without_end(place: Path) -> Path:
    return npz(place / "a.npz", frequencies=np.array([1e13, 3e13]))


@hostile
def npz_of_unknown_products(place: Path) -> Path:
    return npz(place / "a.npz", products=np.array(["\x1b[31m"]))


@hostile
def older_npz_that_claims_terabytes(place: Path) -> Path:
    path = place / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mjd.npy", array_bytes(np.array([[60000.0], [60000.1]])))
        file.writestr("freq.npy", array_bytes(np.array([50.0, 51.0])))
        file.writestr("data.npy", header_bytes((10**9, 768, 2)))
    return path


# CSV

_HEAD = "# station=x\ntime_utc,product,50.0,51.0\n"


def csv(place: Path, text: str | bytes) -> Path:
    path = place / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return path


@hostile
def csv_of_escapes(place: Path) -> Path:
    return csv(place, _HEAD + "2026-11-25T00:00:00Z\x1b]0;PWNED\x07\x1b[31m,XX,1,2\n")


@hostile
def csv_of_an_unknown_product(place: Path) -> Path:
    return csv(place, _HEAD + "2026-11-25T00:00:00Z,\x1b[31m\u202eXX,1,2\n")


@hostile
def csv_of_a_long_line(place: Path) -> Path:
    return csv(place, "# " + "x" * 4_000_000)


@hostile
def csv_of_a_long_cell(place: Path) -> Path:
    return csv(place, _HEAD + "9" * 200_000 + ",XX,1,2\n")


@hostile
def csv_of_a_quote_that_does_not_end(place: Path) -> Path:
    return csv(place, _HEAD + '2026-11-25T00:00:00Z,"XX,1,2\n' + "1,2\n" * 100_000)


@hostile
def csv_of_many_columns(place: Path) -> Path:
    return csv(place, "time_utc,product" + ",1" * 300_000 + "\n2026-11-25T00:00:00Z,XX\n")


@hostile
def csv_of_comments_alone(place: Path) -> Path:
    return csv(place, "# a=b\n" * 300_000)


@hostile
def csv_of_bytes(place: Path) -> Path:
    return csv(place, b"# station=x\n\xff\xfe\x1b[31m,\n")


@hostile
def csv_of_ragged_lines(place: Path) -> Path:
    return csv(place, _HEAD + "2026-11-25T00:00:00Z,XX,1\n")


@hostile
def csv_of_words(place: Path) -> Path:
    return csv(place, _HEAD + "2026-11-25T00:00:00Z,XX,=cmd(),\x1b[2J\n")


@hostile
def csv_of_zeros(place: Path) -> Path:
    return csv(place, _HEAD.encode() + bytes(2_000_000))


@hostile
def csv_of_the_year_9999(place: Path) -> Path:
    return csv(place, _HEAD + "9999-12-31T23:59:59Z,XX,1,2\n")


# Not a regular file


@hostile
def a_pipe(place: Path) -> Path:
    os.mkfifo(place / "a.npz")
    return place / "a.npz"


@hostile
def zeros_without_end(_: Path) -> Path:
    return Path("/dev/zero")


@hostile
def a_link_to_zeros_without_end(place: Path) -> Path:
    (place / "a.npz").symlink_to("/dev/zero")
    return place / "a.npz"


@hostile
def a_link_to_itself(place: Path) -> Path:
    (place / "a.npz").symlink_to(place / "a.npz")
    return place / "a.npz"


@hostile
def a_socket(place: Path) -> Path:
    import socket

    # A socket's name is no longer than 100 characters.
    here = Path.cwd()
    os.chdir(place)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("a.npz")
    finally:
        os.chdir(here)
    return place / "a.npz"


@hostile
def an_empty_directory(place: Path) -> Path:
    (place / "a.npz").mkdir()
    return place / "a.npz"


@hostile
def an_empty_file(place: Path) -> Path:
    (place / "a.npz").write_bytes(b"")
    return place / "a.npz"


@hostile
def a_name_of_escapes(place: Path) -> Path:
    path = place / os.fsdecode(b"a\x1b]0;pwn\x07\n\xff\xe2\x80\xae.npz")
    path.write_bytes(b"nothing")
    return path


@hostile
def a_name_that_is_too_long(place: Path) -> Path:
    return place / ("\x1b[31m" * 100 + ".npz")
