import pytest

from cc_ci.system.suggesting import alike, unknown


@pytest.mark.parametrize(
    ("name", "found"),
    [("kecloak", "keycloak"), ("N8N", "n8n"), ("zzz", None), ("", None), ("keycloak-2", "keycloak")],
)
def test_the_name_that_was_meant_is_found(name: str, found: str | None) -> None:
    assert alike(name, ["custom-html", "keycloak", "n8n"]) == found


def test_what_is_not_known_is_told_with_what_was_meant_and_what_there_is() -> None:
    said = str(unknown("recipe", "kecloak\x1b[2J", ["keycloak", "n8n"], mend="nor is it a folder"))
    assert said == (
        "recipe kecloak\\x1b[2J: not known; did you mean keycloak? there is keycloak, n8n; nor is it a folder"
    )
    assert str(unknown("run", "x", [])) == "run x: not known; there is none"
    many = str(unknown("run", "x", [f"run-{n}" for n in range(20)]))
    assert many.endswith("run-11 and 8 more")
