"""Celery's side of the cycle: bells only, every piece of work is a row."""

from celery import shared_task

from mailboxes import clock
from operations import cycle, ticking
from operations.models import Cycle


@shared_task(ignore_result=True)
def start_cycle() -> None:
    cycle.start_scheduled(clock.now())


@shared_task(ignore_result=True)
def work_cycle(*, cycle_id: int) -> None:
    cycle.work(Cycle.objects.get(pk=cycle_id), clock.now())


@shared_task(ignore_result=True)
def tick() -> None:
    ticking.tick(clock.now())
