"""The labels of the real events are complete and within their files."""

import csv
from datetime import date, datetime, time
from pathlib import Path

import pytest
from solar_event import DATA, EVENTS, needs_events

LABELS = Path(__file__).parent / "labels.csv"
TYPES = {"III", "IIIG", "II", "IV", "I", "RFI", "?"}
# A type V burst is the continuum after bursts of type III.
TYPES_OF_REPORTS = {"III": {"III", "IIIG", "?"}, "II": {"II", "?"}, "V": {"IV"}}
QUARTER_S, LATEST_START_S = 900, 2


def labels():
    """Return the rows of the table of labels."""
    with LABELS.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def of_day(clock):
    """Return seconds of the day of a time such as 16:35:53."""
    moment = time.fromisoformat(clock)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def begin_of_file(name):
    """Return the begin in a file's name, in seconds of the day."""
    clock = datetime.strptime(name.split("_")[2], "%H%M%S").time()
    return of_day(clock.isoformat())


@pytest.mark.parametrize("label", labels(), ids=lambda each: f"{each['file']}-{each['begin_utc']}-{each['type']}")
def test_a_label_is_within_its_file(label):
    begin_s, end_s, file_s = of_day(label["begin_utc"]), of_day(label["end_utc"]), begin_of_file(label["file"])
    assert file_s - LATEST_START_S <= begin_s < end_s <= file_s + QUARTER_S + LATEST_START_S
    assert 8 <= float(label["low_mhz"]) < float(label["high_mhz"]) <= 106
    assert label["type"] in TYPES
    assert label["certainty"] in {"1", "2", "3"}


def test_both_polarisations_have_the_same_labels():
    first, second = (
        [list(each.values())[1:] for each in labels() if each["file"].endswith(name)]
        for name in ("115501_63", "115514_62")
    )
    assert first == second


@needs_events
def test_each_report_of_types_2_3_and_5_has_labels_in_its_time():
    with (DATA / "events" / "noaa_events.csv").open(newline="") as file:
        reports = [each for each in csv.DictReader(file) if each["type"] in TYPES_OF_REPORTS]
    assert len(reports) == 7
    for report in reports:
        name = f"{report['type']} {report['begin_utc']}"
        day = date.fromisoformat(report["date"]).strftime("%Y%m%d")
        found = [each for each in labels() if each["noaa"] == name and f"_{day}_" in each["file"]]
        assert {each["type"] for each in found} & TYPES_OF_REPORTS[report["type"]] - {"?"}, name
        for label in found:
            assert label["type"] in TYPES_OF_REPORTS[report["type"]]
            # Reports are in whole minutes, and a minute may be wrong.
            assert of_day(label["begin_utc"]) <= of_day(report["end_utc"]) + 120, label
            assert of_day(label["end_utc"]) >= of_day(report["begin_utc"]) - 60, label


@needs_events
def test_each_file_has_a_label():
    assert {each["file"] for each in labels()} == {path.name.split(".")[0] for path in EVENTS}
