"""Reads the results of pose tools, whatever their form; what is wrong with them is a PoseError naming the file.

| form                                                          | written by                                         |
|---------------------------------------------------------------|----------------------------------------------------|
| a file for each frame, `{"people": [...]}`                    | OpenPose, Pose2Sim (rtmlib), the openpose-editors  |
| a list of such objects                                        | ComfyUI's DWPose and OpenPose nodes                |
| such objects (or `{"bodies": [...]}`) by the frames' names    | AlphaPose, `--format open` and `cmu`               |
| a list of `{"image_id": ..., "keypoints": [...]}`             | AlphaPose                                          |
| `{"instance_info": [{"frame_id": ..., "instances": [...]}]}`  | MMPose (DWPose, RTMPose), its demos                |
| a list of `{"frame_id": ..., "instances": [...]}`             | MMPose, its inferencer, of a video                 |
| a file for each frame, `[{"keypoints", "keypoint_scores"}]`   | MMPose, its inferencer, of pictures                |
| `{"format": "stmt_tf poses", ...}`                            | this project, see `stmt_tf.pose.save`              |
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stmt_tf.pose.estimators.base import PoseError
from stmt_tf.pose.estimators.layouts import CANDIDATES
from stmt_tf.pose.estimators.own import FORMAT, parse_own

_KNOWN = "the results of OpenPose, AlphaPose, MMPose or DWPose"
_BODIES = ("people", "bodies", "instances")  # where a frame holds its people
_KEYPOINTS = ("pose_keypoints_2d", "pose_keypoints", "joints", "keypoints")  # where a person holds the body


class Found(NamedTuple):
    """What a tool found in one frame.

    Attributes:
        people: float32 `[K, 3]` each, (x, y, confidence) in the tool's units; 0 three times where missing.
        canvas: (width, height) of the picture that the coordinates are of; None where the file does not say.
    """

    people: list[np.ndarray]
    canvas: tuple[float, float] | None = None


def read_results(path: str) -> dict[int, Found]:
    """What a tool found, by the numbers that it gave the frames.

    Args:
        path: a file, or a directory of a file for each frame.

    Raises:
        PoseError: it cannot be read, or holds nothing that is known.
    """
    if not os.path.isdir(path):
        content = read_json(path)
        if _is_object(content) and content.get("format") == FORMAT:
            return _own(content, path)
        return _numbered(path, content) if _is_video(content) else _one_per_file({path: content})
    files = {name: read_json(name) for name in sorted(glob.glob(os.path.join(glob.escape(path), "*.json")))}
    if not files:
        raise PoseError(f"Pose results {path} hold no *.json; give {_KNOWN}.")
    if len(files) == 1 and _is_video(content := next(iter(files.values()))):
        return _numbered(next(iter(files)), content)
    return _one_per_file(files)


def read_json(path: str) -> Any:
    """Returns the content of a JSON file."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise PoseError(f"Pose results {path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise PoseError(f"Pose results {path} are not JSON ({reason}); run the pose tool again.") from error


def read_keypoints(values: Any, where: str, scores: Any = None) -> np.ndarray:
    """Returns one person's keypoints.

    Args:
        values: what the file holds: x, y, confidence, x, y, confidence, ..., flat or three by three.
        where: file and place in it, for the error message.
        scores: the confidences, if they are apart, and `values` are x and y.

    Returns:
        float32 `[K, 3]`; a keypoint with a null or NaN is missing: 0 three times.
    """
    flat = _flat(values)
    if scores is not None and flat is not None:
        points, confidences = [flat[i : i + 2] for i in range(0, len(flat), 2)], _flat(scores) or []
        flat = [value for point, score in zip(points, confidences) for value in (*point, score)]
    if flat is None or len(flat) % 3 or len(flat) // 3 not in CANDIDATES:
        given = _shown(values) if flat is None else f"{len(flat)} values"
        raise PoseError(
            f"{where}: keypoints are {given}; expected 3 values (x, y, confidence) for each of "
            f"{', '.join(map(str, CANDIDATES))} keypoints. Run the pose tool with one of these layouts."
        )
    for value in flat:
        # Coordinates beyond a million pixels are no positions; a truth value is no number.
        if isinstance(value, bool) or not isinstance(value, (int, float, type(None))) or abs(value or 0) >= 1e6:
            raise PoseError(f"{where}: keypoint value {_shown(value)} is no position; run the pose tool again.")
    keypoints = np.array(flat, np.float32).reshape(-1, 3)  # null becomes NaN
    return np.where(np.isnan(keypoints).any(1, keepdims=True), np.float32(0), keypoints)


def _own(content: Mapping[str, Any], path: str) -> dict[int, Found]:
    """Our joints are the first ones of OpenPose's layout MPI, in this order."""
    own = parse_own(content, path)
    people = np.pad(own.joints, ((0, 0), (0, 1), (0, 0)))
    return {i: Found([pose] if (pose[:, 2] > 0).any() else [], own.size) for i, pose in enumerate(people)}


def _is_video(content: Any) -> bool:
    """Whether a file holds frames with numbers of their own, and not one frame."""
    if isinstance(content, dict):
        return not _holds_people(content)
    return isinstance(content, list) and not any("keypoint_scores" in each for each in content if _is_object(each))


def _one_per_file(files: Mapping[str, Any]) -> dict[int, Found]:
    numbers = _numbers_of([os.path.basename(path) for path in files])
    found: dict[int, Found] = {}
    for (path, content), number in zip(files.items(), numbers):
        if number is None:
            raise PoseError(f"{path}: no frame number in its name; name files as OpenPose does.")
        if number in found:
            raise PoseError(f"{path}: another file is of frame {number}, too; give the results of one video.")
        found[number] = _read_frame(_only_frame(content), path)
    return found


def _only_frame(content: Any) -> Mapping[str, Any]:
    """The frame that a file of one frame holds: bare, in a list, or as a list of its people."""
    if isinstance(content, list) and len(content) == 1 and _is_object(content[0]) and _holds_people(content[0]):
        return content[0]
    return content if _is_object(content) else {"instances": content}


def _numbered(path: str, content: Any) -> dict[int, Found]:
    """The frames of one file, whatever form they have."""
    if _is_object(content) and isinstance(content.get("instance_info"), list):
        content = content["instance_info"]
    if _is_object(content) and content and all(map(_is_object, content.values())):
        names, frames = list(content), list(content.values())
    elif not isinstance(content, list) or not all(map(_is_object, content)):
        raise PoseError(f"{path}: {_shown(content)} is no list of frames or people; give {_KNOWN}.")
    elif any("image_id" in each for each in content):
        groups: dict[str, list] = {}
        for each in content:
            groups.setdefault(str(each.get("image_id")), []).append(each)
        names, frames = list(groups), [{"people": people} for people in groups.values()]
    else:
        names, frames = [str(each.get("frame_id", i)) for i, each in enumerate(content)], content
    found: dict[int, Found] = {}
    for name, number, frame in zip(names, _numbers_of(names), frames):
        if number is None:
            raise PoseError(f"{path}: frame {_shown(name)} holds no frame number; name frames like 12.jpg.")
        read = _read_frame(frame, f"{path}, frame {name:.40}")
        found[number] = Found([*found[number].people, *read.people], read.canvas) if number in found else read
    return found


def _read_frame(content: Any, where: str) -> Found:
    people = next((content[key] for key in _BODIES if key in content), None)
    if not isinstance(people, list) or not all(map(_is_object, people)):
        raise PoseError(f"{where}: no list 'people' of objects; give {_KNOWN}.")
    keypoints = []
    for i, person in enumerate(people):
        values = next((person[key] for key in _KEYPOINTS if key in person), None)
        # Null or nothing is a face or a hand without a body.
        if values or not any(key in person for key in _KEYPOINTS[:-1]):
            keypoints.append(read_keypoints(values, f"{where}, person {i}", person.get("keypoint_scores")))
    return Found(keypoints, _canvas(content, where))


def _canvas(content: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    sizes = tuple(content.get(f"canvas_{side}", content.get(side)) for side in ("width", "height"))
    if sizes == (None, None):
        return None
    if not all(isinstance(size, (int, float)) and not isinstance(size, bool) and 1 <= size < 1e6 for size in sizes):
        raise PoseError(f"{where}: a canvas of {_shown(sizes[0])} x {_shown(sizes[1])} pixels is none; correct it.")
    return sizes


def _numbers_of(names: Sequence[str]) -> list[int | None]:
    """The frames' numbers: in each name the last number that tells all of them apart, or else the last one."""
    stems = [re.sub(r"(_keypoints)?(\.json|\.\w*[A-Za-z]\w*)?$", "", os.path.basename(name)) for name in names]
    groups = [re.findall(r"[0-9]{1,18}", stem) for stem in stems]
    for at in range(1, 1 + min(map(len, groups), default=0)):
        if len({int(group[-at]) for group in groups}) == len(groups):
            return [int(group[-at]) for group in groups]
    return [int(group[-1]) if group else None for group in groups]


def _holds_people(content: Mapping[str, Any]) -> bool:
    return any(key in content for key in _BODIES)


def _is_object(content: Any) -> bool:
    return isinstance(content, dict)


def _flat(values: Any) -> list | None:
    """A list of numbers, or of lists of them, as one list; None if it is no list."""
    if not isinstance(values, list):
        return None
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
