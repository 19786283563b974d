"""The recorded solar event that some tests replay."""

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


EVENT = DATA / "BIR_20110607_062400_10.fit"


needs_event = pytest.mark.skipif(not EVENT.exists(), reason=f"the solar event {EVENT.name} is not beside the project")
