"""URLs in campaign messages, open to everybody who got one."""

from django.urls import path

from campaigns import public_views

urlpatterns = [
    path("u/<str:ticket>/", public_views.unsubscribe, name="unsubscribe"),
    path("c/<str:code>/<str:subscriber_uid>/", public_views.follow_link, name="tracked-link"),
]
