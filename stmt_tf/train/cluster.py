"""Which devices and workers a training runs on.

One process uses all GPUs that it sees (`MirroredStrategy`). Several processes, on one machine or many, each get the
environment variable TF_CONFIG as TensorFlow documents it, and train one model together, each on its share of every
batch:

    TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

Worker 0 is the chief: it alone writes. All resume from what it wrote, so they need one working directory in common.
Where one of them dies, the others end, too: whatever started them has to start them all again, in any order. The same
where SIGTERM reaches one of them a step before another, so that up to an epoch may be done again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping

import tensorflow as tf

from stmt_tf import compat

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True)
class Worker:
    """This process among those that train together.

    Attributes:
        index: its number, 0 for the chief.
        count: how many there are.
    """

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.index == 0


def read_worker(environ: Mapping[str, str] = os.environ) -> Worker:
    """Which worker this process is by TF_CONFIG; without TF_CONFIG it is alone.

    Raises:
        ValueError: TF_CONFIG is not what this program can run on.
    """
    text = environ.get("TF_CONFIG", "")
    if not text:
        return Worker()
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        workers, kind, index = cluster["worker"], task["type"], task["index"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"TF_CONFIG={text!r} is not understood ({error!r}); it must look like {_EXAMPLE}") from error
    if set(cluster) != {"worker"} or kind != "worker":
        raise ValueError(
            f"TF_CONFIG={text!r} has tasks of other types than worker; this program runs on workers alone, "
            f"as in {_EXAMPLE}"
        )
    if not isinstance(workers, list) or not all(isinstance(x, str) and ":" in x for x in workers):
        raise ValueError(f"TF_CONFIG={text!r}: its workers must be a list of host:port; it must look like {_EXAMPLE}")
    if not isinstance(index, int) or not 0 <= index < len(workers):
        raise ValueError(f"TF_CONFIG: the task's index must be one of 0 to {len(workers) - 1}, got {index!r}")
    return Worker(index, len(workers))


def create_strategy(worker: Worker) -> tf.distribute.Strategy:
    """The strategy that a training runs under; several workers wait here for one another.

    Must be called before TensorFlow has computed anything.

    Raises:
        ValueError: several workers, on Keras 3.
    """
    if worker.count > 1:
        compat.require_several_workers()
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.MirroredStrategy()


@contextlib.contextmanager
def lost_worker_named() -> Iterator[None]:
    """Turns TensorFlow's errors about a worker that died within into one that says what to do.

    Raises:
        ConnectionError: in place of an error of what the workers do together.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        _, found, reason = error.message.partition("Collective ops is aborted by: ")
        if not found:
            raise
        raise ConnectionError(
            f"another worker is gone ({reason.splitlines()[0]}). Run the same commands again, on all workers, to go on "
            "from the last checkpoint"
        ) from error


def distributed(
    batches: tf.data.Dataset, batch_size: int, strategy: tf.distribute.Strategy, worker: Worker
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """What `fit` takes under the strategy, of this worker's shares of batches of `batch_size` examples."""
    if worker.count == 1:
        return batches  # Keras splits each batch over the replicas
    # Keras would take these shares for whole batches, and split them among the workers once more.
    per_replica = batches.rebatch(batch_size // strategy.num_replicas_in_sync)
    return strategy.distribute_datasets_from_function(lambda _: per_replica)
