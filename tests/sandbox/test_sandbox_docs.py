"""docs/sandbox.md names everything that can be ordered, switched and written to."""

from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from sandbox.control.api import ENDPOINTS
from sandbox.faults import Effect
from sandbox.outside import REFUSALS, SENDER_FAULTS
from sandbox.replies import SCRIPTS
from sandbox.settings import MailboxSettings

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *get_args(Effect),
        *REFUSALS,
        *SENDER_FAULTS,
        *SCRIPTS,
        *(field.name for field in fields(MailboxSettings)),
    ],
)
def test_the_page_explains(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("path", sorted({path for _, path, _ in ENDPOINTS}))
def test_the_page_lists_the_control_api(path):
    shown = path.lstrip("/").replace("<email>", "EMAIL").replace("<message>", "ID").replace("<fault>", "ID")
    assert shown in PAGE
