"""For which version of Traefik rules were written: 2 and 3 read some of them differently. Pure.

Traefik 3 reads rules of version 2 where a router's label `ruleSyntax` says so, or its own setting
`core.defaultRuleSyntax`, with which many operators came over from version 2.
"""

import re
from collections.abc import Iterable

from cc_ci.recipes.rule import SYNTAXES, Matcher, RuleFault, Syntax, matchers, parse_rule
from cc_ci.recipes.rule_reach import HOST_PATTERNS, PLAIN_HOST

PLACEHOLDER = re.compile(r"(?<!\\[pPx])\{[A-Za-z]\w*[:}]")
"""Version 2's `{name}` and `{name:expression}`; to version 3 they are letters, as is no name in use."""


def syntax_for(rules: Iterable[str]) -> Syntax | None:
    """The version that reads all of them as they were meant, the newer one if both do; None for no such."""
    known = tuple(rules)
    return next((one for one in SYNTAXES if all(fits(rule, one) for rule in known)), None)


def fits(rule: str, syntax: Syntax) -> bool:
    """Whether that version reads the rule, and reads it as it was meant."""
    try:
        tree = parse_rule(rule, syntax=syntax)
    except RuleFault:
        return False
    of_the_other = _meant_for_2 if syntax == "v3" else _meant_for_3
    return not any(map(of_the_other, matchers(tree)))


def _meant_for_2(matcher: Matcher) -> bool:
    if matcher.name in (*HOST_PATTERNS, "Path", "PathPrefix"):
        return any(map(PLACEHOLDER.search, matcher.values))
    return matcher.name == "Query" and len(matcher.values) == 1 and "=" in matcher.values[0]


def _meant_for_3(matcher: Matcher) -> bool:
    """Version 2 takes a pattern literally but for its placeholders."""
    patterns = matcher.values if matcher.name in HOST_PATTERNS else ()
    return any(not PLACEHOLDER.search(one) and not PLAIN_HOST.fullmatch(one) for one in patterns)
