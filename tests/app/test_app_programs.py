"""What programs call of the page, with whole transfers behind it."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from callers import call

from stmt_tf.transfer.settings import TransferConfig
from stmt_tf.video.picture import read_picture
from stmt_tf.video.reader import probe, read_frames

client = pytest.importorskip("gradio_client")
pytestmark = pytest.mark.slow


@pytest.fixture
def program(address, tmp_path):
    caller = call(address, download_files=str(tmp_path / "downloads"))
    yield caller
    caller.close()


@pytest.fixture
def both(videos):
    return {name: client.handle_file(str(videos / f"{name}.mp4")) for name in ("source", "target")}


def test_parameters_are_settings_of_the_transfer_with_its_defaults(program):
    endpoints = program.view_api(return_format="dict")["named_endpoints"]
    assert list(endpoints) == ["/people", "/preview", "/poses", "/transfer"]
    defaults = dataclasses.asdict(TransferConfig())
    for endpoint in endpoints.values():
        named = {each["parameter_name"]: each["parameter_default"] for each in endpoint["parameters"]}
        assert named.pop("background_file", None) is None and named.pop("matte", False) is False
        assert named.pop("source_poses", None) is None and named.pop("target_poses", None) is None
        for name, value in named.items():
            assert (value or defaults[name]) == defaults[name], name


def test_a_program_gets_a_video_and_its_pictures_and_nothing_stays_when_it_leaves(program, both, kept):
    output, preview, sheet, attention, matte = program.predict(
        **both, retarget="none", background="blue", matte=True, api_name="/transfer"
    )
    assert probe(output).num_frames == probe(matte).num_frames == 9
    corner = next(iter(read_frames(output))).image[:4, :4].mean((0, 1))
    np.testing.assert_allclose(corner, (0, 0, 255), atol=25)
    assert attention is None  # the model has none
    assert read_picture(sheet).shape[1] == read_picture(preview).shape[1] > 64
    again = program.predict(**both, retarget="none", api_name="/preview")
    assert read_picture(again).shape == read_picture(preview).shape
    assert kept() != []
    program.close()
    while kept():
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"start": 3, "end": 2}, "--start=3 must be at least 0 and before --end=2"),
        ({"scene": "target", "background": "green"}, "--scene=target goes without --background=green: leave one of"),
        ({"source": None}, "Two files are needed: one of the person, and one of the motion."),
        ({"max_size": 0}, "0 is less than minimum value 128"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_so(program, both, changes, complaint):
    with pytest.raises(client.exceptions.AppError) as caught:
        program.predict(**{**both, **changes}, api_name="/transfer")
    assert complaint in str(caught.value)
    assert "/tmp" not in str(caught.value)


def test_files_of_the_server_are_no_inputs(address, videos):
    import json
    import urllib.error
    import urllib.request

    theirs = {"path": str(videos / "target.mp4"), "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [theirs, theirs, 0, 0, 0, 0]}).encode()
    request = urllib.request.Request(f"{address}gradio_api/call/people", body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request))["event_id"]
    answer = urllib.request.urlopen(f"{address}gradio_api/call/people/{event}").read().decode()
    assert answer.startswith("event: error")
