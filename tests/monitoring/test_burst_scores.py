"""Found bursts beside labels made by eye."""

import math
from pathlib import Path

import pytest
from burst_values import burst

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import SourceError
from sunspec_tui.files.burst_labels import BurstLabel, read_burst_labels
from sunspec_tui.monitoring.burst_scores import score
from sunspec_tui.monitoring.burst_series import Covered, FoundSeries

LABELS = Path(__file__).parents[1] / "bursts" / "labels.csv"
T0 = 1_341_417_600.0
III, GROUP, II, RFI = BurstType.III, BurstType.GROUP, BurstType.II, BurstType.INTERFERENCE


def label(begin_s=100, end_s=130, *, kind=III, certainty=1, low=30.0, high=80.0, file="A"):
    return BurstLabel(file, T0 + begin_s, T0 + end_s, low, high, kind, certainty)


def found(begin_s=102, end_s=None, kind=III, **keys):
    return burst(
        T0 + begin_s, T0 + (begin_s + 26 if end_s is None else end_s), type=kind, name=f"{kind}{begin_s}", **keys
    )


def series(*bursts, files=("A",)):
    covered = tuple(Covered(name, ((T0 + 900 * i, T0 + 900 * (i + 1)),), 20.0, 90.0) for i, name in enumerate(files))
    return FoundSeries(files[0], covered, bursts)


@pytest.mark.parametrize(
    ("kind", "bursts", "expected"),
    [
        (III, [found()], (True, True, True, 2)),
        (III, [found(kind=GROUP)], (True, False, True, 2)),
        (III, [found(kind=II)], (True, False, False, 2)),
        (III, [found(kind=RFI)], (False, False, False, None)),
        (III, [], (False, False, False, None)),
        (III, [found(136, 150)], (False, False, False, None)),
        (III, [found(135, 150)], (True, True, True, 35)),
        (III, [found(0, 360)], (True, True, True, -100)),
        # A burst of an hour would cover every label.
        (III, [found(0, 361)], (False, False, False, None)),
        (III, [found(low_mhz=85.0, high_mhz=90.0)], (False, False, False, None)),
        # One of the label's type comes first, then one of its kind, then the one that shares most.
        (III, [found(kind=II), found(120, 140)], (True, True, True, 20)),
        (III, [found(kind=II), found(120, 140, GROUP)], (True, False, True, 20)),
        (III, [found(90, 101), found(110, 128)], (True, True, True, 10)),
        # A group that was found as single bursts begins with the first one.
        (GROUP, [found(104, 106), found(110, 128)], (True, False, True, 4)),
    ],
)
def test_a_label_is_found_by_a_burst_in_its_place(kind, bursts, expected):
    (result,) = score([label(kind=kind)], [series(*bursts)]).results
    difference = None if math.isnan(result.begin_difference_s) else result.begin_difference_s
    assert (result.is_found, result.has_type, result.has_kind, difference) == expected


def test_a_label_that_begins_with_its_file_has_no_begin():
    (result,) = score([label(2, 50)], [series(found(0, 50))]).results
    assert result.is_found
    assert math.isnan(result.begin_difference_s)


def test_only_certain_labels_of_the_sun_and_of_the_given_files_are_asked_for():
    labels = [label(), label(certainty=2), label(kind=RFI), label(file="B")]
    assert len(score(labels, [series()]).results) == 1
    assert len(score(labels, [series()], 2).results) == 2
    assert len(score(labels, [series(files=("A", "B"))]).results) == 2


def test_false_alarms_are_bursts_on_files_without_labels_of_the_sun():
    labels = [label(), label(1000, 1010, kind=RFI, file="B"), label(300, 310, certainty=3)]
    bursts = [found(), found(305), found(500), found(1000), found(1100, kind=RFI), found(1900)]
    scores = score(labels, [series(*bursts, files=("A", "B", "C"))])
    assert scores.quiet_files == ("B", "C")
    assert [each.name for each in scores.false_alarms] == ["III1000", "III1900"]
    assert [each.name for each in scores.unlabelled] == ["III500"]


def test_shares_and_errors():
    labels = [label(100 * n, 100 * n + 20) for n in range(1, 5)]
    bursts = [found(101, 110), found(203, 220, GROUP), found(308, 320, II)]
    scores = score(labels, [series(*bursts)])
    assert (scores.found_share, scores.type_share, scores.kind_share) == (0.75, 1 / 3, 2 / 3)
    assert (scores.begin_error_s, scores.begins_within(5)) == (3, 2 / 3)
    assert math.isnan(score([], [series()]).found_share)
    assert math.isnan(score([], [series()]).begin_error_s)


def test_the_labels_of_the_real_events_are_read():
    labels = read_burst_labels(LABELS)
    assert len(labels) > 90
    (first,) = [each for each in labels if each.file == "BIR_20120704_163000_01" and each.type is GROUP]
    assert (first.begin_s, first.certainty, first.low_mhz) == (1_341_419_766.0, 1, 13.0)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("A_2012,16:00:00,16:00:01,1,2,III,1", "contains no date"),
        ("A_20120704_1,16:00,16:00:01,1,2,III,1", "no time of day"),
        ("A_20120704_1,16:00:00,16:00:01,1,2,IX,1", "'IX' as type"),
        ("A_20120704_1,16:00:00,16:00:01,1,2,III,4", "not 1, 2 or 3"),
    ],
)
def test_wrong_labels_are_refused(tmp_path, line, part):
    path = tmp_path / "a.csv"
    path.write_text(f"# by eye\nfile,begin_utc,end_utc,low_mhz,high_mhz,type,certainty\n{line}\n")
    with pytest.raises(SourceError, match="table of labels") as raised:
        read_burst_labels(path)
    assert part in str(raised.value)
