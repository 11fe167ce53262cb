"""One answer of a model, on whatever wire."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ai_gateway.fakes.answers import Answer, Frame, Reply, Spelling


@dataclass(frozen=True, kw_only=True)
class Completion(Spelling):
    """One answer, whole or streamed. Tokens are words."""

    document_type: ClassVar[str] = "application/json"
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"

    reply: Reply
    model: str
    """The one that was asked."""
    prompt_tokens: int = 0

    @abstractmethod
    def document(self) -> dict[str, object]:
        """The body of an answer that isn't streamed."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """The frames of a streamed answer."""

    @property
    def answering_model(self) -> str:
        """The one that says it answers."""
        return self.reply.model or self.model

    def answer(self, *, stream: bool) -> Answer:
        """The HTTP answer."""
        if stream:
            return Answer.stream(self.frames(), self, self.stream_type)
        return Answer.of(self.document(), content_type=self.document_type)
