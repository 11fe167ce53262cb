"""What clients give to commands (`workspace/executeCommand`): one object, checked like the parameters of `ai/*`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ai_gateway.code_actions.kinds import ActionKind
from ai_gateway.code_actions.prompts import LONGEST_QUESTION
from ai_gateway.failures import InvalidQuery
from ai_gateway.messages.params import MAX_QUERY_CHARACTERS, Line, Params

MOST_PROBLEMS = 1000
LARGEST_NUMBER = 2**31 - 1
"""Of LSP (3.17, `uinteger`)."""


class PositionParam(Params):
    """As LSP has it, in the units that were agreed upon."""

    line: Annotated[int, Field(ge=0)]
    character: Annotated[int, Field(ge=0)]


class RangeParam(Params):
    """As LSP has it."""

    start: PositionParam
    end: PositionParam


EVERYTHING = RangeParam(start=PositionParam(line=0, character=0), end=PositionParam(line=LARGEST_NUMBER, character=0))
"""A range of all lines, however many there are."""


class DiagnosticParam(BaseModel):
    """As LSP has it; what else it says is left out."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    range: RangeParam
    message: str
    severity: int | None = None
    source: str | None = None
    code: int | str | None = None


class ActionArguments(Params):
    """Of `aiGateway.explain` and the other actions."""

    uri: Line
    """Of a document that is open."""
    range: RangeParam
    """What is selected; an empty one means what is around it."""
    version: int | None = None
    """Of the document that the range is of; without it, the newest."""
    diagnostics: Annotated[list[DiagnosticParam], Field(max_length=MOST_PROBLEMS)] = Field(default_factory=list)
    """The problems that `aiGateway.fix` is about."""


class ResolveData(ActionArguments):
    """What the server put into a code action, to get it back with `codeAction/resolve`."""

    kind: Literal["fix", "document", "test", "improve", "comment"]


class DocumentParam(Params):
    """A text that is not open here."""

    text: Annotated[str, Field(max_length=MAX_QUERY_CHARACTERS)]
    language_id: Line | None = None
    path: Line | None = None
    """What it is called: `analysis.ipynb cell 3`; without it, as the URI says."""


class PromptParams(Params):
    """Of `ai/prompt`."""

    kind: Annotated[ActionKind, Field(strict=False)]
    """The action whose prompt it is."""
    uri: Line
    """Of a document that is open, or of the file that `document` is in or of: it decides what may be said of that."""
    document: DocumentParam | None = None
    """What it is about, where that is not open here."""
    range: RangeParam | None = None
    """What is selected; an empty one means what is around it. Without it, the whole document."""
    version: int | None = None
    """Of the document that the range is of; without it, the newest."""
    diagnostics: Annotated[list[DiagnosticParam], Field(max_length=MOST_PROBLEMS)] = Field(default_factory=list)
    """The problems that `fix` is about."""
    question: Annotated[str, Field(max_length=LONGEST_QUESTION), AfterValidator(str.strip)] | None = None
    """What the person wants to know, for `ask`."""

    @property
    def place(self) -> ActionArguments:
        """What the prompt is about."""
        where = self.range or EVERYTHING
        return ActionArguments(uri=self.uri, range=where, version=self.version, diagnostics=self.diagnostics)


class AskArguments(Params):
    """Of `aiGateway.ask`."""

    question: Annotated[str, Field(max_length=LONGEST_QUESTION)] | None = None
    """Without it, the person is asked."""
    uri: Line | None = None
    """Of the document that the question is about."""
    range: RangeParam | None = None
    """What is selected there."""
    version: int | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.uri is None) != (self.range is None):
            missing = "uri" if self.uri is None else "range"
            raise InvalidQuery(f"{missing}: is missing; a selection has both, uri and range", field=missing)
        return self

    @property
    def selection(self) -> ActionArguments | None:
        """What the question is about."""
        if self.uri is None or self.range is None:
            return None
        return ActionArguments(uri=self.uri, range=self.range, version=self.version)


class NoArguments(Params):
    """Of `aiGateway.stop`: none."""


def object_of(arguments: Sequence[object] | None, *, bare: str | None = None) -> Mapping[str, object]:
    """Give the one object that a command takes.

    Args:
        arguments: As the client sent them; none, null and an empty list mean an empty object.
        bare: The field that a text means which is given in place of the object.

    Raises:
        InvalidQuery: They are something else.
    """
    given = [argument for argument in arguments or () if argument is not None]
    if not given:
        return {}
    if len(given) == 1 and isinstance(given[0], str) and bare is not None:
        return {bare: given[0]}
    if len(given) != 1 or not isinstance(given[0], Mapping):
        raise InvalidQuery("arguments: a command takes one object", field="arguments")
    return given[0]
