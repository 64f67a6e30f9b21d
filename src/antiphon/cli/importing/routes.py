"""The section `models`: groups of deployments, what stands behind them, other names for them."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.cli.importing.deployment import Deployment
from antiphon.cli.importing.fallbacks import EACH, Fallback, fallbacks_of
from antiphon.cli.importing.naming import Book
from antiphon.cli.importing.report import Report
from antiphon.cli.importing.sections import Sections
from antiphon.cli.importing.values import Value, plain
from antiphon.config.tree import is_mapping

_ANY = "*"
"""Our name for every other name."""
_MOST_CALLS = 20
_USUAL_DEADLINE = 600
_LONGEST_BACKOFF = 60
_STRATEGIES = {
    "simple-shuffle": "weighted",
    "least-busy": "least_busy",
    "latency-based-routing": "fastest",
    "cost-based-routing": "cheapest",
    "usage-based-routing": "least_busy",
    "usage-based-routing-v2": "least_busy",
}
"""Ours that are nearest to LiteLLM's."""


class Routes:
    """The names that callers use."""

    def __init__(self, book: Book, sections: Sections, report: Report) -> None:
        self._book = book
        self._sections = sections
        self._report = report
        self._groups: dict[str, list[Deployment]] = {}
        self._targets: dict[str, list[str]] = {}
        self._ids: dict[str, str] = {}
        self._behind: dict[str, list[str]] = {}
        self._meant: dict[str, str] = {}
        self._is_open = False

    def models(self, deployments: list[Deployment], *, any_model: bool) -> dict[str, object]:
        """The section, of these deployments."""
        self._group(deployments)
        # Patterns first: what they stand for is the name of their entry.
        for name in [name for name, group in self._groups.items() if group[0].is_wild]:
            self._open(name, self._groups.pop(name))
        for name, group in self._groups.items():
            self._targets[name] = [self._target(each) for each in group]
            self._tell(name, group)
        self._alias()
        self._fall_back(fallbacks_of(self._sections, self._report))
        options = self._options()
        aliases: dict[str, list[str]] = {}
        for alias, name in self._meant.items():
            aliases.setdefault(name, []).append(alias)
        models = {name: self._route(name, aliases.get(name, []), options) for name in self._targets}
        return {**models, _ANY: {"passthrough": True}} if self._is_open or any_model else models

    def _group(self, deployments: list[Deployment]) -> None:
        for each in deployments:
            self._groups.setdefault(each.name, []).append(each)
        for name, group in self._groups.items():
            group.sort(key=lambda each: (each.order, -each.weight))
            self._groups[name] = self._with_all_keys(group)

    def _with_all_keys(self, group: list[Deployment]) -> list[Deployment]:
        """Deployments that differ by their key alone become one, which uses them in turn."""
        found: dict[object, Deployment] = {}
        for each in group:
            place = (each.account.keyed(()), each.model, bool(each.account.keys))
            first = found.setdefault(place, each)
            if first is each:
                continue
            keys = first.account.keys
            for key in each.account.keys:
                keys = keys if key in keys else (*keys, key)
            why = "differs from the one before by its key alone: one provider, its keys in turn"
            if keys == first.account.keys:
                why = "is the same as the one before"
            self._report.mapped(each.path, why)
            found[place] = first.moved(first.account.keyed(keys))
        return list(found.values())

    def _open(self, name: str, group: list[Deployment]) -> None:
        first, *others = group
        provider = self._book.name(first, wanted=name.rpartition("/")[0])
        self._is_open = True
        self._report.approximated(
            first.path,
            f'models."*": each model of {provider} is asked as {provider}/MODEL, and so are those '
            "of every other provider of the file",
            "list the names in auth.keys[].models, where a key may not ask for all",
        )
        for each in others:
            self._report.dropped(
                each.path, "a pattern has one provider", "name the models one by one in models"
            )

    def _target(self, deployment: Deployment) -> str:
        target = f"{self._book.name(deployment)}/{deployment.model}"
        self._report.mapped(deployment.path, f"models.{deployment.name}: {target}")
        if deployment.id:
            self._ids.setdefault(deployment.id, target)
        return target

    def _tell(self, name: str, group: list[Deployment]) -> None:
        for each in group:
            if each.weight:
                why = "the heaviest is asked first, and the others when it fails"
                self._report.approximated((*each.path, "litellm_params", "weight"), why)
            if each.order:
                why = "the order of the deployments"
                self._report.mapped((*each.path, "litellm_params", "order"), why)
        if len(group) > 1:
            self._report.approximated(
                group[0].path,
                f"models.{name}: requests are not spread over the {len(group)} deployments unless "
                "`strategy` says so; they are asked in this order, the next when one fails",
                "put first the one that is to bear the load; several keys of one provider are "
                "used in turn",
            )

    def _alias(self) -> None:
        said = self._sections.take("model_group_alias", "router_settings", "litellm_settings")
        if said is None:
            return
        if not is_mapping(said.value):
            self._report.dropped(said.path, "must be a mapping of names to names")
            return
        for alias, of in said.value.items():
            path = (*said.path, alias)
            meant, hidden = (of.get("model"), of.get("hidden")) if is_mapping(of) else (of, None)
            whole = "-".join(alias.split())
            if not isinstance(meant, str) or "-".join(meant.split()) not in self._targets:
                self._report.dropped(path, "names no model that is served here")
            elif whole in self._targets or whole in self._meant or whole in {"", _ANY}:
                self._report.dropped(path, "is a name of its own already")
            else:
                name = "-".join(meant.split())
                self._meant[whole] = name
                if hidden:
                    self._report.approximated(path, "is listed among the models too")
                else:
                    self._report.mapped(path, f"models.{name}.aliases")

    def _fall_back(self, fallbacks: list[Fallback]) -> None:
        own = {each.name for each in fallbacks if not each.why}
        for each in fallbacks:
            if each.name == EACH:
                names = [name for name in self._targets if name not in own]
            else:
                names = [self._meant.get(each.name, each.name)]
            target = self._meant.get(each.target, each.target)
            if each.name != EACH and names[0] not in self._targets:
                self._report.dropped(each.path, "stands behind a name that is not served here")
            elif target not in self._targets and target not in self._ids:
                self._report.dropped(
                    each.path,
                    "names no model that is served here",
                    "add PROVIDER/MODEL to models.NAME.deployments",
                )
            else:
                for name in names:
                    if name != target and target not in self._behind.setdefault(name, []):
                        self._behind[name].append(target)
                if each.why:
                    self._report.approximated(each.path, each.why)
                else:
                    told = f"models.{names[0]}" if each.name != EACH else "models"
                    self._report.mapped(each.path, f"{told}: the deployments of {target} follow")

    def _deployments(self, name: str) -> list[str]:
        found = list(self._targets[name])
        for behind in self._behind.get(name, []):
            found += self._targets.get(behind, [self._ids.get(behind, "")])
        return [each for each in dict.fromkeys(found) if each]

    def _options(self) -> dict[str, object]:
        options: dict[str, object] = {}
        drops = self._sections.flag("drop_params", "litellm_settings")
        if drops is not None:
            why = "models.NAME.on_loss: error" if not drops[0] else "so it is by default"
            self._report.mapped(drops[1], why)
            if not drops[0]:
                options["on_loss"] = "error"
        retries = self._sections.number(
            "num_retries", "router_settings", "litellm_settings", most=1_000
        )
        if retries is not None:
            options["retries"] = int(retries[0])
            why = (
                "models.NAME.retry.calls counts the calls of a request over all its "
                f"deployments, at most {_MOST_CALLS}; each is asked once before one is again"
            )
            self._report.approximated(retries[1], why)
        wait = self._sections.number(
            "retry_after", "router_settings", "litellm_settings", most=_LONGEST_BACKOFF
        )
        if wait is not None:
            options["backoff"] = plain(wait[0])
            self._report.approximated(wait[1], "models.NAME.retry.backoff; each wait doubles")
        strategy = self._sections.take("routing_strategy", "router_settings", "litellm_settings")
        if strategy is not None:
            ours = _STRATEGIES.get(str(strategy.value))
            why = "no strategy here is like it: `priority` asks in the order given"
            if ours is not None:
                options["strategy"] = ours
                why = (
                    f"models.NAME.strategy: {ours}, where nothing stands behind the group; what is "
                    "a fallback would be asked in its turn too"
                )
            self._report.approximated(strategy.path, why)
        return options

    def _route(self, name: str, aliases: list[str], options: Mapping[str, object]) -> object:
        deployments = [Value(each).written for each in self._deployments(name)]
        route: dict[str, object] = {"deployments": deployments}
        if aliases:
            route["aliases"] = [Value(each).written for each in aliases]
        retry: dict[str, object] = {}
        retries = options.get("retries")
        if isinstance(retries, int):
            groups = 1 + len(self._behind.get(name, []))
            calls = max(len(deployments), (retries + 1) * groups)
            retry["calls"] = min(_MOST_CALLS, calls)
        if "backoff" in options:
            retry["backoff"] = options["backoff"]
        if retry:
            route["retry"] = retry
        longest = max(each.account.total or 0 for each in self._groups[name])
        if longest > _USUAL_DEADLINE:
            route["deadline"] = plain(longest)
        if "strategy" in options and len(deployments) > 1 and not self._behind.get(name):
            route["strategy"] = options["strategy"]
        if "on_loss" in options:
            route["on_loss"] = options["on_loss"]
        if len(route) > 1:
            return route
        return deployments[0] if len(deployments) == 1 else deployments
