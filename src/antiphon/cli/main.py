"""The `antiphon` command.

Every command exits with 0 when it did what it was asked, 1 when it could not, 2 when it was
asked wrongly. What lists has `--json`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from antiphon.cli import chat as chatting
from antiphon.cli import configuration, serving, simulating
from antiphon.cli.output import fail
from antiphon.errors import AntiphonError
from antiphon.version import VERSION

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration; by default ./antiphon.yaml if there."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    name="antiphon",
    help="An LLM gateway: any client, any provider.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Look at a configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")


def main() -> None:
    """Run the command line; the entry point of the package."""
    try:
        app()
    except AntiphonError as error:
        fail(error.message)


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
    serving.serve_command(config, host, port)


@app.command()
def models(config: ConfigOption = None, json: JsonOption = False) -> None:  # noqa: FBT002
    """List the models that can be asked for."""
    serving.models_command(config, as_json=json)


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
    chatting.chat_command(prompt or [], model=model, system=system, config=config, as_json=json)


@app.command()
def simulate(
    port: Annotated[int, typer.Option(help="Port of the first one; 0 takes free ones.")] = 9100,
    count: Annotated[int, typer.Option(min=1, max=64, help="How many providers.")] = 2,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option(help="Makes the answers.")] = 0,
    latency: Annotated[str, typer.Option(help="instant, fast, typical or slow.")] = "fast",
    replay: Annotated[Path | None, typer.Option(help="Folder of recorded exchanges.")] = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Run pretend providers, to practise on."""
    simulating.simulate_command(
        port=port, count=count, host=host, seed=seed, latency=latency, replay=replay, as_json=json
    )


@app.command()
def demo() -> None:
    """Show the main job: two pretend providers, a gateway, a fallback."""
    try:
        module = import_module("antiphon.cli.demo")
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        fail("the demo speaks through OpenAI's own client: pip install 'antiphon[demo]'")
    module.demo_command()


@config_app.command("check")
def config_check(
    file: Annotated[Path | None, typer.Argument(help="The configuration.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Check a configuration; all mistakes at once, with their lines."""
    configuration.check_command(file or config, as_json=json)


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    configuration.schema_command()


@config_app.command("show")
def config_show(
    file: Annotated[Path | None, typer.Argument(help="The configuration.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Print the configuration in force, defaults included, secrets masked."""
    configuration.show_command(file or config, as_json=json)
