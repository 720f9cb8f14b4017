"""Slow work of a widget in a thread of its own, so that the page stays usable."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from siv_lite.widgets.panel import as_status, explain

RESEND_PAUSES = (1, 2, 7, 20)  # seconds; a page has connected by the end of these


@dataclass(eq=False)
class Job:
    """Something to be done.

    Attributes:
        text: what it is, as in "Drawing the sample".
        work: computes a result, in the thread.
        show: shows the result.
    """

    text: str
    work: Callable[[], Any]
    show: Callable[[Any], None]


class Background:
    """One job at a time, of which only the newest counts.

    A job that waits is dropped when a newer one comes. The result of a job that a newer one has
    overtaken is not shown.

    Attributes:
        sign: says what is under way, or in one sentence why it failed.
    """

    def __init__(self, *shown: widgets.Widget):
        """Make the sign, empty; the thread lives only while there is something to do.

        Args:
            *shown: the widgets that results are shown in.
        """
        self.shown = shown
        self.sign = widgets.HTML()
        self.is_first = True
        self.lock = threading.RLock()  # what is shown may change a control, which starts a job
        self.newest = None  # the job that counts, until it is done
        self.thread = None

    def start(self, text: str, work: Callable[[], Any], show: Callable[[Any], None]) -> None:
        """Do something as soon as what is under way is done.

        Args:
            text: what it is, for the sign, as in "Drawing the sample".
            work: called in the thread; it returns a result and touches no widget.
            show: called in the thread with the result, unless there is a newer job by then.
        """
        with self.lock:
            self.newest = Job(text, work, show)
            self.sign.value = as_status(f"{text} ...")
            if self.thread is None:
                # Not a daemon: the interpreter must not end in the middle of a job.
                self.thread = threading.Thread(target=self.work_off)
                self.thread.start()

    def cancel(self) -> None:
        """Drop the job that waits, and let nothing that is under way be shown."""
        with self.lock:
            self.newest = None
            self.sign.value = ""

    def wait(self) -> None:
        """Wait until nothing is under way."""
        thread = self.thread
        if thread is not None:
            thread.join()

    def work_off(self) -> None:
        """Do the newest job until there is none."""
        while True:
            with self.lock:
                job = self.newest
                if job is None:
                    self.thread = None
                    return

            result = None
            message = ""
            try:
                result = job.work()
            except Exception as error:  # whoever looks at a page cannot use a traceback
                message = explain(error, job.text)

            with self.lock:
                if job is not self.newest:
                    continue
                self.newest = None
                if not message:
                    job.show(result)
                self.sign.value = as_status(message)
                if self.is_first:
                    self.is_first = False
                    threading.Thread(target=self.send_again, daemon=True).start()

    def send_again(self) -> None:
        """Send the first result a few times more.

        Voila runs the whole notebook before its page listens, and what changes in between is lost:
        the page would show the sign, and the picture without the result, until a slider is moved.
        """
        for pause in RESEND_PAUSES:
            time.sleep(pause)
            for widget in (self.sign, *self.shown):
                widget.send_state()
