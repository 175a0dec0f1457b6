"""What is a sign of life where no suite says so: pages as servers and frameworks write them."""

import time
from collections.abc import Mapping

import pytest

from cc_ci.probes.answers import Answer, Problem
from cc_ci.probes.life import Life, lifeless

DOMAIN = "app-1a2b3c.ci.test"
URL = f"https://{DOMAIN}/"


def answer(status: int, body: str = "", *, kind: str = "text/html", url: str = URL, **headers: str) -> Answer:
    return Answer(
        url=url,
        status=status,
        headers={"server": "x", "content-type": kind, **headers},
        body=body,
        seconds=0.1,
    )


def page(title: str, body: str = "<p>hello") -> str:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"


def nginx(words: str) -> str:
    return (
        f"<html>\r\n<head><title>{words}</title></head>\r\n<body>\r\n<center><h1>{words}</h1></center>\r\n"
        "<hr><center>nginx/1.26.3</center>\r\n</body>\r\n</html>\r\n"
    )


ALIVE = {
    "a page": answer(200, page("Notes")),
    "a page of a single-page app": answer(200, page("n8n.io - Workflow Automation", "<div id=app></div>")),
    "a log-in": answer(200, page("Sign in &ndash; Gitea: Git with a cup of tea")),
    "a redirect to another host": answer(302, location="https://auth.ci.test/realms/x"),
    "a basic log-in by the web server": answer(401, nginx("401 Authorization Required")),
    "a refusal by the app": answer(403, '{"detail":"log in"}', kind="application/json"),
    "JSON": answer(200, '{"status":"up","error":null}', kind="application/json"),
    "text": answer(200, "OK", kind="text/plain"),
    "no content": answer(204),
    "an upgrade that is asked for": answer(426, "Upgrade Required", kind="text/plain"),
    "a book on errors": answer(200, page("Error handling in Go", "<h1>Not everything is an error</h1>")),
    "a studio with a number": answer(200, page("404 Studios")),
    "a race of miles": answer(200, page("500 Miles Radio")),
    "a label": answer(200, page("Not Found Records")),
    "a page that shows an error of others": answer(200, page("Sentry", "<p>502 Bad Gateway in checkout</p>")),
    "whoami": answer(200, "Hostname: a\nIP: 10.0.0.2\nGET / HTTP/1.1\nHost: x", kind="text/plain"),
}


@pytest.mark.parametrize("name", ALIVE)
def test_these_are_signs_of_life(name: str) -> None:
    assert lifeless(ALIVE[name]) is None


LIFELESS: Mapping[str, tuple[Answer, str]] = {
    "nothing there": (
        answer(404, page("Not Found")),
        "status 404, 'Not Found'; if that is correct, say so in suite.toml",
    ),
    "nothing there, as JSON": (answer(404, '{"error":"no"}', kind="application/json"), "status 404"),
    "express": (answer(404, page("Error", "<pre>Cannot GET /</pre>")), "status 404, 'Error'"),
    "a host that django does not know": (answer(400, page("Bad Request (400)")), "status 400"),
    "a web server without its files": (answer(403, nginx("403 Forbidden")), "status 403, '403 Forbidden'"),
    "apache without its files": (
        answer(
            403, page("403 Forbidden", "<hr><address>Apache/2.4.62 (Debian) Server at x Port 80</address>")
        ),
        "status 403",
    ),
    "a server's fault": (answer(500), "status 500"),
    "a status of its own": (answer(999), "status 999"),
    "an error page with 200": (answer(200, nginx("502 Bad Gateway")), "an error page: '502 Bad Gateway'"),
    "rails": (answer(200, page("We're sorry, but something went wrong (500)")), "an error page"),
    "laravel": (answer(200, page("Server Error")), "an error page: 'Server Error'"),
    "spring": (answer(200, "<html><body><h1>Whitelabel Error Page</h1></body></html>"), "an error page"),
    "wordpress": (
        answer(200, page("WordPress", "<h1>Error establishing a database connection</h1>")),
        "an error page: 'Error establishing a database connection'",
    ),
    "next.js": (
        answer(200, page("Application error: a client-side exception has occurred")),
        "an error page: 'Application error:",
    ),
    "iis": (answer(200, page("Server Error in '/' Application.")), "an error page"),
    "envoy": (answer(200, "no healthy upstream", kind="text/plain"), "an error page: 'no healthy upstream'"),
    "a short text": (answer(200, "Internal Server Error\n", kind="text/plain"), "an error page"),
    "a heading with marks": (answer(200, "<h1 class='x'><b>404</b>&nbsp;Not Found</h1>"), "an error page"),
    "maintenance": (answer(200, page("Site is under maintenance")), "an error page"),
    "python": (
        answer(200, "<pre>Traceback (most recent call last):\n  File", kind="text/html"),
        "an error in the page: 'Traceback (most recent call last)'",
    ),
    "php": (
        answer(200, "<br />\n<b>Fatal error</b>:  Uncaught PDOException in /var/www"),
        "an error in the page: '<b>Fatal error</b>'",
    ),
    "nginx without an app": (answer(200, page("Welcome to nginx!")), "a web server's own first page"),
    "apache without an app": (answer(200, "<html><body><h1>It works!</h1></body></html>"), "own first page"),
    "debian's apache": (answer(200, page("Apache2 Debian Default Page: It works")), "own first page"),
    "caddy without an app": (answer(200, page("Caddy works!")), "own first page"),
    "an empty page": (answer(200, " \n"), "an empty page"),
    "the proxy itself": (
        Answer(url=URL, status=404, headers={"content-type": "text/plain"}, body="404 page not found\n"),
        "the proxy itself answers 404",
    ),
    "no answer": (Answer(url=URL, problem=Problem(kind="timeout", detail="x")), "timeout: x"),
}


@pytest.mark.parametrize("name", LIFELESS)
def test_these_are_none(name: str) -> None:
    seen, said = LIFELESS[name]
    unmet = lifeless(seen, images=("ghcr.io/x/notes:1",))
    assert unmet is not None
    assert unmet.startswith(f"{URL}: {said}") or said in unmet
    assert unmet.isprintable()


@pytest.mark.parametrize(
    ("image", "title"),
    [("nginx:1.26", "Welcome to nginx!"), ("httpd:2.4", "It works!"), ("caddy:2", "Caddy works!")],
)
def test_a_web_servers_first_page_is_its_own_content(image: str, title: str) -> None:
    assert lifeless(answer(200, page(title)), images=(image,)) is None


class App:
    """Answers by path; each answer takes 0.1 s."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        self.asked.append(url)
        path = url.removeprefix(f"https://{DOMAIN}/")
        found = self.answers.get(path or "root", answer(404, page("Not Found")))
        return Answer(url=url, status=found.status, headers=found.headers, body=found.body, seconds=0.1)


def asked(app: App, *paths: str, timeout: float = 10.0) -> tuple[Answer, str | None]:
    return Life(paths=paths or ("/",)).asked(app, domain=DOMAIN, timeout=timeout)


def test_a_log_in_is_followed_and_has_to_be_there() -> None:
    app = App(root=answer(302, location="/login?next=/"), **{"login?next=/": answer(200, page("Log in"))})
    found, unmet = asked(app)
    assert (found.url, found.seconds, unmet) == (f"{URL}login?next=/", pytest.approx(0.2), None)
    gone = App(root=answer(302, location="login"), login=answer(500))
    assert (asked(gone)[1] or "").startswith(
        f"{URL}login: status 500; if that is correct, say so in suite.toml"
    )


@pytest.mark.parametrize("location", ["/", URL, f"http://{DOMAIN}/", "", "https://[x"])
def test_a_circle_is_no_sign_of_life(location: str) -> None:
    found, unmet = asked(App(root=answer(302, location=location)))
    if location == "https://[x":
        # a browser stays where it is, which says nothing of the app
        assert unmet is None
    else:
        assert unmet == f"{URL}: redirects in a circle: {URL} to {URL}"
    assert found.status == 302


def test_where_nothing_is_at_the_first_path_the_recipe_names_others() -> None:
    app = App(health=answer(200, "UP", kind="text/plain"))
    assert asked(app, "/", "/health")[1] is None
    assert app.asked == [URL, f"{URL}health"]


@pytest.mark.attack(
    what="The app of a recipe without a suite answers 404 on every path.",
    before="The run was green: any answer below 500 was a sign of life.",
    now="The run fails; the message lists the paths and says how a suite can declare this correct.",
    layer="input",
)
def test_nothing_anywhere_is_told_with_all_paths() -> None:
    found, unmet = asked(App(), "/", "/api")
    assert found.url == URL
    assert unmet == (
        f"{URL}: status 404, 'Not Found'; {URL}api: status 404, 'Not Found'; if that is correct, "
        "say so in suite.toml (probe.path, probe.status)"
    )


@pytest.mark.attack(
    what="An app redirects from page to page without end.",
    before="The first redirect was a sign of life.",
    now="cc-ci follows four redirects within one time limit; then it is a loop.",
    layer="input",
)
def test_redirects_have_an_end() -> None:
    app = App(
        **{f"{n}": answer(302, location=f"/{n + 1}") for n in range(100)}, root=answer(302, location="/0")
    )
    assert "redirects in a circle" in (asked(app)[1] or "")
    assert len(app.asked) == 5
    app.asked.clear()
    asked(app, timeout=0.25)
    assert len(app.asked) == 3


@pytest.mark.attack(
    what="A page is made so that a pattern reads it again from each of its characters.",
    before="cc-ci searched a page only for a text that a suite asks for.",
    now="It is searched once, and only its beginning.",
    layer="input",
)
@pytest.mark.parametrize(
    "piece",
    ["<title>", "<h1 ", "<h1>", "<", "<hr>", "<hr> ", "<address>", "traceback ", "4040", "&amp;", "error "],
)
def test_no_page_takes_long_to_judge(piece: str) -> None:
    started = time.monotonic()
    for body in (piece * 20_000, page(piece * 100, piece * 20_000)):
        lifeless(answer(200, body))
        lifeless(answer(403, body))
    assert time.monotonic() - started < 2
