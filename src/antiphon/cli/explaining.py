"""The command `antiphon explain`, with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.reach import Reach
from antiphon.cli.reaching import reaching


@reaching
def explain(
    reach: Reach,
    prompt: Annotated[list[str] | None, typer.Argument(help="What would be asked.")] = None,
    *,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Which model would be asked.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The body of the request as JSON; - reads it from a pipe.")
    ] = None,
    dialect: Annotated[str, typer.Option(help="In which the request is written.")] = "openai_chat",
    header: Annotated[
        list[str] | None,
        typer.Option(help="What its caller would say, as 'name: value'; may be repeated."),
    ] = None,
    as_key: Annotated[
        str,
        typer.Option("--as", metavar="KEY", help="As this key, by its id; by default one's own."),
    ] = "",
) -> None:
    """Say who would answer a request, and why, without making it."""
    from antiphon.cli.explain import Question, explain_command  # noqa: PLC0415

    explain_command(reach, Question(prompt or [], model, file, dialect, header or [], as_key))
