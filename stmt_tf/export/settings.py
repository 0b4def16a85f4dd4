"""Settings of an export."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import require_given, setting
from stmt_tf.zoo.archive import ENDINGS

PRECISIONS = ("float32", "float16", "int8")  # of stored weights


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """One export."""

    workdir: str = setting("", "Working directory of a training, or a model directory.", group="Input", required=True)
    output: str = setting(
        "",
        "Directory of versions to write the next version into: OUTPUT/1, then OUTPUT/2, ...",
        group="Output",
    )
    archive: str = setting(
        "", "File to publish the model as, a .tar.gz that --model takes, too; in place of --output or beside it."
    )
    licence: str = setting("", "Licence of the weights, which an archive tells, such as Apache-2.0 or CC-BY-4.0.")
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
        if not (self.output or self.archive):
            raise ValueError("--output or --archive is required")
        if self.archive and not self.archive.endswith(ENDINGS):
            raise ValueError(f"--archive={self.archive}: the name of an archive ends in .tar.gz")
        if bool(self.archive) != bool(self.licence):
            raise ValueError(f"--archive and --licence go together, got {self.archive!r} and {self.licence!r}")
