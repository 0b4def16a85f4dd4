"""Settings of an export."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import require_given, setting

PRECISIONS = ("float32", "float16", "int8")  # of stored weights


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """One export."""

    workdir: str = setting("", "Working directory of a training, or a model directory.", group="Input", required=True)
    output: str = setting(
        "",
        "Directory of versions to write the next version into: OUTPUT/1, then OUTPUT/2, ...",
        group="Output",
        required=True,
    )
    weights: str = setting(
        "float32",
        "How weights are stored; float16 and int8 take half and a quarter of the bytes, and computing stays float32.",
        PRECISIONS,
    )
    tflite: bool = setting(False, "Write generate.tflite too, of such weights: a target frame at a time.")
    verify: bool = setting(
        False, "Compare the export's frames with the model's own before it appears, in a process without this package."
    )

    def __post_init__(self):
        require_given(self)
