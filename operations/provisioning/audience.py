"""Provisioning lists, subscribers, campaign groups and campaigns."""

from __future__ import annotations

from typing import Any

from accounts.models import Customer
from audience.changes import subscribe
from audience.models import CampaignGroup, MailingList, Subscriber
from campaigns.checking import check_campaign
from campaigns.models import Campaign
from mail.addresses import normalize_address
from operations.provisioning.document import Section
from operations.provisioning.rows import Rows
from servers.models import DeliveryServer


class AudiencePart(Rows):
    """No import raises a subscriber's status; a campaign that was sent stays as it was sent."""

    def _list(self, section: Section) -> None:
        row, created = self.find(MailingList, section)
        customer = self.required_owner(section, row, created)
        self.save(
            section, "Lists", row, {"name": section.text("name"), "customer": customer}, created=created
        )
        for part in section.sections("subscribers", f"{section.what}: subscriber"):
            self._subscriber(part, row)
            part.done()

    def _subscriber(self, section: Section, mailing_list: MailingList) -> None:
        uid, email = section.text("uid", ""), section.text("email")
        status = section.choice(
            "status", [str(value) for value in Subscriber.Status.values], Subscriber.Status.CONFIRMED
        )
        owner = Subscriber.objects.filter(uid=uid).first() if uid else None
        if owner is not None and owner.list_id != mailing_list.pk:
            if owner.customer_id != mailing_list.customer_id:
                section.fail("this uid is taken. Choose another one.", "uid")
            self.tally.count("Subscribers", created=False, changed=False)  # moved on since: stays where it is
            return
        known = mailing_list.subscribers.filter(email_key=normalize_address(email)).exists()
        outcome = subscribe(
            mailing_list, email, section.mapping("fields"), status, self.cause, self.now, uid=uid
        )
        self.tally.count("Subscribers", created=not known, changed=outcome.changed)

    def _campaign_group(self, section: Section) -> None:
        row, created = self.find(CampaignGroup, section)
        customer = self.required_owner(section, row, created)
        self.save(
            section,
            "Campaign groups",
            row,
            {"name": section.text("name"), "customer": customer},
            created=created,
        )

    def _campaign(self, section: Section) -> None:
        campaign, created = self.find(Campaign, section)
        customer = self.required_owner(section, campaign, created)
        status = section.choice("status", ["draft", "ready", "paused"], Campaign.Status.DRAFT)
        fields: dict[str, Any] = {
            name: section.text(name, "") for name in ("from_name", "reply_to", "html", "plain")
        }
        fields |= {"name": section.text("name"), "subject": section.text("subject"), "customer": customer}
        fields["headers"] = {name: str(value) for name, value in section.mapping("headers").items()}
        fields["list"] = self._own(section, "list", MailingList, customer)
        fields["group"] = (
            self._own(section, "group", CampaignGroup, customer) if section.has("group") else None
        )
        uids = section.texts("delivery_servers", []) or []
        servers = list(DeliveryServer.objects.for_customer(customer).filter(uid__in=uids))
        if missing := sorted(set(uids) - {server.uid for server in servers}):
            section.fail(f"the customer has no delivery server {', '.join(missing)}.", "delivery_servers")
        if created:
            fields["status"] = status
        elif campaign.status not in {Campaign.Status.DRAFT, Campaign.Status.READY, Campaign.Status.PAUSED}:
            self.tally.count("Campaigns", created=False, changed=False)  # what was sent stays as it was sent
            return
        self.save(section, "Campaigns", campaign, fields, created=created)
        if set(campaign.delivery_servers.values_list("pk", flat=True)) != {server.pk for server in servers}:
            campaign.delivery_servers.set(servers)
        problems = check_campaign(campaign, servers)
        if problems and status != Campaign.Status.DRAFT:
            section.fail(" ".join(problem.text for problem in problems))

    def _own(self, section: Section, name: str, model: Any, customer: Customer) -> Any:
        uid = section.text(name)
        row = model.objects.for_customer(customer).filter(uid=uid).first()
        if row is None:
            section.fail(f"the customer has no “{uid}”.", name)
        return row
