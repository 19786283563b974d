"""Keys while a dialog is open."""

import pytest
from monitors import Screen, StillReceiver


@pytest.mark.parametrize("dialog", ["help", "manual_delay", "levels"])
def test_tab_changes_no_picture_while_a_dialog_is_open(dialog):
    screen = Screen(80, 24, StillReceiver())
    try:
        screen.act(dialog)
        screen.press("tab", "shift+tab")
        assert len(screen.app.screen_stack) == 2
        assert screen.app.scene.view.maximised is None
    finally:
        screen.close()
