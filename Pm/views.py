"""The documented endpoint: serializer → service → answer."""

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from Pm import services
from Pm.authentication import client_name
from Pm.body import read_object
from Pm.json_view import JsonView
from Pm.models import Prediction
from Pm.report.image_id import place_of
from Pm.schema import GET_PM
from Pm.serializers import GetPmRequestSerializer


class GetPmView(JsonView):
    """POST one photo, get offline or online."""

    @extend_schema(**GET_PM)
    def post(self, request: Request) -> HttpResponse:
        """Classify one photo, record it, answer."""
        draft = Prediction.draft(client=client_name(request.META), request_id=request.META["HTTP_X_REQUEST_ID"])
        with services.refusal_recorded(draft):
            with services.StageTimer(draft, "parse"):
                body = GetPmRequestSerializer(data=read_object(request))
                draft.image_id = body.read("image_id")
                draft.institution, draft.region = place_of(
                    draft.image_id, institution=body.read_optional("institution"), region=body.read_optional("region")
                )
                draft.captured_at = body.read_optional("captured_at")
                image = body.read("image_base64")
                del body  # with the text of the photo, while the model works
            services.prediction_classify(draft=draft, image=image)
        services.prediction_record(draft=draft)
        headers = {"X-Model-Version": draft.model_version, "X-Score": f"{draft.score:.4f}"}
        answer = orjson.dumps({"image_id": draft.image_id, "result": draft.result})
        # DRF's Response takes 40 calls more, after the network has emptied the caches.
        return HttpResponse(answer, content_type="application/json", headers=headers)


class GetPmWithoutSlashView(GetPmView):
    """The same, documented once."""

    schema = None


get_pm = GetPmView.as_view()
get_pm_without_slash = GetPmWithoutSlashView.as_view()
