"""Programs that call the page, and what becomes of their files, with a quick stand-in for the transfer."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import socket
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from callers import call
from test_app_jobs import SEVERAL, command
from videos import numbered_frames, write_video

from stmt_tf.app.settings import AppConfig

client = pytest.importorskip("gradio_client")
httpx = pytest.importorskip("httpx")

FLAGS = 'pathlib.Path(flags["output"]).write_text(str(sorted(flags.items())))'
ENDLESS = 'while True: tell("\\rresult: |  | 3/9 [00:01<00:02, 4.0 frames/s]\\n"); time.sleep(0.1)'


@pytest.fixture
def serve(monkeypatch):
    """A function that serves a page with this stand-in, until the test ends."""
    from stmt_tf.app.serve import served

    monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # restored afterwards
    with contextlib.ExitStack() as stack:

        def begin(last):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            return stack.enter_context(served(AppConfig(port=port), command(last)))

        yield begin


@pytest.fixture
def video(tmp_path):
    return str(write_video(tmp_path / "video.mp4", numbered_frames(8)))


def kept(folder):
    """Files that the page keeps of jobs or uploads."""
    scratch = Path(os.environ["GRADIO_TEMP_DIR"]).parent
    return [name for _, _, names in os.walk(scratch / folder) for name in names]  # some may go meanwhile


def wait_until(condition):
    while not condition():
        time.sleep(0.05)


class Plain:
    """A caller by plain HTTP."""

    def __init__(self, address):
        self.address = f"{address}gradio_api"

    def call(self, name, **given):
        """The stream of the answer's lines."""
        parameters = httpx.get(f"{self.address}/info").json()["named_endpoints"][f"/{name}"]["parameters"]
        defaults = {each["parameter_name"]: each.get("parameter_default") for each in parameters}
        data = [{**defaults, **given}[flag] for flag in defaults]
        event = httpx.post(f"{self.address}/call/{name}", json={"data": data}).json()["event_id"]
        return httpx.stream("GET", f"{self.address}/call/{name}/{event}", timeout=None)

    def upload(self, path):
        with open(path, "rb") as file:
            (uploaded,) = httpx.post(f"{self.address}/upload", files={"files": file}).json()
        return {"path": uploaded, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize("several", [False, True])
def test_a_source_is_a_file_or_several_photos(serve, video, tmp_path, several):
    program = call(serve(FLAGS), download_files=str(tmp_path / "downloads"))
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((32, 32, 3), np.uint8))
    source = [client.handle_file(str(photo))] * 2 if several else client.handle_file(video)
    made, *_ = program.predict(source=source, target=client.handle_file(video), fps=30, api_name="/transfer")
    flags = Path(made).read_text()
    assert "('fps', '30')" in flags and ("source/video.mp4'" in flags) != several and ("/source'" in flags) == several
    program.close()
    wait_until(lambda: not kept("jobs") and not kept("uploads"))


def test_several_targets_give_lists_in_their_order(serve, video, tmp_path, monkeypatch):
    warned = []
    monkeypatch.setattr("stmt_tf.app.programs.gr.Warning", warned.append)
    program = call(serve(SEVERAL), download_files=str(tmp_path / "downloads"))
    names = ("one", "two", "three")
    targets = [client.handle_file(shutil.copy(video, tmp_path / f"{name}.mp4")) for name in names]
    poses = [tmp_path / f"{name}.json" for name in names]
    for path in poses:
        path.write_text("{}")
    given = {"source": client.handle_file(video), "target": targets}
    given["target_poses"] = [client.handle_file(str(path)) for path in reversed(poses)]
    output, preview, *_ = program.predict(**given, api_name="/transfer")
    assert [made and Path(made).name for made in output] == ["one.mp4", None, "three.mp4"] and preview == [None] * 3
    assert warned == ["target/two.mp4: shows nobody"]
    flags = dict(ast.literal_eval(Path(output[0]).read_text()))
    assert [Path(path).stem for path in flags["target_poses"].split(",")] == list(names)
    source, motions = program.predict(**given, api_name="/poses")
    assert Path(source).name == "video.json" and [made and Path(made).name for made in motions][::2] == [
        "one.json", "three.json"
    ]  # fmt: skip
    with pytest.raises(client.exceptions.AppError, match="People are numbered in one motion alone, got 3"):
        program.predict(given["source"], targets, api_name="/people")
    place = tmp_path / "place.png"
    cv2.imwrite(str(place), np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(client.exceptions.AppError, match="The background is blue and a file. Leave one of them out"):
        program.predict(
            **given, background="blue", background_file=client.handle_file(str(place)), api_name="/transfer"
        )
    program.close()
    wait_until(lambda: not kept("jobs") and not kept("uploads"))
    assert Path(video).exists() and place.exists()


def test_of_photos_and_a_motion_the_people_of_the_motion_are_numbered(serve, video, tmp_path):
    program = call(serve('pathlib.Path(flags["people"]).write_text(str(sorted(flags)))'))
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((32, 32, 3), np.uint8))
    both = {"source": [client.handle_file(str(photo))] * 2, "target": client.handle_file(video)}
    assert "'source'" not in Path(program.predict(**both, api_name="/people")).read_text()
    program.close()


def test_urls_are_no_inputs(serve, video):
    address = serve(FLAGS)
    program = call(address)
    theirs = client.handle_file(f"{address}gradio_api/info")
    with pytest.raises(client.exceptions.AppError, match="gradio_api/info: files are taken here, and no URLs"):
        program.predict(source=theirs, target=client.handle_file(video), api_name="/people")
    program.close()


@pytest.mark.parametrize(("source", "target"), [(True, "B.mp4"), ("A.mp4", True), (["A.mp4", "B.mp4"], True)])
def test_a_path_in_the_place_of_a_file_is_told(serve, video, source, target):
    program = call(serve(FLAGS))
    files = [client.handle_file(video) if file is True else file for file in (source, target)]
    with pytest.raises(client.exceptions.AppError, match=r"mp4'?\]?: not an uploaded file\. .*handle_file"):
        program.predict(*files, api_name="/people")
    program.close()


def test_a_call_that_is_cancelled_ends_its_job(serve, video):
    program = call(serve(ENDLESS))
    file = client.handle_file(video)
    job = program.submit(source=file, target=file, api_name="/transfer")
    wait_until(lambda: kept("jobs"))
    wait_until(lambda: job.outputs())
    job.cancel()
    wait_until(lambda: not kept("jobs"))
    program.close()


def test_a_call_whose_caller_goes_away_ends_its_job(serve, video):
    plain = Plain(serve(ENDLESS))
    file = plain.upload(video)
    with plain.call("transfer", source=file, target=file) as answer:
        next(answer.iter_lines())
        assert kept("jobs")
    wait_until(lambda: not kept("jobs"))


def test_files_of_a_plain_caller_go_in_time(serve, video, monkeypatch):
    monkeypatch.setattr("stmt_tf.app.page._FORGETTING", (1, 3))
    plain = Plain(serve(FLAGS))
    file = plain.upload(video)
    with plain.call("transfer", source=[file], target=file) as answer:
        lines = list(answer.iter_lines())
    assert "event: complete" in lines
    made, *others = json.loads(lines[lines.index("event: complete") + 1].removeprefix("data: "))
    assert "fps" in httpx.get(made["url"]).text and others[1:] == [None, None, None]
    assert not kept("jobs")
    wait_until(lambda: not kept("uploads"))
