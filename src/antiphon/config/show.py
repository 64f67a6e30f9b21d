"""The configuration in force, defaults included and secrets masked."""

from __future__ import annotations

from antiphon.config.settings import Settings
from antiphon.providers.keys import KeyFile
from antiphon.secret import Secret


def shown(settings: Settings) -> dict[str, object]:
    """As plain data in the shape of the file; what has no value is left out."""
    data = settings.model_dump(mode="json", exclude_none=True)
    for name, entry in settings.providers.items():
        if entry.api_key is not None:
            data["providers"][name]["api_key"] = [_key(each) for each in entry.api_key]
    return data


def shown_yaml(settings: Settings) -> str:
    """As YAML."""
    # Here, because only this command writes YAML.
    from antiphon.yamlfile.nodes import render  # noqa: PLC0415

    return render(shown(settings))


def _key(key: Secret | KeyFile) -> str:
    """Where a key comes from is no secret."""
    return f"${{file:{key.path}}}" if isinstance(key, KeyFile) else str(key)
