"""A real Chromium for the tests of the page, Debian's own."""

import base64
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from waiting import poll_until

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-quic",
    # Each new window loads pages for its address bar, which take ten times as long as a blank page. The last
    # option of this name counts, so the features that Playwright disables are repeated.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,"
    "LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,OptimizationHints,NetworkTimeServiceQuerying",
]  # fmt: skip
# Where it is asked for, a missing browser is a failure; elsewhere the page's tests say why they do not run.
needs_chromium = pytest.mark.skipif(
    not os.path.exists(CHROMIUM) and not os.environ.get("CI"),  # noqa: PTH110 - a path that may be none
    reason="there is no Chromium here: apt-get install chromium",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Browser with a temporary profile directory."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """Open page, with its report and its errors."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        settings: str = "",
        *,
        size: tuple[int, int] = (1000, 700),
        before: Callable[[Page], None] = lambda _: None,
    ) -> None:
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        before(self.page)
        self.page.goto(url + settings)
        self.wait_for(lambda report: report is not None)

    @property
    def report(self) -> Any:
        return self.page.evaluate("globalThis.sunspec?.report")

    def wait_for(self, condition: Any, timeout_s: float = 15) -> Any:
        """Wait until the page's report is as it must be; that report."""
        found = {}

        def holds() -> bool:
            # Playwright delivers the page's events only during a call.
            self.page.wait_for_timeout(20)
            found["report"] = self.report
            return bool(condition(found["report"]))

        poll_until(holds, timeout_s, lambda: f"the report, which is {found.get('report')},")
        return found["report"]

    def until(self, expression: str, timeout_s: float = 15) -> None:
        """Wait until an expression of JavaScript holds."""

        def holds() -> bool:
            self.page.wait_for_timeout(20)
            return bool(self.page.evaluate(expression))

        poll_until(holds, timeout_s, expression)

    def drawn(self) -> None:
        """Wait until the page has drawn anew."""
        before = self.report["drawn"]
        self.wait_for(lambda report: report["drawn"] > before)

    def picture(self) -> np.ndarray:
        """Pixels of the waterfall."""
        text = self.page.evaluate("sunspec.picture()")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))).convert("RGB")).astype(int)

    def text(self, what: str) -> str:
        return self.page.locator(what).inner_text()

    def close(self) -> None:
        self.context.close()
