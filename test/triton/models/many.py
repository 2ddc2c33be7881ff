"""Gives X back as each of 64 outputs."""

import triton_python_backend_utils as pb

NAMES = [f"a_rather_long_name_of_an_output_{i}" for i in range(64)]


class TritonPythonModel:
    def execute(self, requests):
        return [self.copies(pb.get_input_tensor_by_name(request, "X").as_numpy()) for request in requests]

    def copies(self, x):
        return pb.InferenceResponse([pb.Tensor(name, x) for name in NAMES])
