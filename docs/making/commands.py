"""The page of the command line, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from making.markdown import escaped, table


def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below one, by its full name, groups before what they hold."""
    yield name, command
    if isinstance(command, click.Group):
        for child, found in command.commands.items():
            yield from walk(found, f"{name} {child}")


def commands(cli: click.Group) -> str:
    """Every command with its usage, arguments and options."""
    found = list(walk(cli, "urbanplan"))
    parts = [_HEAD]
    rows = ((f"[`{name}`](#{_anchor(name)})", _first(one)) for name, one in found[1:])
    parts.append(table(["command", "what it does"], rows))
    parts += [_command(name, one) for name, one in found]
    return "\n".join(parts)


def _anchor(name: str) -> str:
    return "command-" + name.replace(" ", "-")


def _first(command: click.Command) -> str:
    return (command.help or "").strip().splitlines()[0]


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"({_anchor(name)})=\n## {name}\n", f"```text\n{usage}\n```\n"]
    parts.append(escaped("\n".join(line.strip() for line in (command.help or "").splitlines())) + "\n")  # fmt: skip
    options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
    rows = ((_names(p), _default(p, context), p.help or "") for p in options)
    parts.append(table(["option", "default", "meaning"], rows))
    return "\n".join(parts)


def _names(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    taken = ""
    if not option.is_flag and not option.count:
        choices = getattr(option.type, "choices", None)
        taken = " " + ("|".join(map(str, choices)) if choices else option.metavar or option.type.name.upper())  # fmt: skip
    often = ", repeatable" if option.multiple else ""
    return f"`{names}{taken}`{often}" + (", required" if option.required else "")


def _default(option: click.Option, context: click.Context) -> str:
    value = option.get_default(context, call=False)
    # Flags, and sentinels for "not given", have nothing to say.
    if option.is_flag or option.multiple or not isinstance(value, str | int | float):
        shown = ""
    else:
        shown = f"`{value}`" if value != "" else ""
    env = option.envvar
    return f"{shown} `${env}`".strip() if isinstance(env, str) else shown


_HEAD = """# Command line

Made from the commands themselves. CITY is the id of an embedded city (`luzhou`, the default) or a folder with a `city.toml`. Exit codes: 0 all
well, 1 a check failed, 2 bad input (one sentence says which file or option, and what to do), 130 stopped by Ctrl-C. Progress goes to
standard error, tables and results to standard output. `python -m urbanplan` is the same program.

Errors, remarks and tables are Chinese where the locale is (`URBANPLAN_LANG`, `LC_ALL`, `LC_MESSAGES`, `LANG`, the first that is set); what `--json` prints and
what is written to files is the same in every language.
"""
