"""Cutting a stream of bytes into messages, without any input or output."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ai_gateway.lsp.framing import MAX_BODY_BYTES, MAX_HEADER_BYTES, FrameDecoder, FramingError, frame

BODY = b'{"jsonrpc":"2.0"}'
ERROR = "error"


def found(*chunks: bytes) -> list[bytes | str]:
    """What a decoder finds, with the word "error" for each faulty frame."""
    decoder = FrameDecoder()
    bodies = [body for chunk in chunks for body in decoder.feed(chunk)]
    return [ERROR if isinstance(body, FramingError) else body for body in bodies]


@given(bodies=st.lists(st.binary(max_size=300)), data=st.data())
def test_bodies_come_out_whole_however_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(body) for body in bodies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert found(*chunks) == bodies


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Content-Length: 5"]), max_size=20))
def test_no_noise_makes_the_decoder_fail(noise: list[bytes]) -> None:
    found(*noise)


def test_header_names_are_read_in_any_case_and_other_headers_are_let_be() -> None:
    headers = b"content-LENGTH:17\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\nX-Other: y\r\n\r\n"
    assert found(headers + BODY) == [BODY]


def test_lines_may_end_in_a_bare_newline() -> None:
    assert found(b"Content-Length: 17\n\n" + BODY) == [BODY]


def test_blank_lines_between_messages_are_let_be() -> None:
    assert found(frame(BODY) + b"\r\n\r\n" + frame(BODY)) == [BODY, BODY]


def test_a_header_without_a_length_is_an_error_and_the_next_message_is_found() -> None:
    assert found(b"Content-Type: x\r\n\r\n" + frame(BODY)) == [ERROR, BODY]


def test_a_length_that_is_no_number_is_an_error() -> None:
    for wrong in (b"-5", b"1e3", b"0x10", b"5 5", b"", b"9" * 30):
        assert found(b"Content-Length: " + wrong + b"\r\n\r\n" + frame(BODY)) == [ERROR, BODY]


def test_a_message_that_is_too_long_is_an_error_at_once_and_skipped_without_being_kept() -> None:
    decoder = FrameDecoder()
    assert len(list(decoder.feed(b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)))) == 1
    chunk = bytes(1024 * 1024)
    for _ in range(MAX_BODY_BYTES // len(chunk)):
        assert list(decoder.feed(chunk)) == []
    assert list(decoder.feed(b"x" + frame(BODY))) == [BODY]


def test_a_length_that_is_too_short_costs_one_error_and_no_later_message() -> None:
    assert found(b"Content-Length: 10\r\n\r\n" + BODY + frame(BODY)) == [BODY[:10], ERROR, BODY]


def test_a_header_without_an_end_is_one_error_however_long_it_grows() -> None:
    assert found(*[b"x" * MAX_HEADER_BYTES] * 5) == [ERROR]


def test_a_message_after_an_endless_header_is_found() -> None:
    assert found(b"x" * MAX_HEADER_BYTES * 2, b"\r\n", frame(BODY)) == [ERROR, ERROR, BODY]


def test_a_request_of_http_is_a_malformed_header() -> None:
    request = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 17\r\n\r\n" + BODY
    assert found(request)[0] == ERROR


def test_frames_have_the_one_header_that_clients_need() -> None:
    assert frame("é".encode()) == b"Content-Length: 2\r\n\r\n\xc3\xa9"
