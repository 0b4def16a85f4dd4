"""Packaging of stmt_tf. `pip install .[addons]` or `.[current]` chooses the TensorFlow line."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def version() -> str:
    """Reads the version out of the package's source, since importing it would change this process's environment."""
    source = (ROOT / "stmt_tf" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE).group(1)


# No OpenCV is named anywhere: mediapipe requires opencv-contrib-python, and opencv-python beside it would install a
# second copy of the same module `cv2` over the first.
ADDONS = [
    "tensorflow==2.15.1",
    "keras==2.15.*",
    "tensorflow-addons==0.23.*",
    "tensorflow-io==0.36.*",
    "tensorflow-hub==0.16.*",
    "tf-keras==2.15.*",  # tensorflow-hub would take the newest, which takes another TensorFlow
    "tensorboard==2.15.*",
    "mediapipe==0.10.21",
]
# Behind a marker, so that Python 3.9 can install the tests' needs.
APP = ['gradio>=6; python_version >= "3.10"']
BEAM = ["apache-beam>=2.60"]
# The last onnx that bears TensorFlow 2.15's ml_dtypes.
BENCHMARKS = ['onnx<1.19; python_version < "3.12"', 'onnx; python_version >= "3.12"', "onnxruntime"]
CURRENT = [
    "tensorflow>=2.21",
    "keras>=3.15",
    "tensorflow-hub>=0.16",
    "tensorboard",
    "mediapipe>=1.2",
]

setup(
    name="stmt-tf",
    version=version(),
    description="Person video motion transfer in TensorFlow, with spatio-temporal attention over many source frames",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.9",
    # Shipped models and flagfiles live at the top of the clone, where people look for them, and inside the installed
    # package (`stmt_tf.files.shipped`).
    packages=[
        *find_packages(include=["stmt_tf*", "tfrecords_tools*", "dancers*"]), "stmt_tf.saved_models", "stmt_tf.configs",
    ],
    package_dir={"stmt_tf.saved_models": "saved_models", "stmt_tf.configs": "configs"},
    package_data={
        "stmt_tf.saved_models": ["**/*"],
        "stmt_tf.configs": ["**/*"],
        "stmt_tf.app": ["page.css"],
        "stmt_tf.study": ["page.*"],
        "tfrecords_tools.clip_report": ["page.css"],
    },
    entry_points={"console_scripts": ["stmt-tf = stmt_tf.__main__:main"]},
    install_requires=[
        "absl-py", "av>=15", "google-crc32c", "matplotlib", "numpy", "pi-heif", "pillow", "scipy", "tqdm",
    ],
    extras_require={
        "addons": [f'{requirement}; python_version < "3.12"' for requirement in ADDONS],
        "current": [f'{requirement}; python_version >= "3.10"' for requirement in CURRENT],
        "app": APP,
        # Beside a line, which says what TensorFlow it is. Its CUDA libraries are Linux's.
        "gpu": ['tensorflow[and-cuda]; sys_platform == "linux"'],
        "beam": BEAM,
        "benchmarks": BENCHMARKS,
        "peer": [*BENCHMARKS, "torch"],
        # The messages of model servers; beside a line, since each release takes that TensorFlow or a newer one.
        "serving": ["tensorflow-serving-api>=2.15.1"],
        # Flask, for an S3 of our own to test with.
        "test": [
            *APP, *BEAM, "flask", "flask-cors", "hypothesis", "imageio-ffmpeg", "ipykernel", "moto[s3]", "nbclient",
            "pytest", "pytest-xdist", "ruff", "scikit-image", "selenium",
        ],
    },
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Multimedia :: Video",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
