"""Celery's side of the cycle: bells only, every piece of work is a row."""

from celery import shared_task
from django.utils import timezone

from operations import cycle, ticking
from operations.models import Cycle


@shared_task(ignore_result=True)
def start_cycle() -> None:
    cycle.start_scheduled(timezone.now())


@shared_task(ignore_result=True)
def work_cycle(*, cycle_id: int) -> None:
    cycle.work(Cycle.objects.get(pk=cycle_id), timezone.now())


@shared_task(ignore_result=True)
def tick() -> None:
    ticking.tick(timezone.now())
