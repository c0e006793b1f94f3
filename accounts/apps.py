from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts.roles import grant_roles  # noqa: PLC0415  needs the app registry

        post_migrate.connect(grant_roles, dispatch_uid="accounts.roles")
