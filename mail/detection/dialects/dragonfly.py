"""DragonFly Mail Agent"""

from mail.detection.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="dragonfly",
        source="DragonFly Mail Agent",
        marks=(
            "this is the dragonfly mail agent",
            "there was an error delivering your mail to",
        ),
        leads=("there was an error delivering your mail to",),
    ),
)
