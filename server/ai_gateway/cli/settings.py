"""The settings that a command runs with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ai_gateway.cli.arguments import Arguments
from ai_gateway.config import CONFIG_FILE_VARIABLE, LoadedSettings, default_config_file, load_settings


def settings_of(
    arguments: Arguments,
    *,
    editor: Mapping[str, object] | None = None,
    workspaces: Sequence[Mapping[str, object]] = (),
) -> LoadedSettings:
    """Load the settings: the file that was named, or the usual one; the `.env` file that was named; the environment.

    Args:
        arguments: The command line.
        editor: What the editor sets, by its initialization options or later.
        workspaces: What the editor says about each folder of the workspace.
    """
    named = arguments.config or os.environ.get(CONFIG_FILE_VARIABLE)
    return load_settings(
        file=Path(named) if named else default_config_file(),
        env_file=arguments.env_file,
        editor=editor,
        workspaces=workspaces,
    )
