"""What a frame costs beside the First Order Motion Model: `python -m benchmarks.peer [--sizes=256,768] [--repeats=10]`.

One process times, in turns and on the same cores, a frame of this project's `transfer` by the shipped model, at each
size, and a frame of 256 pixels by the networks of `benchmarks.first_order_motion`, in PyTorch and in ONNX Runtime. Of
these there are two calls: all that a target frame takes (its keypoints, the source encoded anew), and what remains
where keypoints are given and the source was encoded once, which is the counterpart of ours. Ours is made of 24 source
frames that were encoded once and of a pose that is given: the choice of source frames, the networks, the pixels carried
over, the composition. Finding the pose, reading and writing videos are no part of it.

Weights of the peer are untrained, which costs the same; what its runtimes give is compared before anything is timed.
GFLOP are those of the convolutions and matrix products, 2 for each multiply-add. It needs `pip install .[peer]`.
"""

from __future__ import annotations

from benchmarks.speed_settings import PeerConfig
from stmt_tf import flags

if __name__ == "__main__":
    # Ends the process, before the imports below: they take their time.
    flags.run(__doc__, "benchmarks.peer", PeerConfig)

import copy
import io
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from benchmarks.inference import ASKED_BY_TRANSFER, concrete
from benchmarks.timing import Timing, interleaved, matmul_rate
from dancers import render_video
from stmt_tf import files
from stmt_tf.evaluate.report import markdown
from stmt_tf.models.create import create_generator, made_up_example
from stmt_tf.pose.crop import Crop
from stmt_tf.pose.tracks import PosedVideo
from stmt_tf.serving.inference import TransferModel
from stmt_tf.train.flops import count_flops
from stmt_tf.transfer.renderer import Renderer
from stmt_tf.transfer.source import Source

# Threads that wait would turn round and round meanwhile, which counts as processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
try:
    import onnxruntime
    import torch

    from benchmarks import first_order_motion as peer
except ModuleNotFoundError as error:
    sys.exit(f"peer: {error}. `pip install .[peer]` installs what this benchmark needs")

_MODEL = "saved_models/dancers_64px"
_SOURCES = 24
_POSES = 12
_RENDERED = 256  # pixels of the dancers
_OPSET = 18
Run = Callable[[], np.ndarray]


class Call(NamedTuple):
    """One way to make a frame.

    Attributes:
        name: of its row.
        size: side of the frame in pixels.
        flops: of its convolutions and products.
        run: makes the frame.
    """

    name: str
    size: int
    flops: int
    run: Callable[[], object]


def calls_of_ours(sizes: tuple[int, ...]) -> list[Call]:
    """A frame of rendered dancers at each size; every call makes the next pose of the target."""
    model = TransferModel(str(files.shipped(_MODEL)))
    person = render_video(3, 1, _RENDERED, _SOURCES, 4.0)
    poses = render_video(3, 5, _RENDERED, _POSES, 25.0).joints
    whole = Crop(0, 0, _RENDERED)
    flops = flops_of_ours(model)
    calls = []
    for size in sizes:
        frames = [whole.extract(frame, size) for frame in person.frames]
        joints = whole.to_crop(person.joints, size)
        mattes = np.stack([whole.extract(mask, size) for mask in person.masks]) / np.float32(255)
        source = Source(PosedVideo(""), joints, frames, joints, Crop(0, 0, size), mattes, plate=frames[0])
        renderer = Renderer(model, source, max_size=size)
        following = itertools.cycle(whole.to_crop(poses, size)[:, np.newaxis])
        calls.append(Call("stmt_tf", size, flops, lambda r=renderer, f=following: r.render(next(f))))
    return calls


def flops_of_ours(model: TransferModel) -> int:
    """Of a frame of any size: all convolutions are at the size of the model's networks."""
    generator = create_generator(model.config, _SOURCES)
    example = made_up_example(model.size, _SOURCES)
    encoded = generator.encode_source(example["source_frames"], example["source_joints"])

    def generate(source, poses):
        made = generator.generate(source, poses)
        return [made[name] for name in ASKED_BY_TRANSFER]

    return count_flops(concrete(generate, encoded, example["target_joints"]).graph).flops


def calls_of_peer() -> list[Call]:
    """The whole and the remaining work of a frame, in each runtime; all make the same frame."""
    torch.manual_seed(0)
    whole = peer.WholeAnimation().eval().requires_grad_(False)
    target, source = torch.rand(2, 1, 3, peer.SIZE, peer.SIZE)
    with torch.no_grad():
        keypoints = whole.detector(source)
        encoded = whole.animation.encode(source), source, *keypoints, *whole.detector(target)
    works = {
        "FOMM, all of a frame": (whole, (target, source, *keypoints)),
        "FOMM, source encoded once, keypoints given": (whole.animation, encoded),
    }
    calls = []
    for work, (module, inputs) in works.items():
        truth, flops = in_torch(module, inputs)(), peer.count_flops(module, *inputs)
        for runtime, create in RUNTIMES.items():
            run = create(module, inputs)
            np.testing.assert_allclose(run(), truth, atol=1e-3, err_msg=runtime)
            calls.append(Call(f"{work}: {runtime}", peer.SIZE, flops, run))
    return calls


def in_torch(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Run:
    @torch.inference_mode()
    def run() -> np.ndarray:
        return module(*inputs).numpy()

    return run


def in_torch_channels_last(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Run:
    last = torch.channels_last
    laid = [x.contiguous(memory_format=last) if x.dim() == 4 and x.shape[-1] > 2 else x for x in inputs]
    return in_torch(copy.deepcopy(module).to(memory_format=last), laid)


def in_onnx_runtime(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Run:
    content = io.BytesIO()
    names = [f"input{number}" for number in range(len(inputs))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of the constants, which are meant
        # The other exporter needs what TensorFlow 2.15 cannot be installed beside.
        torch.onnx.export(module, inputs, content, input_names=names, opset_version=_OPSET, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content.getvalue(), options, providers=["CPUExecutionProvider"])
    given = {name: x.numpy() for name, x in zip(names, inputs)}
    return lambda: session.run(None, given)[0]


RUNTIMES = {
    "PyTorch": in_torch,
    "PyTorch, channels last": in_torch_channels_last,
    "ONNX Runtime": in_onnx_runtime,
}


def table(calls: list[Call], timings: dict[str, Timing]) -> str:
    """What was measured, for people; the first call is what the others are set against."""
    first = next(iter(timings.values()))
    cells = [["frame", "pixels", "GFLOP", "ms", "processor ms", "times the first's"]]
    for call, timing in zip(calls, timings.values()):
        times = f"{1e3 * timing.seconds:.0f}", f"{1e3 * timing.cpu_seconds:.0f}"
        ratio = f"{timing.cpu_seconds / first.cpu_seconds:.1f}"
        cells.append([call.name, str(call.size), f"{call.flops / 1e9:.1f}", *times, ratio])
    return markdown(cells)


def main(config: PeerConfig) -> None:
    before = matmul_rate()
    calls = calls_of_ours(config.sizes) + calls_of_peer()
    timings = interleaved({f"{call.name} {call.size}": call.run for call in calls}, config.repeats)
    print(
        f"TensorFlow {tf.__version__}, PyTorch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, "
        f"{os.cpu_count()} cores, matmul {before / 1e9:.0f} GFLOP/s before and {matmul_rate() / 1e9:.0f} after\n"
    )
    print(table(calls, timings), end="")
