"""The configuration in force, defaults included and secrets masked."""

from __future__ import annotations

from antiphon.config.settings import Settings


def shown(settings: Settings) -> dict[str, object]:
    """As plain data in the shape of the file; what has no value is left out."""
    return settings.model_dump(mode="json", exclude_none=True)


def shown_yaml(settings: Settings) -> str:
    """As YAML."""
    # Here, because the YAML library costs a tenth of a second, and a start without a file none.
    from antiphon.yamlfile.nodes import render  # noqa: PLC0415

    return render(shown(settings))
