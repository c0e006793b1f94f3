"""HCL (Lotus) Domino and Notes"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="domino",
        source="Domino",
        marks=(
            "was not delivered to: % because",
            "not listed in domino directory",
            "was not delivered to:",
        ),
    ),
    Dialect(
        name="notes",
        source="Lotus Notes",
        marks=("------- failure reasons",),
    ),
)
