"""Where a surveyed video is cut, and what its spans measure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_videos import PERSON

from stmt_tf.pose import skeleton
from tfrecords_tools.clips.settings import ClipSettings
from tfrecords_tools.clips.spans import find_spans, whole
from tfrecords_tools.clips.survey import Survey

FLAGS = ClipSettings(fps=10.0, seconds=4.0)
RANDOM = dataclasses.replace(FLAGS, cut="random")
SIDE = 61  # of the crop around PERSON; see `test_camera_is_measured_in_the_crops_sides`


def surveyed(steps: int) -> Survey:
    """Somebody who stands still before a camera that does, too."""
    joints = np.tile(np.c_[PERSON, np.ones(14)].astype(np.float32), (steps, 1, 1))
    return Survey(
        pose_tool="made",
        frame_size=(96, 192),
        indices=np.arange(steps),
        joints=joints,
        others=np.zeros(steps, bool),
        frozen=np.zeros(steps, bool),
        places=np.tile(np.eye(3), (steps, 1, 1)),
        cuts=np.zeros(steps),
        fades=np.zeros(steps),
    )


def without_legs(survey: Survey, start: int, stop: int) -> None:
    legs = (skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE, skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE)
    for joint in legs:
        survey.joints[start:stop, joint] = 0


def found(survey: Survey, flags: ClipSettings = FLAGS, name: str = "a.mp4"):
    """(start, stop, tests failed) of each span."""
    return [(s.start, s.stop, "+".join(f.test for f in s.faults)) for s in find_spans(survey, name, flags)]


def test_all_of_a_video_becomes_clips_but_for_a_short_rest():
    assert found(surveyed(85)) == [(0, 40, ""), (40, 80, ""), (80, 85, "seconds")]
    assert found(surveyed(90)) == [(0, 40, ""), (40, 80, ""), (80, 90, "")]


def test_no_clip_spans_a_cut():
    survey = surveyed(60)
    survey.cuts[25] = 0.9
    assert found(survey) == [(0, 25, ""), (25, 25, "shot"), (25, 60, "")]
    (cut,) = [span for span in find_spans(survey, "a.mp4", FLAGS) if span.faults]
    assert (cut.faults[0].value, cut.faults[0].bar) == (0.9, 0.4)


def test_a_fade_is_left_out_with_a_little_before_and_after():
    survey = surveyed(70)
    survey.fades[20:45] = 0.1  # of half a second; two seconds later nothing is seen of it
    survey.fades[24:40] = 0.7
    assert found(survey) == [(0, 16, ""), (16, 29, "shot"), (29, 69, ""), (69, 70, "seconds")]
    assert find_spans(survey, "a.mp4", FLAGS)[1].measures["shot"] == 0.7
    survey.fades[24:40] = 0.3
    assert found(survey) == [(0, 40, ""), (40, 70, "")]


def test_a_fade_at_the_end_is_left_out_to_it():
    survey = surveyed(40)
    survey.fades[30:] = 0.9
    assert found(survey) == [(0, 26, ""), (26, 40, "shot")]


def test_who_is_not_whole_for_a_second_may_be_in_a_clip_and_not_for_longer():
    survey = surveyed(40)
    without_legs(survey, 20, 27)
    (span,) = find_spans(survey, "a.mp4", FLAGS)
    assert not span.faults and span.measures["whole"] == pytest.approx(33 / 40)
    without_legs(survey, 15, 28)
    assert found(survey) == [(0, 15, ""), (15, 28, "whole"), (28, 40, "")]


def test_many_short_pauses_are_too_many():
    survey = surveyed(40)
    without_legs(survey, 5, 14)
    without_legs(survey, 20, 29)
    (span,) = find_spans(survey, "a.mp4", FLAGS)
    assert [(f.test, f.value, f.bar) for f in span.faults] == [("whole", pytest.approx(22 / 40), 0.8)]


def test_whole_takes_the_head_an_ankle_and_most_joints():
    joints = np.tile(np.c_[PERSON, np.ones(14)].astype(np.float32), (5, 1, 1))
    joints[1, skeleton.HEAD] = 0
    joints[2, skeleton.LEFT_ANKLE] = 0
    joints[3, [skeleton.LEFT_ANKLE, skeleton.RIGHT_ANKLE]] = 0
    joints[4, [skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST, skeleton.LEFT_KNEE, skeleton.LEFT_HIP]] = 0
    assert whole(joints, (96, 192)).tolist() == [True, False, True, False, False]


def test_joints_guessed_at_the_frames_edge_are_out_of_view_and_elsewhere_hidden():
    joints = np.tile(np.c_[PERSON, np.ones(14)].astype(np.float32), (2, 1, 1))
    joints[:, [skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE], 2] = 0.2
    assert whole(joints, (96, 192)).all()
    joints[1, [skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE], 1] = 94
    assert whole(joints, (96, 192)).tolist() == [True, False]
    joints[1, [skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE], 2] = 1.0  # seen, though near the edge
    assert whole(joints, (96, 192)).all()


def test_others_may_be_there_for_a_tenth_of_a_clip():
    survey = surveyed(40)
    survey.others[:4] = True
    assert found(survey) == [(0, 40, "")]
    survey.others[4] = True
    (span,) = find_spans(survey, "a.mp4", FLAGS)
    assert [(f.test, f.value) for f in span.faults] == [("others", pytest.approx(5 / 40))]


def test_camera_is_measured_in_the_crops_sides():
    survey = surveyed(40)
    survey.places[30:, 0, 2] = 3.7  # a quarter of the time elsewhere; the middle of all places is the other one
    (span,) = find_spans(survey, "a.mp4", FLAGS)
    assert [fault.test for fault in span.faults] == ["camera"]
    assert span.measures["camera"] == pytest.approx(3.7 / SIDE)
    survey.places[30:, 0, 2] = 0.005 * SIDE - 1e-6
    assert found(survey) == [(0, 40, "")]


def test_the_camera_may_jump_for_two_steps_and_no_longer():
    survey = surveyed(250)
    survey.places[120:122, 0, 2] = survey.places[200:202, 0, 2] = 50.0  # errors of tracking
    assert found(survey, ClipSettings()) == [(0, 250, "")]
    survey.places[202, 0, 2] = 50.0
    assert found(survey, ClipSettings()) == [(0, 250, "camera")]
    survey = surveyed(250)
    survey.places[248:, 0, 2] = 50.0  # at an end it may have gone on
    assert found(survey, ClipSettings()) == [(0, 250, "camera")]


def test_a_camera_that_shakes_moves():
    survey = surveyed(250)
    survey.places[::10, 0, 2] = 2.0  # never for long
    (span,) = find_spans(survey, "a.mp4", ClipSettings())
    assert span.measures["camera"] == pytest.approx(2.0 / SIDE) and [f.test for f in span.faults] == ["camera"]


def test_the_picture_may_stand_for_less_than_a_second():
    survey = surveyed(40)
    survey.frozen[10:18] = survey.frozen[20:28] = True
    assert found(survey) == [(0, 40, "")]
    survey.frozen[18] = True
    (span,) = find_spans(survey, "a.mp4", FLAGS)
    assert [(fault.test, fault.value, fault.bar) for fault in span.faults] == [("frozen", 0.9, 0.8)]


def test_every_fault_of_a_span_is_told():
    survey = surveyed(40)
    survey.others[:] = True
    survey.places[:, 1, 2] = np.arange(40)
    assert found(survey) == [(0, 40, "others+camera")]


def test_who_is_never_seen_is_not_whole():
    survey = surveyed(40)
    survey.joints[:] = 0
    assert found(survey) == [(0, 40, "whole")]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(2, 150),
    cuts=st.sets(st.integers(1, 149), max_size=3),
    fades=st.sets(st.integers(0, 149), max_size=4),
    missing=st.lists(st.tuples(st.integers(0, 149), st.integers(1, 30)), max_size=4),
)
def test_every_step_is_in_one_span(steps, cuts, fades, missing):
    survey = surveyed(steps)
    survey.cuts[[i for i in cuts if i < steps]] = 1
    survey.fades[[i for i in fades if i < steps]] = 1
    for start, length in missing:
        survey.joints[start : start + length] = 0
    spans = [span for span in find_spans(survey, "a.mp4", FLAGS) if span.start != span.stop]
    assert [step for span in spans for step in range(span.start, span.stop)] == list(range(steps))
    for span in spans:
        inside = range(span.start + 1, span.stop)
        assert span.faults or not any(survey.cuts[i] or survey.fades[i] for i in inside)


@settings(max_examples=60, deadline=None)
@given(steps=st.integers(2, 400), cut=st.integers(1, 399), name=st.text(max_size=5))
def test_random_clips_are_whole_apart_and_as_many_as_the_papers(steps, cut, name):
    survey = surveyed(steps)
    survey.cuts[[i for i in [cut] if i < steps]] = 1
    spans = find_spans(survey, name, RANDOM)
    clips = [(span.start, span.stop) for span in spans if not span.faults]
    room = sum((stop - start) // 40 for start, stop in survey.shots())
    assert len(clips) in (min(room, 3), min(room, 4))
    assert all(stop - start == 40 for start, stop in clips)
    assert all(before[1] <= after[0] for before, after in zip(clips, clips[1:]))
    assert spans == find_spans(survey, name, RANDOM)
    assert all(fault.test in ("shot", "seconds") for span in spans for fault in span.faults)


@settings(max_examples=8, deadline=None)
@given(name=st.text(max_size=5))
def test_random_clips_are_drawn_from_what_passes(name):
    survey = surveyed(1000)
    survey.others[:600] = True
    spans = find_spans(survey, name, RANDOM)
    clips = [span for span in spans if not span.faults]
    assert len(clips) in (3, 4) and all(span.start >= 596 for span in clips)
    assert {fault.test for span in spans for fault in span.faults} == {"others"}
    assert all(before.stop <= after.start for before, after in zip(spans, spans[1:]))


def test_random_clips_depend_on_the_name():
    survey = surveyed(1000)
    drawn = [found(survey, RANDOM, f"{i}.mp4") for i in range(16)]
    assert len({str(clips) for clips in drawn}) == 16
    assert 4 < sum(len(clips) == 3 for clips in drawn) < 12
    starts = [start for clips in drawn for start, _, _ in clips]
    assert min(starts) < 100 and max(starts) > 860
