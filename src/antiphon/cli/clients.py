"""Commands for those who ask: their options, as people type them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.options import ConfigOption, JsonOption


def connect(  # noqa: PLR0913  each is an option
    client: Annotated[
        str,
        typer.Argument(
            help="claude, codex, cursor, open-webui, langchain, ai-sdk, python or curl."
        ),
    ],
    *,
    url: Annotated[
        str | None, typer.Option(help="Where the gateway is; by default the configuration says.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Which model; none takes one that suits.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The client's key, which is then shown.")] = None,
    key_env: Annotated[
        str, typer.Option(help="The environment variable with the client's key.")
    ] = "ANTIPHON_KEY",
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the client's own file.")
    ] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Bring back what was in the file before.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Restore a file that was changed since, too.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option(help="Write or restore this file in place of the usual one.")
    ] = None,
    no_probe: Annotated[
        bool, typer.Option("--no-probe", help="Ask the model nothing; with --model, ask nobody.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=3_600, help="Seconds for each request, at most.")
    ] = 60,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show or write what a client needs to use the gateway, and try it out."""
    from antiphon.cli.connecting.command import Wanted, connect_command  # noqa: PLC0415
    from antiphon.secret import Secret  # noqa: PLC0415

    wanted = Wanted(
        url=url,
        config=config,
        key=None if key is None else Secret(key),
        key_env=key_env,
        model=model,
        file=file,
        write=write,
        restore=restore,
        force=force,
        probing=not no_probe,
        timeout=timeout,
        as_json=json,
    )
    connect_command(client, wanted)
