"""Settings of the page."""

from __future__ import annotations

import dataclasses

from stmt_tf.config import model_to_take, require_positive, setting


@dataclasses.dataclass(frozen=True)
class AppConfig:
    """The page: where it is served, and what it takes."""

    host: str = setting(
        "127.0.0.1",
        "Address to serve the page at, this computer's own; with 0.0.0.0 everybody who reaches it can use it.",
        group="Page",
    )
    port: int = setting(7860, "Port to serve the page at.")
    model: str = model_to_take()
    max_megabytes: int = setting(200, "Most megabytes that the files of one input may have together.", group="Inputs")
    max_seconds: float = setting(60.0, "Longest video that is taken, and of several motions all together.")

    def __post_init__(self):
        require_positive(self, "max_megabytes", "max_seconds")
        if not 0 < self.port < 65536:
            raise ValueError(f"--port must be between 1 and 65535, got {self.port}")
