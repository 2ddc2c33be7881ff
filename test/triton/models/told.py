"""Says what the server told it beside the tensors: parameters (headers are among them), id, sequence id, flags."""

import json

import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        return [self.tell(request) for request in requests]

    def tell(self, request):
        told = {
            "parameters": json.loads(request.parameters()),
            "id": request.request_id(),
            "sequence": str(request.correlation_id()),
            "flags": request.flags(),
        }
        return pb.InferenceResponse([pb.Tensor("Y", np.array([json.dumps(told).encode()], np.object_))])
