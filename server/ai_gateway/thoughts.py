"""What some models, most of them local, think aloud before they answer."""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>\s*|\Z)", re.DOTALL | re.IGNORECASE)


def without_thoughts(answer: str) -> str:
    """Give the answer alone; there is none where the model never came to an end with thinking."""
    thought = _THOUGHT.match(answer)
    return answer[thought.end() :] if thought else answer
