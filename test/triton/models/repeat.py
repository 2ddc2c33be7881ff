"""A decoupled model: COUNT replies 0, 1, 2...; the one with the number FAIL is an error; WAIT ms before each."""

import time

import numpy as np
import triton_python_backend_utils as pb


def scalar(request, name, default):
    tensor = pb.get_input_tensor_by_name(request, name)
    return default if tensor is None else int(tensor.as_numpy()[0])


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            self.answer(request)

    def answer(self, request):
        sender = request.get_response_sender()
        wait, fail = scalar(request, "WAIT", 0), scalar(request, "FAIL", -1)
        for number in range(scalar(request, "COUNT", 0)):
            time.sleep(wait / 1000)
            if number == fail:
                error = pb.TritonError(f"reply {number} failed", pb.TritonError.INVALID_ARG)
                sender.send(pb.InferenceResponse(error=error))
            else:
                sender.send(pb.InferenceResponse([pb.Tensor("Y", np.array([number], np.int32))]))
        sender.send(flags=pb.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
