"""Read what a run is about, before any node is touched, and hold it against the policy."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError, StageFailed, Unverified
from cc_ci.isolation.scratch import scratch_folder
from cc_ci.pipeline.fetching import Selection, read
from cc_ci.pipeline.instruments import Tools
from cc_ci.pipeline.locating import locate
from cc_ci.pipeline.names import run_id
from cc_ci.pipeline.request import Request
from cc_ci.pipeline.subject import Subject
from cc_ci.recipes.policy.judgement import Judgement
from cc_ci.stages.bench import Findings
from cc_ci.stages.permitting import place_of
from cc_ci.system.held import held_folder


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a run is about, before any node is touched."""

    run: str
    scratch: Path
    subject: Subject
    judgement: Judgement

    def warn(self, findings: Findings) -> None:
        """What the policy found worth a word, and does not forbid."""
        for remark in self.judgement.remarks:
            findings.warn("policy", remark.line)
        for line in self.judgement.idle:
            findings.warn("trust", line)


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A run whose recipe, suite or provider can't be read."""

    run: str
    name: str
    error: CcCiError


def read_request(request: Request, tools: Tools, closers: contextlib.ExitStack) -> Read | Unread:
    """Read recipe, suite and provider, and hold them against the policy."""
    with tools.trace.span("read the recipe", phase="recipe_fetch"):
        clones = closers.enter_context(held_folder(scratch_folder(run_id("fetch", now=tools.clock.now()))))
        root = locate(request.recipe, roots=request.recipe_roots, scratch=clones, runner=tools.runner)
        run = run_id(root.name, now=tools.clock.now())
        scratch = closers.enter_context(held_folder(scratch_folder(run)))
        selection = Selection(
            recipe=request.recipe,
            choice=request.choice,
            variant=request.variant,
            recipe_roots=request.recipe_roots,
            suite_roots=request.suite_roots,
            trust=request.trust,
            soak=request.soak,
        )
        ci_domain = request.node.ci_domain
        try:
            subject = read(
                selection, root, run=run, ci_domain=ci_domain, scratch=scratch, runner=tools.runner
            )
        except (StageFailed, InfrastructureError, Unverified) as error:
            return Unread(run=run, name=root.name, error=error)
        judgement = subject.judged(place_of(node_for(subject, request.node)))
    return Read(run=run, scratch=scratch, subject=subject, judgement=judgement)


def node_for(subject: Subject, node: Node) -> Node:
    """A private node's proxies are a run's own, and read rules as its recipe needs it."""
    return msgspec.structs.replace(node, rule_syntax=subject.rule_syntax) if node.private else node
