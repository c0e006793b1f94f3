"""Reading a provisioning file: YAML or JSON, every value with its line, unknown keys refused.

`${NAME}` in a text stands for an environment variable; a missing one is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

import yaml

MAX_BYTES = 32 * 1024 * 1024
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MISSING: Any = object()


class ProvisioningError(Exception):
    """The file cannot be applied; nothing was changed. The text names the line, what is wrong and the fix."""


class Section:
    """A mapping of the file. Values are taken out by name and kind; `done` refuses what nobody took."""

    def __init__(self, node: yaml.Node, what: str, environment: Mapping[str, str]) -> None:
        self.line = node.start_mark.line + 1
        self.what = what
        self._environment = environment
        if not isinstance(node, yaml.MappingNode):
            raise ProvisioningError(f"line {self.line}: {what} must be a mapping of names to values.")
        self._nodes: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value in self._nodes:
                raise ProvisioningError(
                    f"line {key.start_mark.line + 1}: “{key.value}” stands twice in {what}."
                )
            self._nodes[key.value] = value
        self._untaken = {key.value: key.start_mark.line + 1 for key, _ in node.value}

    def fail(self, message: str, name: str = "") -> NoReturn:
        """Refuse the file, naming the line of this section or of its value `name`."""
        node = self._nodes.get(name)
        line = node.start_mark.line + 1 if node else self.line
        raise ProvisioningError(f"line {line}: {self.what}: {message}")

    def has(self, name: str) -> bool:
        return name in self._nodes

    def _value(self, name: str, default: Any) -> Any:
        self._untaken.pop(name, None)
        node = self._nodes.get(name)
        if node is None:
            return default
        return self._resolve(node, name)

    def _resolve(self, node: yaml.Node, name: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {key.value: self._resolve(value, name) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self._resolve(value, name) for value in node.value]
        value = yaml.SafeLoader("").construct_object(node)
        return self._substitute(value, name) if isinstance(value, str) else value

    def _substitute(self, text: str, name: str) -> str:
        def replace(match: re.Match[str]) -> str:
            variable = match.group(1)
            if variable not in self._environment:
                self.fail(f"the environment variable {variable} is not set. Set it and run again.", name)
            return self._environment[variable]

        return REFERENCE.sub(replace, text)

    def text(self, name: str, default: str = _MISSING) -> str:
        value = self._value(name, default)
        if value is _MISSING or value == "":
            if default is _MISSING:
                self.fail(f"“{name}” is required.", name)
            return default
        if value is None:
            return "" if default is _MISSING else default
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            self.fail(f"“{name}” must be a text.", name)
        return str(value)

    def choice(self, name: str, choices: list[str], default: str = _MISSING) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.fail(f"“{name}” is “{value}”; it must be one of {', '.join(choices)}.", name)
        return value

    def flag(self, name: str, default: bool | None = None) -> Any:
        value = self._value(name, default)
        if value is not None and not isinstance(value, bool):
            self.fail(f"“{name}” must be true or false.", name)
        return value

    def number(self, name: str, default: int | None = None, *, least: int = 0) -> Any:
        value = self._value(name, default)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.fail(f"“{name}” must be a whole number of at least {least}.", name)
        return value

    def day(self, name: str) -> date | None:
        value = self._value(name, None)
        if value is None:
            return None
        try:
            return value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()
        except ValueError:
            self.fail(f"“{name}” must be a date such as 2027-05-01.", name)

    def texts(self, name: str, default: list[str] | None = None) -> list[str] | None:
        value = self._value(name, default)
        if value is not None and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            self.fail(f"“{name}” must be a list of texts.", name)
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._value(name, {})
        if not isinstance(value, dict):
            self.fail(f"“{name}” must be a mapping of names to values.", name)
        return value

    def sections(self, name: str, what: str) -> Iterator[Section]:
        """The mappings of the list `name`, each named in messages by its uid, name or email."""
        self._untaken.pop(name, None)
        node = self._nodes.get(name)
        if node is None:
            return
        if not isinstance(node, yaml.SequenceNode):
            self.fail(f"“{name}” must be a list.", name)
        for number, item in enumerate(node.value, 1):
            yield Section(item, f"{what} {_title(item) or number}", self._environment)

    def section(self, name: str) -> Section | None:
        self._untaken.pop(name, None)
        node = self._nodes.get(name)
        return Section(node, name, self._environment) if node is not None else None

    def done(self) -> None:
        """Refuse keys that nothing took: a misspelt one must not be passed over."""
        for name, line in self._untaken.items():
            known = ", ".join(sorted(set(self._nodes) - set(self._untaken))) or "none"
            raise ProvisioningError(
                f"line {line}: {self.what}: unknown key “{name}” (known here so far: {known})."
            )


def _title(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        values = {key.value: value.value for key, value in node.value if isinstance(value, yaml.ScalarNode)}
        for name in ("uid", "name", "email", "value"):
            if name in values:
                return f"“{values[name]}”"
    return ""


def read_document(path: Path, environment: Mapping[str, str] | None = None) -> Section:
    """The file's top mapping. Raises ProvisioningError where it cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProvisioningError(f"{path}: larger than {MAX_BYTES // 1024 // 1024} MB. Split it.")
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise ProvisioningError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ProvisioningError(f"{path}: is no UTF-8 text. Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ProvisioningError(
            f"{where}this is no YAML or JSON: {getattr(error, 'problem', error)}."
        ) from None
    if node is None:
        raise ProvisioningError(f"{path}: is empty. docs/provisioning.md shows the format.")
    return Section(node, "the file", os.environ if environment is None else environment)
