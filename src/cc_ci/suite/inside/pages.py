"""What a browser's pages were answered and what they show, written down for the run to look through."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx2

from cc_ci.suite.answers import BODY_LIMIT, SENT_LIMIT, Exchanged, Notebook, Page, SaidPairs, readable

if TYPE_CHECKING:
    from playwright._impl._api_structures import HttpHeader
    from playwright.sync_api import BrowserContext, Request, Response
    from playwright.sync_api import Page as BrowserPage

WITH_TEXT = ("document", "xhr", "fetch", "script")
LARGEST_SCRIPT = 64 * 1024
"""Bytes; a larger one is a program, and not what that is told."""
TEXT_TIMEOUT_MS = 5000
SOURCE = """() => {
  const copy = document.documentElement.cloneNode(true)
  copy.querySelectorAll('input').forEach(input => input.removeAttribute('value'))
  return copy.outerHTML
}"""
"""A page as it stands, without what was typed into it, which some programs keep in the attribute."""


class Pages:
    """Writes into `notebook` what goes on in one profile of a browser."""

    def __init__(self, *, context: "BrowserContext", notebook: Notebook) -> None:
        self._notebook = notebook
        self._client = notebook.client()
        context.on("requestfinished", self._finished)

    def look(self, page: "BrowserPage") -> None:
        """Write down the page's source, and what a person reads on it. Raises Playwright's Error."""
        text = f"{page.inner_text('html', timeout=TEXT_TIMEOUT_MS)}\n{page.evaluate(SOURCE)}"
        line = Page(
            client=self._client,
            test=self._notebook.test,
            url=page.url,
            part="the page",
            text=text[:BODY_LIMIT],
        )
        self._notebook.write(line)

    def _finished(self, request: "Request") -> None:
        from playwright.sync_api import Error  # noqa: PLC0415 - loaded long since

        if request.resource_type in WITH_TEXT:
            with contextlib.suppress(Error):
                # a page that was closed takes its answers along
                self._notebook.write(self._exchanged(request))

    def _exchanged(self, request: "Request") -> Exchanged:
        response = request.response()
        sent = request.post_data_buffer or b""
        return Exchanged(
            client=self._client,
            test=self._notebook.test,
            method=request.method,
            url=request.url,
            asked=_pairs(request.headers_array()),
            sent=sent[:SENT_LIMIT].decode(errors="replace"),
            answered=_pairs(response.headers_array()) if response else (),
            body=_body(request, response) if response else "",
        )


def _body(request: "Request", response: "Response") -> str:
    from playwright.sync_api import Error  # noqa: PLC0415 - loaded long since

    length = response.headers.get("content-length", "")
    if request.resource_type == "script" and length.isdecimal() and int(length) > LARGEST_SCRIPT:
        return ""
    try:
        # the browser has unpacked it
        kind = httpx2.Headers({"content-type": response.headers.get("content-type", "")})
        return readable(kind, response.body()[:BODY_LIMIT])
    except Error:
        # that of a redirect, or of a page that has moved on, is not there any more
        return ""


def _pairs(headers: Sequence["HttpHeader"]) -> SaidPairs:
    return tuple((one["name"], one["value"]) for one in headers)
