"""What clients may say. Unknown fields are refused by name, and no error quotes a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ai_gateway.drill.faults import FAULTS, LONGEST_DRILL_SECONDS
from ai_gateway.failures import InvalidQuery
from ai_gateway.fences import fence_around
from ai_gateway.model import Backend, CacheMode, Message, Prompt, Query, SpendRule, Tool
from ai_gateway.near import meant
from ai_gateway.privacy.file_names import names_of

MAX_QUERY_CHARACTERS = 8 * 1024 * 1024
"""Of all texts together: several times what the largest models read."""
DAY_SECONDS = 24 * 3600.0

Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(min_length=1)]
ONE_LINE = r"^[^\r\n]*$"
"""For clients; checked here by code, because pydantic's regular expressions take half a megabyte each."""


def _one_line(text: str) -> str:
    if "\r" in text or "\n" in text:
        raise ValueError("must be one line")
    return text


Line = Annotated[
    str, Field(min_length=1, max_length=4096, json_schema_extra={"pattern": ONE_LINE}), AfterValidator(_one_line)
]
LANGUAGE_ID = r"^[A-Za-z0-9_.+#-]{1,64}$"


def _language_id(text: str) -> str:
    if re.fullmatch(LANGUAGE_ID, text) is None:
        raise ValueError("must be a language identifier, as LSP has them")
    return text


LanguageId = Annotated[str, Field(json_schema_extra={"pattern": LANGUAGE_ID}), AfterValidator(_language_id)]
Paths = Annotated[list[Line], Field(max_length=10_000)]
ProgressToken = int | str
"""As LSP has it."""
LONGEST_FIELD = 100
_BRANCHES = frozenset({"int", "str", "constrained-str"})


class Params(BaseModel):
    """The parameters of one method."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)
    """Most of them are never sent to most servers, and what checks them takes memory: so it is made when it is used."""

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Validate what a client sent.

        Raises:
            InvalidQuery: Something is wrong with it; the error names the field.
        """
        try:
            return cls.model_validate(params)
        except ValidationError as errors:
            found = errors.errors(include_url=False, include_input=False, include_context=False)
        about_first = [error for error in found if error["loc"][:1] == found[0]["loc"][:1]]
        field = max((_field(error) for error in about_first), key=lambda name: name.count("."))
        reasons = {error["type"]: error["msg"] for error in about_first if _field(error) == field}
        if "extra_forbidden" in reasons:
            names = [info.alias or name for name, info in cls.model_fields.items()]
            raise InvalidQuery(f"{field}: there is no such field{meant(field, names)}", field=field)
        raise InvalidQuery(f"{field}: {', or '.join(reasons.values())}", field=field)


class MessageParam(Params):
    """One turn of a conversation, in OpenAI's shape."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    """Text; null only beside `tool_calls`."""
    tool_calls: list[dict[str, object]] | None = None
    """What an assistant's turn asked to be called: `{id, type: "function", function: {name, arguments}, signature}`.

    A `signature` is given back as the result of the query that made the call had it."""
    tool_call_id: Name | None = None
    """Which call a tool's turn answers."""


class ContextEntry(Params):
    """A piece of the workspace that is put before the prompt, as a fenced block."""

    text: str
    uri: Line | None = None
    path: Line | None = None
    """What the block is called; without it, the URI."""
    language_id: LanguageId | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What the file is called; only by its URI, where that says all that the path says."""
        names = tuple(filter(None, (self.uri, self.path)))
        says_all = len(names) > 1 and any(f"/{name}".endswith(f"/{self.path}") for name in names_of(names[0]))
        return names[:1] if says_all else names

    def as_block(self) -> str:
        """Give it in Markdown."""
        fence = fence_around(self.text)
        name = self.path or self.uri
        block = f"{fence}{self.language_id or ''}\n{self.text}\n{fence}"
        return f"{name}:\n{block}" if name else block


class QueryParams(Params):
    """Of `ai/query`: either `prompt` or `messages`, and how to answer it."""

    model_config = ConfigDict(defer_build=False)
    """The first query does not wait for it."""

    prompt: str | None = None
    messages: Annotated[list[MessageParam], Field(min_length=1, max_length=10_000)] | None = None
    """A conversation, oldest turn first."""
    system: str | None = None
    """Instructions that come before everything."""
    context: Annotated[list[ContextEntry], Field(max_length=1000)] = Field(default_factory=list)
    """Put before the prompt, or before the last turn of the user."""
    backend: Annotated[Backend, Field(strict=False)] | None = None
    """Ask only this role."""
    provider: Name | None = None
    """Ask only this provider."""
    model: Name | None = None
    """Ask only tiers that offer this model."""
    without: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)
    """Providers that are not asked."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Name | Annotated[list[Name], Field(max_length=16)] | None = None
    tools: Annotated[list[dict[str, object]], Field(max_length=1000)] | None = None
    """Functions that the model may call, in OpenAI's shape."""
    response_format: dict[str, object] | None = None
    private: bool = False
    """Only local tiers may see it."""
    paths: Paths = Field(default_factory=list)
    """Of the files that it quotes outside `context`, or their URIs: some may make it private, and one that is kept out
    of prompts has it refused."""
    spend: Annotated[SpendRule, Field(strict=False)] | None = None
    """Whether a dearer tier may answer where the first one can't; without it, as the settings say."""
    cache: Annotated[CacheMode, Field(strict=False)] = CacheMode.ON
    ttl_seconds: Annotated[float, Field(ge=0, le=31 * DAY_SECONDS)] | None = None
    """How long the answer stays fresh in the cache."""
    timeout_seconds: Annotated[float, Field(gt=0, le=DAY_SECONDS)] | None = None
    """For everything together."""
    escalate: bool = False
    """Let a model ask for a stronger one."""
    partial_result_token: ProgressToken | None = Field(default=None, alias="partialResultToken")
    """LSP's own: the answer is also streamed, by `$/progress` with this token."""
    work_done_token: ProgressToken | None = Field(default=None, alias="workDoneToken")
    """LSP's own: beginning and end are told by `$/progress` with this token."""

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if self.prompt is not None and self.messages is not None:
            raise InvalidQuery("messages: give either prompt or messages, not both", field="messages")
        if self.messages is None and not (self.prompt or "").strip():
            raise InvalidQuery("prompt: is missing or empty", field="prompt")
        if sum(len(text) for text in self._texts()) > MAX_QUERY_CHARACTERS:
            field = "prompt" if self.messages is None else "messages"
            raise InvalidQuery(
                f"{field}: longer than {MAX_QUERY_CHARACTERS} characters, counting system and context", field=field
            )
        return self

    def cleared(self, excluded: Callable[[str], str | None]) -> tuple[Self, dict[str, str]]:
        """Leave out the entries of the context that are kept out of prompts.

        Args:
            excluded: Says of a path or URI why it is; None: it is not.

        Returns:
            The rest, and of each file that was left out, as its client calls it, why it was.
        """
        left_out: dict[str, str] = {}
        kept = []
        for entry in self.context:
            reason = next(filter(None, map(excluded, entry.names)), None)
            if reason is None:
                kept.append(entry)
            else:
                left_out[entry.path or entry.uri or ""] = reason
        return (self.model_copy(update={"context": kept}) if left_out else self), left_out

    def to_query(self, *, left_out: int = 0) -> Query:
        """Give the query that it asks for.

        Args:
            left_out: How many files were left out of it.

        Raises:
            InvalidQuery: A message or a tool is malformed, or there is nothing for the context to stand before.
        """
        return Query(
            prompt=Prompt(
                messages=tuple(self._messages()),
                temperature=self.temperature,
                max_tokens=self.max_tokens,
                stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
                tools=tuple(self._tools()),
                response_format=self.response_format,
            ),
            backend=self.backend,
            provider=self.provider,
            model=self.model,
            without=tuple(self.without),
            private=self.private,
            cache=self.cache,
            ttl_seconds=self.ttl_seconds,
            timeout_seconds=self.timeout_seconds,
            escalate=self.escalate,
            spend=self.spend,
            paths=(*self.paths, *(name for entry in self.context for name in entry.names)),
            left_out=left_out,
        )

    def _texts(self) -> Iterator[str]:
        yield self.prompt or ""
        yield self.system or ""
        for message in self.messages or ():
            yield message.content or ""
        for entry in self.context:
            yield entry.text

    def _messages(self) -> Iterator[Message]:
        if self.system is not None:
            yield Message("system", self.system)
        blocks = [entry.as_block() for entry in self.context]
        if self.messages is None:
            yield Message("user", "\n\n".join([*blocks, self.prompt or ""]))
            return
        turns = [message.model_dump(exclude_none=True) for message in self.messages]
        if blocks:
            asked = next((turn for turn in reversed(turns) if turn["role"] == "user" and turn.get("content")), None)
            if asked is None:
                raise InvalidQuery("context: there is no message of the user to put it before", field="context")
            asked["content"] = "\n\n".join([*blocks, asked["content"]])
        for position, turn in enumerate(turns):
            try:
                yield Message.of(turn)
            except ValueError as error:
                raise InvalidQuery(f"messages.{position}: {error}", field=f"messages.{position}") from error

    def _tools(self) -> Iterator[Tool]:
        for position, tool in enumerate(self.tools or ()):
            try:
                yield Tool.of(tool)
            except ValueError as error:
                raise InvalidQuery(f"tools.{position}: {error}", field=f"tools.{position}") from error


class EmbedParams(Params):
    """Of `ai/embed`."""

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=100_000)]
    """One text, or several."""
    model: Name | None = None
    """Ask only tiers that offer this model; name it if you keep the vectors."""
    dimensions: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How long the vectors are to be."""
    backend: Annotated[Backend, Field(strict=False)] | None = None
    """Ask only this role."""
    provider: Name | None = None
    """Ask only this provider."""
    private: bool = False
    """Only local tiers may see it."""
    paths: Paths = Field(default_factory=list)
    """Of the files that the texts are from, or their URIs: some may make it private, and one that is kept out of
    prompts has it refused."""
    timeout_seconds: Annotated[float, Field(gt=0, le=DAY_SECONDS)] | None = None
    """For everything together."""

    @model_validator(mode="after")
    def _not_too_much(self) -> Self:
        texts = [self.input] if isinstance(self.input, str) else self.input
        if sum(map(len, texts)) > MAX_QUERY_CHARACTERS:
            raise InvalidQuery(f"input: longer than {MAX_QUERY_CHARACTERS} characters", field="input")
        return self


class HealthParams(Params):
    """Of `ai/health`."""

    probe: bool = False
    """Also see whether each upstream can be reached now."""


class ResetParams(Params):
    """Of `ai/reset`."""

    provider: Name | None = None
    """Close only this provider's breaker."""
    cache: bool = False
    """Also empty the cache, and wipe the answers that outlive the process."""


class ForceParams(Params):
    """Of `ai/force`; `ai/reset` ends it."""

    provider: Name
    state: Literal["open", "closed"]
    """What its breaker is kept in, whatever happens: `open` leaves the provider out, `closed` always asks it."""
    seconds: Annotated[float, Field(gt=0, le=31 * DAY_SECONDS)] = 3600.0
    """How long."""


class ExplainParams(Params):
    """Of `ai/explain`."""

    query_id: Name | None = None
    """As the query's result had it; without it, the last query of this window, or else of any."""
    replay: bool = False
    """Also make every decision again, on what was known then."""
    sent: bool = False
    """Also show what was sent. Of a query of this window only, and one of the last: it is kept in memory alone."""


class ModelsParams(Params):
    """Of `ai/models`."""

    provider: Name | None = None
    """Only this provider's."""


class SignInParams(Params):
    """Of `ai/signIn`."""

    provider: Literal["copilot"] = "copilot"
    token: Line | None = Field(default=None, repr=False)
    """A GitHub session of the client's, to be kept in memory only. Without one, a device flow begins."""
    host: Line | None = None
    """The web host that the session belongs to, such as `github.com`; it is refused if its token would go elsewhere."""
    wait: bool = False
    """Begin nothing: wait for the end of the device flow that was begun. Cancelling this gives that up."""


class SignOutParams(Params):
    """Of `ai/signOut`."""

    provider: Literal["copilot"] = "copilot"
    session_only: bool = False
    """Forget only the GitHub session that the client has handed over."""


class SimulateParams(Params):
    """Of `ai/simulate`, where the upstreams are simulated."""

    provider: Literal["copilot", "openai", "ollama"]
    fault: Literal["rate_limited", "quota", "down", "broken_off", "slow", "signed_out"] | None = None
    """How it fails from now on; null: not at all. A model on this machine knows only `down`, `broken_off`, `slow`."""


class DrillParams(Params):
    """Of `ai/drill`."""

    provider: Name | None = None
    """Whose outage; without it, that of the first provider that is asked."""
    fault: Annotated[Name, Field(json_schema_extra={"enum": list(FAULTS)})]
    """What it does to whoever asks it."""
    seconds: Annotated[float, Field(gt=0, le=LONGEST_DRILL_SECONDS)] = 30.0
    """How long."""
    work_done_token: ProgressToken | None = Field(default=None, alias="workDoneToken")
    """LSP's own: what happens meanwhile is told by `$/progress` with this token, a line at a time."""


class CommitMessageParams(Params):
    """Of `ai/commitMessage`: of what is staged."""

    folder: Line | None = None
    """In the repository, as a path or a URI; without it, the first folder of the workspace."""
    use_llm: bool = True
    """Whether a model is asked; otherwise the text is the template's."""
    private: bool = False
    """Only local tiers may see it."""
    work_done_token: ProgressToken | None = Field(default=None, alias="workDoneToken")
    """LSP's own: what happens meanwhile is told by `$/progress` with this token, a line at a time."""


class PullRequestParams(CommitMessageParams):
    """Of `ai/pullRequest`: of the branch that is checked out."""

    base: Line | None = None
    """What it is to be merged into: a branch, a tag or a commit. Without it, the remote's default branch, or else
    `main`, `master` or `develop`."""


class MetricsParams(Params):
    """Of `ai/metrics`: none."""


def _field(error: ErrorDetails) -> str:
    """Name the field that an error is about, leaving out branches of unions, which are called by their types."""
    location = error["loc"]
    named_by_client = location[-1:] if error["type"] == "extra_forbidden" else ()
    ours = location[: len(location) - len(named_by_client)]
    parts = [part for part in ours if part not in _BRANCHES and not str(part).startswith("list[")]
    return ".".join(str(part) for part in (*parts, *named_by_client))[:LONGEST_FIELD]
