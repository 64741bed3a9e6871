"""How the parts are, for whoever is signed in."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.monitoring.api.serializers import HealthSerializer
from apps.monitoring.selectors import health_report


class HealthView(APIView):
    @extend_schema(operation_id="health_retrieve", responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        return Response(health_report())
