"""Every error that cc-ci raises on purpose, and whose fault it is.

CcCiError
|-- UsageError            2   the caller asked for something that can't be
|-- StageFailed           1   the recipe's fault
|-- InfrastructureError   3   ours, the provider's or the host's fault
|   `-- CommandFailed         a tool that we ran exited non-zero
|       `-- TimedOut          or not in time
|-- ContaminationError    4   something was left behind
`-- Unverified            5   it should have run and could not

Stopped                       no error of what it ends: neither CcCiError nor Exception, which many catch
|-- Interrupted         130   a signal ended it
|-- DeadlinePassed        3   it outlasted its deadline
|-- OutOfRoom             3   the disk ran full, by nothing of the run's
`-- EndedEarly            1   a stage was red, and --exitfirst was asked for; or an app took all that it may

A message is one line: lower case, the thing, the value seen, the remedy.
"""

from typing import ClassVar


class CcCiError(Exception):
    """An error with a message for people and the exit code that goes with it."""

    exit_code: ClassVar[int] = 3


class UsageError(CcCiError):
    exit_code: ClassVar[int] = 2


class StageFailed(CcCiError):  # noqa: N818 - the house's name for it
    exit_code: ClassVar[int] = 1


class InfrastructureError(CcCiError):
    exit_code: ClassVar[int] = 3


class CommandFailed(InfrastructureError):  # noqa: N818 - the house's name for it
    """A tool failed; `stderr` keeps what it said, already redacted."""

    def __init__(self, message: str, *, returncode: int | None, stdout: str = "", stderr: str = "") -> None:
        super().__init__(message)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


class TimedOut(CommandFailed):
    """It was ended by us."""


class ContaminationError(CcCiError):
    exit_code: ClassVar[int] = 4


class Unverified(CcCiError):  # noqa: N818 - the house's name for it
    exit_code: ClassVar[int] = 5


class Stopped(BaseException):
    """Work was told to stop from outside; the message says by what."""

    exit_code: ClassVar[int] = 3


class Interrupted(Stopped):
    exit_code: ClassVar[int] = 130


class DeadlinePassed(Stopped):
    exit_code: ClassVar[int] = 3


class OutOfRoom(Stopped):
    exit_code: ClassVar[int] = 3


class EndedEarly(Stopped):
    exit_code: ClassVar[int] = 1
