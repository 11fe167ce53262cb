"""`ai-gateway editor`: where the files are that an editor loads."""

from __future__ import annotations

import json
from pathlib import Path

import ai_gateway
from ai_gateway.cli.arguments import Arguments
from ai_gateway.cli.exits import Exit
from ai_gateway.cli.saying import say
from ai_gateway.near import meant

PACKAGE = Path(ai_gateway.__file__).parent


def editor(arguments: Arguments) -> int:
    """Print the folder for one editor, or the name and the folder of each."""
    folders = editor_folders()
    if arguments.editor is None:
        names = {name: str(folder) for name, folder in folders.items()}
        print(json.dumps(names, indent=2) if arguments.json else "\n".join(f"{n}\t{p}" for n, p in names.items()))
        return Exit.OK
    if arguments.editor not in folders:
        say(f"ai-gateway: no files for {arguments.editor!r}{meant(arguments.editor, folders)}")
        say(f"  there are some for: {', '.join(folders) or 'none'}")
        return Exit.USAGE
    folder = str(folders[arguments.editor])
    print(json.dumps({arguments.editor: folder}) if arguments.json else folder)
    return Exit.OK


def editor_folders() -> dict[str, Path]:
    """Give the folder of each editor: within the package, or beside it where it runs from its sources."""
    places = (PACKAGE / "editors", PACKAGE.parent / "editors")
    root = next((place for place in places if place.is_dir()), None)
    return {} if root is None else {folder.name: folder for folder in sorted(root.iterdir()) if folder.is_dir()}
