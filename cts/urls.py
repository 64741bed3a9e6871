"""Every address the product answers."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

APPS = ("accounts", "exchanges", "strategies", "orders", "positions", "portfolios", "engine", "monitoring")
API = [include(f"apps.{app}.api.urls") for app in APPS]
PAGES = [include(f"apps.{app}.urls") for app in APPS if app != "strategies"]
urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    # Browsers ask for it by themselves where a page names none, and each miss would be a warning in the log.
    path("favicon.ico", RedirectView.as_view(url=static("img/favicon.svg")), name="favicon"),
    *(path("api/v1/", resources) for resources in API),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    *(path("", pages) for pages in PAGES),
]
handler400 = "cts.problems.bad_request"
handler403 = "cts.problems.forbidden"
handler404 = "cts.problems.not_found"
handler500 = "cts.problems.server_error"
