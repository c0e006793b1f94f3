from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        # It needs the app registry.
        from operations.metrics.calls import note  # noqa: PLC0415
        from providers.observing import listen  # noqa: PLC0415

        listen(note)
