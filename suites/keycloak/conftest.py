import secrets
from types import SimpleNamespace

import pytest
import realms


@pytest.fixture
def realm(app, http):
    """A realm of the test's own: its name, and its member's password."""
    made = SimpleNamespace(name=f"co-op-{secrets.token_hex(4)}", password=secrets.token_urlsafe(16))
    realms.make(app, http, made.name, password=made.password)
    yield made
    realms.remove(app, http, made.name)
