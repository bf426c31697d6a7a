"""Opens a flame graph in headless Chromium, uses it as a person would, and says what it saw.

Usage: browser.py SVG FRAME WORD PICTURES

FRAME is a frame to click, WORD what to search for. Screenshots go to the folder PICTURES. What was
seen is one JSON object on standard output. It needs chromedriver and nothing else.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1300,900",
]

LOOK = """
const frames = [...document.querySelectorAll('#frames > g')];
const shown = id => {
  const element = document.getElementById(id);
  return element !== null && !element.classList.contains('hide');
};
return {
  title: document.getElementById('title').textContent,
  subtitle: document.getElementById('subtitle').textContent,
  legend: [...document.querySelectorAll('#legend text')].map(text => text.textContent),
  total: document.getElementById('frames').getAttribute('total_samples'),
  unzoom: shown('unzoom'),
  matched: shown('matched') ? document.getElementById('matched').textContent : null,
  frames: frames.map(frame => {
    const rect = frame.querySelector('rect');
    const box = rect.getBoundingClientRect();
    return {
      title: frame.querySelector('title').textContent,
      text: frame.querySelector('text').textContent,
      fill: getComputedStyle(rect).fill,
      hidden: frame.classList.contains('hide'),
      x: box.x, y: box.y, width: box.width, height: box.height,
    };
  }),
  width: window.innerWidth,
};
"""


class Browser:
    """One session of chromedriver."""

    def __init__(self, data):
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True
        )
        self.session = None
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.url = "http://127.0.0.1:" + line.rstrip(".\n").rsplit(" ", 1)[1]
                break
        options = {"args": OPTIONS + ["--user-data-dir=" + data]}
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "unhandledPromptBehavior": "ignore",
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.session = "/session/" + answer["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def do(self, path, body=None):
        return self.call("GET" if body is None else "POST", self.session + path, body)

    def look(self):
        return self.do("/execute/sync", {"script": LOOK, "args": []})

    def click(self, frame):
        """Clicks in the middle of what is seen of a frame."""
        x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
        move = {"type": "pointerMove", "duration": 0, "x": int(x), "y": int(y)}
        press = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        mouse = {"type": "pointer", "id": "mouse", "actions": [move, *press]}
        self.do("/actions", {"actions": [mouse]})

    def click_element(self, name):
        found = self.do("/element", {"using": "css selector", "value": "#" + name})
        self.do("/element/" + next(iter(found.values())) + "/click", {})

    def screenshot(self, file):
        with open(file, "wb") as picture:
            picture.write(base64.b64decode(self.do("/screenshot")))

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()


def use(browser, svg, frame, word, pictures):
    def picture(step):
        name = os.path.splitext(os.path.basename(svg))[0]
        browser.screenshot(os.path.join(pictures, f"{name}-{step}.png"))

    def named(seen):
        return next(one for one in seen["frames"] if one["title"].startswith(frame + " ("))

    browser.do("/url", {"url": "file://" + svg})
    saw = {"opened": browser.look()}
    picture("opened")
    browser.click(named(saw["opened"]))
    # Zooming is immediate, but for the browser's own next frame.
    time.sleep(0.2)
    saw["zoomed"] = browser.look()
    picture("zoomed")
    browser.click_element("unzoom")
    time.sleep(0.2)
    saw["unzoomed"] = browser.look()
    browser.click_element("search")
    browser.do("/alert/text", {"text": word})
    browser.do("/alert/accept", {})
    time.sleep(0.2)
    saw["searched"] = browser.look()
    picture("searched")
    # Errors of scripts would be here.
    saw["log"] = [entry["message"] for entry in browser.do("/se/log", {"type": "browser"})]
    return saw


def main():
    svg, frame, word, pictures = sys.argv[1:]
    os.makedirs(pictures, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        browser = Browser(data)
        try:
            print(json.dumps(use(browser, os.path.abspath(svg), frame, word, pictures)))
        finally:
            browser.close()


main()
