"""How one server of OpenAI's API wants its requests, which it tells by refusing others.

Models differ in the parameters that they take, and servers in how they call them
(https://platform.openai.com/docs/guides/reasoning, https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.error_response import ErrorResponse
from ai_gateway.providers.refusals import Row, read_failure

LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
"""What the limit on an answer's tokens is called: known to every server, and known to every current model of OpenAI."""
NEVER_LEFT_OUT = frozenset({"model", "messages", "input", "prompt", "suffix"})


class Dialect:
    """Spells requests as a server takes them, and learns from what it refuses.

    What a model refused once is not sent to it again: it goes under its other name, or stays away.

    Args:
        limit_names: Both names of the limit on tokens, the likelier one first.
        refused_by: Gives the parameters that a model is known to refuse.
    """

    def __init__(
        self,
        *,
        limit_names: tuple[str, ...] = LIMIT_NAMES,
        refused_by: Callable[[str], Container[str]] = lambda _: (),
    ) -> None:
        self._limit_names = limit_names
        self._refused_by = refused_by
        self._learnt: dict[object, set[str]] = {}

    def spelled(self, body: Mapping[str, object]) -> dict[str, object]:
        """Give a body as its model takes it; the limit on tokens comes in as `max_tokens`."""
        model = body.get("model")
        learnt = self._learnt.get(model, ())
        known = self._refused_by(model) if isinstance(model, str) else ()
        spelled: dict[str, object] = {}
        for name, value in body.items():
            names = self._limit_names if name == "max_tokens" else (name,)
            taken = next((name for name in names if name not in learnt and name not in known), None)
            if taken is not None:
                spelled[taken] = value
        return spelled

    def understand(self, refusal: ErrorResponse, rows: Iterable[Row], sent: Mapping[str, object]) -> ProviderFailure:
        """Read a refusal, and learn from it where it is about a parameter.

        Args:
            refusal: What the server said.
            rows: What it means.
            sent: The body that it refused.
        """
        failure = read_failure(rows, refusal)
        if failure.kind is not FailureKind.UNSUPPORTED:
            return failure
        refused = refusal.parameter or _parameter_in(refusal.text, sent)
        name = re.split(r"[.\[]", refused, maxsplit=1)[0]
        if name in sent and _is_lesson(refusal, refused, name, sent[name]):
            self._learn(sent.get("model"), name)
            failure.mended = True
        failure.parameter = "max_tokens" if name in LIMIT_NAMES else name or None
        return failure

    def _learn(self, model: object, name: str) -> None:
        learnt = self._learnt.setdefault(model, set())
        learnt.add(name)
        if name == "stream":
            learnt.add("stream_options")  # only a stream may have them


def _parameter_in(text: str, sent: Mapping[str, object]) -> str:
    """Find the parameter that is meant where a message alone names it: the first of those that were sent."""
    places = {name: re.search(rf"\b{name}\b", text) for name in sent if name not in NEVER_LEFT_OUT}
    found = {name: place.start() for name, place in places.items() if place is not None}
    return min(found, key=found.__getitem__, default="")


def _is_lesson(refusal: ErrorResponse, refused: str, name: str, value: object) -> bool:
    """Whether the model is better asked without it; one refused list, or a part of it, says nothing of others."""
    is_whole = name in {refused, "stream_options"}
    is_of_this_value = refusal.code == "unsupported_value" and isinstance(value, list | Mapping)
    return name not in NEVER_LEFT_OUT and is_whole and not is_of_this_value
