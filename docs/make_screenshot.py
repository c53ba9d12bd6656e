"""Make the picture of the browser page: `python docs/make_screenshot.py docs/images/app.png`.

Needs the extras `app` and `browser`, and Chromium with its driver.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait


def main(target: str) -> None:
    """Open the page, take the demo, let the trumpet play it, and look."""
    command = [sys.executable, "-m", "ddsp_ref", "app", "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline()).group()
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-sync"
    for flag in [
        *flags.split(),
        "--window-size=1280,1390",
        f"--user-data-dir={tempfile.mkdtemp()}",
    ]:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.get(address)
        wait = WebDriverWait(browser, 60)
        tabs = wait.until(lambda b: b.find_elements("css selector", "button[role=tab]"))
        next(tab for tab in tabs if tab.text == "Demo").click()
        wait.until(lambda b: b.find_element("id", "demo")).click()
        wait.until(lambda b: "real time" in b.find_element("id", "result").text)
        browser.find_element("css selector", "#instrument input[value=Trumpet]").click()
        wait.until(
            lambda b: "trumpet" in b.page_source and b.find_elements("css selector", "#curves a")
        )
        time.sleep(3)  # the picture of the sound is drawn
        picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    finally:
        browser.quit()
        server.terminate()
    picture.quantize(128).save(Path(target), optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
