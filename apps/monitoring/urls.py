from django.urls import path

from apps.monitoring import views

urlpatterns = [path("healthz", views.healthz, name="healthz")]
