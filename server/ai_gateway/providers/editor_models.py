"""The models that the editor itself lends, such as those of VS Code's `vscode.lm`.

The editor has asked the person whether it may, and pays for it; it is reached by whatever conversation there is with
it. Its makers want a model asked only when a person has asked for something, so no gap in code is filled here
(https://code.visualstudio.com/api/extension-guides/ai/language-model).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ai_gateway.failures import MAX_OPEN_SECONDS, FailureKind, ProviderFailure
from ai_gateway.model import Delta, ModelInfo, Piece, Prompt
from ai_gateway.printing import in_one_line
from ai_gateway.providers.base import LLMProvider
from ai_gateway.providers.editor_reply import read_reply
from ai_gateway.providers.response_format import wants_json

TELLABLE = frozenset(FailureKind) - {FailureKind.CRASHED, FailureKind.DEADLINE}
"""What an editor may say that went wrong; the others are about the gateway itself."""
ABOUT_ACCESS = frozenset({FailureKind.SIGNED_OUT, FailureKind.AUTH, FailureKind.ENTITLEMENT})
MENDED_BY_A_PERSON = ABOUT_ACCESS | {FailureKind.QUOTA, FailureKind.RATE_LIMIT, FailureKind.MODEL_NOT_FOUND}
"""What the editor says of these is told as it stands; about others it could quote the prompt."""
LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class EditorModel:
    """One model that is lent."""

    id: str
    vendor: str
    family: str
    name: str
    max_input_tokens: int | None = None

    def is_called(self, name: str) -> bool:
        """Whether a person may mean it by this."""
        return name in {self.id, self.family, self.name}


@dataclass(frozen=True, slots=True)
class Loan:
    """What the editor lends at one moment, and why not more, as far as it can tell."""

    models: tuple[EditorModel, ...] = ()
    problem: str | None = None


class EditorRefused(Exception):
    """The editor did not answer; all of it is what it said itself, and may be anything.

    Args:
        kind: The name of a `FailureKind`.
        advice: What a person can do.
        retry_after_seconds: When asking again may be worth it.
    """

    def __init__(self, kind: object = None, advice: object = None, retry_after_seconds: object = None) -> None:
        super().__init__("the editor refused")
        self.kind = kind
        self.advice = advice
        self.retry_after_seconds = retry_after_seconds


class EditorChat(Protocol):
    """The conversation with an editor that lends its models."""

    @property
    def lender(self) -> str:
        """What the editor is called."""
        ...

    @property
    def loan(self) -> Loan | None:
        """What it lends, another object each time that it says so; None: it has not said yet."""
        ...

    def chat(self, wanted: Mapping[str, object]) -> AsyncGenerator[str | Mapping[str, object], None]:
        """Have it ask a model: yields text as it comes, and at last the whole reply. Leaving it cancels the question.

        Raises:
            EditorRefused: It does not answer.
        """
        ...


class EditorModelsProvider(LLMProvider):
    """Asks the editor's own models.

    Args:
        chat: The conversation with the editor.
        vendor: Whose models; those of others are not asked.
        family: Asked where nobody chooses, if it is lent; else the first that is.
    """

    fills_gaps: ClassVar[bool] = False

    def __init__(self, chat: EditorChat, *, vendor: str, family: str) -> None:
        self._chat = chat
        self._vendor = vendor
        self._family = family
        self._known = chat.loan
        self._has_refused = False
        self._version = 0

    async def stream(self, prompt: Prompt, model: str | None) -> AsyncGenerator[Piece, None]:
        """Ask the model of this id, family or name."""
        if wants_json(prompt):
            raise ProviderFailure(
                FailureKind.UNSUPPORTED, "the editor's models take no response format", parameter="response_format"
            )
        wanted = chat_params(prompt, self._chosen(model).id)
        texts: list[str] = []
        reply: object = None
        try:
            async with aclosing(self._chat.chat(wanted)) as said:
                async for part in said:
                    if isinstance(part, str):
                        texts.append(part)
                        yield Delta(part)
                    else:
                        reply = part
        except EditorRefused as refusal:
            raise self._failure_of(refusal) from refusal
        rest, finish = read_reply(reply, "".join(texts))
        if rest:
            yield Delta(rest)
        yield finish

    async def models(self) -> Sequence[ModelInfo]:
        """List what is lent now."""
        return tuple(ModelInfo(model.id, model.max_input_tokens) for model in self._lent)

    async def check(self, model: str | None) -> None:
        """See whether the model is lent; whether it answers turns out only when it is asked."""
        self._chosen(model)

    @property
    def default_model(self) -> str | None:
        """The usual family, or the first one's: the editor names the model likewise when it answers."""
        lent = self._lent
        first = next((model for model in lent if model.family == self._family), lent[0] if lent else None)
        return None if first is None else first.family or first.id

    @property
    def missing(self) -> str | None:
        """Why nothing is lent."""
        loan = self._chat.loan
        if loan is None:
            return "the editor has not said yet which models it lends"
        if self._lent:
            return None
        others = sorted({model.vendor for model in loan.models})
        nothing = f"the editor lends no models of {self._vendor!r}, only of: {', '.join(others)}; set editor.vendor"
        return loan.problem or (nothing if others else "the editor lends no models")

    @property
    def credential_version(self) -> object:
        """Changes with what is lent. After a refusal with whatever the editor says next: a consent shows in nothing."""
        loan = self._chat.loan
        if loan != self._known or (self._has_refused and loan is not self._known):
            self._version += 1
            self._has_refused = False
        self._known = loan
        return self._version

    @property
    def credential_source(self) -> str | None:
        """Whose models they are."""
        return f"{self._chat.lender}'s own models"

    @property
    def address(self) -> str | None:
        """Whom prompts are handed to; where it sends them is known to itself."""
        return f"the models of {self._chat.lender}"

    @property
    def _lent(self) -> Sequence[EditorModel]:
        loan = self._chat.loan
        return [] if loan is None else [model for model in loan.models if model.vendor == self._vendor]

    def _chosen(self, model: str | None) -> EditorModel:
        lent, wanted = self._lent, model or self.default_model
        if wanted is None:
            raise ProviderFailure(FailureKind.SIGNED_OUT, "the editor lends no models now", hint=self.missing)
        found = next((one for one in lent if one.id == wanted), None)
        found = found or next((one for one in lent if one.is_called(wanted)), None)
        if found is None:
            there_is = ", ".join(one.id for one in lent) or "none"
            raise ProviderFailure(
                FailureKind.MODEL_NOT_FOUND,
                "the editor does not lend this model",
                hint=f"the editor lends no model {wanted!r}; there is: {there_is}",
            )
        return found

    def _failure_of(self, refusal: EditorRefused) -> ProviderFailure:
        kind = _kind_in(refusal.kind)
        if kind in ABOUT_ACCESS:
            self._has_refused = True
        is_told = kind == refusal.kind
        return ProviderFailure(
            kind,
            "the editor says so" if is_told else "the editor could not answer",
            retry_after_seconds=_seconds_in(refusal.retry_after_seconds),
            hint=line_of(refusal.advice) if kind in MENDED_BY_A_PERSON else None,
        )


def chat_params(prompt: Prompt, model: str) -> dict[str, object]:
    """Give what the editor is asked."""
    return {
        "model": model,
        "messages": [message.as_dict() for message in prompt.messages],
        "tools": [tool.as_dict() for tool in prompt.tools],
        "temperature": prompt.temperature,
        "max_tokens": prompt.max_tokens,
        "stop": list(prompt.stop),
    }


def line_of(said: object) -> str | None:
    """Give what an editor says to a person, fit to be shown; None: nothing."""
    return in_one_line(said)[:LONGEST_LINE].strip() or None if isinstance(said, str) else None


def _kind_in(said: object) -> FailureKind:
    return FailureKind(said) if isinstance(said, str) and said in TELLABLE else FailureKind.SERVER


def _seconds_in(said: object) -> float | None:
    if not isinstance(said, int | float) or isinstance(said, bool):
        return None
    return min(said, MAX_OPEN_SECONDS)
