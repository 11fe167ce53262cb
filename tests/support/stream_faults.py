"""What can happen to a streamed answer on any wire, and what each is to be called.

The reply that they strike is `TEXT`, a word for each delta.
"""

from __future__ import annotations

from ai_gateway.failures import FailureKind
from ai_gateway.fakes import Fault

TEXT = "one två three 🙂 four"

TOLERATED = {
    "nothing": Fault(),
    "slices of one byte": Fault.sliced(1),
    "slices of seven bytes": Fault.sliced(7),
    "one write": Fault.coalesced(),
    "split characters": Fault.split_characters(),
    "CRLF": Fault.crlf(),
    "CRLF in slices of one byte": Fault.crlf() | Fault.sliced(1),
    "a malformed message among good ones": Fault.malformed(),
    "a closed connection after the answer": Fault.close_after_answer(),
    "cookies": Fault.with_headers({"Set-Cookie": "session=1"}),
}
TOLERATED_EVENTS = {
    "comments": Fault.comments(),
    "no space after the field": Fault.no_field_space(),
    "a finish reason, but no [DONE]": Fault.without("end"),
    "a [DONE], but no finish reason": Fault.without("finish"),
    "no usage": Fault.without("usage"),
}

BROKEN = {
    "a reset before the headers": (Fault.reset(), FailureKind.NETWORK),
    "a close before the headers": (Fault.drop(), FailureKind.NETWORK),
    "a close before the first token": (Fault.cut(), FailureKind.STREAM_BROKEN),
    "a close in the middle": (Fault.cut(after=2), FailureKind.STREAM_BROKEN),
    "a reset in the middle": (Fault.cut(after=2, reset=True), FailureKind.STREAM_BROKEN),
    "no terminal marker": (Fault.unterminated(), FailureKind.STREAM_BROKEN),
    "an empty body": (Fault.empty_body(), FailureKind.STREAM_BROKEN),
    "an error with status 200": (Fault.error_with_200(), FailureKind.SERVER),
    "an error at the beginning": (Fault.error_event(after=0), FailureKind.SERVER),
    "an error in the middle": (Fault.error_event(after=2), FailureKind.SERVER),
    "a gateway's HTML page": (Fault.proxy_error(502), FailureKind.SERVER),
    "a portal's HTML page": (Fault.proxy_error(200), FailureKind.NETWORK),
    "a portal's redirect": (Fault.status(302, "", headers={"Location": "http://127.0.0.1:1/"}), FailureKind.NETWORK),
    "gzip that is none": (Fault.gzip_garbage(), FailureKind.SERVER),
    "a giant line": (Fault.giant_line(), FailureKind.SERVER),
    "an endless line": (Fault.endless(one_line=True), FailureKind.SERVER),
}
