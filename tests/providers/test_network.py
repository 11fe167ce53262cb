"""Which proxy is meant for whom, and which hosts are this machine."""

from __future__ import annotations

import pytest

from ai_gateway.providers.network import Network, is_excepted, is_loopback, is_safe_for_credentials


@pytest.mark.parametrize(
    ("environ", "setting", "url", "proxy"),
    [
        ({}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://a.test", "http://p:1"),
        ({"https_proxy": "http://p:1"}, None, "https://a.test", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, None, "http://a.test", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://a.test", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, None, "https://a.test", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, None, "https://a.test", "http://q:2"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".test, b"}, None, "https://a.test/v1", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test:8443"}, None, "https://a.test:8443", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test:8443"}, None, "https://a.test", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://q:2", "https://a.test", "http://q:2"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.test"}, "http://q:2", "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1"}, "", "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "a.test"}, None, "https://a.test", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8 b.test"}, None, "https://10.1.2.3/v1", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "0.2.1"}, None, "https://192.0.2.1", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ""}, None, "https://a.test", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://a.test:99999", "http://p:1"),
        ({"NO_PROXY": "b.test"}, None, "https://a.test", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://127.0.0.1:11434", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://[::1]:11434", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://q:2", "http://localhost:1234", None),
    ],
)
def test_the_proxy_is_chosen_as_the_setting_then_the_environment_say(
    environ: dict[str, str], setting: str | None, url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Network(proxy=setting).proxy_for(url) == proxy


def test_the_systems_proxy_comes_with_the_systems_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_gateway.providers.network.getproxies", lambda: {"https": "http://p:1"})
    monkeypatch.setattr("ai_gateway.providers.network.proxy_bypass", lambda host: host == "b.test")
    assert Network().proxy_for("https://a.test") == "http://p:1"
    assert Network().proxy_for("https://b.test") is None


@pytest.mark.parametrize(
    ("exceptions", "url", "proxy"),
    [
        ((), "https://a.test", "http://p:1"),
        ((), "https://of.the.environment", "http://p:1"),
        (None, "https://of.the.environment", None),
        (("b.test", "a.test"), "https://a.test", None),
        (("a.test:8443",), "https://a.test", "http://p:1"),
        (("a.test:443",), "https://a.test", None),
        (("a.test:80",), "http://a.test", None),
    ],
)
@pytest.mark.parametrize("is_set", [True, False])
def test_the_settings_exceptions_hold_in_place_of_the_environments_whoever_set_the_proxy(
    exceptions: tuple[str, ...] | None, url: str, proxy: str | None, is_set: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", "of.the.environment")
    network = Network(proxy="http://p:1" if is_set else None, no_proxy=exceptions)
    assert network.proxy_for(url) == proxy


@pytest.mark.parametrize(
    ("exception", "host", "port"),
    [
        ("*", "a.test", 443),
        ("a.test", "a.test", 443),
        (" A.Test ", "a.tesT", 443),
        ("a.test", "a.test.", 443),
        ("a.test", "deep.in.a.test", 443),
        (".a.test", "b.a.test", 443),
        (".a.test", "a.test", 443),
        ("*.a.test", "b.a.test", 443),
        ("a.test:8443", "b.a.test", 8443),
        ("test", "a.test", None),
        ("192.0.2.1", "192.0.2.1", 443),
        ("192.0.2.1:80", "192.0.2.1", 80),
        ("192.0.2.0/24", "192.0.2.77", 443),
        ("192.0.2.9/24", "192.0.2.77", 443),
        ("2001:db8::1", "2001:DB8:0::1", 443),
        ("[2001:db8::1]", "2001:db8::1", 443),
        ("[2001:db8::1]:80", "2001:db8::1", 80),
        ("2001:db8::/32", "2001:db8::1", 443),
    ],
)
def test_these_hosts_are_excepted(exception: str, host: str, port: int | None) -> None:
    assert is_excepted(host, port, ("nobody.test", exception))


@pytest.mark.parametrize(
    ("exception", "host", "port"),
    [
        ("", "a.test", 443),
        ("a.test", "ba.test", 443),
        ("a.test", "a.test.evil", 443),
        ("a.test:80", "a.test", 443),
        ("192.0.2.1", "192.0.2.11", 443),
        ("0.2.1", "192.0.2.1", 443),
        ("192.0.2.0/24", "192.0.3.1", 443),
        ("192.0.2.0/24", "a.test", 443),
        ("192.0.2.0/99", "192.0.2.1", 443),
        ("2001:db8::1", "2001:db8::2", 443),
        ("[2001:db8::1]:80", "2001:db8::1", 443),
        ("2001:db8::/32", "192.0.2.1", 443),
        (":443", "a.test", 443),
        ("a.*", "a.test", 443),
    ],
)
def test_these_hosts_are_not(exception: str, host: str, port: int | None) -> None:
    assert not is_excepted(host, port, (exception,))


def test_a_proxys_password_is_in_no_repr() -> None:
    assert "secret" not in repr(Network(proxy="http://user:secret@proxy:1"))


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_has_many_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.evil.test", "notlocalhost", "10.0.0.1", "128.0.0.1", "0.0.0.0", "::2"])
def test_others_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://api.test", True),
        ("http://127.0.0.1:1", True),
        ("http://[::1]:1", True),
        ("http://api.test", False),
        ("ftp://api.test", False),
        ("api.test", False),
        ("", False),
        ("https://[::1", False),
    ],
)
def test_a_credential_is_safe_under_tls_or_on_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_for_credentials(url) is is_safe
