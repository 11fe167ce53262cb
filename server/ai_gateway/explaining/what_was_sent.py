"""What a query sent, for the person who asked it. Unlike all else that is told of a query, this holds its text."""

from __future__ import annotations

from collections.abc import Iterator

from ai_gateway.explaining.timeline import named, place_of
from ai_gateway.fences import fence_around
from ai_gateway.printing import plain
from ai_gateway.sent import MOST_QUERIES, Sent, SentByQuery
from ai_gateway.trace import CacheVerdict, Trace


def note_of(trace: Trace, sent: SentByQuery | None) -> str | None:
    """Say why there is nothing to see, or not all of it; None: all is there.

    Args:
        trace: What is known of the query.
        sent: What it sent; None: that is not known.
    """
    if trace.cache is CacheVerdict.HIT:
        return "nothing was sent: the answer came from the cache"
    if trace.joined is not None:
        return f"query {trace.joined} was asking the same already, and sent it"
    if not any(step.has_sent for step in trace.steps):
        return "nothing was sent"
    if sent is None or not sent.tiers:
        return (
            f"what was sent is not known here: each process keeps that of its own last {MOST_QUERIES} queries, "
            "in memory only"
        )
    if any(tier.omitted_characters for tier in sent.tiers):
        return "it was too long to be kept whole"
    return None


def sent_page_of(trace: Trace, sent: SentByQuery | None) -> str:
    """Write in Markdown what each tier was sent."""
    note = note_of(trace, sent)
    sections = ["# What was sent", *([] if note is None else [f"{note[0].upper()}{plain(note[1:])}."])]
    if sent is not None:
        sections += _files(sent, trace.asked.left_out)
        for tier in sent.tiers:
            sections += _tier(tier)
    return "\n\n".join(sections) + "\n"


def _files(sent: SentByQuery, left_out: int) -> Iterator[str]:
    if sent.files:
        yield f"Files quoted: {', '.join(map(plain, sent.files))}."
    if left_out:
        yield f"Files left out, as exclusions say: {left_out}."


def _tier(sent: Sent) -> Iterator[str]:
    yield f"## To {named(sent.provider, sent.model)}, {place_of(sent.address)}"
    for text in sent.texts:
        fence = fence_around(text.content)
        yield f"{text.role}:\n\n{fence}text\n{text.content}\n{fence}"
    if sent.omitted_characters:
        yield f"… and {sent.omitted_characters:,} characters more."
    if sent.tools:
        yield f"With the descriptions of these tools: {', '.join(map(plain, sent.tools))}."
