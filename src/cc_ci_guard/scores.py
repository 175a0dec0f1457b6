"""What a campaign shows: mutants killed of all, per stage and check, and false alarms with their bound."""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from cc_ci_guard.campaign import Outcome
from cc_ci_guard.changes import Mutant
from cc_ci_guard.judging import Fate, judge

CONFIDENCE = 0.95
RULE_OF_THREE = 3.0
"""No event in n tries: its rate is below 3/n, with a confidence of 95 %."""


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """One mutant. `by_nature`: this profile can't see it, as was declared beforehand, and `seen_by` does."""

    name: str
    what: str
    recipe: str
    stage: str
    check: str
    kind: str
    fate: Fate
    why: str | None
    seen: tuple[str, ...]
    seconds: float
    by_nature: bool
    seen_by: str | None
    folder: str


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """Red runs of sound recipes; `bound` is what their rate is below, with a confidence of 95 %."""

    runs: int
    false: tuple[str, ...]
    bound: float


class Score(msgspec.Struct, frozen=True, kw_only=True):
    profile: str
    mutants: tuple[Scored, ...]
    alarms: Alarms
    seconds: float

    @property
    def counted(self) -> tuple[Scored, ...]:
        """Those that this profile has to kill."""
        return tuple(one for one in self.mutants if not one.by_nature)

    @property
    def alive(self) -> tuple[Scored, ...]:
        return tuple(one for one in self.counted if one.fate != "killed")


def score(outcomes: Sequence[Outcome], *, profile: str, soak: bool = False) -> Score:
    """Judge all mutants among the outcomes, each against its unedited twin; the rest are sound recipes."""
    sound = [one for one in outcomes if not isinstance(one.job.change, Mutant)]
    return Score(
        profile=profile,
        mutants=tuple(
            _scored(one, sound, profile=profile, soak=soak)
            for one in outcomes
            if isinstance(one.job.change, Mutant)
        ),
        alarms=alarms(sound),
        seconds=sum(one.seconds for one in outcomes),
    )


def _scored(outcome: Outcome, sound: Sequence[Outcome], *, profile: str, soak: bool) -> Scored:
    mutant = outcome.job.change
    if not isinstance(mutant, Mutant):
        raise TypeError(outcome.job.name)
    judged = judge(mutant, outcome.result, returncode=outcome.returncode)
    fate, why = judged.fate, judged.why
    if fate == "killed" and not any(_is_twin(one, outcome) and one.green for one in sound):
        fate, why = "no kill", "its unedited twin is not green, so that it shows nothing"
    return Scored(
        name=mutant.name,
        what=mutant.what,
        recipe=outcome.job.recipe,
        stage=mutant.stage,
        check=mutant.check,
        kind=mutant.kind,
        fate=fate,
        why=why,
        seen=judged.seen,
        seconds=outcome.seconds,
        by_nature=fate != "killed" and profile in mutant.unseen_by and not soak,
        seen_by=mutant.seen_by,
        folder=outcome.folder,
    )


def _is_twin(sound: Outcome, mutant: Outcome) -> bool:
    """Whether it is the recipe as it is, in all stages or in the mutant's."""
    job = sound.job
    return job.change is None and job.recipe == mutant.job.recipe and job.asked in {None, mutant.job.asked}


def alarms(sound: Sequence[Outcome]) -> Alarms:
    false = tuple(f"{one.job.name}: {_said(one)}" for one in sound if not one.green)
    return Alarms(runs=len(sound), false=false, bound=bound(len(false), len(sound)))


def _said(outcome: Outcome) -> str:
    because = outcome.result.because if outcome.result else ()
    return f"exit {outcome.returncode}: {because[0] if because else 'no reason given'}"


def bound(events: int, tries: int) -> float:
    """What the rate of an event is below with a confidence of 95 %; after none, by the rule of three.

    After some it is the exact one-sided bound of Clopper and Pearson, found by halving.
    """
    if tries == 0 or events >= tries:
        return 1.0
    if events == 0:
        return min(1.0, RULE_OF_THREE / tries)
    low, high = events / tries, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(events, tries, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def _at_most(events: int, tries: int, rate: float) -> float:
    """The chance of so many events or fewer."""
    term = (1 - rate) ** tries
    total = term
    for number in range(1, events + 1):
        term *= (tries - number + 1) / number * rate / (1 - rate)
        total += term
    return total


def lines(found: Score) -> Iterator[str]:
    """The score for people: per stage and check, then what is alive, then false alarms."""
    counted = found.counted
    killed = sum(one.fate == "killed" for one in counted)
    yield f"{killed} of {len(counted)} mutants killed in {found.profile}, {found.seconds:.0f} s of runs"
    for stage in dict.fromkeys(one.stage for one in counted):
        of_stage = [one for one in counted if one.stage == stage]
        yield f"  {stage}: {sum(one.fate == 'killed' for one in of_stage)} of {len(of_stage)}"
        checks = Counter(one.check for one in of_stage if one.fate == "killed")
        yield from (f"    {times} by {check}" for check, times in sorted(checks.items()))
    for one in found.alive:
        yield f"{one.fate}: {one.name} ({one.what}): {one.why}"
        yield from (f"    seen: {seen}" for seen in one.seen)
        yield f"    {one.folder}"
    for one in found.mutants:
        if one.by_nature:
            yield f"not to be seen in {found.profile}: {one.name}; {one.seen_by} sees it"
    yield from alarm_lines(found.alarms)


def alarm_lines(found: Alarms) -> Iterator[str]:
    yield (
        f"{len(found.false)} false alarms in {found.runs} runs of sound recipes: "
        f"their rate is below {found.bound:.1%} (95 %)"
    )
    yield from (f"  {one}" for one in found.false)
