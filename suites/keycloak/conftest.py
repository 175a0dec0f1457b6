import secrets
from types import SimpleNamespace

import pytest
import realms


def made(app, http):
    realm = SimpleNamespace(name=f"co-op-{secrets.token_hex(4)}", password=secrets.token_urlsafe(16))
    realms.make(app, http, realm.name, password=realm.password)
    return realm


@pytest.fixture
def own_realm(app, http):
    """A realm of the test's own, to be changed: its name, and its member's password."""
    return made(app, http)


@pytest.fixture(scope="session")
def realms_made():
    return []


@pytest.fixture
def realm(app, http, realms_made):
    """A realm for all tests that change nothing in it: to make one takes seconds."""
    if not realms_made:
        realms_made.append(made(app, http))
    return realms_made[0]
