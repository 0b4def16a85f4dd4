"""What a command says on the standard error, without what newer TensorFlow says before it heeds its log level."""

_TENSORFLOWS = ("WARNING: All log messages before absl", "I0000 00:00:")


def own_lines(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not line.startswith(_TENSORFLOWS)]
