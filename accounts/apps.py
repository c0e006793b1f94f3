from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # They need the app registry.
        from accounts.roles import grant_roles  # noqa: PLC0415
        from accounts.sessions import note_sign_in, note_sign_out  # noqa: PLC0415

        user_logged_in.connect(note_sign_in, dispatch_uid="accounts.sessions")
        user_logged_out.connect(note_sign_out, dispatch_uid="accounts.sessions")
        post_migrate.connect(grant_roles, dispatch_uid="accounts.roles")
