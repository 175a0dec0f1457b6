"""Rules of routers: what they are confined to, and which request they take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.recipes.host_names import at_or_below, host_fault
from cc_ci.recipes.rule import All, Any, Matcher, RouterRule, RuleFault, Syntax, matchers, parse_rule
from cc_ci.recipes.rule_reach import RoutedRequest, named_hosts, requests, stray_ways, takes

DOMAIN = "poc-0a1b2c.ci.test"


def confined(text: str, *, syntax: Syntax = "v3") -> bool:
    return not list(stray_ways(parse_rule(text, syntax=syntax), domain=DOMAIN, syntax=syntax))


def plainest(text: str, *, syntax: Syntax = "v3") -> RoutedRequest | None:
    return next(iter(requests(parse_rule(text, syntax=syntax), domain=DOMAIN, syntax=syntax)), None)


def host(name: str) -> Matcher:
    return Matcher(name="Host", values=(name,))


def test_and_binds_more_than_or_and_not_is_pushed_down() -> None:
    assert parse_rule("Host(`a`) || Host(`b`) && !Host(`c`)") == Any(
        parts=(host("a"), All(parts=(host("b"), Matcher(name="Host", values=("c",), negated=True))))
    )
    assert parse_rule("!(Host(`a`) || !Host(`b`))") == All(
        parts=(Matcher(name="Host", values=("a",), negated=True), host("b"))
    )
    assert parse_rule('HOST("a\\x2eb")') == host("a.b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("Host('a')", "backticks"),
        ("Host(`a`", "')' is missing at its end"),
        ("Host(`a`) Path(`/`)", "'Path' is not expected there"),
        ("Hots(`a`)", "'Hots' is no matcher of Traefik v3"),
        ("Host(`a`, `b`)", "has 2 arguments, and Traefik v3 takes 1"),
        ("Host(``)", "an argument is empty"),
        ("Host()", "an argument is empty"),
        ("Path(`a`)", "does not start with /"),
        ("Host(`a`) &&", "is missing at its end"),
        ("Host(`a`) /* not seen */ || Path(`/`)", "can't be read"),
        ("Host(Host(`a`))", "stands where a text in backticks belongs"),
        (r'Host("\UFFFFFFFF")', "is no character"),
        ("(" * 50 + "Host(`a`)" + ")" * 50, "nested more than 40 deep"),
        ("!" * 5000 + "Host(`a`)", "characters, and no rule needs more"),
    ],
)
def test_what_can_not_be_read_is_one_line(text: str, said: str) -> None:
    with pytest.raises(RuleFault) as fault:
        parse_rule(text)
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


@given(st.text(alphabet="HostPah()`'\"\\!&|, /.ab\n", max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        rule: RouterRule = parse_rule(text)
    except RuleFault:
        return
    assert list(matchers(rule))
    requests(rule, domain=DOMAIN, syntax="v3")


@pytest.mark.parametrize(
    "text",
    [
        f"Host(`{DOMAIN}`)",
        f"Host(`www.{DOMAIN}`) || Host(`{DOMAIN}`)",
        f"Host(`{DOMAIN}`) && PathPrefix(`/api`)",
        f"(PathPrefix(`/a`) || Method(`GET`)) && Host(`{DOMAIN}`)",
        f"!(!Host(`{DOMAIN}`) || Path(`/x`))",
        f"Host(`*.{DOMAIN}`)",
        rf"HostRegexp(`^.+\.{DOMAIN}$`)",
        r"HostRegexp(`^(a|b)\.poc-0a1b2c\.ci\.test$`)",
        rf"HostRegexp(`(?i)^[a-z|]+\.{DOMAIN}$`)",
    ],
)
def test_a_rule_that_needs_the_runs_domain_is_confined(text: str) -> None:
    assert confined(text)


@pytest.mark.parametrize(
    "text",
    [
        "Host(`other-0a1b2c.ci.test`)",
        "Host(`ci.test`)",
        f"Host(`x{DOMAIN}`)",
        f"Host(`{DOMAIN}.evil.test`)",
        f"Host(`{DOMAIN}`) || PathPrefix(`/`)",
        f"!Host(`{DOMAIN}`)",
        "PathPrefix(`/`)",
        f"Host(`{DOMAIN}`) || Host(`other.test`) && Path(`/x`)",
        f"Host(`{DOMAIN}`) || !(Method(`GET`) && Path(`/`))",
        "HostRegexp(`.*`)",
        f"HostRegexp(`^{DOMAIN}|.*$`)",
        f"HostRegexp(`^(x|{DOMAIN})$`)",
        f"HostRegexp(`{DOMAIN}`)",
        f"HostRegexp(`^{DOMAIN[:-1]}t*$`)",
        f"HostRegexp(`^a)|(?:b{DOMAIN}$`)",
        rf"HostRegexp(`\Q|\E{DOMAIN}$`)",
        f"HostRegexp(`^[{DOMAIN}$`)",
        "Host(`*.ci.test`)",
        "Host(`**.test`)",
        "HostSNI(`*`)",
    ],
)
@pytest.mark.attack(
    what="A rule takes other hosts: by an alternative, a negation, an expression, a wildcard, or no host.",
    before="The router was deployed, and served another run's users.",
    now="Every alternative in a rule must need the run's domain, or the run ends before a node is touched.",
    layer="reading",
)
def test_a_rule_with_one_way_past_the_runs_domain_is_not(text: str) -> None:
    assert not confined(text)


def test_version_2_has_several_hosts_and_templates() -> None:
    assert confined(f"Host(`{DOMAIN}`, `www.{DOMAIN}`)", syntax="v2")
    assert not confined(f"Host(`{DOMAIN}`, `other.test`)", syntax="v2")
    assert confined(f"HostRegexp(`{{sub:[a-z]+}}.{DOMAIN}`)", syntax="v2")
    assert not confined("HostRegexp(`{any:.*}`)", syntax="v2")
    assert not confined(f"HostRegexp(`{{any:.*}}`, `{DOMAIN}`)", syntax="v2")
    assert not confined(f"HostRegexp(`{DOMAIN}{{any:.*}}`)", syntax="v2")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"Host(`{DOMAIN}`)", RoutedRequest(host=DOMAIN)),
        (f"Host(`{DOMAIN}`) && PathPrefix(`/api`)", RoutedRequest(host=DOMAIN, path="/api")),
        (f"Host(`{DOMAIN}`) && (Path(`/b`) || PathPrefix(`/`))", RoutedRequest(host=DOMAIN)),
        (
            f"Host(`{DOMAIN}`) && PathPrefix(`/a`) && PathPrefix(`/a/b`)",
            RoutedRequest(host=DOMAIN, path="/a/b"),
        ),
        (f"Host(`{DOMAIN}`) && PathRegexp(`^/api/v[0-9]+`)", RoutedRequest(host=DOMAIN, path="/api/v")),
        (f"Host(`{DOMAIN}`) && !PathPrefix(`/admin`)", RoutedRequest(host=DOMAIN)),
        (f"Host(`a.{DOMAIN}`) || Host(`{DOMAIN}`) && Path(`/b`)", RoutedRequest(host=DOMAIN, path="/b")),
        (f"Host(`a.{DOMAIN}`)", RoutedRequest(host=f"a.{DOMAIN}")),
        (
            f"Host(`{DOMAIN}`) && Header(`X-Key`, `1`) && Query(`q`)",
            RoutedRequest(host=DOMAIN, headers=(("X-Key", "1"),), query=(("q", ""),)),
        ),
        (f"Host(`{DOMAIN}`) && Method(`POST`)", None),
        (f"Host(`{DOMAIN}`) && ClientIP(`2620:fe::/48`)", None),
        (f"Host(`{DOMAIN}`) && ClientIP(`10.0.0.0/8`)", RoutedRequest(host=DOMAIN)),
        (f"Host(`{DOMAIN}`) && ClientIP(`0.0.0.0/0`)", RoutedRequest(host=DOMAIN)),
        (f"Host(`{DOMAIN}`) && !ClientIP(`192.0.2.7`)", RoutedRequest(host=DOMAIN)),
        (f"Host(`{DOMAIN}`) && Path(`/a`) && Path(`/b`)", None),
        ("Host(`elsewhere.test`)", None),
    ],
)
def test_a_request_that_the_rule_takes_is_found(text: str, wanted: RoutedRequest | None) -> None:
    assert plainest(text) == wanted
    if wanted is not None:
        assert takes(parse_rule(text), wanted, syntax="v3") is not False


@pytest.mark.attack(
    what="A rule has 2^80 alternatives, or an expression that backtracks for hours.",
    before="cc-ci looked only at the host's name, and waited for the app.",
    now="cc-ci checks a limited number of alternatives, and never runs a recipe's expression.",
    layer="reading",
)
@pytest.mark.timeout(10)
def test_a_rule_of_very_many_ways_is_looked_at_in_time() -> None:
    pairs = " && ".join(f"(Path(`/{number}`) || Method(`GET`))" for number in range(80))
    text = f"Host(`{DOMAIN}`) && {pairs}"
    assert confined(text)
    assert plainest(text) is None
    assert plainest(f"Host(`{DOMAIN}`) && PathRegexp(`^/(a+)+$`)")


def test_the_hosts_that_a_rule_names() -> None:
    rule = parse_rule(f"Host(`B.{DOMAIN}`) || Host(`{DOMAIN}`) && !Host(`c.{DOMAIN}`)")
    assert named_hosts(rule) == (f"b.{DOMAIN}", DOMAIN)


@pytest.mark.parametrize("name", [DOMAIN, "a", "A-1.test", "xn--mnchen-3ya.test", f"{'a' * 63}.test"])
def test_what_is_a_host_name(name: str) -> None:
    assert host_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "a..b",
            "a.",
            "-a.test",
            "a-.test",
            "a_b.test",
            "../../etc/x",
            "a/b",
            "a b",
            "a\nb",
            "a\x00b",
        ),
        *(
            f"{'a' * 64}.test",
            "a." * 130 + "test",
            "münchen.test",
            "xn--\x80.test",
            "xn--a.test",
            "xn--ls8h.test",
        ),
        *("${DOMAIN}", "*.test", "a:443", "[::1]", "%2e%2e.test"),
    ],
)
@pytest.mark.attack(
    what="A rule's host is a path, a control character, half a punycode name or 300 characters long.",
    before="The certificate was written wherever the name led, or the run ended with an internal error.",
    now="The name is refused with file, line and label before it is used anywhere.",
    layer="reading",
)
def test_what_is_no_host_name(name: str) -> None:
    fault = host_fault(name)
    assert fault
    assert fault.isprintable()


def test_below_a_domain_is_what_ends_with_it_after_a_dot() -> None:
    assert at_or_below("A.ci.test", "ci.test")
    assert not at_or_below("aci.test", "ci.test")
