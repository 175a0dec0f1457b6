"""`python -m cc_ci.recipes.linting.page > docs/reference/lint-rules.md`: the page of all rules of lint."""

import sys

from cc_ci.recipes.linting.findings import RULES
from cc_ci.recipes.linting.rule import Rule
from cc_ci.recipes.linting.rule_examples import EXAMPLES

HEAD = """\
# The rules of lint

`cc-ci recipe lint RECIPE` checks a recipe by these rules, and exits with 1 if there are errors.
`cc-ci recipe rules` prints them. abra has the rules whose names begin with R, under the same names; those
that begin with C are cc-ci's own. A rule that is `unchecked` needs a network, and is not checked.

To ignore a finding, write its rule and a reason into `.cc-ci-lint.toml` in the recipe;
`cc-ci recipe lint RECIPE --write-baseline FILE` writes such a file for all that is found now.
"""


def page() -> str:
    """The whole page, made of the rules themselves."""
    return "\n".join([HEAD, *map(_section, RULES.values())])


def _section(rule: Rule) -> str:
    whose = "abra has it" if rule.of_abra else "cc-ci's own"
    why = f"{rule.why[0].upper()}{rule.why[1:]}"
    remedy = f"{rule.remedy[0].upper()}{rule.remedy[1:]}"
    return (
        f"## {rule.ref}: {rule.title}\n\n"
        f"{rule.severity}, {whose}\n\n"
        f"- Why: {why}\n"
        f"- Example: {_code(EXAMPLES[rule.ref])}\n"
        f"- Remedy: {remedy}.\n"
    )


def _code(text: str) -> str:
    """Text with backticks in it stands between two of them."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


if __name__ == "__main__":
    sys.stdout.write(page())
