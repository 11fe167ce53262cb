"""What the README and the documentation show must be true: code runs, commands parse, tables and links are complete."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel

from ai_gateway import recorder
from ai_gateway.breakers import sharing
from ai_gateway.caching import stored
from ai_gateway.cli.arguments import parse
from ai_gateway.code_actions.kinds import KINDS
from ai_gateway.config import ENVIRONMENT, PAIR, load_settings
from ai_gateway.drill.faults import FAULTS
from ai_gateway.failures import (
    POLICIES,
    UNTIL_CHANGED,
    Effect,
    Failover,
    FailureKind,
    NoTierAnswered,
    OpenReason,
    Retry,
)
from ai_gateway.fakes import FakeOllama
from ai_gateway.history import days, transitions
from ai_gateway.lsp.editing.names import COMMANDS
from ai_gateway.lsp.handlers import HANDLERS
from ai_gateway.lsp.params import OWN_NOTIFICATIONS
from ai_gateway.lsp.rpc_errors import Code, error_object
from ai_gateway.messages import commands, doctor, editor, history, params, results
from ai_gateway.model import Attempt, Backend, BreakerState, Outcome, Usage
from ai_gateway.providers.editor_models import TELLABLE
from ai_gateway.routing import Exclusion
from ai_gateway.settings import ServiceSettings, Settings, TierSettings
from ai_gateway.simulation.simulation import Simulation
from ai_gateway.spending import NoConsent, ledger
from ai_gateway.telemetry import figures
from ai_gateway.telemetry.metrics import Metrics
from ai_gateway.telemetry.prometheus import exposition
from ai_gateway.workspace_rules import FREELY

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
}
PARAMS: Mapping[str, type[BaseModel]] = {
    "ai/query": params.QueryParams,
    "ai/embed": params.EmbedParams,
    "ai/explain": params.ExplainParams,
    "ai/health": params.HealthParams,
    "ai/doctor": doctor.DoctorParams,
    "ai/reset": params.ResetParams,
    "ai/force": params.ForceParams,
    "ai/metrics": params.MetricsParams,
    "ai/history": history.HistoryParams,
    "ai/models": params.ModelsParams,
    "ai/drill": params.DrillParams,
    "ai/pullRequest": params.PullRequestParams,
    "ai/commitMessage": params.CommitMessageParams,
    "ai/signIn": params.SignInParams,
    "ai/signOut": params.SignOutParams,
    "ai/prompt": commands.PromptParams,
    "ai/simulate": params.SimulateParams,
    "ai/editor/models": editor.EditorModelsParams,
}
RESULTS = {
    "ai/query": results.QueryResult,
    "ai/embed": results.EmbedResult,
    "ai/explain": results.ExplainResult,
    "ai/health": results.HealthResult,
    "ai/doctor": doctor.DoctorResult,
    "ai/reset": results.ResetResult,
    "ai/force": results.ForceResult,
    "ai/metrics": results.MetricsResult,
    "ai/history": history.HistoryResult,
    "ai/models": results.ModelsResult,
    "ai/drill": results.DrillResult,
    "ai/pullRequest": results.PullRequestResult,
    "ai/commitMessage": results.CommitMessageResult,
    "ai/signIn": results.SignInResult,
    "ai/signOut": results.SignOutResult,
    "ai/prompt": results.PromptResult,
    "ai/simulate": results.SimulateResult,
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table whose heading begins so, cell by cell."""
    rows = PAGES[page].partition(f"\n{heading}")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def names_in(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def continued(names: Sequence[str], mark: str, begin: str | None = None) -> Iterator[str]:
    """Names in full, where one that begins with the mark leaves out what the one before has up to there."""
    before = begin or ""
    for name in names:
        if not name.startswith(mark):
            before = begin or name.rpartition(mark)[0]
        yield f"{before}{name}" if name.startswith(mark) else name


def test_every_environment_name_of_the_settings_is_documented() -> None:
    names = [name for name in ENVIRONMENT if not name.startswith(tuple(service.upper() for service in PAIR))]
    missing = [name for name in names if f"`{name}`" not in PAGES["docs/settings.md"]]
    assert not missing


def test_every_setting_is_in_its_table_and_no_other() -> None:
    rows = table("docs/settings.md", "| setting | in the environment |")
    documented = {name for row in rows for name in continued(names_in(row[0]), ".")}
    assert documented == {*settings_of(Settings), "local.context_tokens"}  # the one tier whose window is known


def settings_of(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Their paths; what every tier has is said once, of `TIER`."""
    for name, info in section.model_fields.items():
        if name == "services":
            yield from settings_of(ServiceSettings, "services.NAME.")
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from settings_of(info.annotation, f"{name}.")
        else:
            yield (
                f"TIER.{name}"
                if issubclass(section, TierSettings) and name in TierSettings.model_fields
                else prefix + name
            )


def test_what_a_workspace_may_set_freely_is_told_and_nothing_else_is() -> None:
    section = PAGES["docs/settings.md"].partition("## What a workspace may set\n")[2]
    told = {name for bullet in section.split("\n- ")[1:3] for name in names_in(bullet)}
    assert told == FREELY


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")])
def test_the_settings_files_that_it_shows_are_right(page: str, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        file = tmp_path / "config.toml"
        file.write_text(text)
        loaded = load_settings(file=file, environ={})
        assert loaded.problems == ()
        assert loaded.sources


def test_the_settings_file_of_the_readme_makes_the_chain_that_it_names(tmp_path: Path) -> None:
    [text] = blocks("README.md", "toml")
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert load_settings(file=file, environ={}).settings.tier_names == ("copilot", "groq", "local")


def test_every_command_line_that_it_shows_can_be_given() -> None:
    consoles = [text for page in PAGES for text in blocks(page, "console")]
    lines = [line for text in consoles for line in text.splitlines() if re.match(r"\$ .*\bai-gateway ", line)]
    assert len(lines) >= 15
    for line in lines:
        command, *_ = re.split(r"[>|&)]", line.partition("ai-gateway ")[2])
        parse(shlex.split(command, comments=True))


def test_every_command_that_it_names_is_one() -> None:
    named = {name.split()[1] for page in PAGES.values() for name in names_in(page) if name.startswith("ai-gateway ")}
    for command in [name for name in named if not name.startswith("-")]:
        with pytest.raises(SystemExit) as ended:
            parse([command, "--help"])
        assert ended.value.code == 0, command


def test_the_table_of_failures_is_the_one_in_force() -> None:
    retries = {
        "no": Retry.NEVER,
        "once, if quick": Retry.IF_FAST,
        "once, after the wait": Retry.AFTER_WAIT,
        "once, if renewed": Retry.IF_MENDED,
        "once, without it": Retry.WITHOUT_PARAMETER,
    }
    failovers = {"yes": Failover.NEXT, "no": Failover.NEVER, "to a larger window": Failover.LARGER_WINDOW}
    told = {}
    for kind, _, retry, failover, effect in table("docs/routing.md", "| kind | what happened |"):
        told[FailureKind(kind.strip("`"))] = retries[retry], failovers[failover], *effect_of(effect)
    in_force = {
        kind: (policy.retry, policy.failover, policy.effect, policy.reason, policy.open_seconds)
        for kind, policy in POLICIES.items()
    }
    assert told == in_force


def effect_of(words: str) -> tuple[Effect, OpenReason | None, float | None]:
    found = re.fullmatch(r"(counts|opens): `(\w+)`(?:, (?:(\d+) s|(until changed)))?", words)
    if found is None:
        assert words == "\N{EN DASH}"
        return Effect.NONE, None, None
    seconds = float(found[3]) if found[3] else UNTIL_CHANGED if found[4] else None
    return Effect.COUNT if found[1] == "counts" else Effect.OPEN, OpenReason(found[2]), seconds


def test_every_open_reason_has_its_clock_and_its_next_step() -> None:
    rows = table("docs/routing.md", "| reason | until |")
    assert [row[0].strip("`") for row in rows] == list(OpenReason)
    assert all(len(row) == 3 and all(row) for row in rows)


def test_every_reason_to_skip_a_tier_is_told() -> None:
    told = {name for row in table("docs/routing.md", "| reason | because |") for name in names_in(row[0])}
    assert told == {*Exclusion, *NoConsent}


def test_every_space_of_the_store_is_told() -> None:
    told = {row[0].strip("`") for row in table("docs/sharing.md", "| space | what |")}
    of_the_past = {days.SPACE, transitions.SPACE, recorder.TRACES, figures.SPACE}
    assert told == {sharing.SPACE, ledger.SPACE, stored.SPACE, *of_the_past}


def test_every_method_is_told_with_all_that_it_takes_and_gives() -> None:
    rows = {row[0].strip("`"): row[1:] for row in table("docs/interface.md", "| method | params |")}
    assert rows.keys() == {name for name in HANDLERS if name.startswith("ai/")} | {"ai/status"}
    assert rows.keys() == RESULTS.keys() | {"ai/status"} | OWN_NOTIFICATIONS
    assert PARAMS.keys() >= RESULTS.keys()
    for method, (takes, gives) in rows.items():
        if method in PARAMS:
            known = {info.alias or name for name, info in PARAMS[method].model_fields.items()}
            assert fields_in(takes) == known, method
        if method in RESULTS:
            assert fields_in(gives) - {"ai/status"} == RESULTS[method].__annotations__.keys(), method


def fields_in(cell: str) -> set[str]:
    """The names in a cell, but for the values in brackets after one."""
    return {name.removesuffix("[]").removesuffix("{}") for name in names_in(re.sub(r"\([^)]*\)", "", cell))}


def test_every_field_of_a_provider_s_health_is_told() -> None:
    [told] = re.findall(r"An entry of `providers\[\]`: (.*?)\. The", PAGES["docs/interface.md"], re.DOTALL)
    assert set(names_in(told)) == results.ProviderHealthResult.__annotations__.keys()


def test_every_field_of_the_past_is_told() -> None:
    rows = {row[0].strip("`"): fields_in(row[2]) for row in table("docs/interface.md", "| list | order |")}
    assert rows == {
        "queries[]": history.PastQueryResult.__annotations__.keys(),
        "queries[].attempts[]": history.PastAttemptResult.__annotations__.keys(),
        "transitions[]": history.PastTransitionResult.__annotations__.keys(),
        "states[]": history.StateResult.__annotations__.keys(),
        "days[]": history.DayResult.__annotations__.keys(),
        "cache[]": history.CacheDayResult.__annotations__.keys(),
    }


def test_all_that_an_editor_is_asked_for_its_own_models_is_told() -> None:
    rows = {row[0].strip("`"): fields_in(row[1]) for row in table("docs/interface.md", "| | |")}
    fields = {
        "params": editor.EditorChatParams,
        "result": editor.EditorChatResult,
        "error": editor.EditorChatErrorData,
    }
    for part, message in fields.items():
        assert rows[part] >= message.__annotations__.keys(), part


def test_what_vs_code_says_is_a_kind_of_failure_that_an_editor_may_name() -> None:
    rows = table("docs/interface.md", "| what VS Code says |")
    assert {names_in(row[1])[0] for row in rows} <= TELLABLE


def test_every_error_that_a_client_has_to_know_is_told() -> None:
    rows = {int(row[0].strip("`")): row[1] for row in table("docs/interface.md", "| error | |")}
    of_json_rpc = {Code.PARSE_ERROR, Code.INVALID_REQUEST, Code.METHOD_NOT_FOUND, Code.NOT_INITIALIZED}
    assert rows.keys() == set(Code) - of_json_rpc
    told = error_object(NoTierAnswered("", attempts=(), retry_after_seconds=None, hint=""))
    assert isinstance(told["data"], Mapping)
    assert fields_in(rows[Code.NO_TIER_ANSWERED]) - {"data"} == told["data"].keys()


def test_every_code_action_is_told_with_its_kind_and_its_command() -> None:
    rows = table("docs/interface.md", "| action | kind |")
    told = [(title, kind.strip("`"), command.strip("`")) for title, kind, command, _ in rows]
    assert told == [(info.title, info.lsp_kind or "(empty)", info.command) for info in KINDS.values()]


def test_every_command_of_an_editor_is_told_and_no_other() -> None:
    rows = table("docs/interface.md", "| command | takes |")
    told = [name for row in rows for name in continued(names_in(row[0]), ".")]
    assert sorted(told) == sorted(COMMANDS)


def test_every_fault_of_a_drill_is_told() -> None:
    rows = table("docs/monitoring.md", "| fault | what it does |")
    assert {name.strip("`"): meaning for name, meaning in rows} == {
        name: fault.meaning for name, fault in FAULTS.items()
    }


async def test_every_fault_of_a_simulation_is_told() -> None:
    rows = table("docs/interface.md", "| fault | what it does |")
    simulation = await Simulation.start()
    known = simulation.known_faults
    await simulation.aclose()
    [of_ollama] = re.findall(r"\n`ollama` knows only (.*?)\.\n", PAGES["docs/interface.md"])
    told = {row[0].strip("`") for row in rows}
    assert {name: set(faults) for name, faults in known.items()} == {
        "copilot": told,
        "openai": told,
        "ollama": set(names_in(of_ollama)),
    }
    for provider, faults in known.items():
        for fault in faults:
            params.SimulateParams.parse({"provider": provider, "fault": fault})  # or it raises


def test_every_metric_is_told_with_its_labels() -> None:
    metrics = Metrics()
    metrics.attempted(Attempt("one", Backend.CLOUD, Outcome.ANSWERED), first_token_ms=1.0)
    metrics.attempted(Attempt("one", Backend.CLOUD, Outcome.FAILED, reason="server"))
    metrics.retried("one", "server")
    metrics.transitioned("one", BreakerState.OPEN, OpenReason.OUTAGE)
    metrics.spent("one", Usage(1, 1), 1.0)
    lines = exposition(metrics.snapshot(), {"one": BreakerState.OPEN}).splitlines()
    there = {line.split()[2]: set[str]() for line in lines if line.startswith("# TYPE")}
    for line in lines:
        name = next((name for name in there if re.match(rf"{name}(_bucket|_sum|_count)?[ {{]", line)), None)
        if name is not None:
            there[name] |= set(re.findall(r'(\w+)="', line)) - {"le"}
    told = {}
    for cell, labels in table("docs/monitoring.md", "| metric | labels |"):
        for name in continued(names_in(cell), "_", "ai_gateway"):
            told[name] = set(names_in(labels.partition(":")[0]))
    assert told == there


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors_of(PAGES[path.resolve().relative_to(ROOT.resolve()).as_posix()]), target


def anchors_of(text: str) -> set[str]:
    """What GitHub calls the headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
async def test_its_first_lines_of_python_print_an_answer(
    page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with FakeOllama(models=("llama3",)) as ollama:
        monkeypatch.setenv("OLLAMA_BASE_URL", ollama.base_url)
        await asyncio.to_thread(exec, blocks(page, "python")[0], {})
    assert capsys.readouterr().out.startswith(f"{FakeOllama.greeting} ollama llama3 0.0 (Attempt(")


async def test_its_providers_answer_as_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _, providers, chain, breaker = blocks("docs/python.md", "python")
    names: dict[str, object] = {}
    async with FakeOllama(models=("llama3",)) as ollama:
        monkeypatch.setenv("OLLAMA_BASE_URL", ollama.base_url)
        exec(providers, names)  # noqa: S102 - the documentation's own words
        gateway = names["gateway"]
        async with gateway:  # type: ignore[attr-defined]  # it is what the documentation made
            answer = await gateway.query("hello there")  # type: ignore[attr-defined]
        assert (answer.provider, answer.content) == ("echo", "hello there ")
    wrapped = "async def told():\n" + "".join(f"    {line}\n" for line in chain.splitlines()) + "    return answer\n"
    exec(wrapped, names)  # noqa: S102 - as above
    assert (await names["told"]()).provider == "local"  # type: ignore[operator]
    calls: list[str] = []
    exec(breaker, {"call": lambda: calls.append("called")})  # noqa: S102 - as above
    assert calls == ["called"]
