"""The demo's report: one readable table, and how to log in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from operations.demo.expectations import Tally


def report(found: Tally) -> Iterator[str]:
    """A table with a column for each customer."""
    customers = list(found)
    rows = list(found[customers[0]])
    width = max(len(row) for row in rows)
    yield ""
    yield f"  {'':{width}}  {''.join(f'{name:>10}' for name in customers)}"
    for row in rows:
        yield f"  {row:{width}}  {''.join(f'{found[name][row]:>10}' for name in customers)}"
    yield ""


def logins(site_url: str, admin_email: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Addresses and passwords; made anew by every run."""
    yield ""
    yield f"  backend admin   {site_url}/admin/   {admin_email:24} {environment['DEMO_ADMIN_PASSWORD']}"
    yield f"  Acme's owner    {site_url}/         {'owner@acme.example':24} {environment['DEMO_ACME_PASSWORD']}"
    yield f"  Globex's owner  {site_url}/         {'owner@globex.example':24} {environment['DEMO_GLOBEX_PASSWORD']}"
