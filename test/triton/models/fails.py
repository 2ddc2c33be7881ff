"""Fails with the code that X names."""

import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        return [self.fail(request) for request in requests]

    def fail(self, request):
        name = pb.get_input_tensor_by_name(request, "X").as_numpy()[0].decode()
        code = getattr(pb.TritonError, name)
        return pb.InferenceResponse(error=pb.TritonError(f'failed as asked: "{name}" é', code))
