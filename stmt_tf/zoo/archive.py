"""A model directory as one file: a tar.gz of its files, before them `archive.json` with their checksums and a licence.

Files lie at the archive's top, as TensorFlow Hub wants them. An archive is a stranger's: `unpacked` writes nothing but
regular files that `archive.json` names, within one new folder, and keeps nothing if one of them differs.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from absl import logging

from stmt_tf.assets import cache_dir
from stmt_tf.files import PathLike, whole_directory, whole_file
from stmt_tf.models.versions import newest
from stmt_tf.serving.manifest import ModelError, read_manifest

ENDINGS = (".tar.gz", ".tgz")
MANIFEST = "archive.json"
_FORMAT = "stmt_tf archive 1"
CARD = "README.md"  # which tells people of the model
_LARGEST_MANIFEST = 1 << 20  # bytes
_LARGEST_MODEL = 4 << 30  # bytes; a few compressed megabytes could otherwise fill a disk
_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        licence: of the weights.
        files: SHA-256 of each file, by its path within the model directory, with slashes.
    """

    licence: str
    files: dict[str, str]


def write_archive(directory: str, path: PathLike, licence: str) -> None:
    """Packs a model directory, or the highest of its versions. The same files make the same bytes.

    Args:
        directory: what to pack.
        path: file to write, whole or not at all; its name ends in one of `ENDINGS`.
        licence: of the weights.

    Raises:
        ModelError: the directory holds no model.
        OSError: the file cannot be written.
    """
    directory = newest(directory)
    read_manifest(directory)
    checksums = _checksums(directory)
    manifest = json.dumps({"format": _FORMAT, "licence": licence, "files": checksums}, indent=2)
    with (
        whole_file(path) as hidden,
        open(hidden, "wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, MANIFEST, io.BytesIO(manifest.encode()), len(manifest.encode()))
        for name in sorted({str(parent) for file in checksums for parent in PurePosixPath(file).parents} - {"."}):
            _add(archive, name)  # TensorFlow Hub makes no folders by itself
        for name in checksums:
            with open(os.path.join(directory, name), "rb") as content:
                _add(archive, name, content, os.fstat(content.fileno()).st_size)


def contents_sha256(directory: str) -> str:
    """SHA-256 of what `sha256sum` prints of a model directory's files, by name, but its card, which may grow."""
    checksums = _checksums(directory)
    lines = (f"{sha256}  {name}\n" for name, sha256 in checksums.items() if name != CARD)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def unpacked(path: PathLike, sha256: str = "", key: str = "") -> str:
    """Returns the model directory, in the cache, that an archive was unpacked to, now or before.

    Args:
        path: the archive.
        sha256: what the archive's must be; empty: any.
        key: what the directory is found by, see `cached`; empty: the archive's SHA-256.

    Raises:
        ModelError: the archive is damaged, hostile, another one, or holds no model; the cache cannot be written.
    """
    try:
        found = _sha256_of(Path(path))
        if sha256 and found != sha256:
            raise ModelError(f"{path}: has the SHA-256 {found} instead of {sha256}; get it again from where it came")
        folder = cached(key or found)
        if not folder.is_dir():
            _unpack(path, folder)
    except OSError as error:
        raise ModelError(
            f"{error.filename or path}: {error.strerror or error}. Check the archive, or set STMT_TF_CACHE to a folder "
            "that can be written"
        ) from error
    return str(folder)


def cached(key: str) -> Path:
    """Where an archive is unpacked to, by its SHA-256 or, where it is known by its URL alone, by that of the URL."""
    return cache_dir() / "models" / key


def _unpack(path: PathLike, folder: Path) -> None:
    """Makes the folder of what the archive holds, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole_directory(folder) as hidden:
            hidden.mkdir()
            with tarfile.open(path, "r:gz") as archive:
                manifest = _extract(archive, hidden)
            read_manifest(str(hidden))
        logging.info("unpacked %s to %s; licence: %s", path, folder, manifest.licence)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ModelError(f"{path}: a damaged archive ({error}). Get it again from where it came") from error
    except ModelError as error:
        raise ModelError(f"{path}: {str(error).replace(f'{hidden}: ', '')}") from error


def _extract(archive: tarfile.TarFile, folder: Path) -> Manifest:
    """Writes the archive's files, each of them named by its manifest, and unchanged."""
    members = _members(archive)
    first = next(members, None)
    if first is None or first.name != MANIFEST:
        raise ModelError(f"no archive of a model: {MANIFEST} is not its first file")
    if first.size > _LARGEST_MANIFEST:
        raise ModelError(f"no archive of a model: its {MANIFEST} takes {first.size} bytes")
    content = archive.extractfile(first).read()
    manifest = _parsed(content)
    (folder / MANIFEST).write_bytes(content)
    missing, total = dict(manifest.files), 0
    for member in members:
        if member.name not in missing:
            raise ModelError(f"holds {member.name!r}, which its {MANIFEST} does not name, or holds it twice")
        total += member.size
        if total > _LARGEST_MODEL:
            raise ModelError(f"holds more than {_LARGEST_MODEL >> 30} GiB")
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            sha256 = _copy(archive.extractfile(member), file)
        if sha256 != missing.pop(member.name):
            raise ModelError(f"a damaged archive ({member.name} has the SHA-256 {sha256}). Get it again")
    if missing:
        raise ModelError(f"a damaged archive ({', '.join(sorted(missing))} is missing). Get it again")
    return manifest


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The archive's members but folders, which are made as files need them."""
    for member in archive:
        if member.isdir():
            continue
        if not member.isreg():
            raise ModelError(f"holds {member.name!r}, which is a link or a device")
        yield member


def _parsed(content: bytes) -> Manifest:
    """The manifest, of which every path stays within its folder, on every system."""
    try:
        read = json.loads(content)
        manifest = Manifest(licence=str(read["licence"]), files={str(k): str(v) for k, v in read["files"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"no archive of a model: its {MANIFEST} cannot be read ({error})") from error
    if read.get("format") != _FORMAT:
        raise ModelError(f"its {MANIFEST} lacks format {_FORMAT!r}, so it is of another version. Export it again")
    for name in manifest.files:
        # Windows takes backslashes for slashes, and C:name for a place on another disk.
        if name != str(PurePosixPath(name)) or re.search(r"^/|[\\:\0]", name) or ".." in name.split("/"):
            raise ModelError(f"holds {name!r}, which would lie outside its folder")
    return manifest


def _checksums(directory: str) -> dict[str, str]:
    """SHA-256 of each file of a directory, by its path with slashes, in order; but of a manifest's."""
    paths = {path.relative_to(directory).as_posix(): path for path in Path(directory).rglob("*") if path.is_file()}
    return {name: _sha256_of(paths[name]) for name in sorted(set(paths) - {MANIFEST})}


def _sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return _copy(file, None)


def _copy(source: IO[bytes], target: IO[bytes] | None) -> str:
    """Copies what is left of a file, if there is where to; returns its SHA-256."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        if target:
            target.write(chunk)
    return digest.hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes] | None = None, size: int = 0) -> None:
    """Adds a file, or a folder where there is no content; of 1970 and nobody's, so that the content alone counts."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type = (size, 0o644, tarfile.REGTYPE) if content else (0, 0o755, tarfile.DIRTYPE)
    archive.addfile(info, content)
