"""Whether an app lives, where no suite says by what it is known: a few rules, which write-a-suite.md tells.

A status alone is not enough: a web server that lost its app answers, too, and so does an app that can't reach
its database. What is not sure counts against the app; a suite of one line settles it.
"""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import urljoin, urlsplit

import msgspec

from cc_ci.probes.answers import Answer, Requester, from_router, get
from cc_ci.system.printable import quoted
from cc_ci.system.units import Seconds

SAYS_NO = (401, 403, 405, 426, 429)
"""A living app may refuse a stranger's plain request by these: log in, upgrade, not so often."""
NOT_THERE = (404, 410)
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 4
LOOKED_AT = 16 * 1024
"""Characters at the beginning of a page; titles and stray errors are there."""
SHORT_TEXT = 300
SOURCE_OF_RULES = "if that is correct, say so in suite.toml (probe.path, probe.status)"

TITLE = re.compile(r"<(title|h1)\b[^>]{0,200}>(.{0,300}?)</\1", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^<>]{0,200}>")
STATUS_WORDS = (
    r"(?:http |error |status |code )*[45]\d\d"
    r"(?:\W+(?:error|not|forbidden|bad|internal|server|service|gateway|page)\b.{0,60}|\W*)"
)
PHRASES = (
    "internal server error",
    "server error(?: in '/' application)?",
    "bad gateway",
    "service (?:temporarily )?unavailable",
    "gateway time-?out",
    "(?:page )?not found",
    "application error",
    "(?:a |an )?(?:fatal|runtime|unexpected) error",
    "(?:unhandled|uncaught) (?:error|exception)",
    "(?:we're sorry,? but )?something went wrong",
    "an error (?:has )?occurred(?: .{0,60})?",
    "error establishing a database connection|database (?:connection )?error",
    "whitelabel error page",
    "no healthy upstream|upstream connect error.{0,60}",
    "(?:this )?(?:site )?(?:is )?(?:down for|under|in) maintenance(?: mode)?|maintenance mode",
)
"""Titles of error pages of servers, proxies and frameworks; what may follow begins with a dash or such."""
ERROR = re.compile(
    rf"(?:{STATUS_WORDS}|(?:{'|'.join(PHRASES)})(?:\s*[^\w\s].{{0,60}})?)", re.IGNORECASE | re.DOTALL
)
STRAY = re.compile(
    r"traceback \(most recent call last\)|<b>(?:fatal|parse) error</b>|(?:php )?fatal error: +uncaught",
    re.IGNORECASE,
)
"""What an interpreter writes into a page that it could not make."""
BARE = re.compile(
    r"<hr>\s{0,9}<center>[\w./ ()-]{1,60}</center>|<address>[^<]{0,99} server at|<center>\s{0,9}lighttpd",
    re.IGNORECASE,
)
"""By which a web server's own error page is known: it is not the app that refuses."""
DEFAULTS = (
    (re.compile(r"welcome to nginx", re.IGNORECASE), ("nginx",)),
    (re.compile(r"welcome to openresty", re.IGNORECASE), ("openresty",)),
    (re.compile(r"it works!|apache2 \w{1,20} default page", re.IGNORECASE), ("httpd", "apache")),
    (re.compile(r"caddy works", re.IGNORECASE), ("caddy",)),
)
"""Pages that a web server brings along, and the words of images of which they are the content."""


def lifeless(answer: Answer, *, images: Collection[str] = ()) -> str | None:
    """Why an answer is no sign of life, or None; `images` are those of the services that are routed to."""
    if answer.problem:
        return str(answer)
    if from_router(answer):
        return f"{answer.url}: the proxy itself answers {answer.status}: {answer.body.strip()}"
    fault = _refused(answer) or _page_fault(answer, images=images)
    return f"{answer.url}: {fault}" if fault else None


def _refused(answer: Answer) -> str | None:
    status = answer.status or 0
    if status in SAYS_NO and not (status != SAYS_NO[0] and BARE.search(answer.body[:LOOKED_AT])):
        return None
    if status >= 400:  # noqa: PLR2004 - the server's and the client's faults begin there
        return f"status {status}{_titled(answer)}; {SOURCE_OF_RULES}"
    return None


def _titled(answer: Answer) -> str:
    words = next(_words(answer), "")
    return f", {quoted(words, most=60)}" if words else ""


def _page_fault(answer: Answer, *, images: Collection[str]) -> str | None:
    """Only of a page that claims to be one: with a status below 300."""
    status = answer.status or 0
    if status in SAYS_NO or status in REDIRECTS:
        return None
    for words in _words(answer):
        if ERROR.fullmatch(words):
            return f"status {status}, but an error page: {quoted(words)}"
        for default, of in DEFAULTS:
            if default.match(words) and not any(word in image for word in of for image in images):
                return f"a web server's own first page, {quoted(words)}: it has no app behind it"
    if found := STRAY.search(answer.body[:LOOKED_AT]):
        return f"status {status}, but an error in the page: {quoted(found[0])}"
    html_type = answer.headers.get("content-type", "").lower().startswith("text/html")
    if html_type and not answer.body.strip() and status == 200:  # noqa: PLR2004 - 204 says that there is none
        return "an empty page"
    return None


def _words(answer: Answer) -> Iterator[str]:
    """What a page says first: its title and its heading, or all of a short text."""
    begin = answer.body[:LOOKED_AT]
    found = [match[2] for match in TITLE.finditer(begin)][:2]
    if not found and "<" not in begin and len(begin.strip()) <= SHORT_TEXT:
        found = [begin]
    for text in found:
        words = " ".join(html.unescape(TAG.sub(" ", text)).split())
        if words:
            yield words


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """The app lives by the first of `paths` at which there is something; see `lifeless`.

    Redirects to its own host are followed: a page that asks to log in is as good as any, if it is there.
    """

    paths: tuple[str, ...] = ("/",)
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """What the router's rule wants to see in a request."""
    images: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.paths[0]

    def url(self, domain: str, *, scheme: str = "https") -> str:
        return f"{scheme}://{self.host or domain}{self.path}"

    def asked(self, requester: Requester, *, domain: str, timeout: Seconds) -> tuple[Answer, str | None]:
        """The answer that decides, and why it is no sign of life, if so; all requests share `timeout`."""
        host = self.host or domain
        left = timeout
        seen: list[tuple[Answer, str | None]] = []
        for path in self.paths:
            answer, unmet = self._followed(requester, f"https://{host}{path}", timeout=left)
            seen.append((answer, unmet))
            left -= answer.seconds
            if answer.status not in NOT_THERE or from_router(answer) or left <= 0:
                break
        if seen[-1][1] is None:
            return seen[-1]
        return seen[0][0], _together([unmet for _, unmet in seen if unmet])

    def _followed(self, requester: Requester, url: str, *, timeout: Seconds) -> tuple[Answer, str | None]:
        spent: Seconds = 0.0
        been = [url]
        for _turn in range(MOST_REDIRECTS + 1):
            left = max(timeout - spent, 0.1)
            answer = get(requester, been[-1], headers=dict(self.headers), timeout=left)
            spent += answer.seconds
            onward = _onward(answer)
            if onward is None or spent >= timeout:
                return _timed(answer, spent), lifeless(answer, images=self.images)
            been.append(onward)
            if onward in been[:-1]:
                break
        return _timed(answer, spent), f"{url}: redirects in a circle: {' to '.join(been)}"


def _together(faults: Sequence[str]) -> str:
    """The remedy once, at the end."""
    plain = [fault.removesuffix(f"; {SOURCE_OF_RULES}") for fault in faults]
    remedy = f"; {SOURCE_OF_RULES}" if plain != list(faults) else ""
    return f"{'; '.join(plain)}{remedy}"


def _timed(answer: Answer, seconds: Seconds) -> Answer:
    return msgspec.structs.replace(answer, seconds=seconds)


def _onward(answer: Answer) -> str | None:
    """Where a redirect leads, if that is the same host; from plain http to https is a circle of its own."""
    if answer.status not in REDIRECTS:
        return None
    try:
        to, here = urlsplit(urljoin(answer.url, answer.headers.get("location", ""))), urlsplit(answer.url)
    except ValueError:
        return None
    if to.netloc != here.netloc:
        return None
    return f"https://{to.netloc}{to.path or '/'}{'?' + to.query if to.query else ''}"
