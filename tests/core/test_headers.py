"""Tests of each header key at its limits, as tables.

They include the text of each rejection.
"""

import json
import math
import warnings

import numpy as np
import pytest

from sunspec_tui.core import payload_layout
from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.frame import MAX_HEADER_BYTES, Frame, decode, parse_header

LARGEST = 2**63 - 1


@pytest.fixture(autouse=True)
def _nothing_is_known():
    """Clear the cache of layouts that other tests have filled."""
    payload_layout.payload_layout.cache_clear()


def encoded(keys):
    return json.dumps(keys).encode()


def read(keys, payload=bytes(32)):
    return decode([b"data", encoded(keys), payload])


def refusal(call, *arguments):
    """Return the cause and the detail of a rejected message."""
    with pytest.raises(RejectedMessage) as caught:
        call(*arguments)
    return caught.value.cause.value, caught.value.detail


def test_a_whole_header_gives_a_whole_frame():
    keys = {
        "time_tag": 7, "seq": 3, "chan0": 560, "interval": 0.25, "timestamp": "1755552894.5", "nbeam": 1, "nchan": 2,
        "npol": 4, "last_block_time": "2025-08-18 21:34:54", "data_shape": [1, 2, 4], "data_type": "<f4",
    }  # fmt: skip
    values = np.arange(8, dtype="<f4")
    found = read(keys, values.tobytes())
    assert (found.time_tag, found.seq, found.chan0, found.interval_s) == (7, 3, 560, 0.25)
    assert (found.block_time_s, found.sent_s, found.time_problem) == (1_755_552_894.0, 1_755_552_894.5, "")
    assert found.shape == (1, 2, 4)
    assert found.header == keys
    np.testing.assert_array_equal(found.data, values.reshape(1, 2, 4))


def test_a_bare_header_leaves_everything_open():
    found = read({})
    assert (found.time_tag, found.seq, found.chan0, found.interval_s) == (None, None, None, None)
    assert math.isnan(found.block_time_s)
    assert math.isnan(found.sent_s)
    assert (found.time_problem, found.shape) == ("", (1, 2, 4))


def test_the_older_name_of_the_block_time_is_read_where_the_newer_one_is_missing():
    older, newer = "2025-08-18 21:34:54", "2025-08-18 21:34:55"
    # The beginning of its gulp, which ends a quarter of a second later.
    assert read({"lwa_time": older}).block_time_s == pytest.approx(1_755_552_894.2508, abs=1e-4)
    assert read({"lwa_time": older, "last_block_time": newer}).block_time_s == 1_755_552_895.0


@pytest.mark.parametrize(
    ("parts", "cause", "detail"),
    [
        ([], "empty", "empty message"),
        ([b""], "empty", "empty message"),
        ([b"", b"", b""], "empty", "empty message"),
        ([b"data", b"{}", b""], "empty", "empty payload"),
        ([b"", b"", b"x"], "topic", "topic b'' is not b'data'"),
        ([b"data"], "parts", "1 parts instead of topic, header and payload"),
        ([b"data", b"{}", b"1234", b""], "parts", "4 parts instead of topic, header and payload"),
        ([b"status", b"{}", b"1234"], "topic", "topic b'status' is not b'data'"),
        ([b"x" * 99, b"{}", b"1234"], "topic", f"topic {b'x' * 32!r} is not b'data'"),
        ([b"data", b"[]", b"1234"], "header_json", "header is a JSON list, not an object"),
        ([b"data", b"1.5", b"1234"], "header_json", "header is a JSON float, not an object"),
        ([b"data", b'{"a": "\xff"}', b"1234"], "header_encoding", "header is not UTF-8"),
        ([b"data", b" " * (MAX_HEADER_BYTES + 1), b"1234"], "header_size", "header of 65537 bytes, over 65536"),
    ],
)
def test_a_message_of_another_form_is_rejected_with_its_sentence(parts, cause, detail):
    assert refusal(decode, parts) == (cause, detail)


def test_text_that_is_no_json_is_rejected_with_the_parsers_reason():
    cause, detail = refusal(parse_header, b"{1}")
    assert cause == "header_json"
    assert detail.startswith("header is not JSON: ")
    assert "column 2" in detail


def test_the_largest_header_is_read():
    assert parse_header(b"{}" + b" " * (MAX_HEADER_BYTES - 2)) == {}
    assert parse_header(memoryview(b'{"a": 1}')) == {"a": 1}


@pytest.mark.parametrize(("key", "most"), [("time_tag", LARGEST), ("seq", LARGEST), ("chan0", 1_000_000)])
def test_whole_numbers_have_limits(key, most):
    for value in (0, most):
        assert getattr(read({key: value}), key) == value
    for value in (-1, most + 1):
        assert refusal(read, {key: value}) == ("header_value", f"{key} is {value}, outside 0 to {most}")
    for value in ("1", 1.0, True, None, [1]):
        assert refusal(read, {key: value}) == ("header_type", f"{key} is {value!r}, not a whole number")


@pytest.mark.parametrize("key", ["nbeam", "nchan", "npol"])
def test_lengths_are_at_least_one(key):
    assert refusal(read, {key: 0}) == ("header_value", f"{key} is 0, outside 1 to {LARGEST}")
    assert refusal(read, {key: "4"}) == ("header_type", f"{key} is '4', not a whole number")


@pytest.mark.parametrize("value", [1e-3, 0.25, 1, 86_400.0])
def test_an_interval_is_a_millisecond_to_a_day(value):
    found = read({"interval": value}).interval_s
    assert (found, type(found)) == (value, float)


@pytest.mark.parametrize("value", [0.0009, 0, -1, 86_401])
def test_an_interval_of_another_length_is_rejected(value):
    said = f"interval is {float(value)} s, outside (0.001, 86400.0)"
    assert refusal(read, {"interval": value}) == ("header_value", said)


def test_an_interval_may_be_null_and_nothing_else_than_a_number():
    assert read({"interval": None}).interval_s is None
    for value in ("1", True, [1]):
        assert refusal(read, {"interval": value}) == ("header_type", f"interval is {value!r}, not a number")


@pytest.mark.parametrize("value", [1, 1.5, True, ["2025"], {}])
def test_a_block_time_is_text(value):
    assert refusal(read, {"last_block_time": value}) == ("header_type", f"last_block_time is {value!r}, not a text")


@pytest.mark.parametrize("value", [True, [1], {}])
def test_a_timestamp_is_a_number_or_text(value):
    assert refusal(read, {"timestamp": value}) == ("header_type", f"timestamp is {value!r}, neither number nor text")


@pytest.mark.parametrize("value", [-1, -0.5])
def test_a_timestamp_below_zero_is_rejected(value):
    assert refusal(read, {"timestamp": value}) == ("header_value", f"timestamp is {value!r}, below 0")


@pytest.mark.parametrize(
    ("keys", "begins"),
    [
        ({"last_block_time": "noon"}, "last_block_time cannot be read: Invalid isoformat string: 'noon'"),
        ({"timestamp": "noon"}, "timestamp cannot be read: could not convert string to float: 'noon'"),
        ({"timestamp": 0}, "timestamp cannot be read: "),
        ({"timestamp": 5.0}, "timestamp cannot be read: "),
        ({"last_block_time": "1999-01-01", "timestamp": "noon"}, "last_block_time cannot be read: "),
        ({"last_block_time": "x" * 500}, "last_block_time cannot be read: "),
        ({"timestamp": "x" * 500}, "timestamp cannot be read: "),
    ],
)
def test_a_time_that_cannot_be_read_is_a_problem_and_no_rejection(keys, begins):
    found = read(keys)
    assert found.time_problem.startswith(begins)
    assert len(found.time_problem) <= 100
    assert math.isnan(found.block_time_s)
    assert math.isnan(found.sent_s)


def test_a_problem_with_one_time_leaves_the_other():
    found = read({"last_block_time": "noon", "timestamp": "1755552894"})
    assert (found.sent_s, found.time_problem[:15]) == (1_755_552_894.0, "last_block_time")
    found = read({"last_block_time": "2025-08-18 21:34:54", "timestamp": "soon"})
    assert (found.block_time_s, found.time_problem[:9]) == (1_755_552_894.0, "timestamp")


@pytest.mark.parametrize(
    ("keys", "values", "shape"),
    [
        ({}, 4, (1, 1, 4)),
        ({}, 6, (1, 3, 2)),
        ({}, 5, (1, 5, 1)),
        ({}, 3072, (1, 3072, 1)),
        ({}, 6144, (1, 3072, 2)),
        ({}, 12288, (1, 3072, 4)),
        ({}, 9216, (1, 2304, 4)),
        ({"nbeam": 2}, 12288, (2, 3072, 2)),
        ({"nbeam": 2}, 6144, (2, 3072, 1)),
        ({"nbeam": 2}, 12, (2, 3, 2)),
        ({"nbeam": 2}, 24, (2, 3, 4)),
        ({"nchan": 6}, 12, (1, 6, 2)),
        ({"nchan": 6}, 24, (1, 6, 4)),
        ({"nchan": 6, "nbeam": 2}, 24, (2, 6, 2)),
        ({"nchan": 6}, 6, (1, 6, 1)),
        ({"npol": 2}, 8, (1, 4, 2)),
        ({"npol": 1, "nbeam": 2}, 8, (2, 4, 1)),
        ({"npol": 4, "nchan": 2}, 8, (1, 2, 4)),
        ({"data_shape": [8]}, 8, (1, 8, 1)),
        ({"data_shape": [4, 2]}, 8, (1, 4, 2)),
        ({"data_shape": [2, 2, 2]}, 8, (2, 2, 2)),
        ({"data_shape": [1, 2, 2, 2]}, 8, (2, 2, 2)),
        ({"data_shape": [2, 2, 2], "nbeam": 2, "nchan": 2, "npol": 2}, 8, (2, 2, 2)),
        ({"data_shape": [65536, 1]}, 65536, (1, 65536, 1)),
    ],
)
def test_a_shape_is_stated_or_named_or_follows_from_the_length(keys, values, shape):
    assert read(keys, bytes(4 * values)).shape == shape


@pytest.mark.parametrize(
    ("keys", "values", "cause", "detail"),
    [
        ({"npol": 3}, 6, "shape", "npol is 3, not 1, 2 or 4"),
        ({"nbeam": 2}, 5, "payload_length", "payload of 5 values, but the header says (2, 2, 1)"),
        ({"nchan": 3, "npol": 2}, 8, "payload_length", "payload of 8 values, but the header says (1, 3, 2)"),
        ({"data_shape": [2, 2, 2]}, 4, "payload_length", "payload of 4 values, but the header says (2, 2, 2)"),
        ({"data_shape": [65537, 1]}, 65537, "shape", "65537 channels, over 65536"),
        ({"data_shape": "8"}, 8, "header_type", "data_shape is '8', not a list of whole numbers"),
        ({"data_shape": [8.0]}, 8, "header_type", "data_shape is [8.0], not a list of whole numbers"),
        ({"data_shape": [True, 8]}, 8, "header_type", "data_shape is [True, 8], not a list of whole numbers"),
        ({"data_shape": []}, 8, "shape", "data_shape [] is not (ntime, nbeam, nchan, npol)"),
        ({"data_shape": [1] * 5}, 1, "shape", "data_shape [1, 1, 1, 1, 1] is not (ntime, nbeam, nchan, npol)"),
        ({"data_shape": [8, 0]}, 8, "shape", "data_shape [8, 0] is not (ntime, nbeam, nchan, npol)"),
        ({"data_shape": [1, 8], "nchan": 2}, 8, "shape", "data_shape [1, 8], but nchan is 2"),
        ({"data_shape": [2, 2, 2], "nbeam": 1}, 8, "shape", "data_shape [2, 2, 2], but nbeam is 1"),
        ({"data_shape": [2, 2, 2], "npol": 4}, 8, "shape", "data_shape [2, 2, 2], but npol is 4"),
        ({"data_shape": [1, 8, 3]}, 24, "shape", "data_shape [1, 8, 3] has 3 products, not 1, 2 or 4"),
        ({"data_type": 4}, 8, "data_type", "data_type is 4, not a text"),
        ({"data_type": "f99"}, 8, "data_type", "data_type 'f99' is not known"),
        ({"data_type": "os.system"}, 8, "data_type", "data_type 'os.system' is not known"),
        ({"data_type": "<c8"}, 8, "data_type", "data_type '<c8' is not known"),
        ({"data_type": "object"}, 8, "data_type", "data_type 'object' is not known"),
        ({"data_type": "?" * 90}, 8, "data_type", f"data_type {'?' * 40!r} is not known"),
        ({"data_type": "<f8"}, 3, "payload_length", "payload of 12 bytes is not a whole number of <f8"),
    ],
)
def test_a_shape_or_a_type_that_does_not_fit_is_rejected_with_its_sentence(keys, values, cause, detail):
    assert refusal(read, keys, bytes(4 * values)) == (cause, detail)


@pytest.mark.parametrize("name", ["<f4", ">f4", "<f8", "<f2", "<i2", "|u1", "float32", "int64", "=f4"])
def test_real_numbers_of_any_type_are_read(name):
    values = np.arange(8).astype(name)
    found = read({"data_type": name}, values.tobytes())
    assert found.data.dtype == np.dtype(name)
    assert found.data.ravel().tolist() == list(range(8))


def test_a_leading_axis_of_times_is_averaged():
    values = np.array([1, 2, 3, 4, 5, 6, 7, 9], "<f4")
    found = read({"data_shape": [2, 1, 2, 2]}, values.tobytes())
    assert found.shape == (1, 2, 2)
    assert found.data.ravel().tolist() == [3, 4, 5, 6.5]
    assert found.data.dtype == np.float32


def test_a_leading_axis_of_one_time_leaves_values_as_they_came():
    found = read({"data_shape": [1, 1, 2, 2], "data_type": "<i2"}, np.array([1, 2, 3, 4], "<i2").tobytes())
    assert (found.shape, found.data.dtype, found.data.ravel().tolist()) == ((1, 2, 2), np.int16, [1, 2, 3, 4])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
def test_averaging_bad_values_gives_no_warning(bad):
    values = np.array([bad, np.inf, bad, -np.inf], "<f4")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read({"data_shape": [2, 1, 2, 1]}, values.tobytes())
    assert isinstance(found, Frame)
    assert not np.isfinite(found.data[0, 0, 0])


def test_a_payload_is_not_copied():
    payload = bytearray(32)
    found = decode([b"data", b"{}", memoryview(payload)])
    payload[:4] = np.float32(5).tobytes()
    assert found.data[0, 0, 0] == 5


def test_a_shape_nested_too_deep_is_rejected_shortly():
    raw = b'{"data_shape": ' + b"[" * 300 + b"]" * 300 + b"}"
    cause, detail = refusal(decode, [b"data", raw, bytes(32)])
    assert cause == RejectCause.HEADER_TYPE
    assert len(detail) < 300
