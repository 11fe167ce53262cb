"""Exit codes, for scripts."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code means."""

    OK = 0
    FAILED = 1
    """Something is not well: `health` and `doctor` found a fault, `demo` did not show what it should, and in a
    `drill` a question was not answered. Or the result could not be written."""
    USAGE = 2
    """The command or the query can't be asked as it stands."""
    NO_ANSWER = 3
    """No tier answered; asking again later may help."""
    REFUSED = 4
    """A tier refused the query itself; asking again will not help."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141
