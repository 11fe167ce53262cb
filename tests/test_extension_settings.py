"""What VS Code offers as settings is what the server takes: names, types, defaults, choices, and who may set them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from ai_gateway.settings import ServiceSettings, Settings
from ai_gateway.workspace_rules import refusal_of

EXTENSION = Path(__file__).parent.parent / "vscode-extension"
OWN = ("server.", "terminal.", "trace.")
"""Settings of the extension itself, which the server never sees."""
LOOSE = {"privacy.private", "privacy.private_paths", "privacy.exclude", "privacy.use_gitignore"}
"""What a workspace may set even while nobody trusts it: it can only make things stricter."""
BOUNDS = ("minimum", "maximum", "exclusiveMinimum")
Json = Mapping[str, object]


def _object(value: object) -> Json:
    assert isinstance(value, dict), value
    return value


def _list(value: object) -> list[object]:
    assert isinstance(value, list), value
    return value


def _read(name: str) -> Json:
    return _object(json.loads((EXTENSION / name).read_text("utf-8")))


PACKAGE = _read("package.json")
TEXTS = _read("package.nls.json")
GROUPS = [_object(group) for group in _list(_object(PACKAGE["contributes"])["configuration"])]
CONTRIBUTED = {
    name.removeprefix("aiGateway."): _object(schema)
    for group in GROUPS
    for name, schema in _object(group["properties"]).items()
}
SCHEMA = _object(Settings.model_json_schema())
MIRRORED = sorted(key for key in CONTRIBUTED if not key.startswith(OWN))


def snake(key: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key)


def followed(node: Json) -> Json:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    return {**_object(_object(SCHEMA["$defs"])[reference.rpartition("/")[2]]), **node}


def of_the_server(key: str) -> Json:
    node = SCHEMA
    for part in snake(key).split("."):
        properties = _object(node["properties"])
        assert part in properties, f"the server has no setting {snake(key)!r}"
        node = followed(_object(properties[part]))
    return node


def something(node: Json) -> tuple[Json, bool]:
    """What a value that is there looks like, and whether there may be none."""
    choices = [followed(_object(choice)) for choice in _list(node.get("anyOf", [node]))]
    there = [choice for choice in choices if choice.get("type") != "null"]
    return there[0], len(there) < len(choices)


@pytest.mark.parametrize("key", MIRRORED)
def test_a_setting_has_the_type_the_default_and_the_choices_that_the_server_has(key: str) -> None:
    offered, node = CONTRIBUTED[key], of_the_server(key)
    taken, may_be_none = something(node)
    kind, default = taken["type"], node.get("default")
    if may_be_none and kind in {"number", "integer"}:
        assert offered["type"] == [kind, "null"]
    else:
        assert offered["type"] == kind
        default = default if default is not None else {"string": "", "array": [], "object": {}}[str(kind)]
    assert offered["default"] == default
    assert offered.get("enum") == taken.get("enum")
    assert {bound: offered.get(bound) for bound in BOUNDS} == {bound: taken.get(bound) for bound in BOUNDS}


@pytest.mark.parametrize("key", MIRRORED)
def test_a_workspace_is_offered_exactly_what_the_server_takes_from_it(key: str) -> None:
    kind = CONTRIBUTED[key]["type"]
    stricter = {"boolean": key.startswith("privacy."), "array": ["local"]}.get(str(kind), CONTRIBUTED[key]["default"])
    refusal = refusal_of(snake(key), stricter, ["local"], spends_freely=True)
    assert (CONTRIBUTED[key]["scope"] in {"window", "resource"}) == (refusal is None), refusal


def test_what_names_a_host_a_file_or_whom_to_trust_belongs_to_the_machine() -> None:
    names = re.compile(
        "url$|endpoint|proxy|file|cert|key$|clientId|allow|services|Path$|command|^server\\.", re.IGNORECASE
    )
    named = {key for key in CONTRIBUTED if names.search(key)}
    assert {key: CONTRIBUTED[key]["scope"] for key in named} == dict.fromkeys(named, "machine")


def test_no_workspace_can_have_questions_written_to_the_log() -> None:
    assert CONTRIBUTED["trace.server"]["scope"] == "application"


def test_no_setting_asks_for_a_credential() -> None:
    secret = {path for path, kind in _paths(Settings) if kind is SecretStr}
    assert "openai.api_key" in secret
    assert {snake(key) for key in CONTRIBUTED} & (secret - {"network.proxy"}) == set()
    services = _object(_object(CONTRIBUTED["services"]["additionalProperties"])["properties"])
    assert {snake(name) for name in services} <= set(ServiceSettings.model_fields) - {"api_key"}


def test_a_service_has_the_choices_that_the_server_has() -> None:
    service = _object(CONTRIBUTED["services"]["additionalProperties"])
    node = followed(_object(_object(of_the_server("services"))["additionalProperties"]))
    assert {snake(str(name)) for name in _list(service["required"])} == set(_list(node["required"]))
    for name, offered in _object(service["properties"]).items():
        taken, _ = something(followed(_object(_object(node["properties"])[snake(name)])))
        choices = _list(taken.get("enum", []))
        assert _object(offered)["type"] == taken["type"]
        assert set(_list(_object(offered).get("enum", choices))) <= set(choices)


def test_an_untrusted_workspace_can_only_make_questions_more_private() -> None:
    untrusted = _object(_object(PACKAGE["capabilities"])["untrustedWorkspaces"])
    restricted = {str(name).removeprefix("aiGateway.") for name in _list(untrusted["restrictedConfigurations"])}
    assert {snake(key) for key in CONTRIBUTED.keys() - restricted} == LOOSE
    assert restricted <= CONTRIBUTED.keys()


def test_groups_and_settings_have_titles_places_and_descriptions() -> None:
    assert len({group["order"] for group in GROUPS}) == len(GROUPS)
    for group in GROUPS:
        orders = [_object(schema)["order"] for schema in _object(group["properties"]).values()]
        assert orders == sorted(set(map(int, map(str, orders))))
    for key, schema in CONTRIBUTED.items():
        assert "markdownDescription" in schema, key
        explained = schema.get("markdownEnumDescriptions", schema.get("enumDescriptions", []))
        assert len(_list(explained)) == len(_list(schema.get("enum", []))), key


def test_every_text_of_the_manifest_is_there_and_none_is_left_over() -> None:
    wanted = set(re.findall(r'"%([^%"]+)%"', (EXTENSION / "package.json").read_text("utf-8")))
    assert wanted == TEXTS.keys()


def test_links_in_descriptions_lead_to_settings_and_commands_that_there_are() -> None:
    commands = {str(_object(one)["command"]) for one in _list(_object(PACKAGE["contributes"])["commands"])}
    text = " ".join(map(str, TEXTS.values()))
    assert set(re.findall(r"#aiGateway\.([\w.]+)#", text)) <= CONTRIBUTED.keys()
    assert set(re.findall(r"\(command:(aiGateway\.\w+)", text)) <= commands


def _paths(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _paths(annotation, f"{before}{name}.")
        else:
            secret = "SecretStr" in str(annotation)
            yield f"{before}{name}", SecretStr if secret else annotation
