"""The page that makes videos, in Chromium, with whole transfers behind it."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import urllib.request
import zipfile

import cv2
import numpy as np
import pytest
from browsers import start_browser
from test_app_jobs import SEVERAL, command
from videos import numbered_frames, write_video

from stmt_tf.app.settings import AppConfig
from stmt_tf.video.reader import read_chosen, read_frames

# Not imported here: that takes seconds in each process that collects the tests.
needs_gradio = pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="needs gradio")
pytestmark = [needs_gradio, pytest.mark.browser, pytest.mark.slow]

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
BRIGHTEST = """
    const canvas = document.createElement("canvas"), video = document.querySelector(arguments[0]);
    canvas.width = canvas.height = 8;
    canvas.getContext("2d").drawImage(video, 0, 0, 8, 8);
    return Math.max(...canvas.getContext("2d").getImageData(0, 0, 8, 8).data.filter((_, i) => i % 4 < 3));
"""


class Visitor:
    """Somebody at a browser of his or her own."""

    def __init__(self, address, home):
        self.downloads = home / "downloads"
        self.driver = start_browser(home / "profile", self.downloads)
        self.driver.get(address)
        self.wait(lambda: self.shown("#start"))

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def shown(self, selector):
        found = self.driver.find_elements("css selector", selector)
        return bool(found) and found[0].is_displayed()

    def wait(self, condition, seconds=120):
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        wait = WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=[StaleElementReferenceException])
        return wait.until(lambda _: condition())

    def told(self, text):
        """Waits until the page tells something; returns all that it tells then."""
        self.wait(lambda: text in self.find("#status").text)
        return self.find("#status").text

    def choose(self, name, path):
        """Uploads a file in the place of the one that is chosen; returns what the page tells of it."""
        from selenium.common.exceptions import TimeoutException

        def emptied():  # a page that is still waking up, on a busy machine, may miss a click or a file
            if self.shown(f"#{name} [aria-label=Clear]"):
                self.find(f"#{name} [aria-label=Clear]").click()
            upload = self.driver.find_elements("css selector", f"#{name} input[type=file]")
            return upload and not self.shown(f"#look-{name}")

        for patience in (10, 30, 120):
            self.wait(emptied)
            self.find(f"#{name} input[type=file]").send_keys(str(path))
            try:
                return self.wait(lambda: self.shown(f"#look-{name}") and self.find(f"#look-{name}").text, patience)
            except TimeoutException:
                continue
        raise AssertionError(f"{path} did not arrive")

    def start(self):
        self.find("#start").click()

    def use_phone(self):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)

    def sees(self, selector):
        """Whether the top of something is in view."""
        top, height = "arguments[0].getBoundingClientRect().top", "window.innerHeight"
        return self.driver.execute_script(f"return 0 <= {top} && {top} < {height}", self.find(selector))


@pytest.fixture
def visitor(address, tmp_path):
    person = Visitor(address, tmp_path)
    yield person
    person.driver.quit()


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A visitor of a page whose command makes of three targets the first and the last."""
    from stmt_tf.app.serve import served

    monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # restored afterwards
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with served(AppConfig(port=port), command(SEVERAL)) as address:
        person = Visitor(address, tmp_path)
        yield person
        person.driver.quit()


@pytest.fixture
def another_visitor(address, tmp_path):
    person = Visitor(address, tmp_path / "another")
    yield person
    person.driver.quit()


def test_from_two_uploads_to_a_result_that_plays_and_is_gone_with_the_page(visitor, videos, kept):
    visitor.choose("source", videos / "source.mp4")
    visitor.choose("target", videos / "target.mp4")
    visitor.start()
    visitor.wait(lambda: visitor.shown("#preview img"))
    visitor.told("Done.")
    video = visitor.find(".shown-output video")
    visitor.wait(lambda: video.get_property("readyState") >= 2)
    assert video.get_property("duration") == pytest.approx(9 / 12.5, abs=0.05)
    visitor.find("#play").click()
    visitor.wait(lambda: visitor.driver.execute_script(BRIGHTEST, ".shown-output video") > 30)
    assert visitor.shown("details.sheet img")
    assert visitor.shown(".shown-source video") and visitor.shown(".shown-target video")
    assert not visitor.shown("details.attention")  # the model has none
    visitor.find(".download-output").click()
    visitor.wait(lambda: [path.name for path in visitor.downloads.glob("*")] == ["result.mp4"])
    loaded = visitor.driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    origin = visitor.driver.execute_script("return location.origin")
    assert [name for name in loaded if not name.startswith((origin, "blob:", "data:"))] == []
    visitor.use_phone()
    assert visitor.driver.execute_script("return document.documentElement.scrollWidth") == 390
    assert kept() != []
    visitor.driver.get("about:blank")
    visitor.wait(lambda: kept() == [])


def test_what_cannot_be_taken_is_told_at_once_and_another_try_is_free(visitor, videos, tmp_path):
    visitor.start()
    visitor.told("Two files are needed")
    text, empty, unknown = (tmp_path / name for name in ("text.txt", "empty.mp4", "X.VID"))
    text.write_text("no video")
    empty.touch()
    shutil.copy(videos / "target.mp4", unknown)  # of no type that a browser knows
    assert visitor.choose("source", text).startswith("text.txt: not a readable video")
    assert visitor.choose("source", empty) == "empty.mp4: is empty. Give another file."
    assert visitor.choose("target", unknown) == "0.7 seconds, 64 x 64 pixels"
    visitor.start()
    assert visitor.told("is empty").startswith("Person, empty.mp4: ")
    long = write_video(tmp_path / "long.mp4", numbered_frames(12), fps=2)
    assert visitor.choose("source", long) == "long.mp4: takes 6.0 s, more than the 5 s taken here. Cut it shorter."
    assert visitor.shown("#start") and not visitor.shown("#cancel")


def test_on_a_phone_the_poses_are_seen_before_the_wait_and_then_the_result(visitor, videos, tmp_path):
    photo, another = tmp_path / "photo.png", tmp_path / "another.png"
    for path, image in zip((photo, another), read_chosen(videos / "source.mp4", [0, 4])):
        cv2.imwrite(str(path), image[..., ::-1])
    visitor.use_phone()
    assert visitor.choose("source", photo) == "Photo, 64 x 64 pixels" and visitor.shown("#look-source img")
    told = visitor.choose("source", f"{photo}\n{another}")
    assert told == "2 photos; the first one shows the place, 64 x 64 pixels"
    assert len(visitor.driver.find_elements("css selector", "#look-source img")) == 2
    assert visitor.driver.execute_script("return document.documentElement.scrollWidth") == 390
    visitor.choose("source", videos / "source.mp4")
    visitor.choose("target", videos / "target.mp4")
    visitor.find("#look").click()
    visitor.told("Do the skeletons fit?")
    visitor.wait(lambda: visitor.sees("#preview img"))
    assert not visitor.shown("#results")
    visitor.start()
    visitor.told("Done.")
    visitor.wait(lambda: visitor.sees(".shown-output video"))


def test_a_job_ends_when_it_is_cancelled_and_when_the_page_is_closed(visitor, videos, kept):
    visitor.choose("source", videos / "source.mp4")
    visitor.choose("target", videos / "target.mp4")
    for _ in range(2):  # the second shows that the first stands in nobody's way
        visitor.start()
        visitor.told("Starting")
        visitor.find("#cancel").click()
        visitor.told("Cancelled")
        assert {path.parent.name for path in kept()}.isdisjoint({"source", "target"})  # of a job
    visitor.start()
    visitor.told("Starting")
    visitor.driver.get("about:blank")
    visitor.wait(lambda: kept() == [])


def served_bytes(visitor, selector):
    """What the page plays there."""
    source = visitor.find(f"{selector} video").get_property("currentSrc")
    with urllib.request.urlopen(source) as answer:
        return answer.read()


def test_two_visitors_at_once_get_each_their_own_and_one_of_them_another_place(
    visitor, another_visitor, videos, tmp_path
):
    place = tmp_path / "magenta.png"
    cv2.imwrite(str(place), np.full((64, 64, 3), (200, 0, 200), np.uint8))
    visitor.choose("source", videos / "source.mp4")
    visitor.choose("target", videos / "target.mp4")
    another_visitor.choose("source", videos / "target.mp4")
    another_visitor.choose("target", videos / "source.mp4")
    another_visitor.find("#place button").click()
    upload = "#background_file input[type=file]"
    another_visitor.wait(lambda: another_visitor.driver.find_elements("css selector", upload))
    another_visitor.find(upload).send_keys(str(place))
    another_visitor.wait(lambda: "magenta" in another_visitor.find("#background_file").text)
    visitor.start()
    another_visitor.start()
    for person, source, target in ((visitor, "source", "target"), (another_visitor, "target", "source")):
        person.told("Done.")
        assert served_bytes(person, ".shown-source") == (videos / f"{source}.mp4").read_bytes()
        assert served_bytes(person, ".shown-target") == (videos / f"{target}.mp4").read_bytes()
    results = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for path, person in zip(results, (visitor, another_visitor)):
        path.write_bytes(served_bytes(person, ".shown-output"))
    corners = [next(iter(read_frames(path))).image[:4, :4].mean((0, 1)) for path in results]
    np.testing.assert_allclose(corners[1], (200, 0, 200), atol=12)
    assert abs(corners[0] - corners[1]).max() > 40


def test_three_motions_given_in_the_boxes_become_three_videos_and_their_poses_can_be_given_back(
    alone, videos, tmp_path
):
    names = ["one", "two", "three"]
    targets = [shutil.copy(videos / "target.mp4", tmp_path / f"{name}.mp4") for name in names]
    alone.choose("source", videos / "source.mp4")
    told = alone.choose("target", "\n".join(map(str, targets)))
    assert told == f"3 motions, {3 * 9 / 12.5:.1f} seconds together; each becomes a video"
    alone.start()
    alone.told("Done, but 1 of 3 videos could not be made.")
    sections = alone.driver.find_elements("css selector", "#made section")
    heads = [section.find_element("css selector", "h2").text for section in sections]
    assert heads == ["one.mp4", "two.mp4", "three.mp4"]
    assert "Motion, two.mp4: shows nobody" in sections[1].text
    assert ["Download the result" in section.text for section in sections] == [True, False, True]
    alone.find(".download-poses").click()
    (archive,) = alone.wait(lambda: list(alone.downloads.glob("*.zip")))
    with zipfile.ZipFile(archive) as poses:
        poses.extractall(tmp_path / "poses")
    alone.find("#poses button").click()
    alone.wait(lambda: alone.driver.find_elements("css selector", "#target_poses input[type=file]"))
    saved = sorted((tmp_path / "poses" / "motion").iterdir())
    alone.find("#target_poses input[type=file]").send_keys("\n".join(map(str, saved)))
    alone.wait(lambda: all(path.stem in alone.find("#target_poses").text for path in saved))
    alone.start()
    told = alone.told("Poses must be given")
    assert told == "Poses must be given for each motion: got 2 files of poses for 3." and not alone.shown("#results")
