"""CSV files of monitors and of what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from import_export.fields import Field

from monitors.forms import PREFIX, MonitorWithConditionsForm
from monitors.models import LIST_ACTIONS, Condition, Monitor, MonitorHit
from monitors.notation import Line, read_conditions, write_conditions
from pages.features import MONITORS
from pages.forms import CustomerForm
from pages.resources import CustomerResource, find_by_name
from servers.resources import ServerResource


class MonitorResource(ServerResource):
    """Monitors with their conditions in one readable column."""

    form_class = MonitorWithConditionsForm
    feature = MONITORS
    conditions = Field(column_name="conditions")

    class Meta(CustomerResource.Meta):
        model = Monitor
        fields: ClassVar = (
            "uid",
            "customer_name",
            "name",
            "provider",
            "email",
            "key",
            "identify_by",
            "skip_automatic",
            "delete_processed",
            "processed_folder",
            "conditions",
            "status",
            "connected_at",
        )

    def dehydrate_conditions(self, monitor: Monitor) -> str:
        return write_conditions(monitor.conditions.all())

    def filter_export(self, queryset: QuerySet[Any], **kwargs: Any) -> QuerySet[Any]:
        return queryset.prefetch_related("conditions__target_list", "conditions__target_group")

    def form_for(self, instance: Model, row: dict[str, Any]) -> CustomerForm:
        """The form with its rows of conditions; a file without that column keeps what is stored."""
        form = super().form_for(instance, row)
        assert isinstance(form, MonitorWithConditionsForm)
        assert isinstance(instance, Monitor)
        text = row.get("conditions")
        if text is None:
            text = self.dehydrate_conditions(instance) if instance.pk else ""
        lines = read_conditions(str(text))
        data = {**form.data, f"{PREFIX}-TOTAL_FORMS": len(lines), f"{PREFIX}-INITIAL_FORMS": 0}
        for number, line in enumerate(lines):
            for name, value in self._row(form, line).items():
                data[f"{PREFIX}-{number}-{name}"] = value
        return MonitorWithConditionsForm(data=data, instance=instance, customer=self.customer)

    def _row(self, form: CustomerForm, line: Line) -> dict[str, Any]:
        row = {
            "where": line.where,
            "match": line.match,
            "value": line.value,
            "match_case": line.match_case,
            "action": line.action,
        }
        if line.target and form.owner is not None:
            name = "target_list" if line.action in LIST_ACTIONS else "target_group"
            model: Any = Condition._meta.get_field(name).related_model
            row[name] = find_by_name(model._default_manager.for_customer(form.owner), line.target).pk
        return row

    def problems(self) -> dict[str, list[str]]:
        """The form's own, and those of each condition by its number."""
        found = super().problems()
        assert isinstance(self.form, MonitorWithConditionsForm)
        rows = self.form.conditions
        texts = [str(text) for text in rows.non_form_errors()]
        for number, row in enumerate(rows, 1):
            errors = row.errors
            texts += [f"Condition {number}: {text}" for messages in errors.values() for text in messages]
        return {**found, "conditions": texts} if texts else found


class MonitorHitResource(CustomerResource):
    """What monitors did, for reading only."""

    monitor_name = Field(column_name="monitor", attribute="monitor__name", readonly=True)

    class Meta(CustomerResource.Meta):
        model = MonitorHit
        import_id_fields = ("id",)
        fields: ClassVar = (
            "id",
            "at",
            "monitor_name",
            "condition_text",
            "action",
            "subscriber_email",
            "identified_by",
            "outcome",
            "changed",
        )
