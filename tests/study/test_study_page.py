"""The page of the user study, in Chromium, as a participant uses it."""

import collections
import contextlib
import json
import time

import pytest
from browsers import start_browser
from studies import LEVELS, METHODS, write_results

from stmt_tf.study.answers import read_session
from stmt_tf.study.build import build
from stmt_tf.study.tally import tally

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ("same/a.mp4", "same/b.mp4", "cross/c.mp4", "cross/d.mp4")
QUESTIONS = ["Which video looks more realistic?", "Which video contains less flicker artifacts?"]
# The grey level of the middle of a video, by which the methods are told apart.
LEVEL = """
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    canvas.getContext("2d").drawImage(document.getElementById(arguments[0]), 0, 0, 1, 1);
    return canvas.getContext("2d").getImageData(0, 0, 1, 1).data[0];
"""


class Participant:
    """Somebody at a browser of his or her own, who sees what is visible, and uses mouse and keyboard."""

    def __init__(self, page, home):
        self.page, self.home = page, home
        self.downloads = home / "downloads"
        self.open()

    def open(self):
        """Starts the browser and opens the page."""
        self.driver = start_browser(self.home / "profile", self.downloads)
        self.driver.get(self.page.as_uri())

    def close(self):
        self.driver.quit()

    def js(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _: condition())

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def click(self, selector):
        self.find(selector).click()

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def sees(self, text):
        return text in self.find("main").text

    def begin(self):
        self.click("#begin button")

    def ready(self):
        """Waits until the question can be answered, and a moment longer, as the page takes no double clicks."""
        self.wait(lambda: self.find("[data-answer=left]").is_enabled())
        time.sleep(0.3)

    def answer(self, act):
        """Answers the question shown by an action; returns what was to be seen."""
        self.ready()
        left = self.js(LEVEL, "left")
        seen = {
            "question": self.find("#asked").text,
            "left": METHODS[0] if abs(left - LEVELS["first"]) < 40 else METHODS[1],
        }
        before = self.find("#count").text
        act()
        self.wait(lambda: self.find("#count").text != before or self.sees("Thank you"))
        return seen

    def kept(self):
        """What the page keeps in the browser."""
        (value,) = self.js("return Object.values(localStorage)")
        return json.loads(value)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    first, second = (flag.partition("=")[2] for flag in write_results(root, NAMES, count=20, size=64))
    build(first, second, ",".join(METHODS), root / "page.html")
    return root / "page.html"


@pytest.fixture
def participant(page, tmp_path):
    person = Participant(page, tmp_path)
    with contextlib.closing(person):
        yield person
        assert person.driver.get_log("browser") == []


def test_a_whole_study(participant):
    """Keyboard and mouse, an interruption in which the browser is closed, the file of answers, the table."""
    from selenium.webdriver import Keys

    assert participant.sees("4 pairs of videos") and participant.sees("2 minutes")
    participant.find("#participant").send_keys("Zoë <7>", Keys.ENTER)
    acts = [
        ("left", lambda: participant.press(Keys.ARROW_LEFT)),
        ("right", lambda: participant.click("[data-answer=right]")),
        ("not sure", lambda: participant.press(" ")),
        ("left", lambda: participant.press("1")),
        ("not sure", lambda: participant.press("2")),
        ("right", lambda: participant.press("3")),
        ("left", lambda: participant.click("[data-answer=left]")),
        ("right", lambda: participant.press(Keys.ARROW_RIGHT)),
    ]
    seen = [participant.answer(act) for _, act in acts[:3]]
    participant.close()
    participant.open()
    assert participant.sees("You have answered 3 of 8 questions")
    participant.click("#continue")
    assert participant.sees("Pair 2 of 4, question 2 of 2")
    assert participant.find("#progress").get_property("value") == 3
    seen += [participant.answer(act) for _, act in acts[3:]]
    assert participant.sees("Thank you")
    participant.click("#save")
    (path,) = participant.wait(lambda: list(participant.downloads.glob("answers-*.json")))
    assert participant.sees(path.name)

    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["participant"] == "Zoë <7>" and content["started"] < content["finished"]
    assert sorted(content["answers"][i]["pair"] for i in range(0, 8, 2)) == sorted(NAMES)
    for answer, at, (given, _) in zip(content["answers"], seen, acts):
        assert answer["answer"] == given and answer["left"] == at["left"] != answer["right"]
        assert QUESTIONS[["fidelity", "consistency"].index(answer["question"])] == at["question"]
        assert 250 <= answer["milliseconds"] < 20000
    session = read_session(path)
    table = tally([path])
    fidelity = collections.Counter(answer.chosen for answer in session.answers if answer.question == "fidelity")
    row = next(line for line in table.splitlines() if line.startswith("| Overall Fidelity"))
    assert [float(cell.split("%")[0]) for cell in row.split("|")[2:5]] == [25.0 * fidelity[kind] for kind in range(3)]
    assert "Same-Video: 2 pairs" in table and "1 participant, 8 answers" in table

    participant.driver.refresh()  # the answers are still there, to be saved once more
    assert participant.sees("Thank you")


def test_both_videos_play_together_again_and_again(participant):
    count = "window.rounds = 0; arguments[0].addEventListener('ended', () => window.rounds++)"
    participant.js(count, participant.find("#left"))
    participant.begin()
    times = []

    def watch():
        times.append(participant.js("return ['left', 'right'].map((id) => document.getElementById(id).currentTime)"))
        return participant.js("return window.rounds") == 2

    participant.wait(watch)
    assert max(abs(left - right) for left, right in times) < 0.15
    assert len({left for left, _ in times}) > 5


def test_videos_can_be_paused_and_replayed(participant):
    participant.begin()
    participant.ready()
    participant.click("#pause")
    assert participant.find("#pause").text == "Play"
    before = participant.js("return document.getElementById('left').currentTime")
    time.sleep(0.3)
    assert participant.js("return document.getElementById('left').currentTime") == before
    participant.press("r")
    assert participant.find("#pause").text == "Pause"
    participant.wait(lambda: not participant.js("return document.getElementById('right').paused"))


def test_the_last_answer_can_be_changed(participant):
    participant.begin()
    participant.answer(lambda: participant.press("1"))
    participant.ready()
    participant.click("#back")
    assert participant.sees("Pair 1 of 4, question 1 of 2") and not participant.find("#back").is_enabled()
    participant.answer(lambda: participant.press("3"))
    assert [answer["answer"] for answer in participant.kept()["answers"]] == ["right"]


def test_slips_of_the_hand_are_no_answers(participant):
    from selenium.webdriver import Keys

    participant.begin()
    participant.answer(lambda: participant.press("11"))
    participant.ready()
    participant.press(Keys.TAB, " ")  # presses "Left", which the tab key reached, and does not mean "not sure"
    participant.wait(lambda: len(participant.kept()["answers"]) == 2)
    assert [answer["answer"] for answer in participant.kept()["answers"]] == ["left", "left"]


def test_every_participant_gets_another_order_and_each_method_each_side(participant):
    plans = []
    for _ in range(8):
        participant.begin()
        plans.append(participant.kept()["plan"])
        participant.js("localStorage.clear()")
        participant.driver.refresh()
    for plan in plans:
        assert sorted(trial["pair"] for trial in plan) == [0, 1, 2, 3]
        assert sum(trial["swapped"] for trial in plan) == 2
    assert len({str(plan) for plan in plans}) > 1


def test_one_can_start_over(participant):
    participant.begin()
    participant.answer(lambda: participant.press("1"))
    first = participant.kept()["session"]
    participant.driver.refresh()
    participant.click("#over")
    participant.driver.switch_to.alert.accept()
    participant.begin()
    assert participant.kept()["session"] != first and participant.kept()["answers"] == []


def test_a_second_window_does_not_answer_again(participant):
    participant.begin()
    participant.answer(lambda: participant.press("1"))
    first = participant.driver.current_window_handle
    participant.driver.switch_to.new_window("window")
    participant.driver.get(participant.page.as_uri())
    participant.click("#continue")
    participant.answer(lambda: participant.press("3"))
    participant.driver.close()
    participant.driver.switch_to.window(first)
    participant.wait(lambda: participant.sees("You have answered 2 of 8 questions"))
    participant.click("#continue")
    participant.answer(lambda: participant.press("2"))
    assert [answer["answer"] for answer in participant.kept()["answers"]] == ["left", "right", "not sure"]


def test_a_browser_that_keeps_nothing_says_so_and_goes_on(participant):
    participant.js("Storage.prototype.setItem = () => { throw new Error('full'); }")
    participant.begin()
    assert participant.sees("does not keep your progress")
    participant.answer(lambda: participant.press("1"))
    assert participant.sees("Pair 1 of 4, question 2 of 2")


def test_damaged_progress_is_forgotten(participant):
    participant.begin()
    participant.js("localStorage.setItem(Object.keys(localStorage)[0], arguments[0])", '{"plan": 3}')
    participant.driver.refresh()
    assert participant.sees("4 pairs of videos")


def test_no_screen_names_a_method_or_is_wider_than_a_phone(participant):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    participant.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    texts = []

    def look():
        texts.append(participant.find("main").text)
        assert participant.js("return document.documentElement.scrollWidth") <= 390
        button = participant.find("section:not([hidden]) button")
        assert button.rect["y"] + button.rect["height"] <= 844

    look()
    participant.begin()
    for i in range(8):
        participant.answer(lambda: (look(), participant.press("1")))
        if i == 3:
            participant.driver.refresh()
            look()
            participant.click("#continue")
    look()
    participant.click("#save")
    look()
    assert len(set(texts)) == 12
    for name in (*METHODS, "single", "same/", "cross/", ".mp4"):
        assert not any(name in text.replace("your", "") for text in texts)
    loaded = participant.js("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith(("blob:", "data:"))] == []
