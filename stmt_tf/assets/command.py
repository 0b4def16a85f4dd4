"""The assets as a command: lists them, gets them, tells where they lie."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from stmt_tf.assets import ASSETS, Asset, AssetError, fetch, is_cached, where


def main(words: Sequence[str]) -> None:
    """Does what the words ask for: list, fetch NAME or where NAME."""
    asked, *names = words or [""]
    try:
        if asked == "list" and not names:
            print("\n".join(_describe(asset) for asset in ASSETS.values()))
        elif asked in ("fetch", "where") and len(names) == 1:
            print(fetch(*names) if asked == "fetch" else where(*names))
        else:
            sys.exit(f"assets: give list, fetch NAME or where NAME, got {' '.join(words) or 'nothing'}")
    except AssetError as error:
        sys.exit(f"assets: {error}")


def _describe(asset: Asset) -> str:
    state = "fetched" if is_cached(asset.name) else "not fetched"
    hub = f"  from {asset.hub.handle}, where that can be reached, else\n" if asset.hub else ""
    return (
        f"{asset.name}: {asset.summary}\n"
        f"  {sum(member.size for member in asset.members) / 1e6:.0f} MB, {state}; licence: {asset.licence}\n"
        f"{hub}  from {asset.source.requirement} ({asset.homepage})\n"
        f"  sha256 {asset.source.archive.sha256}"
    )
