"""Chromium without a window, for the tests of pages."""

from __future__ import annotations

import shutil


def start_browser(profile, downloads):
    """A driver with its own profile, that saves into `downloads` and keeps what the page logs."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    flags = (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", f"user-data-dir={profile}",
    )
    for flag in flags:
        options.add_argument(f"--{flag}")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium")
    # With both paths given, selenium looks for nothing to download.
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
