"""A headless Chromium, driven over its debugging pipe: JSON messages of the DevTools protocol that
end in a zero byte, on descriptors 3 and 4. Needs the standard library alone."""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars")
PATIENCE_S = 30


def found():
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        read, theirs_w = os.pipe()
        theirs_r, self.write = os.pipe()
        command = " ".join([f"exec '{found()}'", *OPTIONS, f"'--user-data-dir={self.home.name}'",
                            f"3<&{theirs_r} 4>&{theirs_w}"])
        self.process = subprocess.Popen(["bash", "-c", command], pass_fds=(theirs_r, theirs_w),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_r)
        os.close(theirs_w)
        self.read, self.left, self.last, self.events, self.session = read, b"", 0, [], None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility", "DOM"):
            self.send(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.send("Browser.close")
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired, RuntimeError):
            self.process.kill()
            self.process.wait()
        os.close(self.read)
        os.close(self.write)
        self.home.cleanup()

    def _message(self, until):
        while b"\0" not in self.left:
            if not select.select([self.read], [], [], max(0, until - time.monotonic()))[0]:
                return None
            more = os.read(self.read, 1 << 20)
            if not more:
                raise RuntimeError("chromium has gone")
            self.left += more
        message, self.left = self.left.split(b"\0", 1)
        message = json.loads(message)
        if message.get("method") == "Page.javascriptDialogOpening":
            self.post("Page.handleJavaScriptDialog", accept=False)
        if "method" in message:
            self.events.append(message)
        return message

    def post(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        return self.last

    def send(self, method, **params):
        sent, until = self.post(method, **params), time.monotonic() + PATIENCE_S
        while message := self._message(until):
            if message.get("id") == sent:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error'].get('message')}")
                return message["result"]
        raise RuntimeError(f"{method}: no answer in {PATIENCE_S} s")

    def wait_for(self, method):
        until, seen = time.monotonic() + PATIENCE_S, 0
        while True:
            for event in self.events[seen:]:
                seen += 1
                if event["method"] == method:
                    return event
            if not self._message(until):
                raise RuntimeError(f"no {method} in {PATIENCE_S} s")

    def open(self, path):
        """Forgets what happened before, and returns when the page is loaded."""
        self.events.clear()
        self.send("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        self.wait_for("Page.loadEventFired")

    def ask(self, script):
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def size(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def scheme(self, name, media=""):
        self.send("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": name}])

    def mouse(self, kind, x, y, **more):
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, name):
        code = {"Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, "Escape": 27, "Tab": 9}[name]
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code)

    def picture(self, file, whole=False):
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=whole)
        pathlib.Path(file).write_bytes(base64.b64decode(shot["data"]))

    def paper(self, file):
        pdf = self.send("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        pathlib.Path(file).write_bytes(base64.b64decode(pdf["data"]))
