"""Models of a URL: archives by https or from a file, checked and cached; handles of TensorFlow Hub."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from tqdm import tqdm

from stmt_tf.serving.manifest import ModelError
from stmt_tf.zoo.archive import ENDINGS, cached, unpacked

_CHUNK = 1 << 20
_TIMEOUT = 60  # seconds without a byte


def fetch(url: str) -> str:
    """Returns the model directory, in the cache, of a URL.

    What has a checksum is downloaded once; what has none, too, since a name on the web is meant to stay what it is:
    for another look, remove the folder.

    Args:
        url: of an archive, https or file, maybe with #sha256=HEX; or a handle of TensorFlow Hub, which then caches it.

    Raises:
        ModelError: it cannot be had, or is not what its checksums say.
    """
    address, _, fragment = url.partition("#")
    parts = urllib.parse.urlsplit(address)
    if not parts.path.endswith(ENDINGS):
        return _from_hub(url)
    if fragment and not re.fullmatch("sha256=[0-9a-f]{64}", fragment):
        raise ModelError(f"{url}: what follows # must be sha256= and 64 hexadecimal digits, got {fragment!r}")
    sha256 = fragment[len("sha256=") :]
    if parts.scheme == "file":
        return unpacked(urllib.request.url2pathname(parts.path), sha256)
    if parts.scheme != "https" and not (parts.scheme == "http" and sha256):
        raise ModelError(f"{url}: give an https:// or file:// URL; http:// needs #sha256=HEX at its end")
    return _downloaded(address, sha256)


def _downloaded(url: str, sha256: str) -> str:
    """The model directory of an archive on the web, which is asked for once."""
    key = sha256 or hashlib.sha256(url.encode()).hexdigest()
    if cached(key).is_dir():
        return str(cached(key))
    with tempfile.TemporaryDirectory(prefix="stmt_tf_") as scratch:
        archive = Path(scratch) / os.path.basename(urllib.parse.urlsplit(url).path)
        try:
            _download(url, archive)
        except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
            reason = getattr(error, "reason", None) or error
            raise ModelError(f"{url}: cannot be downloaded ({reason}). Check the URL and the network") from error
        try:
            return unpacked(archive, sha256, key)
        except ModelError as error:
            raise ModelError(str(error).replace(str(archive), url)) from error


def _download(url: str, path: Path) -> None:
    """Downloads a file, with a progress bar on stderr."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as response, open(path, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        with tqdm(total=size or None, desc=path.name, unit="B", unit_scale=True) as bar:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if size and file.tell() != size:
            raise ValueError(f"it ended after {file.tell()} of {size} bytes")


def _from_hub(handle: str) -> str:
    try:
        import tensorflow_hub
    except ImportError as error:
        raise ModelError(f"{handle}: needs the package tensorflow-hub ({error}). Install it") from error
    try:
        return tensorflow_hub.resolve(handle)
    except Exception as error:  # of TensorFlow, of the network, of tar
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{handle}: TensorFlow Hub cannot resolve this handle ({reason}). An archive's URL ends in {ENDINGS[0]}"
        ) from error
