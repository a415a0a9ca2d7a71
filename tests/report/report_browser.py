"""A real headless Chromium, driven by its DevTools protocol."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


def find_chromium():
    """The path of a Chromium, or ``None``."""
    given = os.environ.get("CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextlib.contextmanager
def opened(chromium, profile):
    """A browser; yields a function that opens a page."""
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    log = profile / "chromium.log"
    with open(log, "wb") as output:
        command = [chromium, *FLAGS, *root, f"--user-data-dir={profile / 'profile'}", "about:blank"]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        with connect(_address(log, process), max_size=None) as socket:
            numbers = itertools.count(1)
            yield lambda: Page(socket, numbers)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(log, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("DevTools listening on "):
                return line.removeprefix("DevTools listening on ")
        time.sleep(0.05)
    raise RuntimeError(f"Chromium did not start:\n{log.read_text(errors='replace')}")


class Page:
    """A page of the browser.

    Attributes:
        complaints: What the page's console, its exceptions and its policy said.
        requests: Every address that it asked for.
    """

    def __init__(self, socket, numbers):
        self._socket = socket
        self._numbers = numbers  # of messages, over all pages of the browser
        self.complaints = []
        self.requests = []
        self._session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Call a method of the protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        self._socket.send(json.dumps(message if self._session is None else {**message, "sessionId": self._session}))
        while True:
            answer = json.loads(self._socket.recv(timeout=30))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if self._session is not None and answer.get("sessionId") == self._session:
                self._note(answer["method"], answer["params"])

    def _note(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(params["args"]))

    def open(self, path, place=""):
        """Open a page, or another place in it."""
        self.call("Page.navigate", url=f"{path.as_uri()}{place}")
        self.wait_for("document.readyState === 'complete' && document.getElementById('found') !== null")
        return self

    def run(self, script):
        """What an expression of JavaScript comes to."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, script):
        """Wait until an expression is true."""
        deadline = time.monotonic() + 20
        while not self.run(script):
            if time.monotonic() > deadline:
                raise RuntimeError(f"This did not become true: {script}")
            time.sleep(0.02)

    def text(self, selector):
        """The texts of the elements that can be seen."""
        return self.run(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".filter((each) => each.checkVisibility()).map((each) => each.innerText.trim())"
        )

    def press(self, key):
        """Press a key."""
        keys = {"Enter": (13, "\r"), "Tab": (9, None), " ": (32, " ")}
        number, said = keys[key]
        facts = {"key": key, "code": key, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts, **({"text": said} if said else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def type(self, text):
        """Type a text."""
        self.call("Input.insertText", text=text)

    def shown_as(self, *, dark=False, phone=False):
        """Look at it in the dark, or on a phone."""
        self.call("Emulation.setEmulatedMedia", features=[_scheme(dark)])
        if phone:
            self.call("Emulation.setDeviceMetricsOverride", **PHONE)
        return self

    def accessible(self):
        """The accessibility tree as ``(role, name)``, in the order of the page."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node.get("ignored") and "role" in node
        ]


def _scheme(dark):
    return {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
