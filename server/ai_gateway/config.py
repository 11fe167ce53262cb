"""Settings loaded in layers, each value remembering where it came from.

Later layers win: defaults, the configuration file, the environment, the editor, the workspace.
A wrong value never stops the gateway: it is named, left out, and disables the tier that it belongs to.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_config_path
from pydantic import BaseModel, ValidationError

from ai_gateway.model import SpendRule
from ai_gateway.near import meant
from ai_gateway.settings import TIER_NAMES, ServiceSettings, Settings, usual_order
from ai_gateway.workspace_rules import refusal_of

CONFIG_FILE_VARIABLE = "AI_GATEWAY_CONFIG"
OWN_PREFIX = "AI_GATEWAY_"
LARGEST_FILE_BYTES = 1024 * 1024

ENVIRONMENT: Mapping[str, str] = {
    "COPILOT_GITHUB_TOKEN": "copilot.token",
    "GITHUB_COPILOT_TOKEN": "copilot.token",
    "GH_COPILOT_TOKEN": "copilot.token",
    "COPILOT_MODEL": "copilot.model",
    "GH_COPILOT_API_URL": "copilot.api_url",
    "GITHUB_COPILOT_API_URL": "copilot.api_url",
    "GH_COPILOT_SERVER_URL": "copilot.server_url",
    "GITHUB_COPILOT_SERVER_URL": "copilot.server_url",
    "CLOUD_PROVIDER": "cloud.provider",
    "CLOUD_MODEL": "cloud.model",
    "OPENAI_API_KEY": "openai.api_key",
    "OPENAI_BASE_URL": "openai.base_url",
    "OPENAI_ORG_ID": "openai.organization",
    "OPENAI_PROJECT_ID": "openai.project",
    "AZURE_OPENAI_ENDPOINT": "azure.endpoint",
    "AZURE_OPENAI_API_KEY": "azure.api_key",
    "AZURE_OPENAI_AD_TOKEN": "azure.entra_token",
    "AZURE_OPENAI_API_VERSION": "azure.api_version",
    "AZURE_OPENAI_DEPLOYMENT": "azure.model",
    "ANTHROPIC_API_KEY": "anthropic.api_key",
    "ANTHROPIC_BASE_URL": "anthropic.base_url",
    "GOOGLE_API_KEY": "gemini.api_key",
    "GEMINI_API_KEY": "gemini.api_key",
    "GEMINI_ENDPOINT": "gemini.base_url",
    "LOCAL_MODEL": "local.model",
    "OLLAMA_HOST": "local.base_url",
    "OLLAMA_BASE_URL": "local.base_url",
    "FAILURE_THRESHOLD": "breaker.failure_threshold",
    "RECOVERY_TIMEOUT": "breaker.recovery_timeout_seconds",
    "PRIMARY_OPENAI_BASE_URL": "services.primary.base_url",
    "PRIMARY_OPENAI_API_KEY": "services.primary.api_key",
    "PRIMARY_OPENAI_MODEL": "services.primary.model",
    "PRIMARY_OPENAI_TIMEOUT_S": "services.primary.first_token_seconds",
    "PRIMARY_OPENAI_BACKEND": "services.primary.backend",
    "FALLBACK_OPENAI_BASE_URL": "services.fallback.base_url",
    "FALLBACK_OPENAI_API_KEY": "services.fallback.api_key",
    "FALLBACK_OPENAI_MODEL": "services.fallback.model",
    "FALLBACK_OPENAI_TIMEOUT_S": "services.fallback.first_token_seconds",
    "FALLBACK_OPENAI_BACKEND": "services.fallback.backend",
}
"""Names that people know already; of two for the same setting, the later one wins. Any setting can also be named
`AI_GATEWAY_` and its path, in capitals, with `__` between the parts."""

PAIR = ("primary", "fallback")
"""Services that the environment can name; where it does, they are the whole chain unless `order` says otherwise."""

PATTERNS = frozenset({"privacy.private_paths", "privacy.exclude"})
"""Lists that a workspace adds to."""
LISTS = frozenset({"order", "network.allow_plain_http", "network.no_proxy", *PATTERNS})
EDITOR = "the editor"
WORKSPACE = "workspace"

SERVICES = "services."
"""What lies in there has names that a person chose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the settings; never quotes a value."""

    path: str
    source: str
    message: str
    breaks: bool = True
    """Whether a value was left out; an unknown name breaks nothing."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.path} ({self.source}): {self.message}"

    @property
    def section(self) -> str:
        """The tier or group that it belongs to."""
        first, *rest = self.path.split(".")
        return rest[0] if first == "services" and rest else first


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and how they came about."""

    settings: Settings
    problems: tuple[Problem, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    """Of each setting that is not a default, by its path."""

    def problem_of(self, *sections: str) -> Problem | None:
        """Give the first problem that breaks one of the sections."""
        return next((problem for problem in self.problems if problem.breaks and problem.section in sections), None)


def default_config_file() -> Path:
    """Where the configuration file is, unless `AI_GATEWAY_CONFIG` names another."""
    return user_config_path("ai-gateway", appauthor=False) / "config.toml"


def load_settings(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    env_file: Path | None = None,
    editor: Mapping[str, object] | None = None,
    workspaces: Sequence[Mapping[str, object]] = (),
) -> LoadedSettings:
    """Load and validate all layers. Never raises for what a person wrote: see `LoadedSettings.problems`.

    Args:
        file: The configuration file; None: none. A missing file is an empty one.
        environ: The environment; None: this process's.
        env_file: A `.env` file, under the environment.
        editor: What the editor sets, by its initialization options or later.
        workspaces: What the editor says about each folder of the workspace; may set no host, credential or command.
    """
    layers = _Layers()
    if file is not None:
        layers.add_tree(_read_toml(file, layers), str(file))
    if env_file is not None:
        layers.add_environment(_read_env_file(env_file, layers), f"{env_file}: ")
    layers.add_environment(os.environ if environ is None else environ, "environment: ")
    layers.add_tree(editor or {}, EDITOR)
    layers.add_workspaces(workspaces)
    return layers.validated()


class _Layers:
    """Settings by path, as the layers pile up."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}
        self._sources: dict[str, str] = {}
        self._problems: list[Problem] = []
        self._pair: set[str] = set()
        self._own: dict[str, tuple[object, str]] = {}
        """What a person chose and a workspace has replaced, with its source: it holds if the workspace's is wrong."""

    def complain(self, path: str, source: str, message: str, *, breaks: bool = True) -> None:
        self._problems.append(Problem(path, source, message, breaks))

    def add_tree(self, tree: Mapping[str, object], source: str) -> None:
        for path, value in _leaves(tree):
            self._set(path, value, source)

    def add_workspaces(self, trees: Sequence[Mapping[str, object]]) -> None:
        tiers = self._tier_names()
        self._own = {path: (value, self._sources[path]) for path, value in self._values.items()}
        spends_freely = self._values.get("spending.rule", SpendRule.AUTO) == SpendRule.AUTO
        for path, value in (leaf for tree in trees for leaf in _leaves(tree)):
            if (refusal := refusal_of(path, value, tiers, spends_freely=spends_freely)) is not None:
                self.complain(path, WORKSPACE, refusal, breaks=False)
            elif path in PATTERNS:
                known = _listed(self._values.get(path))
                self._set(path, [*known, *(one for one in _listed(value) if one not in known)], WORKSPACE)
            elif self._sources.get(path) != WORKSPACE:
                self._set(path, value, WORKSPACE)
            elif self._values[path] != value:
                message = "the folders of the workspace disagree; what the first one says holds"
                self.complain(path, WORKSPACE, message, breaks=False)

    def add_environment(self, environ: Mapping[str, str], source: str) -> None:
        if environ.get("CODESPACES") == "true" and environ.get("GITHUB_TOKEN") and "copilot.token" not in self._values:
            # every codespace has it, so it overrides nothing that a person chose
            self._set("copilot.token", environ["GITHUB_TOKEN"], f"{source}GITHUB_TOKEN of this codespace")
        for name, path in ENVIRONMENT.items():
            if value := environ.get(name):
                self._take_variable(name, path, value, source + name)
        for name, value in environ.items():
            if name.startswith(OWN_PREFIX) and name != CONFIG_FILE_VARIABLE and value:
                path = name.removeprefix(OWN_PREFIX).lower().replace("__", ".")
                self._set(path, _list_if_one(path, value), source + name)
        self._pair |= {name for name in PAIR if environ.get(f"{name.upper()}_OPENAI_BASE_URL")}

    def _tier_names(self) -> list[str]:
        """Name the tiers that the layers so far make: one that is in no order is switched off."""
        self._order_the_pair()
        services = [path.split(".")[1] for path in self._values if path.startswith(SERVICES)]
        return [str(name) for name in _listed(self._values.get("order"))] or list(usual_order(services))

    def _order_the_pair(self) -> None:
        if self._pair and "order" not in self._values:
            order = tuple(name for name in PAIR if name in self._pair)
            self._set("order", order, " and ".join(f"{name.upper()}_OPENAI_BASE_URL" for name in order))

    def validated(self) -> LoadedSettings:
        """Validate; leave out what is wrong, and say so, until the rest is right."""
        self._order_the_pair()
        while True:
            try:
                settings = Settings.model_validate(_tree(self._values))
            except ValidationError as errors:
                self._leave_out(errors)
                continue
            known = (*TIER_NAMES, *settings.services)
            for name in settings.tier_names:
                if name not in known and not any(problem.section == name for problem in self._problems):
                    message = f"there is no tier {name!r}{meant(name, known)}"
                    self.complain("order", self._source_of("order"), message, breaks=False)
            return LoadedSettings(settings, tuple(self._problems), dict(self._sources))

    def _take_variable(self, name: str, path: str, value: str, source: str) -> None:
        if path == "copilot.token" and "=" in value:
            message = "is a session token, which lives for minutes; an OAuth token is needed here"
            self.complain(path, source, message, breaks=False)
        else:
            self._set(path, _client_url(value) if name == "OLLAMA_HOST" else value, source)

    def _set(self, path: str, value: object, source: str) -> None:
        self._values[path] = value
        self._sources[path] = source

    def _leave_out(self, errors: ValidationError) -> None:
        wrong: set[str] = set()
        for error in errors.errors(include_url=False, include_input=False, include_context=False):
            location = [str(part) for part in error["loc"]]
            path = self._path_set(location)
            source = self._source_of(path)
            if error["type"] == "extra_forbidden":
                message = f"there is no such setting{meant(location[-1], _siblings(location))}"
                self.complain(path, source, message, breaks=False)
            elif error["type"] == "missing":
                self.complain(".".join(location), source, "is missing")
                path = ".".join(location[:-1])
            else:
                self.complain(path, source, error["msg"].removeprefix("Value error, "))
            wrong.add(path)
        for path in wrong:
            for name in [path] if path in self._values else [name for name in self._values if _is_within(name, path)]:
                self._take_back(name)

    def _take_back(self, name: str) -> None:
        source = self._sources.pop(name)
        del self._values[name]
        if source == WORKSPACE and name in self._own:
            self._set(name, *self._own[name])

    def _path_set(self, location: list[str]) -> str:
        """Find the path that somebody set, from where validation stumbled: maybe deeper, maybe above."""
        while location and not any(_is_within(name, ".".join(location)) for name in self._values):
            location = location[:-1]
        return ".".join(location)

    def _source_of(self, path: str) -> str:
        within = (source for name, source in self._sources.items() if _is_within(name, path))
        return self._sources.get(path) or next(within, "default")


def _is_within(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        path = f"{prefix}{name if prefix == SERVICES else _snake(name)}"
        if isinstance(value, Mapping) and (value or prefix != SERVICES):
            yield from _leaves(value, f"{path}.")
        elif value is not None:
            yield path, value


def _snake(name: str) -> str:
    """Accept `firstTokenSeconds`, as editors spell it, for `first_token_seconds`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _tree(values: Mapping[str, object]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for path, value in values.items():
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {})
            node = child if isinstance(child, dict) else {}
        node[leaf] = value
    return tree


def _client_url(ollama_host: str) -> str:
    from ai_gateway.providers.ollama.address import base_url_of  # noqa: PLC0415 - only for those who set it

    return base_url_of(ollama_host)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _list_if_one(path: str, value: str) -> object:
    return [part.strip() for part in value.split(",")] if path in LISTS else value


def _siblings(location: list[str]) -> list[str]:
    model: type[BaseModel] | None = Settings
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation if model and part in model.model_fields else None
        if part == "services" or annotation is None:
            model = ServiceSettings
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return list(model.model_fields) if model else []


def _read_toml(file: Path, layers: _Layers) -> Mapping[str, object]:
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            layers.complain("configuration file", str(file), "is too large to be one", breaks=False)
            return {}
        return tomllib.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        layers.complain("configuration file", str(file), f"is not valid TOML: {error}", breaks=False)
    except (OSError, ValueError, RecursionError) as error:
        layers.complain("configuration file", str(file), f"can't be read ({type(error).__name__})", breaks=False)
    return {}


def _read_env_file(file: Path, layers: _Layers) -> Mapping[str, str]:
    from dotenv import dotenv_values  # noqa: PLC0415 - only for those who name such a file

    if not file.is_file():
        layers.complain("env file", str(file), "there is no such file", breaks=False)
        return {}
    try:
        return {name: value for name, value in dotenv_values(file).items() if value}
    except (OSError, ValueError) as error:
        layers.complain("env file", str(file), f"can't be read ({type(error).__name__})", breaks=False)
        return {}
