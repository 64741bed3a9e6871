"""Which browser the page tests drive: the one of this machine."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str | None:
    """CTS_CHROMIUM, else the first found on PATH; None where there is none."""
    if chosen := os.environ.get("CTS_CHROMIUM"):
        return chosen
    return next((found for name in NAMES if (found := shutil.which(name))), None)
