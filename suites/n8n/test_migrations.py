import re

MIGRATIONS = {
    "2.36.8": (246, "AddCoalesceOwnerMisfirePolicy1786666615643"),
    "2.40.7": (24, "AddInstanceAiThreadHistoryIndex1789131391410"),
}
"""By n8n version: how many migrations it brings on top of the one before here, and the last of them."""


def test_the_database_was_migrated_to_this_version(app):
    upstream = (app.version or "").partition("+")[2]
    new, last = MIGRATIONS[upstream]
    said = app.logs("app", lines=5000)
    started = re.findall(r"Starting migration (\w+)", said)
    finished = re.findall(r"Finished migration (\w+)", said)
    assert set(started) == set(finished), "a migration began and did not end"
    # an upgrade runs the new ones, an install all there are
    assert len(set(finished)) >= new
    assert last in finished
