"""The `antiphon` command.

Every command exits with 0 when it did what it was asked, 1 when it could not, 2 when it was
asked wrongly, 130 when it was interrupted. What lists has `--json`. Each command loads what it
needs when it is called: `--help` need not wait for a server, nor `serve` for a simulator.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli.administering.every import GROUPS
from antiphon.cli.clients import connect
from antiphon.cli.configuring import config_app
from antiphon.cli.explaining import explain
from antiphon.cli.ledger import ledger_app
from antiphon.cli.options import ConfigOption, JsonOption
from antiphon.cli.output import describe, fail
from antiphon.errors import AntiphonError
from antiphon.version import VERSION

FaultsOption = Annotated[
    bool, typer.Option("--faults", help="List what can go wrong, and run nothing.")
]


app = typer.Typer(
    name="antiphon",
    help="An LLM gateway: any client, any provider.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(config_app, name="config")
app.add_typer(ledger_app, name="ledger")
import_app = typer.Typer(help="Take over another gateway's configuration.", no_args_is_help=True)
app.add_typer(import_app, name="import")


def main() -> None:
    """Run the command line; the entry point of the package."""
    for stream in (sys.stdout, sys.stderr):
        # Models and providers say what a terminal's encoding may have no letters for.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except AntiphonError as error:
        fail(describe(error))


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,  # noqa: FBT002
) -> None:
    """An LLM gateway: any client, any provider."""
    if version:
        sys.stdout.write(f"antiphon {VERSION}\n")
        raise typer.Exit


@app.command()
def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the gateway; without a configuration, with what the environment offers."""
    from antiphon.cli.serving import serve_command  # noqa: PLC0415

    serve_command(config, host, port)


@app.command()
def chat(
    prompt: Annotated[
        list[str] | None, typer.Argument(help="What to ask; none to converse.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Which model to ask.")] = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="A system prompt.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Talk to a model; reads the question from the arguments, a pipe or the terminal."""
    from antiphon.cli.chat import chat_command  # noqa: PLC0415

    chat_command(prompt or [], model=model, system=system, config=config, as_json=json)


@app.command()
def simulate(  # noqa: PLR0913, PLR0917  one for each option
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port of the first one; 0 takes free ones.")
    ] = 9100,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many providers.")] = 2,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Makes the answers.")] = 0,
    latency: Annotated[str, typer.Option(help="instant, fast, typical or slow.")] = "fast",
    replay: Annotated[Path | None, typer.Option(help="Folder of recorded exchanges.")] = None,
    strict: Annotated[  # noqa: FBT002
        bool, typer.Option("--strict", help="Refuse what real providers refuse.")
    ] = False,
    faults: FaultsOption = False,  # noqa: FBT002
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Run pretend providers, to practise on."""
    from antiphon.cli.simulating import faults_command, simulate_command  # noqa: PLC0415

    if faults:
        faults_command(as_json=json)
        return
    simulate_command(
        port=port,
        count=count,
        host=host,
        seed=seed,
        latency=latency,
        replay=replay,
        strict=strict,
        as_json=json,
    )


@app.command()
def demo() -> None:
    """Show the main job: two pretend providers, a gateway, a fallback."""
    try:
        from antiphon.cli.demo import demo_command  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "openai":
            raise
        fail("the demo speaks through OpenAI's own client: pip install 'antiphon[demo]'")
    demo_command()


@app.command()
def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Models, PROVIDER/MODEL or providers; none for all configured."),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=1_000, help="Samples of the latency.")] = 5,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=3_600, help="Seconds for each call, at most.")
    ] = 30,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CHECK", help="Make this check; may be repeated.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Try out each deployment; exits with 1 if a check failed."""
    from antiphon.cli.doctor import doctor_command  # noqa: PLC0415

    doctor_command(
        names or [], samples=samples, timeout=timeout, only=only or [], config=config, as_json=json
    )


@app.command()
def usage(  # noqa: PLR0913  one for each option
    *,
    by: Annotated[
        str,
        typer.Option(
            help="What to group by, with commas between: model, provider, alias, team, "
            "department, user, key, hour, day, month."
        ),
    ] = "model",
    since: Annotated[
        str | None, typer.Option(help="From when on: 12h, 7d, 4w ago, or 2026-11-01.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to when; a day is its midnight.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Only this model; again for more.")
    ] = None,
    provider: Annotated[list[str] | None, typer.Option(help="Only this provider.")] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Only under this name.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Only this team.")] = None,
    department: Annotated[list[str] | None, typer.Option(help="Only this department.")] = None,
    user: Annotated[list[str] | None, typer.Option(help="Only this person.")] = None,
    key: Annotated[list[str] | None, typer.Option(help="Only this key, by its id.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Rows at most; a table has 100.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Say what was used, and what it cost; also while no gateway runs."""
    from antiphon.cli.usage import usage_command  # noqa: PLC0415

    chosen = {
        "model": model,
        "provider": provider,
        "alias": alias,
        "team": team,
        "department": department,
        "user": user,
        "key": key,
    }
    usage_command(
        by,
        since=since,
        until=until,
        chosen={word: values or [] for word, values in chosen.items()},
        limit=limit,
        config=config,
        forms=[name for name, wanted in (("json", json), ("csv", csv)) if wanted],
    )


@import_app.command("litellm")
def import_litellm(
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; none prints it.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="The file for the report; none prints it, beside the configuration on standard "
            "error."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 when something was dropped.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Write LiteLLM's config.yaml as ours, and say what was mapped, approximated and dropped."""
    from antiphon.cli.importing.command import Wanted, import_command  # noqa: PLC0415

    wanted = Wanted(output, report, as_json=json, strict=strict, force=force)
    import_command(file, wanted)


prices_app = typer.Typer(help="Look at prices.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")


@prices_app.command("check")
def prices_check(
    file: Annotated[Path | None, typer.Argument(help="The configuration.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show what is charged for each model, by which prices, and how old they are."""
    from antiphon.cli.prices import check_command  # noqa: PLC0415

    check_command(file or config, as_json=json)


@app.command()
def logs(  # noqa: PLR0913  each is an option
    request_id: Annotated[
        str | None, typer.Argument(help="The id of a request; none to list the last.")
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with each that comes, until Ctrl-C.")
    ] = False,
    number: Annotated[
        int, typer.Option("--number", "-n", min=0, max=100_000, help="How many to list.")
    ] = 20,
    errors: Annotated[
        bool, typer.Option("--errors", help="Only those that were not answered whole.")
    ] = False,
    route: Annotated[str | None, typer.Option(help="Of this name in the configuration.")] = None,
    provider: Annotated[str | None, typer.Option(help="With an attempt there.")] = None,
    model: Annotated[
        str | None, typer.Option(help="With an attempt at this MODEL or PROVIDER/MODEL.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Ended so: ok, failed, cancelled or lost.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="With this status: 404, or 4xx.")] = None,
    key: Annotated[str | None, typer.Option(help="By this key's id.")] = None,
    team: Annotated[str | None, typer.Option(help="By this team.")] = None,
    user: Annotated[str | None, typer.Option(help="By this user, or subject id.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Ended since then: a time, or 15m, 2h, 7d ago.")
    ] = None,
    content: Annotated[
        bool, typer.Option("--content", help="With an id: also what was kept of its content.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what happened: to one request, or to the last ones; JSON is one object a line."""
    from antiphon.cli.logs import Wanted, logs_command  # noqa: PLC0415

    wanted = Wanted(
        route=route,
        provider=provider,
        model=model,
        outcome=outcome,
        status=status,
        key=key,
        team=team,
        user=user,
        since=since,
        errors=errors,
    )
    logs_command(
        request_id,
        wanted,
        follow=follow,
        count=number,
        content=content,
        config=config,
        as_json=json,
    )


app.command()(connect)
app.command()(explain)
for name, group in GROUPS.items():
    app.add_typer(group, name=name)
