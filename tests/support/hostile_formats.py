"""Create small hostile FITS and HDF5 files; see `hostile_files`."""

import bz2
import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from hostile_files import FREQUENCIES_HZ, hostile

SECRET = b"another file's bytes"

# FITS


def fits(path: Path, cards: list[str], body: bytes = b"") -> Path:
    head = "".join(card.ljust(80) for card in [*cards, "END"]).encode("latin-1")
    path.write_bytes(head + b" " * (-len(head) % 2880) + body)
    return path


def card(name: str, value: object) -> str:
    return f"{name:8}= {value!s:>20}"


def image_cards(bitpix: object, *lengths: object) -> list[str]:
    axes = [card(f"NAXIS{i}", length) for i, length in enumerate(lengths, 1)]
    return [card("SIMPLE", "T"), card("BITPIX", bitpix), card("NAXIS", len(lengths)), *axes]


@hostile
def fits_that_claims_exabytes(place: Path) -> Path:
    return fits(place / "a.fits", image_cards(-32, 2_000_000_000, 2_000_000_000))


@hostile
def fits_that_claims_gigabytes(place: Path) -> Path:
    return fits(place / "a.fits", image_cards(-32, 1_000_000, 400))


@hostile
def fits_of_many_axes(place: Path) -> Path:
    return fits(place / "a.fits", image_cards(8, *[2] * 999))


@hostile
def fits_of_a_length_below_zero(place: Path) -> Path:
    return fits(place / "a.fits", image_cards(8, -5, 10))


@hostile
def fits_of_words_for_numbers(place: Path) -> Path:
    return fits(place / "a.fits", image_cards("'many'", "'long'", 10))


@hostile
def fits_whose_header_does_not_end(place: Path) -> Path:
    path = place / "a.fits"
    path.write_bytes((card("SIMPLE", "T").ljust(80) + "HISTORY x".ljust(80) * 30_000).encode())
    return path


@hostile
def fits_of_escapes(place: Path) -> Path:
    return fits(place / "a.fits", [*image_cards(8), "DATE-OBS= '\x1b]0;pwn\x07'"])


@hostile
def fits_of_bytes(place: Path) -> Path:
    path = place / "a.fits"
    path.write_bytes(b"SIMPLE" + bytes(range(256)) * 50)
    return path


def spectrogram(path: Path, time_cards: list[str] | None = None, table_cards: list[str] | None = None) -> Path:
    """Write a FITS file of 4 times and 3 frequencies.

    Other cards can be given.
    """
    when = time_cards or ["DATE-OBS= '2022/01/01'", "TIME-OBS= '12:00:00'"]
    image = bytes(range(12)).ljust(2880, b"\0")
    table = table_cards or [
        "XTENSION= 'BINTABLE'", card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 56), card("NAXIS2", 1),
        card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", 2), "TTYPE1  = 'TIME'", "TFORM1  = '4D'",
        "TTYPE2  = 'FREQUENCY'", "TFORM2  = '3D'",
    ]  # fmt: skip
    row = np.array([0, 1, 2, 3, 60, 50, 40], ">f8").tobytes()
    fits(path, table)
    unit = path.read_bytes() + row.ljust(2880, b"\0")
    return fits(path, [*image_cards(8, 4, 3), *when], image + unit)


@hostile
def fits_of_a_date_that_is_none(place: Path) -> Path:
    return spectrogram(place / "a.fits", ["DATE-OBS= '\x1b[31m'", "TIME-OBS= '" + "9" * 60 + "'"])


@hostile
def fits_of_a_table_of_gigabytes(place: Path) -> Path:
    return spectrogram(
        place / "a.fits",
        table_cards=[
            "XTENSION= 'BINTABLE'", card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 8_000_000_000),
            card("NAXIS2", 1), card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", 1), "TTYPE1  = 'TIME'",
            "TFORM1  = '1000000000D'",
        ],
    )  # fmt: skip


@hostile
def fits_of_columns_that_are_larger_than_their_table(place: Path) -> Path:
    return spectrogram(
        place / "a.fits",
        table_cards=[
            "XTENSION= 'BINTABLE'", card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 56), card("NAXIS2", 10**9),
            card("PCOUNT", 10**12), card("GCOUNT", 1), card("TFIELDS", 2), "TTYPE1  = 'TIME'",
            "TFORM1  = '1PD(999999999)'", "TTYPE2  = 'FREQUENCY'", "TFORM2  = '999999999D'",
        ],
    )  # fmt: skip


@hostile
def fits_of_a_packed_image(place: Path) -> Path:
    """Write a compressed image in place of the table.

    It would decompress to terabytes.
    """
    return spectrogram(
        place / "a.fits",
        table_cards=[
            "XTENSION= 'BINTABLE'", card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 8), card("NAXIS2", 1),
            card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", 1), "TTYPE1  = 'COMPRESSED_DATA'",
            "TFORM1  = '1PB(0)'", card("ZIMAGE", "T"), "ZCMPTYPE= 'GZIP_1'", card("ZBITPIX", 8), card("ZNAXIS", 2),
            card("ZNAXIS1", 10**6), card("ZNAXIS2", 10**6),
        ],
    )  # fmt: skip


def write_image_of_zeros(file: IO[bytes]) -> None:
    """Write a FITS image of 100 MB."""
    file.write("".join(card.ljust(80) for card in [*image_cards(8, 1_000_000, 100), "END"]).encode().ljust(2880))
    for _ in range(100):
        file.write(bytes(1_000_000))


@hostile
def packed_fits_of_zeros(place: Path) -> Path:
    """Write a gzip bomb whose image is within the limits.

    It has 100 MB in 100 kB.
    """
    path = place / "a.fits.gz"
    with gzip.open(path, "wb", 6) as file:
        write_image_of_zeros(file)
    return path


@hostile
def fits_of_zeros_packed_with_bzip2(place: Path) -> Path:
    """Write a bzip2 bomb whose image is within the limits.

    It has 100 MB in less than 1 kB.
    """
    path = place / "a.fits.bz2"
    with bz2.open(path, "wb", 1) as file:
        write_image_of_zeros(file)
    return path


@hostile
def fits_packed_with_bzip2_of_many_empty_parts(place: Path) -> Path:
    path = place / "a.fits.bz2"
    path.write_bytes(bz2.compress(b"") * 100_000)
    return path


@hostile
def packed_fits_of_many_empty_parts(place: Path) -> Path:
    path = place / "a.fits.gz"
    path.write_bytes(gzip.compress(b"") * 100_000)
    return path


@hostile
def packed_fits_with_a_name_without_end(place: Path) -> Path:
    path = place / "a.fits.gz"
    path.write_bytes(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"n" * 3_000_000)
    return path


@hostile
def packed_fits_cut_off(place: Path) -> Path:
    whole = gzip.compress(spectrogram(place / "a.fits").read_bytes())
    (place / "a.fits.gz").write_bytes(whole[: len(whole) // 2])
    return place / "a.fits.gz"


@hostile
def packed_fits_with_a_wrong_sum(place: Path) -> Path:
    whole = gzip.compress(spectrogram(place / "a.fits").read_bytes())
    (place / "a.fits.gz").write_bytes(whole[:-8] + bytes(8))
    return place / "a.fits.gz"


@hostile
def a_sparse_file_of_a_terabyte(place: Path) -> Path:
    path = fits(place / "a.fits", image_cards(-64, 1_000_000, 200))
    os.truncate(path, 10**12)
    return path


# HDF5


def recorder(path: Path, change: Callable[[Any, Any, Any], None] | None = None, rows: int = 2) -> Path:
    """Write a recorder's file of some rows and two frequencies, with changes."""
    import h5py

    with h5py.File(path, "w") as file:
        observation = file.create_group("Observation1")
        tuning = observation.create_group("Tuning1")
        observation.attrs["tInt"] = 0.25
        times = np.zeros(rows, [("int", "<i8"), ("frac", "<f8")])
        times["int"] = 1_700_000_000 + np.arange(rows)
        observation["time"], tuning["freq"], tuning["XX"] = times, FREQUENCIES_HZ, np.ones((rows, 2), "<f4")
        if change is not None:
            change(file, observation, tuning)
    return path


def instead(place: Path, make: Callable[[Any], None]) -> Path:
    """Write a recorder's file with a different XX dataset."""

    def change(_: Any, __: Any, tuning: Any) -> None:
        del tuning["XX"]
        make(tuning)

    return recorder(place / "a.h5", change)


@hostile
def hdf5_of_another_files_bytes(place: Path) -> Path:
    (place / "secret").write_bytes(SECRET)
    return instead(
        place, lambda tuning: tuning.create_dataset("XX", (2, 2), "<f4", external=[(str(place / "secret"), 0, 16)])
    )


@hostile
def hdf5_of_a_virtual_dataset(place: Path) -> Path:
    import h5py

    recorder(place / "secret.h5")
    layout = h5py.VirtualLayout((2, 2), "<f4")
    layout[:] = h5py.VirtualSource(str(place / "secret.h5"), "Observation1/Tuning1/XX", (2, 2))
    return instead(place, lambda tuning: tuning.create_virtual_dataset("XX", layout))


@hostile
def hdf5_of_an_endless_virtual_dataset(place: Path) -> Path:
    """Write a dataset whose size is in another file.

    The library reads that size when the dataset is opened.
    """
    import h5py

    recorder(place / "secret.h5")
    layout = h5py.VirtualLayout((2, 2), "<f4", maxshape=(None, 2))
    source = h5py.VirtualSource(str(place / "secret.h5"), "Observation1/Tuning1/XX", (2, 2), maxshape=(None, 2))
    layout[: h5py.h5s.UNLIMITED, :] = source[: h5py.h5s.UNLIMITED, :]
    return instead(place, lambda tuning: tuning.create_virtual_dataset("XX", layout))


@hostile
def hdf5_with_a_link_to_another_file(place: Path) -> Path:
    import h5py

    recorder(place / "secret.h5")

    def link(tuning: Any) -> None:
        tuning["XX"] = h5py.ExternalLink(str(place / "secret.h5"), "/Observation1/Tuning1/XX")

    return instead(place, link)


@hostile
def hdf5_whose_observation_is_another_files(place: Path) -> Path:
    import h5py

    recorder(place / "secret.h5")
    with h5py.File(place / "a.h5", "w") as file:
        file["Observation1"] = h5py.ExternalLink(str(place / "secret.h5"), "/Observation1")
    return place / "a.h5"


@hostile
def hdf5_with_a_link_to_itself(place: Path) -> Path:
    import h5py

    def link(tuning: Any) -> None:
        tuning["XX"] = h5py.SoftLink("/Observation1/Tuning1/XX")

    return instead(place, link)


@hostile
def hdf5_with_a_detour_to_another_file(place: Path) -> Path:
    import h5py

    recorder(place / "secret.h5")

    def link(tuning: Any) -> None:
        tuning.file["door"] = h5py.ExternalLink(str(place / "secret.h5"), "/")
        tuning["XX"] = h5py.SoftLink("/door/Observation1/Tuning1/XX")

    return instead(place, link)


@hostile
def hdf5_that_claims_terabytes(place: Path) -> Path:
    return instead(place, lambda tuning: tuning.create_dataset("XX", (10**12, 2), "<f4", chunks=(1000, 2)))


@hostile
def hdf5_that_claims_what_fits_its_axes(place: Path) -> Path:
    """Rows without written data, with times that compress to almost nothing."""

    def change(_: Any, observation: Any, tuning: Any) -> None:
        rows, bins = 300_000, 1000
        del observation["time"], tuning["freq"], tuning["XX"]
        times = np.zeros(rows, [("int", "<i8"), ("frac", "<f8")])
        times["int"] = 1_700_000_000
        observation.create_dataset("time", data=times, chunks=(rows,), compression="gzip")
        tuning["freq"] = 2e7 + 1e4 * np.arange(bins)
        tuning.create_dataset("XX", (rows, bins), "<f4", chunks=(1000, bins), compression="gzip")

    return recorder(place / "a.h5", change)


@hostile
def hdf5_of_times_without_end(place: Path) -> Path:
    def change(_: Any, observation: Any, tuning: Any) -> None:
        rows = 10**12
        del observation["time"], tuning["XX"]
        observation.create_dataset("time", (rows,), [("int", "<i8"), ("frac", "<f8")], chunks=(1000,))
        tuning.create_dataset("XX", (rows, 2), "<f4", chunks=(1000, 2))

    return recorder(place / "a.h5", change)


@hostile
def hdf5_of_one_large_chunk(place: Path) -> Path:
    def make(tuning: Any) -> None:
        room = {"chunks": (200_000, 1000), "maxshape": (None, None), "compression": 9}
        values = tuning.create_dataset("XX", (2, 2), "<f4", **room)
        values.id.write_direct_chunk((0, 0), zlib.compress(bytes(1000)))

    return instead(place, make)


@hostile
def hdf5_of_references(place: Path) -> Path:
    import h5py

    return instead(place, lambda tuning: tuning.create_dataset("XX", (2, 2), h5py.ref_dtype))


@hostile
def hdf5_of_texts(place: Path) -> Path:
    import h5py

    return instead(place, lambda tuning: tuning.create_dataset("XX", (2, 2), h5py.string_dtype()))


@hostile
def hdf5_of_lists(place: Path) -> Path:
    import h5py

    return instead(place, lambda tuning: tuning.create_dataset("XX", (2, 2), h5py.vlen_dtype(np.dtype("f4"))))


@hostile
def hdf5_of_opaque_values(place: Path) -> Path:
    return instead(place, lambda tuning: tuning.create_dataset("XX", (2, 2), "V4"))


@hostile
def hdf5_of_a_named_type(place: Path) -> Path:
    def make(tuning: Any) -> None:
        tuning["XX"] = np.dtype("<f4")

    return instead(place, make)


@hostile
def hdf5_of_a_group(place: Path) -> Path:
    return instead(place, lambda tuning: tuning.create_group("XX"))


@hostile
def hdf5_packed_by_a_plugin(place: Path) -> Path:
    """A filter that libraries search in plugin directories and load from there."""
    import h5py

    def make(tuning: Any) -> None:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((2, 2))
        made.set_filter(307, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((2, 2))
        values = h5py.h5d.create(tuning.id, b"XX", h5py.h5t.IEEE_F32LE, space, made)
        values.write_direct_chunk((0, 0), SECRET)

    return instead(place, make)


@hostile
def hdf5_cut_off(place: Path) -> Path:
    whole = recorder(place / "a.h5").read_bytes()
    (place / "a.h5").write_bytes(whole[: len(whole) * 2 // 3])
    return place / "a.h5"
