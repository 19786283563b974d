"""Finding: the result of a check, worded for screen, log and status.

Each check of the instrument makes its finding; front ends and the event log show findings without knowing the checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of a check, in words.

    Attributes
    ----------
    kind
        Kind of its event in the log.
    fault
        What is wrong, without numbers that change with each row; empty if nothing is. A change of it is an event.
    text
        Text of the event, also for the return to normal.
    label
        A few words for the first line; empty without a fault.
    note
        One sentence for the health panel; empty if the label says all.
    is_alarm
        True if there is no image of the Sun: the first line is then red, and the event an error.
    is_normal
        True if the fault is no reason for a warning.
    wait_s
        Seconds for which a fault must last before it becomes an event.
    values
        Further values of the event.
    """

    kind: str
    fault: str
    text: str
    label: str = ""
    note: str = ""
    is_alarm: bool = False
    is_normal: bool = False
    wait_s: float = 0.0
    values: Mapping[str, Any] = field(default_factory=dict)
