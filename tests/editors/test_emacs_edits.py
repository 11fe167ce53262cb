"""What Emacs does with what a server asks of it: edits above all, which must not damage a buffer."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from editors.test_emacs import emacs

SERVER = Path(__file__).with_name("scripted_server.py")
LINES = "def add(a, b):\n    return a - b\n\nprint(add(2, 3))\n"
MENDED = LINES.replace("-", "+")

Json = dict[str, Any]
Request = tuple[str, Json]


def between(line: int, start: int, end: int) -> Json:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


SECOND_LINE = between(1, 0, 16)


def lisp(text: str) -> str:
    """A text as Emacs Lisp writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Tried:
    """What came of it.

    Attributes:
        text: The buffer's.
        undone: The buffer's, after one step of undo.
        shown: The names of the buffers that can be seen.
        columns: The `fill-column` of each of them.
    """

    def __init__(self, told: Json, log: str) -> None:
        self.text: str = told["text"]
        self.undone: str = told["undone"]
        self.shown: list[str] = told["shown"]
        self.columns: list[int] = told["columns"]
        self._messages: list[Json] = [json.loads(line) for line in log.splitlines()]

    @property
    def replies(self) -> list[Any]:
        """What Emacs answered to the requests of the server, in order."""
        return [message.get("result", message.get("error")) for message in self._messages if "method" not in message]

    @property
    def methods(self) -> list[str]:
        """Of what Emacs asked and told the server, in order."""
        return [message["method"] for message in self._messages if "method" in message]

    def params(self, method: str, number: int = 0) -> Any:
        """Those of the first message of that method, or of another."""
        return [message["params"] for message in self._messages if message.get("method") == method][number]


class Trial:
    """Lets a server make requests to an Emacs that has a file of a project open."""

    def __init__(self, environ: dict[str, str], project: Path) -> None:
        self._environ = environ
        self._project = project
        self.file = project / "tried.py"

    async def __call__(
        self,
        *requests: Request,
        text: str = LINES,
        place: tuple[int, int] = (1, 1),
        before: str = "nil",
        meanwhile: str = "nil",
        answers: str = "",
    ) -> Tried:
        """Make these requests, and see what comes of it.

        Args:
            requests: Made when the action is chosen.
            text: What is in the file.
            place: For what part of the buffer the action is chosen; 1 is its beginning.
            before: What is done first, a form in Lisp.
            meanwhile: What is done while they are made, a form, too.
            answers: What the person says when asked: forms in Lisp.
        """
        self.file.write_bytes(text.encode())
        script, log = self._project / "script.json", self._project / "log"
        script.write_text(json.dumps(requests), "utf-8")
        command = " ".join(map(lisp, (sys.executable, str(SERVER), str(script), str(log))))
        form = f"(scripted '({command}) {place[0]} {place[1]} '{before} '{meanwhile} '({answers}))"
        async with emacs(form, self._environ, self._project) as editor:
            told = await editor.told()
            await editor.exit_code()
        return Tried(told, log.read_text("utf-8"))

    def edit(self, new: str, place: Json = SECOND_LINE, *, version: int | None = 1, confirm: bool = False) -> Request:
        """The request to put a text in a place of the file."""
        document = {"uri": self.file.as_uri(), "version": version}
        edits = [{"range": place, "newText": new, "annotationId": "it"}]
        annotations = {"it": {"label": "Mend", "needsConfirmation": confirm}}
        changes = {"documentChanges": [{"textDocument": document, "edits": edits}], "changeAnnotations": annotations}
        return "workspace/applyEdit", {"label": "Mend", "edit": changes}


@pytest.fixture
def trial(environ: dict[str, str], project: Path) -> Trial:
    return Trial(environ, project)


async def test_an_edit_is_applied_to_the_buffer_and_not_to_the_file(trial: Trial) -> None:
    outcome = await trial(trial.edit("    return a + b"))
    assert outcome.text == MENDED
    assert outcome.replies == [{"applied": True}]
    assert (trial.file).read_text("utf-8") == LINES
    assert "tried.py" in outcome.shown


async def test_after_an_edit_the_server_gets_what_has_become_of_the_document(trial: Trial) -> None:
    outcome = await trial(trial.edit("    return a + b"), trial.edit("    return b + a", version=2))
    assert outcome.replies == [{"applied": True}, {"applied": True}]
    assert outcome.text == LINES.replace("a - b", "b + a")
    assert outcome.params("textDocument/didChange", 1)["contentChanges"] == [{"text": outcome.text}]


async def test_ends_of_lines_are_kept_as_they_are_in_the_file(trial: Trial) -> None:
    await trial(trial.edit("    return a + b"), text=LINES.replace("\n", "\r\n"))
    assert trial.file.with_name("saved.py").read_bytes() == MENDED.replace("\n", "\r\n").encode()


async def test_what_is_not_unicode_is_replaced_and_moves_nothing(trial: Trial) -> None:
    outcome = await trial(trial.edit("2", between(0, 9, 10)), text="x = ''; 1\n", before="(insert-byte-at 6)")
    assert outcome.params("textDocument/didOpen")["textDocument"]["text"] == "x = '\ufffd'; 1\n"
    assert outcome.text == "x = 'byte'; 2\n"


async def test_what_flymake_has_found_comes_along(trial: Trial) -> None:
    outcome = await trial(place=(20, 20), before="(find-problem 20 32)")
    (problem,) = outcome.params("textDocument/codeAction")["context"]["diagnostics"]
    assert problem == {"range": between(1, 4, 16), "severity": 1, "message": "is wrong"}


async def test_an_edit_for_another_version_is_refused(trial: Trial) -> None:
    outcome = await trial(trial.edit("    return a + b", version=2))
    assert outcome.text == LINES
    assert outcome.replies == [{"applied": False, "failureReason": "tried.py has changed meanwhile"}]


async def test_an_edit_that_comes_after_a_change_by_the_person_is_refused(trial: Trial) -> None:
    typing = ("ai/editor/input", {"title": "?"})
    outcome = await trial(
        typing, trial.edit("    return a + b"), answers='(with-current-buffer "tried.py" (insert "# ") "text")'
    )
    assert outcome.text == "# " + LINES
    assert outcome.replies[1]["applied"] is False


@pytest.mark.parametrize(("keys", "becomes"), [('"C-c C-c"', MENDED), ('"C-c C-k"', LINES), ("", LINES)])
async def test_an_edit_that_needs_it_is_applied_only_if_the_person_agrees(
    trial: Trial, keys: str, becomes: str
) -> None:
    outcome = await trial(trial.edit("    return a + b", confirm=True), meanwhile=f"(decide {keys})")
    assert outcome.text == becomes
    assert outcome.replies[0]["applied"] is (becomes == MENDED)
    assert "*AI Gateway: changes*" not in outcome.shown


async def test_what_is_typed_while_an_edit_waits_agrees_to_nothing_and_the_edit_comes_too_late(trial: Trial) -> None:
    typing = '(progn (until (get-buffer "*AI Gateway: changes*")) (execute-kbd-macro "y") (decide "C-c C-c"))'
    outcome = await trial(
        trial.edit("    return a + b", confirm=True), before='(switch-to-buffer "tried.py")', meanwhile=typing
    )
    assert outcome.text == "y" + LINES
    assert outcome.replies == [{"applied": False, "failureReason": "tried.py has changed meanwhile"}]


async def test_an_edit_to_a_buffer_that_is_killed_while_it_waits_is_refused(trial: Trial, project: Path) -> None:
    killing = '(progn (until (get-buffer "*AI Gateway: changes*")) (kill-buffer "adding.py") (decide "C-c C-c"))'
    method, params = trial.edit("#", between(0, 0, 0), version=None, confirm=True)
    params["edit"]["documentChanges"][0]["textDocument"]["uri"] = (project / "adding.py").as_uri()
    outcome = await trial((method, params), meanwhile=killing)
    assert outcome.replies == [{"applied": False, "failureReason": "the buffer was killed"}]


async def test_a_chosen_action_comes_after_what_was_typed_since_it_was_offered(trial: Trial) -> None:
    typing = "(advice-add 'completing-read :before (lambda (&rest _) (insert \"# \")) '((depth . -100)))"
    outcome = await trial(before=typing)
    assert outcome.params("textDocument/didChange")["textDocument"]["version"] == 2
    assert outcome.methods.index("textDocument/didChange") < outcome.methods.index("workspace/executeCommand")


async def test_columns_count_utf_16_units_both_ways(trial: Trial) -> None:
    text = 'x = "😀é"; y = 1\n'
    place = {"start": {"line": 0, "character": 15}, "end": {"line": 0, "character": 16}}
    outcome = await trial(trial.edit("2", place=place), text=text, place=(7, 15))
    assert outcome.text == 'x = "😀é"; y = 2\n'
    asked = outcome.params("textDocument/codeAction")["range"]
    assert asked == {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 15}}


async def test_a_bare_carriage_return_ends_a_line_as_in_lsp(trial: Trial) -> None:
    outcome = await trial(
        trial.edit("2", place={"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 1}}),
        text="a\rb\nc\n",
    )
    assert outcome.text == "a\r2\nc\n"


async def test_edits_come_in_any_order_and_are_undone_in_one_step(trial: Trial) -> None:
    method, params = trial.edit("sum", between(0, 4, 7))
    params["edit"]["documentChanges"][0]["edits"].append({"range": between(3, 6, 9), "newText": "sum"})
    outcome = await trial((method, params))
    assert outcome.text == LINES.replace("add", "sum")
    assert outcome.undone == LINES


async def test_a_file_is_created_as_a_buffer_to_be_saved_and_none_is_overwritten(trial: Trial, project: Path) -> None:
    existing = project / "adding.py"
    outcome = await trial(creation(project / "test_tried.py", "tests\n"), creation(existing, "lost\n"))
    assert outcome.replies == [
        {"applied": True},
        {"applied": False, "failureReason": f"{existing} exists already"},
    ]
    assert "test_tried.py" in outcome.shown
    assert "lost" not in existing.read_text("utf-8")


def creation(path: Path, text: str) -> Request:
    create = {"kind": "create", "uri": path.as_uri(), "options": {"overwrite": False, "ignoreIfExists": False}}
    document = {"uri": path.as_uri(), "version": None}
    fill = {"textDocument": document, "edits": [{"range": between(0, 0, 0), "newText": text}]}
    return "workspace/applyEdit", {"edit": {"documentChanges": [create, fill]}}


async def test_the_server_gets_the_buffer_as_it_is_with_its_language(trial: Trial) -> None:
    outcome = await trial(text=LINES)
    opened = outcome.params("textDocument/didOpen")["textDocument"]
    assert opened == {"uri": (trial.file).as_uri(), "languageId": "python", "version": 1, "text": LINES}
    chosen = outcome.params("workspace/executeCommand")
    assert chosen == {"command": "do", "arguments": [{"none": None, "no": False}]}


async def test_a_document_to_read_is_shown_and_sets_no_variables(trial: Trial, project: Path) -> None:
    page = project / "answers" / "an answer.md"
    page.parent.mkdir()
    page.with_name(".dir-locals.el").write_text("((nil . ((fill-column . 8))))")
    page.write_text("# Answer\n\nLocal Variables:\nfill-column: 7\nEnd:\n", "utf-8")
    outcome = await trial(("window/showDocument", {"uri": page.as_uri()}))
    assert outcome.replies == [{"success": True}]
    assert "an answer.md" in outcome.shown
    assert not {7, 8} & set(outcome.columns)


async def test_a_question_of_the_server_is_answered_by_the_person(trial: Trial) -> None:
    actions = [{"title": "Yes"}, {"title": "No"}]
    outcome = await trial(
        ("ai/editor/input", {"title": "Ask AI Gateway", "placeholder": "What?"}),
        ("window/showMessageRequest", {"type": 3, "message": "Sure?", "actions": actions}),
        ("no/such/request", {}),
        answers='"why?" "Yes"',
    )
    assert outcome.replies[:2] == [{"text": "why?"}, {"title": "Yes"}]
    assert outcome.replies[2]["code"] == -32601


async def test_a_person_who_quits_has_answered_nothing_and_agreed_to_nothing(trial: Trial) -> None:
    actions = [{"title": "Yes"}]
    outcome = await trial(
        ("ai/editor/input", {"title": "Ask AI Gateway"}),
        ("window/showMessageRequest", {"type": 3, "message": "Sure?", "actions": actions}),
        trial.edit("    return a + b", confirm=True),
        answers="(signal 'quit nil) (signal 'quit nil)",
        meanwhile="(decide)",
    )
    assert outcome.replies == [{"text": None}, None, {"applied": False, "failureReason": "refused"}]
    assert outcome.text == LINES
