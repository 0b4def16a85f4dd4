"""Person video motion transfer: the person of a source video does the motion of a target video.

    >>> from stmt_tf import MotionTransfer
    >>> transfer = MotionTransfer.from_pretrained()
    >>> result = transfer("A.mp4", "B.mp4", output="C.mp4")

Importing the package prepares the process for TensorFlow (`stmt_tf.compat`) and imports nothing heavy.

Reference:
    Kun Cheng, Hao-Zhi Huang, Chun Yuan, Lingyiqing Zhou, Wei Liu: "Multi-Frame Content Integration with a
    Spatio-Temporal Attention Mechanism for Person Video Motion Transfer".
"""

from stmt_tf import compat

__all__ = ["MotionTransfer"]
__version__ = "0.1.0"

compat.prepare_environment()


def __getattr__(name: str):
    if name == "MotionTransfer":
        from stmt_tf.transfer.motion_transfer import MotionTransfer

        return MotionTransfer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
