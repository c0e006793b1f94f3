"""Who wants a message gone says now what for: [customer, folder] with no folder where it was a customer alone."""

from django.db import migrations

OPEN = ("wanted", "failed")


def add_folders(apps, schema_editor):
    messages = apps.get_model("mailboxes", "ProcessedMessage").objects.filter(disposal__in=OPEN)
    for message in messages.only("disposal_for").iterator():
        message.disposal_for = [[customer, ""] for customer in message.disposal_for]
        message.save(update_fields=["disposal_for"])


def drop_folders(apps, schema_editor):
    messages = apps.get_model("mailboxes", "ProcessedMessage").objects.filter(disposal__in=OPEN)
    for message in messages.only("disposal_for").iterator():
        message.disposal_for = [customer for customer, _ in message.disposal_for]
        message.save(update_fields=["disposal_for"])


class Migration(migrations.Migration):
    dependencies = [("mailboxes", "0007_message_disposal_folder")]

    operations = [migrations.RunPython(add_folders, drop_folders)]
