from __future__ import annotations

import pytest

from antiphon.providers.address import is_private, parse_address, url_of_host
from antiphon.providers.catalog import GENERIC, Catalog


@pytest.mark.parametrize(
    ("row", "text", "expected"),
    [
        (GENERIC, "http://127.0.0.1:9100/v1", "http://127.0.0.1:9100/v1"),
        (GENERIC, "http://127.0.0.1:9100/v1/", "http://127.0.0.1:9100/v1"),
        (GENERIC, "http://127.0.0.1:9100", "http://127.0.0.1:9100/v1"),
        (GENERIC, "http://127.0.0.1:9100/", "http://127.0.0.1:9100/v1"),
        (GENERIC, " https://lab.test/api/paas/v4/ ", "https://lab.test/api/paas/v4"),
        (GENERIC, "https://lab.test/v1/chat/completions", "https://lab.test/v1"),
        (GENERIC, "https://lab.test:443/v1/chat/completions/", "https://lab.test/v1"),
        (GENERIC, "https://LAB.test:8443", "https://lab.test:8443/v1"),
        (GENERIC, "http://[::1]:8000", "http://[::1]:8000/v1"),
        (GENERIC, "https://bücher.test", "https://xn--bcher-kva.test/v1"),
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("openai", "https://proxy.test", "https://proxy.test"),
        ("perplexity", "https://api.perplexity.ai", "https://api.perplexity.ai"),
        ("azure", "https://r.openai.azure.com/", "https://r.openai.azure.com/openai/v1"),
        ("azure", "https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1"),
        ("zai", "https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4"),
    ],
)
def test_what_people_write_is_understood(
    catalog: Catalog, row: str, text: str, expected: str
) -> None:
    assert str(parse_address(text, catalog[row])) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lab:8000",
        "ftp://lab.test",
        "http://",
        "https://user:secret@lab.test",
        "https://lab.test/v1?key=secret",
        "https://lab.test/v1#x",
        "https://lab.test:99999",
        "https://lab.test/v1 /x",
        "https://lab.test/v1\r\nhost: other",
        "https://lab.test/ü",
    ],
)
def test_what_is_no_base_url_is_refused(catalog: Catalog, text: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|[Pp]ort") as raised:
        parse_address(text, catalog[GENERIC])
    assert "secret" not in str(raised.value)


def test_a_host_that_is_mistaken_for_the_vendors_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match=r"https://api\.z\.ai/api/paas/v4"):
        parse_address("https://api.z-ai.com/v1", catalog["zai"])
    address = parse_address("https://api.z-ai.com/v1", catalog["zai"], allow_host=True)
    assert address.origin.host == "api.z-ai.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        (":8080", "http://127.0.0.1:8080"),
        ("gpu", "http://gpu:11434"),
        ("gpu:1/", "http://gpu:1/"),
        ("http://gpu", "http://gpu"),
        ("https://ollama.test/api", "https://ollama.test/api"),
        ("[::]", "http://[::1]:11434"),
        ("[fd00::1]:9", "http://[fd00::1]:9"),
        ("::1", "http://[::1]:11434"),
    ],
)
def test_ollama_host_in_all_its_forms(text: str, expected: str) -> None:
    assert url_of_host(text, default="http://127.0.0.1:11434/v1") == expected


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.168.0.7", True),
        ("100.100.1.1", True),
        ("fd00::1", True),
        ("gpu", True),
        ("gpu.local", True),
        ("host.docker.internal", True),
        ("8.8.8.8", False),
        ("2606:4700::1", False),
        ("gpu.example.com", False),
        ("local.example.com", False),
    ],
)
def test_which_hosts_are_private(host: str, private: bool) -> None:
    assert is_private(host) is private
