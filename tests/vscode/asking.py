"""Asking as a person does, where the answer itself is not what matters."""

from __future__ import annotations

from playwright.sync_api import expect

from vscode.window import Window


def ask(window: Window, question: str) -> None:
    """Type a question into the answer view; returns when it is answered."""
    window.command("AI Gateway: Ask…")
    answer = window.webview("Answer")
    turns = answer.locator(".turn")
    before = turns.count()
    field = answer.get_by_role("textbox")
    field.fill(question)
    field.press("Enter")
    expect(turns).to_have_count(before + 1)
    expect(turns.last.locator(".byline")).to_be_visible()
