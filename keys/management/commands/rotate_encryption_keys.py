"""`rotate_encryption_keys`: put every stored secret under the first encryption key."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from keys.rotating import count_older, rotate


class Command(BaseCommand):
    help = "Reseal all stored secrets under the first of FIELD_ENCRYPTION_KEYS; safe to stop and run again."

    def handle(self, **options: Any) -> None:
        try:
            for what, done in rotate():
                self.stdout.write(f"{what}: {done} resealed")
        except InvalidToken:
            raise CommandError(
                "A stored secret opens with none of FIELD_ENCRYPTION_KEYS. Put the key that sealed it back "
                "at the end of the list and run this again."
            ) from None
        if older := count_older():
            raise CommandError(
                f"{older} secrets were sealed under an older key meanwhile: a process still runs with the old "
                "FIELD_ENCRYPTION_KEYS. Restart all of them with the new list and run this again."
            )
        self.stdout.write("All secrets are sealed under the first key; older keys can be removed.")
