"""Tests that hostile stores are refused before their data are used."""

import json
import logging
import os
from contextlib import suppress

import numpy as np
import pytest
import zarr
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import CADENCE_S, START_S, recording

from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import ArchiveError, SourceError
from sunspec_tui.files.archive.reader import open_archive
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.files.read import read_recording

NAME = "2025-08-18.zarr"


def archive(directory, nrows=600, **keys):
    rows = recording(nrows, nchan=64, **keys)
    open_store(directory, rows).append(rows)
    return rows


def changed(directory, change):
    """Change the metadata of a store as an attacker could."""
    root = directory / NAME / "zarr.json"
    said = json.loads(root.read_text())
    change(said, said["consolidated_metadata"]["metadata"])
    root.write_text(json.dumps(said))


def refused(directory, why):
    with pytest.raises(ArchiveError, match=why) as caught:
        open_archive(directory)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match=why):
        read_recording(directory)


class Ran:
    """A pickle that runs code when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_store_of_version_2_is_refused_whatever_filters_it_names(tmp_path):
    import numcodecs

    path = tmp_path / NAME
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for name, dtype, shape in (("time", "i8", (2,)), ("frequency", "f8", (3,)), ("XX", "f4", (2, 3))):
        group.create_array(name, shape=shape, dtype=dtype, chunks=shape)[:] = 1
    group["time"].attrs["units"] = "microseconds since 1970-01-01"
    for name, dimensions in (("time", ["time"]), ("frequency", ["frequency"]), ("XX", ["time", "frequency"])):
        group[name].attrs["_ARRAY_DIMENSIONS"] = dimensions
    zarr.consolidate_metadata(path, zarr_format=2)
    described = json.loads((path / "XX" / ".zarray").read_text())
    described["filters"] = [numcodecs.Pickle().get_config()]
    (path / "XX" / ".zarray").write_text(json.dumps(described))
    import pickle

    (path / "XX" / "0.0").write_bytes(pickle.dumps(Ran(tmp_path / "ran")))
    refused(tmp_path, "only version 3 is read")
    assert not (tmp_path / "ran").exists()


def rows_claimed(count):
    def change(_, arrays):
        for name in ("time", "XX", "YY", "XY_real", "XY_imag"):
            arrays[name]["shape"][0] = count

    return change


def chunk_claimed(_, arrays):
    arrays["XX"]["chunk_grid"]["configuration"].update(chunk_shape=[10**9, 16])


def codec_added(_, arrays):
    arrays["XX"]["codecs"].append({"name": "gzip", "configuration": {"level": 5}})


CLAIMS = {
    "rows": (rows_claimed(10**13), "claims"),
    "rows that are not there": (rows_claimed(30_000_000), "a part of its time axis is missing"),
    "frequencies": (lambda _, arrays: arrays["frequency"].update(shape=[10**12]), "claims|shape of its axes"),
    "a chunk": (chunk_claimed, "claim"),
    "a shape of its own": (lambda _, arrays: arrays["XX"].update(shape=[600, 17]), "shape of its axes"),
    "no shape": (lambda _, arrays: arrays["time"].update(shape=[True]), "an invalid shape"),
    "a type": (lambda _, arrays: arrays["XX"].update(data_type="string"), "not of float32"),
    "codecs": (codec_added, "codecs"),
    "sharding": (lambda _, arrays: arrays["XX"].update(codecs=[{"name": "sharding_indexed"}]), "codecs"),
    "another array": (lambda _, arrays: arrays.update(evil=arrays["XX"]), "'evil'"),
    "other units": (lambda _, arrays: arrays["time"]["attributes"].update(units="days since 1"), "microseconds"),
    "a scale": (lambda _, arrays: arrays["XX"]["attributes"].update(scale_factor="x"), "attributes"),
    "version 2": (lambda said, _: said.update(zarr_format=2), "only version 3"),
    "nothing": (lambda said, _: said.pop("consolidated_metadata"), "consolidated"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_store_claims_is_held_against_limits_and_its_files(tmp_path, claim):
    archive(tmp_path)
    change, why = CLAIMS[claim]
    changed(tmp_path, change)
    refused(tmp_path, why)


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"\xff\xfe", b"3", b"{}", b" " * 2_000_000])
def test_metadata_that_are_none_are_one_sentence(tmp_path, text):
    archive(tmp_path)
    (tmp_path / NAME / "zarr.json").write_bytes(text)
    refused(tmp_path, "cannot be opened")


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("name", ["XX/c/0/0", "time/c/0", "zarr.json"])
def test_links_and_pipes_in_a_store_are_no_doors(tmp_path, name, kind):
    archive(tmp_path / "archive")
    path, elsewhere = tmp_path / "archive" / NAME / name, tmp_path / "elsewhere"
    path.rename(elsewhere)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(elsewhere)
    refused(tmp_path / "archive", "not a regular file")


def zstd_frame(declared):
    return b"\x28\xb5\x2f\xfd\xe0" + declared.to_bytes(8, "little") + b"\x01\x00\x00"


@pytest.mark.parametrize("name", ["time/c/0", "XX/c/1/0"])
def test_a_chunk_that_unpacks_to_more_than_a_chunk_is_refused(tmp_path, name):
    archive(tmp_path)
    path = tmp_path / NAME / name
    head = zstd_frame(1 << 40) if name.startswith("time") else path.read_bytes()[:4] + b"\xff\xff\xff\x7f" + bytes(8)
    path.write_bytes(head + b"\0" * 100)
    refused(tmp_path, "more than a chunk holds")


# RFC 8878: a frame of blocks of one repeated byte each, without a content size; and a frame to be skipped.
UNDECLARED = b"\x28\xb5\x2f\xfd\x00\x58" + b"\x02\x00\x10\x00" * 1000 + b"\x01\x00\x00"


@pytest.mark.parametrize(
    "chunk", [UNDECLARED, b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + UNDECLARED, b"\x28\xb5\x2f\xfd\x00"]
)
def test_a_chunk_that_declares_no_size_is_refused(tmp_path, chunk):
    archive(tmp_path)
    (tmp_path / NAME / "time" / "c" / "0").write_bytes(chunk)
    refused(tmp_path, "declares no size")


@pytest.mark.parametrize("name", ["time/c/0", "XX/c/1/0"])
def test_a_file_that_is_larger_than_a_chunk_can_be_is_refused(tmp_path, name):
    archive(tmp_path)
    with (tmp_path / NAME / name).open("r+b") as file:
        file.truncate(1 << 40)
    refused(tmp_path, "1099512 MB")


def test_a_deleted_chunk_is_reported_with_its_product_and_its_times(tmp_path, caplog, capsys):
    rows = archive(tmp_path)
    (tmp_path / NAME / "XX" / "c" / "1" / "0").unlink()
    with caplog.at_level(logging.WARNING):
        found = read_recording(tmp_path)
        open_archive(tmp_path)
    assert np.isnan(found.data[240:480, :, 0]).all()
    np.testing.assert_array_equal(found.data[:240], rows.data[:240])
    said = [record.getMessage() for record in caplog.records if "read as NaN" in record.getMessage()]
    assert len(said) == 2
    assert "XX of 240 rows from 2025-08-18 21:35:55 to 2025-08-18 21:36:55 UTC" in said[0]
    assert "deleted" in said[0]


def test_a_deleted_chunk_beside_what_is_asked_for_is_not_reported(tmp_path, caplog):
    archive(tmp_path)
    (tmp_path / NAME / "YY" / "c" / "2" / "0").unlink()
    with caplog.at_level(logging.WARNING):
        open_archive(tmp_path, end=START_S + 100 * CADENCE_S)
        assert not caplog.records
        open_archive(tmp_path)
    assert len(caplog.records) == 1


def test_an_export_of_an_archive_with_a_deleted_chunk_says_so(tmp_path, capsys):
    archive(tmp_path)
    (tmp_path / NAME / "XX" / "c" / "1" / "0").unlink()
    assert main(["export", str(tmp_path / "out.npz"), "--input", str(tmp_path)]) == 0
    assert "read as NaN" in capsys.readouterr().err


def test_rows_without_a_number_are_no_deleted_chunk(tmp_path, caplog):
    rows = recording(600, nchan=64)
    rows.data[:, :, 1] = np.nan
    open_store(tmp_path, rows).append(rows)
    with caplog.at_level(logging.WARNING):
        found = read_recording(tmp_path)
    assert not caplog.records
    assert np.isnan(found.data[..., 1]).all()


def test_the_writer_does_not_go_on_with_a_store_that_a_stranger_has_made(tmp_path):
    rows = archive(tmp_path)
    changed(tmp_path, CLAIMS["codecs"][0])
    before = (tmp_path / NAME / "zarr.json").read_bytes()
    later = recording(20, nchan=64, start_s=float(rows.times_s[-1]))
    open_store(tmp_path, later).append(later)
    assert (tmp_path / NAME / "zarr.json").read_bytes() == before
    assert len(read_recording(tmp_path / "2025-08-18_2.zarr")) == 20


def test_frames_of_many_channels_have_chunks_of_bounded_size(tmp_path):
    rows = recording(2, nchan=200_000, channel_average=1, npol=1)
    open_store(tmp_path, rows).append(rows)
    chunk = json.loads((tmp_path / NAME / "XX" / "zarr.json").read_text())["chunk_grid"]["configuration"]["chunk_shape"]
    assert chunk[0] * chunk[1] * 4 <= 64 << 20
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["bytes", "zstd"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
PLACES = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs", "attributes", "node_type", "zarr_format",
          "storage_transformers")  # fmt: skip


@given(name=st.sampled_from(["time", "frequency", "XX"]), place=st.sampled_from(PLACES), value=JSON)
@settings(max_examples=extent(15, 60), deadline=None)
def test_whatever_the_metadata_hold_it_is_rows_or_one_sentence(tmp_path_factory, name, place, value):
    directory = tmp_path_factory.mktemp("archive")
    archive(directory, 20)
    changed(directory, lambda _, arrays: arrays[name].update({place: value}))
    with suppress(SourceError):
        assert read_recording(directory).data.shape == (20, 16, 4)
