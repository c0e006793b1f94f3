"""CSV files in and out: bounded when read, and harmless when a spreadsheet opens them."""

from __future__ import annotations

import csv
from collections.abc import Collection
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

MAX_BYTES = 2 * 1024 * 1024
# Each row is one form; while a file is imported, SQLite lets nobody else write.
MAX_ROWS = 2000
# What makes a spreadsheet run a cell: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(value: Any) -> Any:
    """Text that a spreadsheet would run gets an apostrophe in front; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def unescape_formula(text: str) -> str:
    """What `escape_formula` was given, so that an exported file imports back unchanged."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def read_upload(upload: UploadedFile[Any]) -> str:
    """The text of an uploaded CSV file. Raises ValidationError where it is too large or no text."""
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(
            f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Split it into smaller files."
        )
    content: bytes = upload.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError(
            "The file is no UTF-8 text. In your spreadsheet choose “CSV UTF-8” when saving."
        ) from None


def read_rows(text: str, known: list[str], passed_over: Collection[str] = ()) -> tablib.Dataset:
    """The rows of a CSV text whose columns are all `known`, or `passed_over` and left out. Raises ValidationError."""
    if len(text.encode()) > MAX_BYTES or "\0" in text:
        raise ValidationError("This is no CSV text, or it is too large.")
    lines = _lines(text)
    if len(lines) < 2:
        raise ValidationError("The file has no rows. Its first line must name the columns.")
    if len(lines) - 1 > MAX_ROWS:
        raise ValidationError(f"The file has more than {MAX_ROWS:,} rows. Split it into smaller files.")
    headers = [name.strip().lower() for name in lines[0]]
    _require_columns([name for name in headers if name not in passed_over], known)
    dataset = tablib.Dataset(headers=headers)
    for number, line in enumerate(lines[1:], 1):
        if len(line) > len(headers):
            raise ValidationError(
                f"Row {number} has {len(line)} cells, but there are {len(headers)} columns. "
                "Put cells that hold commas into double quotes."
            )
        cells = [unescape_formula(cell.strip()) for cell in line]
        dataset.append(cells + [""] * (len(headers) - len(cells)))
    for name in passed_over:
        if name in headers:
            del dataset[name]
    return dataset


def _lines(text: str) -> list[list[str]]:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=_delimiter(text))
    try:
        return [line for line in reader if any(line)]
    except csv.Error as error:
        raise ValidationError(f"Line {reader.line_num} is no CSV: {error}.") from None


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return ";" if head.count(";") > head.count(",") else ","


def _require_columns(headers: list[str], known: list[str]) -> None:
    unknown = [name for name in headers if name not in known]
    if unknown or len(set(headers)) < len(headers):
        problem = f"The column {unknown[0]!r} is not known." if unknown else "A column is there twice."
        raise ValidationError(f"{problem} The columns are: {', '.join(known)}.")
