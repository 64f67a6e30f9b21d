"""Write `docs/providers.md` from the catalog.

python tools/provider_table.py            writes the page
python tools/provider_table.py --check    exits 1 where the page is not what would be written
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from antiphon.providers.catalog import ProviderRow, load_catalog
from antiphon.providers.quirks import QUIRKS

TARGET = Path(__file__).parent.parent / "docs/providers.md"

HEAD = """\
# Providers

<!-- Written by tools/provider_table.py from src/antiphon/providers/catalog.toml: do not edit. -->

Each of these is a row of the catalog. Name it in the configuration and give it a key, or set one
of its environment names and start without a configuration; its models are then called
`NAME/MODEL`. A provider that is not here but speaks [OpenAI chat](dialects.md) needs `base_url`
only, one that speaks another of our dialects `dialect` too.

```yaml
providers:
  moonshot: {}                        # its key comes from MOONSHOT_API_KEY or KIMI_API_KEY
  kimi_cn: {catalog: moonshot, base_url: https://api.moonshot.cn/v1, api_key_file: kimi.key}
  gpu: {catalog: vllm, base_url: http://gpu:8000}
  lab: {base_url: https://llm.lab.internal, ca_file: lab-ca.pem, models: [tiny]}
  proxy: {base_url: https://claude.corp.internal, dialect: anthropic_messages, api_key: any}
```

Replies of `verified` rows are known from recorded traffic; `community` rows follow the
provider's documentation.

"""
DIALECT_HEAD = """
## Dialects

What each row speaks. A caller is answered in its own dialect where the row speaks it, so that its
bytes go through; all others are translated into the row's first ([dialects](dialects.md)). An
entry that says `dialect:` speaks that one only. Behind a dialect stands its base path, where it is
another than the row's. Whoever *counts* says how many tokens a prompt is, for `count_tokens`; at
all others it is [estimated](guides/token-estimates.md).

| name | first | also | counts |
| --- | --- | --- | --- |
"""
QUIRK_HEAD = """
## Quirks

What a provider would refuse is changed on the way to it, and nothing else. A row has at most
three quirks; some models have their own (`models.toml`); `quirks:` of an entry adds more.

| quirk | what it stands for |
| --- | --- |
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    text = render()
    if not parser.parse_args().check:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET.name} is not current: run tools/provider_table.py", file=sys.stderr)
    return 1


def render() -> str:
    rows = load_catalog().values()
    return (
        HEAD
        + section("Hosted", [row for row in rows if row.base_url and not row.self_hosted])
        + section(
            "At your own address", [row for row in rows if not row.base_url or row.self_hosted]
        ).rstrip("\n")
        + "\n"
        + DIALECT_HEAD
        + "".join(map(dialects, rows))
        + QUIRK_HEAD
        + "".join(f"| `{name}` | {meaning(name)} |\n" for name in sorted(QUIRKS))
    )


def section(title: str, rows: list[ProviderRow]) -> str:
    lines = [
        f"## {title}",
        "",
        "| name | address | key from | address from | quirks | tier |",
        "| --- | --- | --- | --- | --- | --- |",
        *(line(row) for row in rows),
    ]
    return "\n".join(lines) + "\n\n"


def line(row: ProviderRow) -> str:
    also = f" (also {listed(row.aliases)})" if row.aliases else ""
    key = listed(row.key_env) + (", or none" if row.key_optional else "")
    address = (
        f"`{row.base_url}`" if row.base_url else f"yours{row.base_path and f', `{row.base_path}`'}"
    )
    cells = (
        f"[`{row.name}`]({row.docs}){also}",
        address,
        key,
        listed(row.base_url_env),
        listed(row.quirks),
        row.tier,
    )
    return f"| {' | '.join(cells)} |"


def dialects(row: ProviderRow) -> str:
    also = [
        f"`{name}`" + (f" at `{face.path}`" if face.path is not None else "")
        for name, face in row.also.items()
    ]
    cells = (f"`{row.name}`", f"`{row.dialect}`", ", ".join(also), listed(row.counts))
    return f"| {' | '.join(cells)} |\n"


def listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def meaning(quirk: str) -> str:
    return (QUIRKS[quirk].__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
