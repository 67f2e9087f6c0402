"""A headless Chromium, driven over its debugging pipe: no library and no port is needed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


def installed() -> str | None:
    """The program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of a browser of its own, which notes what it is told of: `events`."""

    def __init__(self, folder: Path, wide: int = 1440, high: int = 900) -> None:
        program = installed()
        assert program
        orders_in, self._orders = os.pipe()
        self._answers, answers_out = os.pipe()
        # the browser reads file 3 and writes file 4
        command = f'exec 3<&{orders_in} 4>&{answers_out}; exec "$0" "$@"'
        options = [
            *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
            *(f"--window-size={wide},{high}", f"--user-data-dir={folder}", "--no-first-run"),
            *("--disable-background-networking", "--disable-extensions", "about:blank"),
        ]
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command, program, *options],
            pass_fds=(orders_in, answers_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(orders_in)
        os.close(answers_out)
        self._rest, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        targets = self.order("Target.getTargets")["targetInfos"]
        page = next(one for one in targets if one["type"] == "page")
        attached = self.order("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.order(f"{domain}.enable")

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._orders)
        os.close(self._answers)

    def order(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Has the browser do something; its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._orders, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                result: dict[str, Any] = told["result"]
                return result
            self.events.append(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._answers, 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(text)
        return told

    def open(self, path: Path) -> None:
        """Shows a file, and waits until it is there and painted."""
        self.order("Page.navigate", url=path.as_uri())
        deadline = time.monotonic() + 30
        ready = "document.readyState == 'complete' && location.protocol == 'file:'"
        while self.run(ready) is not True:
            assert time.monotonic() < deadline, "the page does not load"
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        told = self.order(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def key(self, key: str, text: str = "") -> None:
        """Presses a key."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowRight": 39, "ArrowDown": 40}
        about = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0]))}
        self.order("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.order("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        """Writes into what has the focus."""
        self.order("Input.insertText", text=text)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """`mousePressed`, `mouseMoved`, `mouseReleased` or `mouseWheel` at a place."""
        self.order(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            **({"button": "left", "clickCount": 1} if kind != "mouseWheel" else {}),
            **more,
        )

    def click(self, selector: str) -> None:
        """Clicks in the middle of an element."""
        place = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({place})")
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def screenshot(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self.order("Page.captureScreenshot")["data"])

    @property
    def requests(self) -> list[str]:
        """What the page asked for, itself left out."""
        asked = [e["params"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        urls = [one["request"]["url"] for one in asked if one["type"] != "Document"]
        return [url for url in urls if not url.startswith("data:")]

    @property
    def complaints(self) -> list[str]:
        """Errors and messages in the console."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event) for event in self.events if event["method"] in kinds]
