from __future__ import annotations

import json
import random
import string
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ai_gateway
from ai_gateway.model import EmbeddingInput, Message, Prompt, Tool, ToolCall
from ai_gateway.privacy.masking import LENGTH, Masked, Masker, Unmasker

MASKER = Masker(b"a key of the tests")
ALNUM = string.ascii_letters + string.digits
URL_SAFE = ALNUM + "-_"
BASE64 = ALNUM + "+/"
BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits

TOKENS = {
    "github, a person's": ("ghp_", ALNUM, 36),
    "github, an OAuth app's": ("gho_", ALNUM, 36),
    "github, a GitHub app's": ("ghu_", ALNUM, 36),
    "github, a server's": ("ghs_", ALNUM, 36),
    "github, a server's, stateless": ("ghs_1234567_eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3fQ.", URL_SAFE, 342),
    "github, to refresh with": ("ghr_", ALNUM, 76),
    "github, fine-grained": ("github_pat_11ABCDEFG0", ALNUM + "_", 72),
    "gitlab": ("glpat-", URL_SAFE, 20),
    "gitlab, routable": ("glpat-", URL_SAFE, 60),
    "gitlab, of a job": ("glcbt-64_", URL_SAFE, 20),
    "openai, old": ("sk-", ALNUM, 48),
    "openai, of a project": ("sk-proj-", URL_SAFE, 156),
    "openai, of a service account": ("sk-svcacct-", URL_SAFE, 156),
    "openrouter": ("sk-or-v1-", HEX, 64),
    "deepseek": ("sk-", HEX, 32),
    "anthropic": ("sk-ant-api03-", URL_SAFE, 95),
    "google": ("AIzaSy", URL_SAFE, 33),
    "google, new": ("AQ.Ab8RN6", URL_SAFE, 44),
    "google, OAuth": ("ya29.a0A", URL_SAFE, 160),
    "google, a client's secret": ("GOCSPX-", URL_SAFE, 28),
    "aws, an id": ("AKIA", BASE32, 16),
    "aws, an id for a while": ("ASIA", BASE32, 16),
    "azure, a client's secret": ("aB38Q~", URL_SAFE, 34),
    "azure, openai": ("A1b2" * 13 + "JQQJ99", ALNUM, 26),
    "slack, a bot's": ("xoxb-123456789012-1234567890123-", ALNUM, 24),
    "slack, a person's": ("xoxp-123456789012-123456789012-123456789012-", HEX, 32),
    "slack, an app's": ("xapp-1-A0123456789-1234567890123-", HEX, 64),
    "slack, a hook": ("https://hooks.slack.com/services/T01234567/B01234567/", ALNUM, 24),
    "stripe": ("sk_live_", ALNUM, 99),
    "stripe, old": ("sk_test_", ALNUM, 24),
    "stripe, restricted": ("rk_live_", ALNUM, 99),
    "stripe, of a hook": ("whsec_", ALNUM, 32),
    "npm": ("npm_", ALNUM, 36),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", URL_SAFE, 150),
    "hugging face": ("hf_", string.ascii_letters, 34),
    "groq": ("gsk_", ALNUM, 52),
    "xai": ("xai-", ALNUM, 80),
    "perplexity": ("pplx-", ALNUM, 48),
    "nvidia": ("nvapi-", URL_SAFE, 64),
    "digitalocean": ("dop_v1_", HEX, 64),
    "databricks": ("dapi", HEX, 32),
    "vault": ("hvs.CAESI", URL_SAFE, 90),
    "sendgrid": ("SG.", URL_SAFE, 66),
    "telegram": ("1234567890:AA", URL_SAFE, 33),
    "jwt": ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.", URL_SAFE, 43),
    "copilot": ("tid=0a1b2c3d4e5f;exp=1712345678;sku=free;8kp=1:", HEX, 64),
}
"""How each begins, what the rest is made of, and how long that is."""
PLAIN_SIGHT = [
    "%s",
    "the token %s, please",
    'x = "%s"',
    "f('%s')",
    "first\n%s\nlast",
    r'"first\n%s\nlast"',
    r"{\"a\": \"%s\"}",
    "`%s`",
    "https://somebody:%s@host.test/path",
    "curl -H 'Authorization: Bearer %s'",
    "https://host.test/?a=b&key=%s&c=d",
    "url%%3D%s",
    "- %s # İ",
    "a,%s,b",
]

VALUES = {
    "letters and digits": (ALNUM, 24),
    "hexadecimal": (HEX, 32),
    "base64": (BASE64, 40),
    "small letters and digits": (LOWER, 40),
    "short": (ALNUM, 14),
}
NAMED = [
    'api_key = "%s"',
    "apiKey: '%s',",
    '{"client_secret":"%s","expires_in":5}',
    r'"{\"client_secret\": \"%s\"}"',
    "password: %s",
    "password: '%s'",
    "<password>%s</password>",
    "run --token %s --verbose",
    "run --password=%s",
    "x-api-key: %s",
    "Authorization: Token %s",
    "Authorization: Basic %s",
    'headers = {"Authorization": "Bearer %s"}',
    "('api-key', '%s')",
    'secret_key: str = "%s"',
    'password: Optional[str] = "%s"',
    'password: str | None = "%s"',
    'os.environ["DB_PASSWORD"] = "%s"',
    'os.getenv("API_TOKEN", "%s")',
    'password=SecretStr("%s")',
    'String dbPassword = "%s";',
    "const accessToken = `%s`;",
    "secret = b'%s'",
    'password := "%s"',
    "'password' => '%s',",
    "Server=tcp:x;User Id=sa;Password=%s;Encrypt=true",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=%s;EndpointSuffix=core.test",
    "aws_secret_access_key = %s",
    '"SecretAccessKey": "%s",',
    "jdbc:mysql://host/db?user=u&password=%s",
    "https://host.test/blob?sv=2024&sig=%s",
    "//registry.test/:_authToken=%s",
    "machine host.test login me password %s",
    "export GITHUB_TOKEN=%s",
    "docker run -e POSTGRES_PASSWORD=%s image",
    "the password is %s",
    "SECRET_KEY = '%s'",
    "DJANGO_SECRET_KEY=%s",
]
CHOSEN = ["Summer2024!", "Tr0ub4dor&3", "correcthorsebattery", "p@ssw0rd#1", "letmein"]
"""Passwords as people choose them, which are words."""
OF_PEOPLE = [
    "DB_PASSWORD=%s",
    'DB_PASSWORD="%s"',
    "export PGPASSWORD=%s\n",
    "postgresql://app:%s@db.test:5432/app",
    "mongodb+srv://app:%s@cluster.test/?retryWrites=true",
    "redis://:%s@cache.test:6379/0",
    "amqp://guest:%s@mq.test//",
    "git clone https://me:%s@git.test/repo.git",
    r'"url": "https:\/\/me:%s@git.test\/repo.git"',
]


def made_up(alphabet: str, length: int, seed: object) -> str:
    return "".join(random.Random(str(seed)).choices(alphabet, k=length))


def asking(*texts: str) -> Prompt:
    return Prompt(tuple(Message("user", text) for text in texts))


def prompt_of(masked: Masked) -> Prompt:
    return cast(Prompt, masked.prompt)


def masked_texts(*texts: str) -> Sequence[str]:
    return [message.content for message in prompt_of(MASKER.mask(asking(*texts))).messages]


def masked_text(text: str) -> str:
    return masked_texts(text)[0]


def restored(masked: Masked, text: str) -> str:
    unmasker = masked.unmasker()
    return unmasker.feed(text) + unmasker.end()


def assert_nothing_of(secret: str, text: str) -> None:
    for start in range(len(secret) - 7):
        assert secret[start : start + 8] not in text


@pytest.mark.parametrize("around", PLAIN_SIGHT)
@pytest.mark.parametrize("kind", TOKENS)
def test_a_token_that_says_what_it_is_is_masked_wherever_it_stands(kind: str, around: str) -> None:
    begin, alphabet, length = TOKENS[kind]
    rest = made_up(alphabet, length, kind)
    text = around % (begin + rest)
    assert_nothing_of(rest, masked_text(text))
    assert_nothing_of(rest, masked_text(json.dumps(text)))


@given(kind=st.sampled_from(sorted(TOKENS)), seed=st.integers(0, 2**64))
def test_a_token_is_masked_whatever_is_in_it(kind: str, seed: int) -> None:
    begin, alphabet, length = TOKENS[kind]
    rest = made_up(alphabet, length, seed)
    assert_nothing_of(rest, masked_text(f"use {begin}{rest} for it"))


@pytest.mark.parametrize("around", NAMED)
@pytest.mark.parametrize("kind", VALUES)
def test_a_value_is_masked_that_something_names_a_secret(kind: str, around: str) -> None:
    value = made_up(*VALUES[kind], seed=0)
    masked = masked_text(f"first\n  {around % value}\nlast")
    assert_nothing_of(value, masked)
    assert len(masked) - len(f"first\n  {around % ''}\nlast") == LENGTH


@pytest.mark.parametrize("around", OF_PEOPLE)
@pytest.mark.parametrize("password", CHOSEN)
def test_a_password_of_words_is_masked_where_nothing_else_can_stand(password: str, around: str) -> None:
    assert password not in masked_text(around % password)


KEY = "\n".join(made_up(BASE64, 64, row) for row in range(8)) + "\nabc=="
KINDS_OF_KEYS = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]


def assert_nothing_of_the_key(text: str) -> None:
    for row in KEY.split():
        assert_nothing_of(row, text)


@pytest.mark.parametrize("kind", [*KINDS_OF_KEYS, "PGP PRIVATE KEY BLOCK"])
def test_a_private_key_is_masked_and_its_kind_stays(kind: str) -> None:
    masked = masked_text(f"use\n-----BEGIN {kind}-----\n{KEY}\n-----END {kind}-----\nfor it")
    assert_nothing_of_the_key(masked)
    assert masked.startswith(f"use\n-----BEGIN {kind}-----\n")
    assert masked.endswith(f"-----END {kind}-----\nfor it")


@pytest.mark.parametrize(
    "form",
    [
        lambda pem: json.dumps({"private_key": pem}),
        lambda pem: json.dumps(json.dumps({"private_key": pem})),
        lambda pem: "\n".join(f'    "{row}\\n"' for row in pem.splitlines()),
        lambda pem: "\n".join(f"+ '{row}' +" for row in pem.splitlines()),
        lambda pem: "\n".join(f"{number:6}\t{row}" for number, row in enumerate(pem.splitlines())),
        lambda pem: "\n".join(f"-{row}" for row in pem.splitlines()),
        lambda pem: "\r\n".join(f"    {row}" for row in pem.splitlines()),
        lambda pem: pem.replace("-----BEGIN", "---- BEGIN").replace("KEY-----", "KEY ----"),
        lambda pem: pem.replace(KEY, f"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0123\n\n{KEY}"),
        lambda pem: pem.partition("abc==")[0],
    ],
)
def test_a_private_key_is_masked_however_it_is_written(form: Callable[[str], str]) -> None:
    pem = f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----"
    assert_nothing_of_the_key(masked_text(f"{form(pem)}\n"))


def test_the_secret_to_a_keys_id_is_masked_though_it_has_no_mark() -> None:
    secret = made_up(BASE64, 40, "aws")
    rows = f"Access key ID,Secret access key\nAKIA{made_up(BASE32, 16, 'id')},{secret}\n"
    assert_nothing_of(secret, masked_text(rows))
    assert masked_text(f"a hash: {secret}") == f"a hash: {secret}"


def test_a_secret_that_is_named_once_is_masked_in_the_whole_prompt() -> None:
    secret = made_up(ALNUM, 20, "once")
    masked = masked_texts(f"I tried {secret}, but", f"DB_PASSWORD={secret}", f"({secret})")
    assert secret not in "".join(masked)
    assert len({text[text.index("SECRET_") :][:LENGTH] for text in masked}) == 1


def test_a_password_that_is_a_word_is_masked_only_where_it_is_a_password() -> None:
    first, second = masked_texts("the application", "postgres://app:application@db.test")
    assert first == "the application"
    assert "application" not in second


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the provider wants a token, and the password is wrong",
        "password = os.environ['DB_PASSWORD']",
        "password: str = Field(min_length=12)",
        "api_key = settings.openai_api_key_v2",
        "PASSWORD=$(cat /run/secrets/db1)",
        "PASSWORD=${DB_PASSWORD:-}",
        "token: ${{ secrets.GITHUB_TOKEN }}",
        "url = f'https://{user}:{password}@{host}/'",
        "https://user:%s@host, https://user:***@host, https://user:<password>@host",
        "http://localhost:8080/@scope/package",
        "mailto:somebody@example.test, git@github.com:owner/name.git",
        "if token == 'access_token' or token == 'refresh-token-v2': max_tokens=4096",
        "secret=SECRET_NAME, password=getpass(), api_key=get_key('openai')",
        '"integrity": "sha512-9Qw5e6z1b0y3T5uFzq0o1J7xkT4w2o9C3m5x1u8p7r6s4t3v2w1x0y9z8A7B6C5D=="',
        "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "sk-learn-contrib-imbalanced-learn, hf_hub_download_from_repository_by_name",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        'if text.startswith("-----BEGIN PRIVATE KEY-----") and text.endswith("-----END PRIVATE KEY-----")',
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:MyOwnSecret-a1b2c3",
        "basic_authentication_middleware, bearer authentication",
        "getToken(Parser2b3c4d), class InvalidToken(EC2ClientError)",
        "withCredentials: kEnumerableProperty, password: iPhonePassword",
        "the tokenizer2vec3a4b token_count=12a34b56",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert masked_text(text) == text


def sources(folder: Path, pattern: str) -> Sequence[str]:
    return [path.read_text("utf-8", "replace") for path in sorted(folder.glob(pattern))]


def test_of_our_own_source_hardly_a_word_is_masked() -> None:
    texts = sources(Path(ai_gateway.__file__).parent, "**/*.py")
    assert len(texts) > 50
    assert MASKER.mask(EmbeddingInput(tuple(texts))).count <= 3


def test_of_the_standard_library_hardly_a_word_is_masked() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    texts = [
        text for pattern in ("*.py", "asyncio/*.py", "email/*.py", "http/*.py") for text in sources(folder, pattern)
    ]
    assert sum(map(len, texts)) > 3_000_000
    assert MASKER.mask(EmbeddingInput(tuple(texts))).count <= 3


SECRET = f"ghp_{made_up(ALNUM, 36, 'of ours')}"
OTHER = f"sk-proj-{made_up(URL_SAFE, 80, 'another of ours')}"
QUOTED = 'pa"ss1\\w0rd\n'


def placeholder_of(secret: str) -> str:
    return masked_text(secret)


WORDS = [
    "Bearer ",
    "basic ",
    "authorization: ",
    "token=",
    'password: "',
    "PASSWORD=",
    "://u:",
    "@h/",
    "?key=",
    "SECRET_",
]
STARTS = [begin for begin, _, _ in TOKENS.values()]
PLACEHOLDERS = [placeholder_of(SECRET), placeholder_of(OTHER), placeholder_of(SECRET)[:-1], placeholder_of(OTHER)[1:]]
BLOCKS = ["-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----", "A1b2" * 10, "a1B2c3", *CHOSEN]
PIECES = st.sampled_from(
    [SECRET, OTHER, *WORDS, *STARTS, *PLACEHOLDERS, *BLOCKS, *"'\"\\`{}[]():=,;<>&/ \n-_.Sİé\ud800"]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text()
CUTS = st.lists(st.integers(0, 10_000), max_size=30)


def cut(text: str, places: Sequence[int]) -> Sequence[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def streamed(unmasker: Unmasker, pieces: Sequence[str]) -> str:
    return "".join([*(unmasker.feed(piece) for piece in pieces), unmasker.end()])


@given(TEXTS, CUTS)
@example(f"{SECRET}{placeholder_of(SECRET)}", [])
@example(f"{placeholder_of(SECRET)[:9]}{SECRET} SECRET_", [1, 2, 3, 11, 12])
@example(f"SECRET_{SECRET} token={placeholder_of(OTHER)}{OTHER}", [9])
def test_what_was_masked_is_restored_however_the_stream_is_cut(text: str, places: Sequence[int]) -> None:
    masked = MASKER.mask(asking(text))
    sent = prompt_of(masked).messages[0].content
    assert streamed(masked.unmasker(), cut(sent, places)) == text


@given(TEXTS)
def test_masking_twice_masks_nothing_more(text: str) -> None:
    once = MASKER.mask(asking(text)).prompt
    again = MASKER.mask(once)
    assert again.prompt is once
    assert again.count == 0


@given(before=TEXTS, after=TEXTS, kind=st.sampled_from(sorted(TOKENS)))
def test_nothing_of_a_secret_is_left_in_any_text(before: str, after: str, kind: str) -> None:
    begin, alphabet, length = TOKENS[kind]
    rest = made_up(alphabet, length, kind)
    masked = MASKER.mask(asking(before, f"{begin}{rest}", after))
    assert_nothing_of(rest, "".join(message.content for message in prompt_of(masked).messages))
    assert_nothing_of(rest, masked_text(f"{before} {begin}{rest} {after}"))


arguments = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["password", "a"]) | TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)


@given(arguments, st.booleans())
@example({"password": 'a1B2"c3\\D4\n', "again": ["a1B2"]}, False)
@example({"token": 1.2345e-99, "b": "-----BEGIN PRIVATE KEY-----", "c": f"{KEY}-----END PRIVATE KEY-----"}, True)
def test_masked_json_is_json_and_means_the_same_when_restored(given_arguments: object, is_ascii: bool) -> None:
    text = json.dumps(given_arguments, ensure_ascii=is_ascii)
    message = Message("assistant", "", (ToolCall("id", "f", text),))
    masked = MASKER.mask(Prompt((message,)))
    sent = prompt_of(masked).messages[0].tool_calls[0].arguments
    json.loads(sent)
    assert json.loads(masked.unmasker().arguments(sent)) == given_arguments


def test_a_secret_is_escaped_where_it_is_restored_in_the_arguments_of_a_tool_call() -> None:
    pem = f'-----BEGIN PRIVATE KEY-----\n"{KEY}"\n-----END PRIVATE KEY-----'
    masked = MASKER.mask(asking(pem))
    written = json.dumps({"content": f"x {prompt_of(masked).messages[0].content}"})
    assert json.loads(masked.unmasker().arguments(written)) == {"content": f"x {pem}"}


def test_a_secret_has_one_placeholder_in_texts_and_in_json() -> None:
    call = ToolCall("id", "f", json.dumps({"password": 'a1B2"c3D4'}))
    masked = MASKER.mask(Prompt((Message("user", """password='a1B2"c3D4'"""), Message("assistant", "", (call,)))))
    assert masked.count == 1


def test_every_text_that_an_upstream_would_see_is_masked() -> None:
    held = f"x {SECRET} y"
    call = ToolCall("id", "name", json.dumps({"a": [held]}), signature=held)
    prompt = Prompt(
        messages=(
            Message("system", held),
            Message("user", held),
            Message("assistant", held, (call,)),
            Message("tool", held, tool_call_id="id"),
        ),
        stop=(held,),
        tools=(Tool("name", held, {"properties": {"a": {"default": held, "enum": [1, None, held]}}}),),
        response_format={"type": "json_schema", "json_schema": {"description": held}},
    )
    masked = MASKER.mask(prompt)
    shown = prompt_of(masked)
    told = f"x {placeholder_of(SECRET)} y"
    assert masked.count == 1
    assert [message.content for message in shown.messages] == [told] * 4
    assert shown.messages[2].tool_calls == (replace(call, arguments=json.dumps({"a": [told]})),)
    assert shown.stop == (told,)
    assert shown.tools == (Tool("name", told, {"properties": {"a": {"default": told, "enum": [1, None, told]}}}),)
    assert shown.response_format == {"type": "json_schema", "json_schema": {"description": told}}


def test_texts_to_embed_are_masked() -> None:
    masked = MASKER.mask(EmbeddingInput(("a", f"token {SECRET}"), dimensions=3))
    assert masked.prompt == EmbeddingInput(("a", f"token {placeholder_of(SECRET)}"), dimensions=3)


def test_a_prompt_without_secrets_is_given_back_itself() -> None:
    prompt = Prompt((Message("user", "hello"),), tools=(Tool("f", "does", {"type": "object"}),), response_format={})
    masked = MASKER.mask(prompt)
    assert masked.prompt is prompt
    assert masked.count == 0


def test_each_secret_counts_once() -> None:
    assert MASKER.mask(asking(f"{SECRET} {OTHER}", SECRET)).count == 2


def test_a_secret_keeps_its_placeholder_from_turn_to_turn() -> None:
    assert masked_texts(SECRET, f"x {SECRET}")[1] == masked_text(f"x {SECRET}")
    first, second = Masker().mask(asking(SECRET)), Masker().mask(asking(SECRET))
    assert first.prompt == second.prompt


def test_nobody_without_the_key_can_tell_a_placeholder() -> None:
    assert Masker(b"one").mask(asking(SECRET)).prompt != Masker(b"other").mask(asking(SECRET)).prompt


def test_a_placeholder_is_a_word_of_its_own() -> None:
    assert placeholder_of(SECRET).isidentifier()
    assert len(placeholder_of(SECRET)) == LENGTH


@pytest.mark.parametrize(
    "alter",
    [
        str.lower,
        str.upper,
        lambda placeholder: placeholder[:-1],
        lambda placeholder: placeholder[1:],
        lambda placeholder: placeholder.replace("_", "-"),
        lambda placeholder: placeholder.replace("_", "_ "),
        lambda placeholder: f"{placeholder[:10]}\n{placeholder[10:]}",
        lambda placeholder: f"{placeholder[:10]}'{placeholder[10:]}",
        lambda placeholder: f"{placeholder[:-1]}{'0' if placeholder[-1] != '0' else '1'}",
    ],
)
def test_a_placeholder_that_the_model_has_altered_stays_as_it_wrote_it(alter: Callable[[str], str]) -> None:
    altered = f"x {alter(placeholder_of(SECRET))} y"
    assert restored(MASKER.mask(asking(SECRET)), altered) == altered


@pytest.mark.parametrize("around", ["%s", "%s%s", "'%s'", "a%sb", "_%s_", "SECRET_%s", "%s0", "**%s**", "S%sS"])
def test_a_placeholder_is_restored_whatever_stands_around_it(around: str) -> None:
    placeholder = placeholder_of(SECRET)
    masked = MASKER.mask(asking(SECRET))
    assert restored(masked, around.replace("%s", placeholder)) == around.replace("%s", SECRET)


def test_an_answer_gets_back_only_what_its_own_prompt_held() -> None:
    """Whoever plants the placeholder of a secret that was seen before gets nothing for it."""
    foreign = placeholder_of(OTHER)
    masked = MASKER.mask(asking(f"{SECRET}, and say {foreign}"))
    assert prompt_of(masked).messages[0].content.endswith(foreign)
    assert restored(masked, f"{foreign} {placeholder_of(SECRET)}") == f"{foreign} {SECRET}"
    assert masked.unmasker().arguments(f'"{foreign}"') == f'"{foreign}"'
    assert restored(MASKER.mask(asking("hello")), foreign) == foreign


def test_a_placeholder_in_the_prompt_is_text_even_where_the_prompt_has_its_secret() -> None:
    own = placeholder_of(SECRET)
    masked = MASKER.mask(asking(f"{own} {SECRET}"))
    sent = prompt_of(masked).messages[0].content
    assert sent.startswith(own)
    assert sent != f"{own} {own}"
    assert restored(masked, sent) == f"{own} {SECRET}"


def test_a_secret_in_the_answer_itself_is_left_alone() -> None:
    assert restored(MASKER.mask(asking(SECRET)), f"made you {OTHER}") == f"made you {OTHER}"


def test_a_restored_secret_is_not_searched_again() -> None:
    inner = placeholder_of(SECRET)
    masked = MASKER.mask(asking(f"postgres://me:pw{inner}x@h {SECRET}"))
    assert restored(masked, prompt_of(masked).messages[0].content) == f"postgres://me:pw{inner}x@h {SECRET}"


def test_no_part_of_a_placeholder_is_shown() -> None:
    unmasker = MASKER.mask(asking(SECRET)).unmasker()
    placeholder = placeholder_of(SECRET)
    assert [unmasker.feed(character) for character in placeholder] == [""] * (LENGTH - 1) + [SECRET]


@pytest.mark.parametrize("text", ["Hello", "SECRET", "SECRET_", "S", "a S", "SECRET_0"])
def test_text_goes_out_as_soon_as_it_cannot_become_a_placeholder(text: str) -> None:
    unmasker = MASKER.mask(asking(SECRET)).unmasker()
    shown = unmasker.feed(text)
    assert unmasker.feed("!") == f"{text}!".removeprefix(shown)
    assert unmasker.feed(" and more") == " and more"
    assert unmasker.end() == ""


def test_where_nothing_was_masked_nothing_is_held_back() -> None:
    unmasker = MASKER.mask(asking("hello")).unmasker()
    assert [unmasker.feed(character) for character in "SECRET_"] == [*"SECRET_"]


def test_what_stands_for_a_masked_prompt_in_a_log_holds_no_secret() -> None:
    masked = MASKER.mask(asking(SECRET))
    assert SECRET not in f"{masked!r} {masked} {masked.unmasker()!r}"


@pytest.mark.parametrize("letter", [chr(code) for code in range(sys.maxunicode) if len(chr(code).lower()) != 1])
def test_a_letter_that_grows_when_it_is_made_small_moves_nothing(letter: str) -> None:
    value = made_up(ALNUM, 20, "moved")
    text = f"{letter * 50} Password = '{value}' {letter}"
    assert masked_text(text).startswith(f"{letter * 50} Password = 'SECRET_")
    assert masked_text(text).endswith(f"' {letter}")


HOSTILE = [
    "word ",
    "aB1",
    "----",
    "-----BEGIN PRIVATE KEY-----\nabc",
    "://a:b@",
    "http://x:",
    "token=",
    "token=a(",
    'password = "aB1dE2',
    "PASSWORD=",
    "eyJ-",
    "eyJabcdefgh.",
    "tid=abcdefgh",
    "bearer aB1",
    "&key=aB1cdefgh",
    "AKIA",
    "a1Q~",
    "secret: str | None = ",
    "SECRET_0123456789ab",
    "token=SECRET_0123456789ab",
    "\\",
    '{"',
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """If it took its square, this would hang."""
    text = piece * (1_000_000 // len(piece))
    masked = MASKER.mask(asking(text))
    assert restored(masked, prompt_of(masked).messages[0].content) == text


def test_many_secrets_take_no_longer_than_the_text_that_they_are_in() -> None:
    text = " ".join(f"password='{number:08}a1B2c3D4'" for number in range(20_000))
    masked = MASKER.mask(asking(text))
    assert masked.count == 20_000
    assert restored(masked, prompt_of(masked).messages[0].content) == text
