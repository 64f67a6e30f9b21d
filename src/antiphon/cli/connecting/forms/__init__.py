"""Files of others: each form merges settings into a text, and names what a text holds."""

from antiphon.cli.connecting.forms.base import Form, Settings
from antiphon.cli.connecting.forms.lines import ENV, TEXT
from antiphon.cli.connecting.forms.objects import JSON
from antiphon.cli.connecting.forms.tables import TOML

__all__ = ["ENV", "JSON", "TEXT", "TOML", "Form", "Settings"]
