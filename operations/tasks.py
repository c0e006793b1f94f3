"""Celery's side of the cycle: bells only, every piece of work is a row."""

from celery import shared_task
from django.utils import timezone

from operations import cycle, ticking


@shared_task(ignore_result=True)
def start_cycle() -> None:
    cycle.start_scheduled(timezone.now())


@shared_task(ignore_result=True)
def run_item(*, item_id: int) -> None:
    cycle.work_item(item_id, timezone.now())


@shared_task(ignore_result=True)
def tick() -> None:
    ticking.tick(timezone.now())
