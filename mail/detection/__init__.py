"""Finds bounces and complaints in mail: standards first, then the words of mail systems.

Pure Python; see docs/bounce-detection.md for types, precedence and how to add a phrase.
"""

from mail.detection.detecting import detect
from mail.detection.explaining import Explanation, describe_rule, explain
from mail.detection.verdicts import Bounce, BounceType, CustomPhrase

__all__ = ["Bounce", "BounceType", "CustomPhrase", "Explanation", "describe_rule", "detect", "explain"]
