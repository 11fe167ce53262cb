import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import ProviderFailure
from ai_gateway.providers.lines import MAX_LINE_BYTES
from ai_gateway.providers.sse import SseDecoder

PAYLOADS = st.lists(st.text(alphabet='{}":x\u2028\x0b\x1cü🙂', min_size=1, max_size=12).map(str.encode), max_size=6)


def decode(*chunks: bytes) -> list[bytes]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.end()


@settings(deadline=None)
@given(PAYLOADS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["data: ", "data:"]), st.integers(1, 5))
def test_events_are_the_same_in_every_spelling_and_slicing(
    payloads: list[bytes], end: str, field: str, size: int
) -> None:
    data = b"".join(f"{field}{payload.decode()}{end}{end}".encode() for payload in payloads)
    assert decode(*(data[start : start + size] for start in range(0, len(data), size))) == payloads


@pytest.mark.parametrize(
    "stream",
    [
        b": a comment\ndata: x\n\n",
        b": OPENROUTER PROCESSING\n\ndata: x\n\n",
        b"event: delta\nid: 7\nretry: 3000\ndata: x\n\n",
        b"\n\n\ndata: x\n\n\n\n",
        b"datax: y\ndata: x\n\n",
    ],
)
def test_only_data_is_taken(stream: bytes) -> None:
    assert decode(stream) == [b"x"]


def test_lines_of_one_event_are_joined() -> None:
    assert decode(b'data: {"a":\ndata: 1}\n\n') == [b'{"a":\n1}']


def test_only_one_space_belongs_to_the_field() -> None:
    assert decode(b"data:  x\n\n") == [b" x"]


def test_empty_data_is_an_event_without_text() -> None:
    assert decode(b"data:\n\n") == [b""]


def test_a_cut_event_is_given_at_the_end() -> None:
    assert decode(b"data: one\n\ndata: tw") == [b"one", b"tw"]


def test_an_endless_line_is_refused() -> None:
    decoder = SseDecoder()
    with pytest.raises(ProviderFailure, match="endless line"):
        decoder.feed(b"data: " + b"x" * MAX_LINE_BYTES)
