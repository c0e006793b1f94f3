"""From a campaign, a subscriber and a server to the bytes of one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from audience.models import Subscriber
from campaigns.links import LINK_UID_TAG, quote_uid, track, unsubscribe_url
from campaigns.models import Campaign, Delivery
from mail.composing import Attachment, OutgoingMail, compose, new_message_id
from mail.tags import Template
from servers.models import DeliveryServer


@dataclass(frozen=True, slots=True)
class Layout:
    """A campaign made ready for many messages: tags parsed, links tracked, files loaded, all of it once."""

    campaign: Campaign
    subject: Template
    html: Template = field(repr=False)
    plain: Template = field(repr=False)
    from_name: Template
    attachments: tuple[Attachment, ...] = field(repr=False)

    @classmethod
    def of(cls, campaign: Campaign) -> Layout:
        html, plain = track(campaign, campaign.html, campaign.plain)
        return cls(
            campaign,
            Template.parse(campaign.subject),
            Template.parse(html),
            Template.parse(plain),
            Template.parse(campaign.from_name),
            tuple(
                Attachment(one.filename, one.content_type, bytes(one.content))
                for one in campaign.attachments.all()
            ),
        )

    def compose(self, delivery: Delivery, server: DeliveryServer, now: datetime) -> bytes:
        """The message of `delivery` as it leaves through `server`. Raises ComposeError."""
        assert delivery.subscriber is not None
        values = tag_values(self.campaign, delivery.subscriber, server)
        return self._compose(
            values,
            server,
            to_email=delivery.recipient,
            message_id=delivery.submitted_message_id,
            token=delivery.token,
            date=now,
        )

    def compose_test(self, recipient: str, token: str, server: DeliveryServer, now: datetime) -> bytes:
        """What `recipient` gets as a test: tags filled as for the list's first subscriber. Raises ComposeError."""
        sample = self.campaign.list.subscribers.order_by("pk").first()
        values = tag_values(self.campaign, sample or Subscriber(email=recipient, uid="test"), server)
        message_id = new_message_id(server.email.rpartition("@")[2])
        return self._compose(
            values, server, to_email=recipient, message_id=message_id, token=token, date=now, prefix="[Test] "
        )

    def _compose(
        self,
        values: Mapping[str, str],
        server: DeliveryServer,
        *,
        to_email: str,
        message_id: str,
        token: str,
        date: datetime,
        prefix: str = "",
    ) -> bytes:
        return compose(
            OutgoingMail(
                from_email=server.email,
                from_name=self.from_name.render_line(values) or server.from_name,
                to_email=to_email,
                subject=prefix + self.subject.render_line(values),
                message_id=message_id,
                token=token,
                date=date,
                html=self.html.render(values, html=True),
                plain=self.plain.render(values, html=False),
                reply_to=self.campaign.reply_to,
                list_unsubscribe_url=values["UNSUBSCRIBE_URL"],
                headers=self.campaign.headers,
                attachments=self.attachments,
            )
        )


def tag_values(campaign: Campaign, subscriber: Subscriber, server: DeliveryServer) -> dict[str, str]:
    """What each tag stands for. The built-in ones win over a subscriber's field of the same name."""
    own = {str(name).upper(): str(value) for name, value in subscriber.fields.items() if value is not None}
    return own | {
        "EMAIL": subscriber.email,
        "SUBSCRIBER_UID": subscriber.uid,
        "LIST_NAME": campaign.list.name,
        "CAMPAIGN_NAME": campaign.name,
        "DS_FROM_NAME": server.from_name or server.mailbox.display_name,
        "UNSUBSCRIBE_URL": unsubscribe_url(subscriber.pk or 0, campaign.pk),
        LINK_UID_TAG: quote_uid(subscriber.uid),
    }
