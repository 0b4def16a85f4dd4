"""What every pose estimator is, and how it fails."""

from __future__ import annotations

import abc

import numpy as np

from stmt_tf.pose.skeleton import NUM_JOINTS


class PoseError(Exception):
    """Poses that cannot be had; the message is one line that names the input and what to do."""


class Estimator(abc.ABC):
    """Finds the people of a video, frame after frame. A context manager.

    Example:
        >>> with create_estimator("mediapipe") as estimator:
        ...     people = [estimator.detect(frame, i) for i, frame in enumerate(frames)]
        >>> people[0].shape
        (1, 14, 3)
    """

    name: str

    def expect(self, num_frames: int | None) -> None:  # noqa: B027  (most estimators take frames as they come)
        """Is told how many frames the video is said to have (None: nobody knows), before they come."""

    def search(self) -> None:  # noqa: B027  (most estimators find whom they can anyway)
        """Is told, before frames come, to find all people, though it takes longer."""

    @abc.abstractmethod
    def detect(self, frame: np.ndarray, index: int) -> np.ndarray:
        """Returns the people of one frame.

        Args:
            frame: uint8 [H, W, 3], RGB.
            index: the frame's number in its video, from 0. Frames come in rising order.

        Returns:
            float32 [N, 14, 3]: (x, y, confidence) in pixels of `frame`; N may be 0. Joints outside
            the frame and joints that were not found have confidence 0 and lie at (0, 0).
        """

    def detect_anew(self, frame: np.ndarray, index: int, people: np.ndarray) -> np.ndarray:
        """Returns the people of a frame that, as is known now, begins another shot.

        Args:
            frame, index: as `detect` took them just before.
            people: what it returned; it stands, unless an estimator follows people from frame to frame.
        """
        return people

    def look_around(self, frame: np.ndarray) -> np.ndarray:
        """Returns people whom `detect` may overlook while it follows somebody, to be asked for now and then.

        Args:
            frame: uint8 [H, W, 3], RGB.

        Returns:
            As `detect`; people may be there several times, or only in part. None, unless an estimator has such people.
        """
        return np.zeros((0, NUM_JOINTS, 3), np.float32)

    def matte(self, frame: np.ndarray, joints: np.ndarray) -> np.ndarray | None:
        """Returns which pixels of a frame are a person.

        Frames may come in any order, and repeatedly.

        Args:
            frame: uint8 [H, W, 3], RGB.
            joints: float32 [14, 3], the person, in pixels of `frame`, as the tracker followed them.

        Returns:
            uint8 [H, W], 255 on the person, with soft edges; 0 everywhere where nobody is found at these joints. None
            if the estimator has no mattes at all.
        """
        return None

    def close(self) -> None:  # noqa: B027  (most estimators hold nothing to release)
        """Releases what the estimator holds."""

    def __enter__(self) -> Estimator:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
