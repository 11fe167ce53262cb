from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_gateway.failures import FailureKind, ProviderFailure
from ai_gateway.providers.lines import MAX_LINE_BYTES, Decoder, LineDecoder, WholeDecoder

LINES = st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and not line.endswith(b"\r")), max_size=8)


def decode(decoder: Decoder, *chunks: bytes) -> list[bytes]:
    messages = [message for chunk in chunks for message in decoder.feed(chunk)]
    return messages + decoder.end()


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


@settings(deadline=None)
@given(LINES, st.sampled_from([b"\n", b"\r\n"]), st.lists(st.integers(0, 400), max_size=6))
def test_lines_are_the_same_wherever_chunks_are_cut(lines: list[bytes], end: bytes, cuts: list[int]) -> None:
    data = b"".join(line + end for line in lines)
    assert decode(LineDecoder(), *cut(data, cuts)) == lines


def test_a_last_line_without_its_end_is_given_at_the_end() -> None:
    assert decode(LineDecoder(), b"one\ntw", b"o\r") == [b"one", b"two"]


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    decoder = LineDecoder()
    chunk = b"x" * (MAX_LINE_BYTES // 4)
    for _ in range(4):
        assert decoder.feed(chunk) == []
    with pytest.raises(ProviderFailure, match="endless line") as raised:
        decoder.feed(b"x")
    assert raised.value.kind is FailureKind.SERVER


def test_the_bound_is_for_one_line_and_not_for_all() -> None:
    decoder = LineDecoder()
    half = b"x" * (MAX_LINE_BYTES // 2)
    for _ in range(4):
        assert sum(map(len, decoder.feed(half + b"\n"))) == len(half)


def test_a_document_is_one_message() -> None:
    assert decode(WholeDecoder(), b'{"a":\n', b"\n1}") == [b'{"a":\n\n1}']
