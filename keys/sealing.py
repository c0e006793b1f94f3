"""Sealing as this app's models and migrations name it; what is sealed of a user needs it further down."""

from accounts.sealing import SealBroken, SealedJSONField, SealedTextField, reseal

__all__ = ["SealBroken", "SealedJSONField", "SealedTextField", "reseal"]
