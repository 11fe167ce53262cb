"""What can be set: validated, frozen, with its defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

from ai_gateway.model import Backend, PriceClass, SpendRule


def _http_url(value: str) -> str:
    if not _has_http_host(value):
        raise ValueError("must be an http or https URL with a host")
    if "@" in urlsplit(value).netloc:
        raise ValueError("must not hold a user or a password; set the key instead")
    return value.rstrip("/")


def _has_http_host(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its text quotes the value
        return False


def _credential(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if not (secret.isascii() and secret.isprintable()):
        raise ValueError("holds characters that no credential has; copy it again")
    return value


def _header_text(value: str) -> str:
    if not all("!" <= character <= "~" for character in value):
        raise ValueError("may hold only ASCII characters without spaces")
    return value


def _free_name(value: str) -> str:
    if value in TAKEN_NAMES:
        raise ValueError("this is the name of a tier already; choose another")
    return value


def _not_ourselves(value: str) -> str:
    if value == OWN_VENDOR:
        raise ValueError("these are the gateway's own models; it would ask itself")
    return value


CLOUD_PROVIDERS = ("openai", "anthropic", "gemini", "azure")
"""In the order in which `auto` looks for a credential."""
TIER_NAMES = ("editor", "copilot", "cloud", *CLOUD_PROVIDERS, "local")
OWN_VENDOR = "ai-gateway"
"""What the gateway's own models are known by in an editor."""
TAKEN_NAMES = frozenset({*TIER_NAMES, "ollama"})
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Credential = Annotated[SecretStr, AfterValidator(_credential)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
HeaderText = Annotated[Name, AfterValidator(_header_text)]
ServiceName = Annotated[Name, AfterValidator(_free_name)]
Vendor = Annotated[Name, AfterValidator(_not_ourselves)]


def usual_order(services: Iterable[str]) -> tuple[str, ...]:
    """Give the order of the tiers, where nobody has chosen one."""
    return ("editor", "copilot", "cloud", *services, "local")


class Section(BaseModel):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class TierSettings(Section):
    """What every tier has."""

    enabled: bool = True
    connect_seconds: PositiveFloat | None = None
    """None: as `network.connect_seconds` says."""
    first_token_seconds: PositiveFloat | None = None
    idle_seconds: PositiveFloat | None = None
    """Between two pieces of an answer."""
    total_seconds: PositiveFloat | None = None
    """For a whole answer; None: as long as the query has time."""
    learn_first_token: bool = False
    """Whether the limit of the first token comes down to a multiple of what is usual for the model."""
    context_tokens: PositiveInt | None = None
    price: PriceClass | None = None
    """None: local tiers are free, Copilot is included in its subscription, others are metered."""


class CopilotSettings(TierSettings):
    """GitHub Copilot."""

    token: Credential | None = None
    """An OAuth token; None: one is looked for where editors keep theirs."""
    model: Name = "gpt-4o"
    embedding_model: Name | None = "text-embedding-3-small"
    server_url: HttpUrl = "https://github.com"
    """GitHub's web host, or your enterprise's."""
    api_url: HttpUrl | None = None
    """Its REST API; None: the one that belongs to `server_url`."""
    chat_url: HttpUrl | None = None
    """Where Copilot itself is; None: as GitHub says."""
    mode: Literal["auto", "exchange", "direct"] = "auto"
    """Whether the OAuth token is exchanged for a session token first."""
    integration_id: HeaderText = "vscode-chat"
    api_version: HeaderText = "2025-10-01"
    client_id: HeaderText = "Iv1.b507a08c87ecfe98"
    """Of the app that a sign-in is for: the one that Copilot's editor plugins share."""
    ask_github_cli: bool = False
    """Whether `gh auth token` is asked as well."""
    usd_per_credit: Annotated[float, Field(ge=0)] = 0.01

    @property
    def rest_url(self) -> str:
        """GitHub's REST API."""
        if self.api_url is not None:
            return self.api_url
        parts = urlsplit(self.server_url)
        return f"{parts.scheme}://api.{parts.netloc}"


class EditorSettings(TierSettings):
    """The editor's own models, where it lends them."""

    vendor: Vendor = "copilot"
    """Whose, as the editor calls them."""
    model: Name | None = None
    """Its id, its family or its name; None: of `copilot.model`'s family if there is one, else the first."""


class CloudSettings(TierSettings):
    """The cloud tier: which provider, which model."""

    provider: Literal["auto", "openai", "anthropic", "gemini", "azure"] = "auto"
    """`auto`: the first that has a credential and is not switched off."""
    model: Name | None = None
    """None: as the provider's own section says."""


class OpenAISettings(TierSettings):
    """OpenAI, or whatever speaks its API at another address."""

    api_key: Credential | None = None
    base_url: HttpUrl = "https://api.openai.com/v1"
    organization: HeaderText | None = None
    project: HeaderText | None = None
    model: Name = "gpt-4o-mini"
    embedding_model: Name | None = "text-embedding-3-small"
    completion_model: Name | None = None
    """Fills gaps in code; None: `model` does."""

    @property
    def is_configured(self) -> bool:
        """Whether there is anything to ask with: a key, or a server of one's own."""
        return bool(self.api_key) or self.base_url != OpenAISettings.model_fields["base_url"].default


class AzureSettings(TierSettings):
    """Azure OpenAI: models go by the names of their deployments."""

    endpoint: HttpUrl | None = None
    api_key: Credential | None = None
    entra_token: Credential | None = None
    """Instead of the key."""
    api_version: HeaderText | None = None
    """Of the older, dated API; None: the one without dates."""
    model: Name | None = None
    embedding_model: Name | None = None

    @property
    def is_configured(self) -> bool:
        """Whether there is anything to ask with."""
        return self.endpoint is not None and bool(self.api_key or self.entra_token)


class AnthropicSettings(TierSettings):
    """Anthropic."""

    api_key: Credential | None = None
    base_url: HttpUrl = "https://api.anthropic.com"
    model: Name = "claude-haiku-5-5"
    max_tokens: PositiveInt = 8192
    """Of a query that names no limit; this API wants one."""

    @property
    def is_configured(self) -> bool:
        """Whether there is anything to ask with."""
        return bool(self.api_key)


class GeminiSettings(TierSettings):
    """Google Gemini."""

    api_key: Credential | None = None
    base_url: HttpUrl = "https://generativelanguage.googleapis.com/v1beta"
    model: Name = "gemini-2.5-flash"
    embedding_model: Name | None = "gemini-embedding-001"

    @property
    def is_configured(self) -> bool:
        """Whether there is anything to ask with."""
        return bool(self.api_key)


class LocalSettings(TierSettings):
    """The local tier: an Ollama on this machine."""

    model: Name = "llama3"
    embedding_model: Name | None = "nomic-embed-text"
    completion_model: Name | None = None
    """Fills gaps in code; None: `model` does."""
    base_url: HttpUrl = "http://127.0.0.1:11434"
    context_tokens: PositiveInt | None = 8192
    warm_standby: bool = False
    """Whether its model is loaded ahead when another tier begins to fail."""


class ServiceSettings(TierSettings):
    """One more service that speaks OpenAI's API: LM Studio, llama.cpp, vLLM, Groq, …"""

    base_url: HttpUrl
    model: Name
    embedding_model: Name | None = None
    completion_model: Name | None = None
    """Fills gaps in code; None: `model` does."""
    api_key: Credential | None = None
    backend: Backend = Backend.CLOUD
    """Local only if you say so: a port of this machine may forward to anywhere, and private prompts stay local."""


class EscalationSettings(Section):
    """Stronger models of the cloud provider, for models that ask for one."""

    model: Name | None = None
    strongest_model: Name | None = None


class BreakerSettings(Section):
    """When circuit breakers open, and for how long."""

    failure_threshold: PositiveInt = 3
    recovery_timeout_seconds: PositiveFloat = 60.0
    max_open_seconds: PositiveFloat = 900.0


class CacheSettings(Section):
    """How answers are kept."""

    enabled: bool = True
    ttl_seconds: PositiveFloat = 3600.0
    max_entries: PositiveInt = 1000
    persistent: bool = False
    """Whether answers outlive the process; those of private queries never do."""
    max_megabytes: PositiveInt = 64
    """Of what outlives it."""


class QuerySettings(Section):
    """Limits of a query."""

    timeout_seconds: PositiveFloat = 300.0


class StoreSettings(Section):
    """What the windows of one person share: which tiers are dead, what was spent, the decisions of the last days."""

    enabled: bool = True
    path: str | None = None
    """The file; None: `gateway.db` in the state folder of the user."""
    redis_url: Annotated[SecretStr | None, Field(repr=False)] = None
    """Of a Redis server through which a team shares breakers and, if they are persistent, answers."""


class SpendingSettings(Section):
    """What may be spent without asking."""

    rule: SpendRule = SpendRule.AUTO
    """Whether a tier that costs more than the first one may answer in its place."""
    daily_cap_usd: PositiveFloat | None = None
    """Metered tiers are left out for the rest of the day once they have cost as much."""


class PrivacySettings(Section):
    """What leaves the machine."""

    private: bool = False
    """Whether every query reaches local tiers only."""
    private_paths: tuple[Name, ...] = ()
    """Files that make a query private which quotes one of them, as patterns of a .gitignore."""
    exclude: tuple[Name, ...] = ()
    """Files that no query may quote, as patterns of a .gitignore."""
    use_gitignore: bool = True
    """Whether no query may quote what Git ignores."""
    mask_secrets: bool = False
    """Whether tiers that are not local get placeholders instead of keys and passwords."""


class ActionsSettings(Section):
    """Code actions, in editors."""

    enabled: bool = True
    delivery: Literal["apply", "resolve"] = "apply"
    """How edits arrive: by themselves once a model has written them, or as the answer to `codeAction/resolve`."""
    confirm: bool = True
    """Whether the editor asks before it applies an edit, where it can."""
    show: Literal["auto", "document", "message"] = "auto"
    """How texts to read are shown: as a document where the editor says that it opens them, as a document even where it
    does not say so (Helix up to 25.07), or whole in a message (Kate, whose output pane takes it)."""


class CompletionSettings(Section):
    """Code that is proposed where the person types."""

    enabled: bool = False
    debounce_ms: Annotated[int, Field(ge=0, le=10_000)] = 150
    """How long nothing must be typed before a model is asked."""
    first_token_seconds: PositiveFloat = 2.0
    """A tier that is silent for so long is left for the next one, and nothing is held against it."""
    timeout_seconds: PositiveFloat = 4.0
    """For everything together."""
    max_tokens: PositiveInt = 128
    dearest: PriceClass = PriceClass.INCLUDED
    """The dearest class of tiers that may be asked, as far as `spending.rule` allows it."""


class TelemetrySettings(Section):
    """What is told to whoever watches over the process."""

    otel: bool = False
    """Whether queries are told as OpenTelemetry spans; needs the extra `otel`."""


class NetworkSettings(Section):
    """How upstreams are reached."""

    connect_seconds: PositiveFloat = 5.0
    ca_file: str | None = None
    client_cert: str | None = None
    """A PEM file that says who this machine is, for networks that ask."""
    client_key: str | None = None
    """Its key, where that is a file of its own."""
    proxy: SecretStr | None = None
    """May hold a user and a password."""
    no_proxy: tuple[str, ...] | None = None
    """Hosts that are reached without it; None: as the environment says."""
    allow_plain_http: tuple[str, ...] = ()
    """Hosts outside this machine that may get a credential without TLS."""


class Settings(Section):
    """All of them."""

    order: tuple[Name, ...] = ()
    """Of the tiers; empty: editor, copilot, cloud, the services, local."""
    emergency: Name | None = None
    """The tier that is asked only when nobody else can answer, not even the cache with an old answer."""
    editor: EditorSettings = EditorSettings()
    copilot: CopilotSettings = CopilotSettings()
    cloud: CloudSettings = CloudSettings()
    openai: OpenAISettings = OpenAISettings()
    azure: AzureSettings = AzureSettings()
    anthropic: AnthropicSettings = AnthropicSettings()
    gemini: GeminiSettings = GeminiSettings()
    local: LocalSettings = LocalSettings()
    services: Mapping[ServiceName, ServiceSettings] = Field(default_factory=dict)
    escalation: EscalationSettings = EscalationSettings()
    breaker: BreakerSettings = BreakerSettings()
    cache: CacheSettings = CacheSettings()
    query: QuerySettings = QuerySettings()
    store: StoreSettings = StoreSettings()
    spending: SpendingSettings = SpendingSettings()
    privacy: PrivacySettings = PrivacySettings()
    actions: ActionsSettings = ActionsSettings()
    completion: CompletionSettings = CompletionSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    network: NetworkSettings = NetworkSettings()

    @property
    def cloud_provider(self) -> str:
        """The provider of the cloud tier."""
        if self.cloud.provider != "auto":
            return self.cloud.provider
        sections = {name: getattr(self, name) for name in CLOUD_PROVIDERS}
        found = (name for name, section in sections.items() if section.enabled and section.is_configured)
        return next(found, CLOUD_PROVIDERS[0])

    @property
    def tier_names(self) -> tuple[str, ...]:
        """The tiers in the order of asking."""
        ordered = self.order or usual_order(self.services)
        last = () if self.emergency is None else (self.emergency,)
        return tuple(dict.fromkeys((*ordered, *last)))
