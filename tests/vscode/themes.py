"""VS Code's own colour themes."""

from __future__ import annotations

from enum import Enum


class Theme(Enum):
    """A theme: what the settings call it, what the person reads, and the workbench's class while it is shown."""

    LIGHT = ("Light 2026", "Light 2026", "vs")
    DARK = ("Dark 2026", "Dark 2026", "vs-dark")
    HIGH_CONTRAST = ("Default High Contrast", "Dark High Contrast", "hc-black")
    HIGH_CONTRAST_LIGHT = ("Default High Contrast Light", "Light High Contrast", "hc-light")

    def __init__(self, setting: str, label: str, css_class: str) -> None:
        self.setting = setting
        self.label = label
        self.css_class = css_class

    @property
    def slug(self) -> str:
        """As in a file's name."""
        return self.name.lower().replace("_", "-")
