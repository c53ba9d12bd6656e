"""The page in a real browser: upload, choose, adjust, play, download; bad files; two visitors.

Needs the extras `app` and `browser`, and Chromium with its driver; left out without them.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from ddsp_ref.io.audio import read_audio, write_audio
from ddsp_ref.transfer.instruments import SHIPPED

from ..transfer.tiny import melody
from .running import recordings

pytestmark = pytest.mark.slow
if importlib.util.find_spec("gradio") is None:  # importing it would warn, and take its time
    pytest.skip("the extra `app` is not installed", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER):
    pytest.skip("Chromium or its driver is not installed", allow_module_level=True)

# No network but the page, no other windows, no sandbox (which root cannot have).
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --window-size=1280,1400"
)


@pytest.fixture(scope="module")
def address():
    """The page, served by the command that serves it."""
    command = [sys.executable, "-m", "ddsp_ref", "app", "--no-browser"]

    def heed_interrupts() -> None:  # which a shell takes away from what runs in its background
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline()).group()
    with server:
        yield address
        server.send_signal(signal.SIGINT)
        try:
            assert server.wait(30) == 0
        finally:
            server.kill()


@pytest.fixture
def visit(address, tmp_path):
    """A function that opens the page in a browser of its own."""
    browsers = []

    def open_page(*more):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS.split(), *more, f"--user-data-dir={tmp_path / str(len(browsers))}"]:
            options.add_argument(flag)
        service = webdriver.chrome.service.Service(DRIVER)
        browsers.append(webdriver.Chrome(options=options, service=service))
        browsers[-1].get(address)
        until(lambda: browsers[-1].find_elements("css selector", "#instrument input"))
        return browsers[-1]

    yield open_page
    for browser in browsers:
        browser.quit()


def until(condition, seconds=60):
    """Wait for something to be true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = condition()
        except Exception:  # an element was replaced while it was looked at
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def upload(browser, *paths):
    field = browser.find_element("css selector", "#files input[type=file]")
    field.send_keys("\n".join(str(path) for path in paths))


def set_number(browser, part, value):
    """Type a number into the field of a slider, again if the page was busy and lost a key."""

    def typed():
        field = browser.find_element("css selector", f"#{part} input[type=number]")
        field.send_keys("\ue009a\ue000" + value + "\ue004")  # Ctrl-A, the number, Tab
        return field.get_attribute("value") == value

    until(typed)


def result(browser):
    return browser.find_element("id", "result").text


def sound_of(browser, part="sound"):
    """Download what a player of the page plays."""
    player = browser.find_element("id", part)
    link = until(lambda: player.find_element("css selector", "a[download]").get_attribute("href"))
    return link, urllib.request.urlopen(link).read()


def test_the_whole_way(visit, tmp_path):
    write_audio(tmp_path / "first.wav", melody(), 16000)
    write_audio(tmp_path / "second.wav", melody(), 16000)
    browser = visit()
    upload(browser, tmp_path / "first.wav", tmp_path / "second.wav")
    until(lambda: "faster than real time" in result(browser))
    assert "first.wav" in browser.find_element("id", "heard").text
    first = sound_of(browser)[1]

    # another instrument, then a slider: both change the sound
    browser.find_element("css selector", "#instrument input[value=Trumpet]").click()
    until(lambda: "trumpet" in sound_of(browser)[0])
    second = until(lambda: sound_of(browser)[1])
    slider = browser.find_element("css selector", "#loudness input[type=range]")
    slider.send_keys("\ue014\ue014\ue014")  # arrows to the right
    louder = until(lambda: (lambda data: data != second and data)(sound_of(browser)[1]))
    set_number(browser, "octaves", "-1")
    seen = {first, second, louder}
    third = until(lambda: (lambda data: data not in seen and data)(sound_of(browser)[1]))

    # the files are what they say
    (tmp_path / "down.wav").write_bytes(third)
    audio, rate = read_audio(tmp_path / "down.wav")
    assert (len(audio), rate) == (len(melody()), 16000)
    assert np.abs(audio).max() > 0.01
    tabs = {tab.text: tab for tab in browser.find_elements("css selector", "button[role=tab]")}
    for title, part in (("Adjustment", "adjustment"), ("What was heard", "features")):
        tabs[title].click()
        until(lambda part=part: browser.find_elements("css selector", f"#{part} img"))
    tabs["Spectrograms"].click()
    until(lambda: browser.find_elements("css selector", "#spectrograms img"))
    links = until(lambda: browser.find_elements("css selector", "#curves a[href]"))
    data = urllib.request.urlopen(links[0].get_attribute("href")).read()
    assert data.startswith(b"time_s,f0_hz,loudness_db") or b"f0_hz" in data
    pictures = until(lambda: browser.find_elements("css selector", "#pictures a[href]"))
    assert urllib.request.urlopen(pictures[0].get_attribute("href")).read(2) == b"PK"

    # it plays
    play = browser.find_element("css selector", "#sound button[aria-label*=Play]")
    play.click()
    until(lambda: browser.find_elements("css selector", "#sound button[aria-label*=Pause]"))


def test_bad_files_and_then_a_good_one(visit, tmp_path):
    (tmp_path / "bad.wav").write_text("this is no audio")
    write_audio(tmp_path / "silence.wav", np.zeros(16000), 16000)
    write_audio(tmp_path / "good.wav", melody(), 16000)
    browser = visit()
    for name, text in (("bad.wav", "bad.wav"), ("silence.wav", "silent")):
        upload(browser, tmp_path / name)
        until(lambda text=text: text in browser.find_element("css selector", ".toast-wrap").text)
        browser.refresh()
        until(lambda: browser.find_elements("id", "files"))
    upload(browser, tmp_path / "good.wav")
    until(lambda: "faster than real time" in result(browser))


def test_an_instrument_of_ones_own_in_a_zip(visit, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "mine"), "zip", SHIPPED / "flute")
    write_audio(tmp_path / "a.wav", melody(), 16000)
    browser = visit()
    browser.find_elements("css selector", "#instrument input")[-1].click()
    field = until(lambda: browser.find_element("css selector", "#own input[type=file]"))
    field.send_keys(archive)
    upload(browser, tmp_path / "a.wav")
    until(lambda: "faster than real time" in result(browser))
    assert "flute" in sound_of(browser)[0]


def test_two_visitors_do_not_meet(visit, tmp_path):
    write_audio(tmp_path / "one.wav", melody(), 16000)
    write_audio(tmp_path / "two.wav", melody()[:12000], 16000)
    one, two = visit(), visit()
    upload(one, tmp_path / "one.wav")
    upload(two, tmp_path / "two.wav")
    for browser, name in ((one, "one"), (two, "two")):
        until(lambda browser=browser: "faster than real time" in result(browser))
        assert f"{name}.wav" in browser.find_element("id", "heard").text
        assert f"{name}-violin.wav" in sound_of(browser)[0]


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.name)
def test_every_step_on_a_recording(visit, path):
    """Of a folder of one's own, see `recordings`: heard, adjusted, played, drawn, downloaded."""
    browser = visit()
    upload(browser, path)
    until(lambda: "faster than real time" in result(browser))
    assert path.name in browser.find_element("id", "heard").text
    data = sound_of(browser)[1]
    browser.find_element("css selector", "#instrument input[value=Flute]").click()
    until(lambda: "flute" in sound_of(browser)[0])
    assert sound_of(browser)[1] != data
    set_number(browser, "autotune", "1")
    until(lambda: "Tuned by" in result(browser))
    tabs = {tab.text: tab for tab in browser.find_elements("css selector", "button[role=tab]")}
    for title, part in (("Adjustment", "adjustment"), ("What was heard", "features"),
                        ("Spectrograms", "spectrograms")):  # fmt: skip
        tabs[title].click()
        until(lambda part=part: browser.find_elements("css selector", f"#{part} img"))
    for part in ("curves", "pictures"):
        links = until(lambda part=part: browser.find_elements("css selector", f"#{part} a[href]"))
        assert urllib.request.urlopen(links[0].get_attribute("href")).read()


def test_the_microphone(visit, tmp_path):
    """A browser that takes a file for its microphone records some of it."""
    write_audio(tmp_path / "sung.wav", np.tile(melody(), 5), 16000)
    browser = visit(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={tmp_path / 'sung.wav'}",
    )
    tabs = {tab.text: tab for tab in browser.find_elements("css selector", "button[role=tab]")}
    tabs["Record"].click()
    buttons = "#microphone button.record-button, #microphone button.stop-button"
    press = until(lambda: browser.find_elements("css selector", buttons))
    press[0].click()
    time.sleep(3)
    stop = until(lambda: [b for b in browser.find_elements("css selector", buttons)
                          if "stop" in b.text.lower() and b.is_displayed()])  # fmt: skip
    stop[0].click()
    until(lambda: "faster than real time" in result(browser))
    assert "Pitch on" in browser.find_element("id", "heard").text


def test_what_was_set_last_counts(visit, tmp_path):
    """Controls that are changed while others are still being played end with all of them."""
    write_audio(tmp_path / "a.wav", melody(), 16000)
    browser = visit()
    upload(browser, tmp_path / "a.wav")
    until(lambda: "faster than real time" in result(browser))
    first = sound_of(browser)[1]
    for part, value in (("octaves", "-1"), ("octaves", "0"), ("semitones", "5"), ("semitones", "0"),
                        ("loudness", "-20")):  # fmt: skip
        set_number(browser, part, value)
    (tmp_path / "a").write_bytes(first)
    loud = np.abs(read_audio(tmp_path / "a")[0]).max()

    def is_last():
        (tmp_path / "b").write_bytes(sound_of(browser)[1])
        soft = read_audio(tmp_path / "b")[0]
        return loud / 40 < np.abs(soft).max() < loud / 3

    until(is_last, 120)
    time.sleep(2)  # nothing that was asked for earlier comes after it
    assert is_last()
