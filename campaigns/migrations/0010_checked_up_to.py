from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('campaigns', '0009_next_in_line'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='checked_up_to',
            field=models.BigIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
