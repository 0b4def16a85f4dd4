"""Asks a model server for frames by REST, and writes them; takes what `examples/serve_grpc.py` takes.

    python examples/serve_rest.py --model=my_model --source=REQUEST --output=made

Needs NumPy alone.
"""

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np

FRAMES_AT_ONCE = 8

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--server", default="localhost:8501")
parser.add_argument("--model", required=True, help="its name at the server")
parser.add_argument("--source", type=Path, required=True, help="directory of the request's pictures and poses")
parser.add_argument("--output", type=Path, required=True, help="directory for the frames")
options = parser.parse_args()
for name in ("source_joints.npy", "target_joints.npy"):
    if not (options.source / name).is_file():
        sys.exit(f"{options.source / name}: no such file. Make the request with examples/make_request.py.")

pictures = [path.read_bytes() for path in sorted(options.source.glob("*.jpg"))]
source = {
    "source_jpeg_bytes": [{"b64": base64.b64encode(picture).decode()} for picture in pictures],
    "source_joints": np.load(options.source / "source_joints.npy").tolist(),
}
target_joints = np.load(options.source / "target_joints.npy").tolist()

for first in range(0, len(target_joints), FRAMES_AT_ONCE):
    instance = {**source, "target_joints": target_joints[first : first + FRAMES_AT_ONCE]}
    request = urllib.request.Request(
        f"http://{options.server}/v1/models/{options.model}:predict",
        data=json.dumps({"instances": [instance]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            frames = json.load(response)["predictions"][0]
    except urllib.error.HTTPError as error:
        sys.exit(f"the server refused: {error.read().decode()}")
    except OSError as error:
        sys.exit(f"no answer from {options.server} ({getattr(error, 'reason', error)}). Is the server running there?")
    options.output.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, first):
        (options.output / f"{number:04d}.jpg").write_bytes(base64.b64decode(frame["b64"]))
print(f"{len(target_joints)} frames in {options.output}")
