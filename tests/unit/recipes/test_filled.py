from typing import Any

import pytest
import yaml

from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.filled import filled
from cc_ci.recipes.yaml_writing import write_yaml

ENV = {"NAME": "x", "EMPTY": "", "HOME": "/home/a:b", "PRICE": "$5 ${NAME}", "PORT": "80"}


def app(**fields: Any) -> Any:
    text = yaml.safe_dump({"version": "3.8", "x-note": {"a": 1}, "services": {"app": fields}})
    return filled(text, name="compose.yml", env=ENV)["services"]["app"]


def test_variables_are_filled_in_and_values_are_not_looked_at_again() -> None:
    found = app(image="a:${NAME}", command="echo $PRICE", ports=[{"target": "$PORT"}])
    assert found == {"image": "a:x", "command": "echo $5 ${NAME}", "ports": [{"target": 80}]}


def test_what_has_no_value_gets_the_apps_variable_and_nobody_elses() -> None:
    assert app(environment=["NAME", "NAME2", "EMPTY=", "PORT=", "PATH", "A=1"])["environment"] == [
        *("NAME=x", "NAME2", "EMPTY=", "PORT=80", "PATH", "A=1")
    ]
    told = {"NAME": None, "PORT": "", "PATH": None, "A": 0, "B": "b"}
    assert app(environment=told)["environment"] == {"NAME": "x", "PORT": "80", "PATH": None, "A": 0, "B": "b"}


def test_a_home_is_the_apps_even_with_a_colon() -> None:
    found = app(volumes=["~/x:/x:ro", "./y:/y", "~", {"type": "bind", "source": "~/z", "target": "/z"}])
    assert found["volumes"] == [
        {"type": "bind", "source": "/home/a:b/x", "target": "/x", "read_only": True},
        "./y:/y",
        "~",
        {"type": "bind", "source": "/home/a:b/z", "target": "/z"},
    ]


def test_a_variable_that_is_required_is_missed_at_its_line() -> None:
    with pytest.raises(RecipeError, match=r"compose.yml:2: services.app.image: needs the variable NONE"):
        filled("services:\n  app: {image: '${NONE?is missing}'}\n", name="compose.yml", env={})


@pytest.mark.parametrize(
    "text",
    ["on", "5", "a: b", "# no", "'", '"\\', "é\U0001f600", "\x00\x07\x7f\x85\u2028\ufeff", "a\n b\n", " "],
)
def test_text_is_written_so_that_it_is_read_as_the_same_text(text: str) -> None:
    written = write_yaml({text: [text, 1, 1.5, True, None]})
    assert written.isascii()
    assert yaml.safe_load(written) == {text: [text, 1, 1.5, True, None]}
