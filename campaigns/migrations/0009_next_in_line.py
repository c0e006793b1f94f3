from django.db import migrations, models

from accounts.indexing import AddIndexConcurrently, RemoveIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('accounts', '0002_second_factor_and_sessions'),
        ('audience', '0001_initial'),
        ('campaigns', '0008_fewer_indexes'),
        ('mailboxes', '0009_message_needs_a_person'),
        ('servers', '0003_last_sent_at'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='delivery',
            index=models.Index(fields=['campaign', 'status', 'token'], name='delivery_next'),
        ),
        AddIndexConcurrently(
            model_name='delivery',
            index=models.Index(condition=models.Q(('ids_wanted', True)), fields=['mailbox', 'next_try_at'], name='delivery_ids_due'),
        ),
        RemoveIndexConcurrently(
            model_name='delivery',
            name='delivery_campaign_status',
        ),
        RemoveIndexConcurrently(
            model_name='delivery',
            name='delivery_ids_wanted',
        ),
    ]
