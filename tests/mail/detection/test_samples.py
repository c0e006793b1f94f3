"""Every sample is detected as its line says."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Expected, Sample, read_samples

from mail.detection import Bounce, BounceType
from mail.detection.detecting import find_bounces


def kind_of(bounce: Bounce) -> str:
    if bounce.is_delay:
        return "delay"
    return "fault" if bounce.sender_fault else bounce.type.value


def seen(bounce: Bounce, expected: Expected) -> Expected:
    return Expected(
        kind_of(bounce),
        bounce.recipient,
        bounce.status if expected.status else "",
        bounce.message_id if expected.message_id else "",
    )
