"""How many requests a second a SavedModel answers: `python -m benchmarks.serving [--clients=1,2,4,8] [--sources=4]`.

So many clients at a time each wait for the answer to one request, frames of the network's size and one target pose for
the signature `transfer`, before the next. Requests are answered one by one in the clients' own threads, and in batches
of up to --largest_batch that TensorFlow's batching gathers, which is the one that TensorFlow Serving has. There is no
network and no serialisation: this is what the model itself allows. Each number of clients is tried with both by turns.
"""

from __future__ import annotations

from benchmarks.speed_settings import ServingConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.serving", ServingConfig)

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf

from stmt_tf.evaluate.report import markdown
from stmt_tf.models.create import made_up_example
from stmt_tf.models.versions import newest
from stmt_tf.serving.manifest import read_manifest

Answer = Callable[..., tf.Tensor]
_PATIENCE = 5000  # microseconds that a request waits for others


def request_of(size: int, sources: int) -> list[tf.Tensor]:
    """What one client sends: source frames uint8 `[1, N, size, size, 3]`, their joints and one target's."""
    example = made_up_example(size, sources, 1, 1)
    frames = tf.cast(127.5 * example["source_frames"] + 127.5, tf.uint8)
    return [frames, example["source_joints"], example["target_joints"]]


def in_batches(answer: Answer, largest: int) -> Answer:
    """The same, of requests that come within a few milliseconds together."""

    @tf.function(autograph=False)
    def answer_one(*request):
        return tf.nondifferentiable_batch_function(1, largest, _PATIENCE, autograph=False)(answer)(*request)

    return answer_one


def requests_a_second(answer: Answer, request: list[tf.Tensor], clients: int, each: int) -> float:
    """Of so many clients at a time, each of which sends so many requests, one after the other."""

    def ask(_) -> None:
        for _ in range(each):
            answer(*request)

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(ask, range(clients)))
    return clients * each / (time.perf_counter() - start)


def main(config: ServingConfig) -> None:
    directory = newest(config.model)
    size = read_manifest(directory)[0].size
    model = tf.saved_model.load(directory)  # which its functions do not keep alive
    transfer = model.signatures["transfer"]

    def answer(source_frames, source_joints, target_joints):
        named = {"source_frames": source_frames, "source_joints": source_joints, "target_joints": target_joints}
        return transfer(**named)["frame"]

    request = request_of(size, config.sources)
    ways = {"one by one": tf.function(answer, autograph=False), "in batches": in_batches(answer, config.largest_batch)}
    rows = [["clients", *(f"{name}, requests a second" for name in ways), "batches / one by one"]]
    for clients in config.clients:
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(config.repeats + 1):
            for name, way in ways.items():
                rate = requests_a_second(way, request, clients, config.requests)
                if turn:  # the first one prepares
                    rates[name].append(rate)
        alone, together = (statistics.median(rates[name]) for name in ways)
        rows.append([str(clients), f"{alone:.1f}", f"{together:.1f}", f"{together / alone:.2f}"])
    print(markdown(rows))
