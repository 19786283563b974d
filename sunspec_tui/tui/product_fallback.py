"""Sentences about a chosen product that the rows do not have."""

from sunspec_tui.core.products import Product


class ProductFallback:
    """Reporter of a missing product, with one sentence for each change."""

    def __init__(self) -> None:
        self._missing: Product | None = None

    def sentence(self, chosen: Product, shown: Product) -> str:
        """Return a sentence after a change; else an empty text.

        Parameters
        ----------
        chosen
            Product that the observer has chosen, or that was saved.
        shown
            Product on the screen.
        """
        before, self._missing = self._missing, None if shown is chosen else chosen
        if self._missing is before:
            return ""
        if self._missing is not None:
            return f"the rows have no {chosen}: showing {shown}"
        return f"the rows have {chosen}: showing it again" if chosen is before else ""
