"""What the simulated models say: short, in Markdown, about what was asked, and never as if one had thought of it."""

from __future__ import annotations

import re
import zlib

from ai_gateway.drafting.prompts import COMMIT, PULL_REQUEST
from ai_gateway.fakes import RecordedRequest
from ai_gateway.simulation.code_answers import answer_about_code
from ai_gateway.simulation.upstreams import first_words, last_words

SIMULATED = "*This is a simulated answer: no model was asked.*"
LONGEST_ECHO = 10
"""Words of the question."""
MOST_FILES = 5

_GENERAL = (
    """You asked: *{question}*

In short, it depends on what is to happen when something goes wrong. Decide that first, keep the usual case simple, \
and let one place deal with the rest. A small test that fails for the right reason tells you sooner than any review.""",
    """Here is a small example for *{question}*

```python
def greet(name: str) -> str:
    return f"Hello, {{name}}!"
```

It takes one value, gives one back and changes nothing else, so it is easy to test. Begin like this, and add a case \
only when you need it.""",
    """As for *{question}*, three things help most people:

1. **Say what you expect** before you look at what there is.
2. **Change one thing** at a time, and look again.
3. **Write down** what you have found, where the next person will look.""",
)

_FENCED = r"^{heading}:\n(?P<fence>`{{3,}})\n(?P<text>.*?)\n(?P=fence)$"


def answer_to(request: RecordedRequest) -> str:
    """Answer what a model was sent last."""
    instructions, asked = first_words(request), last_words(request)
    if PULL_REQUEST in instructions:
        return _pull_request(asked)
    if COMMIT in instructions:
        return _commit_message(asked)
    about_code = answer_about_code(asked)
    if about_code is None:
        return f"{_general(_question_in(asked))}\n\n{SIMULATED}"
    return about_code if about_code.startswith("```") else f"{about_code}\n\n{SIMULATED}"


def _general(question: str) -> str:
    return _GENERAL[zlib.crc32(question.encode()) % len(_GENERAL)].format(question=question)


def _question_in(asked: str) -> str:
    """Give the beginning of the last line, which is what a person asks below whatever they quote."""
    lines = [
        line
        for line in re.sub(r"^(`{3,}).*?^\1$", "", asked, flags=re.DOTALL | re.MULTILINE).splitlines()
        if line.strip()
    ]
    words = re.sub(r"[*_`<>\[\]]", "", lines[-1] if lines else "nothing").split()
    return " ".join(words[:LONGEST_ECHO]) + ("…" if len(words) > LONGEST_ECHO else "")


def _pull_request(asked: str) -> str:
    branch = _fenced("The branch, and what it is to be merged into", asked).partition("\n")[0]
    title = re.sub(r"[-_/]+", " ", branch).strip().capitalize() or "Change some files"
    changed = "\n".join(f"- `{name}`" for name in _files(asked))
    return f"{title[:72]}\n\nThis changes:\n\n{changed}\n\n{SIMULATED}"


def _commit_message(asked: str) -> str:
    files = _files(asked)
    subject = f"Change {files[0]}" if files else "Change some files"
    return f"{subject[:72]}\n\nThis is a simulated message: no model was asked."


def _files(asked: str) -> list[str]:
    lines = _fenced("The changed files", asked).splitlines()
    found = (re.search(r"[\w./-]*\w\.\w+", line) for line in lines)
    return [match[0] for match in found if match][:MOST_FILES]


def _fenced(heading: str, asked: str) -> str:
    found = re.search(_FENCED.format(heading=re.escape(heading)), asked, re.DOTALL | re.MULTILINE)
    return found["text"] if found else ""
