"""Live trading of one connection, and the story of a trade."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.exchanges.pages import page_context, page_user
from apps.exchanges.selectors import connection_get_for, connections_for, spec_for
from apps.positions.selectors import position_get_for, position_story
from apps.positions.story_page import story_page


@login_required
@never_cache
@require_safe
def live(request: HttpRequest, connection_id: int | None = None) -> HttpResponse:
    """The connection asked for, else the first there is."""
    user = page_user(request)
    connections = list(connections_for(user).filter(is_active=True))
    chosen = connection_get_for(user, connection_id) if connection_id else next(iter(connections), None)
    if chosen is None:
        return render(request, "positions/live.html", page_context(request, section="live"))
    if chosen not in connections:
        connections.append(chosen)
    data = {
        "connection": chosen.pk,
        "symbol": request.GET.get("symbol", ""),
        "timeframes": sorted(spec_for(chosen.exchange, chosen.market).timeframes),
    }
    context = page_context(request, section="live", data=data) | {"connection": chosen, "connections": connections}
    return render(request, "positions/live.html", context)


def positions(request: HttpRequest) -> HttpResponse:
    """Positions are shown on the live page; this address only makes those of their stories complete."""
    return redirect("live")


@login_required
@never_cache
@require_safe
def story(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole page, or for htmx only what goes into the dialog."""
    position = position_get_for(page_user(request), pk)
    context = {"story": story_page(position_story(position)), "connection": position.connection}
    if getattr(request, "htmx", False):
        return render(request, "positions/story_body.html", context)
    return render(request, "positions/story.html", page_context(request, section="live") | context)
