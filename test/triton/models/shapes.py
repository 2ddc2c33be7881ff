"""Says of what shape its inputs came; a model with a dimension for batches."""

import json

import numpy as np
import triton_python_backend_utils as pb

NAMES = ["one", "pairs", "free", "texts", "flags"]


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        shapes = {}
        for name in NAMES:
            tensor = pb.get_input_tensor_by_name(request, name)
            if tensor is not None:
                values = tensor.as_numpy()
                shapes[name] = [list(values.shape), [str(each) for each in values.reshape(-1)]]
        said = np.array([[json.dumps(shapes)]], np.object_)
        numbers = np.array([[1.5, -0.25]], np.float32)
        return pb.InferenceResponse([pb.Tensor("said", said), pb.Tensor("numbers", numbers)])
