"""Reads dashboards into Grafana's own types, and says what of them Grafana would not know.

A field that is lost on the way, a kind of panel without a type, a word that is none of an enumeration: each is a panel
that looks broken in Grafana and fine in a diff. Needs no Grafana.
"""

import enum
import json
import sys
import typing
from pathlib import Path

from grafana_foundation_sdk.cog import plugins, runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

Json = typing.Any


def lost(given: Json, kept: Json, at: str) -> typing.Iterator[str]:
    """Where `kept` does not say what `given` says."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            if name in kept:
                yield from lost(value, kept[name], f"{at}.{name}")
            elif value is not None:
                yield f"{at}.{name} is no field that Grafana has"
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (value, other) in enumerate(zip(given, kept, strict=True)):
            yield from lost(value, other, f"{at}[{index}]")
    elif given != kept:
        yield f"{at} is read as {kept!r}, not as {given!r}"


def enumerations(hint: Json) -> list[type[enum.Enum]]:
    """The enumerations among the types that a hint allows."""
    if isinstance(hint, type):
        return [hint] if issubclass(hint, enum.Enum) else []
    return [found for part in typing.get_args(hint) for found in enumerations(part)]


def misspelt(value: Json, at: str) -> typing.Iterator[str]:
    """Words that are none of their enumeration: the types' own constructors take any."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from misspelt(item, f"{at}[{index}]")
    elif type(value).__module__.startswith("grafana_foundation_sdk.models"):
        hints = typing.get_type_hints(type(value))
        for name, item in vars(value).items():
            words = [member.value for kind in enumerations(hints.get(name)) for member in kind]
            if words and item is not None and not isinstance(item, list) and item not in words:
                yield f"{at}.{name} is {item!r}; Grafana knows {', '.join(map(str, words))}"
            yield from misspelt(item, f"{at}.{name}")


def faults(given: Json) -> typing.Iterator[str]:
    """What Grafana would not know of a dashboard."""
    for panel in given["panels"]:
        if panel["type"] != "row" and runtime.panelcfg_config(panel["type"]) is None:
            yield f"panel {panel['title']!r} is a {panel['type']}, which is no kind of panel"
    dashboard = Dashboard.from_json(given)
    yield from lost(given, json.loads(json.dumps(dashboard, cls=JSONEncoder)), "dashboard")
    yield from misspelt(dashboard, "dashboard")


def main(files: list[str]) -> int:
    """Reads them all, so that one run names everything."""
    plugins.register_default_plugins()
    wrong = [f"{file}: {fault}" for file in files for fault in faults(json.loads(Path(file).read_text("utf-8")))]
    print("\n".join(wrong) or f"{len(files)} dashboards are read without a loss")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or sorted(map(str, Path("observability/grafana/dashboards").glob("*.json")))))
