"""Log in as the run's user does, without a browser: through the form that the provider shows."""

import html
import re

API = "/api/v1.0"
FORM = re.compile(r'<form[^>]*\baction="([^"]+)"')


def log_in(app, http):
    """Leave the session's cookies in `http`, and let it say where it comes from, as Django asks for it."""
    if "X-CSRFToken" in http.headers:
        return http
    shown = http.get(f"{API}/authenticate/", follow_redirects=True)
    assert shown.url.host != app.domain, f"no way to the provider: {shown.status_code} at {shown.url}"
    form = FORM.search(shown.text)
    assert form, f"{shown.url}: {shown.status_code}: the provider shows no form"
    given = {"username": app.sso.username, "password": app.sso.password}
    back = http.post(html.unescape(form[1]), data=given, follow_redirects=True)
    assert back.url.host == app.domain, f"the provider kept its user: {back.status_code} at {back.url}"
    token = next((cookie.value for cookie in http.cookies.jar if cookie.name == "csrftoken"), None)
    assert token, "the log-in gave no csrftoken"
    http.headers.update({"X-CSRFToken": token, "Referer": f"{app.url}/"})
    return http
