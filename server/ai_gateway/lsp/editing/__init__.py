"""What editors offer beside a selection: code actions, commands, and how their results get into the editor."""
