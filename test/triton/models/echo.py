"""Gives each input back: X_FP32 as Y_FP32, and so on."""

import triton_python_backend_utils as pb

# What DLPack can't carry goes through numpy, which in turn has no BF16.
BY_NUMPY = {"X_BYTES", "X_BOOL"}


class TritonPythonModel:
    def execute(self, requests):
        return [self.echo(request) for request in requests]

    def echo(self, request):
        outputs = []
        for tensor in request.inputs():
            name = "Y" + tensor.name()[1:]
            if tensor.name() in BY_NUMPY:
                outputs.append(pb.Tensor(name, tensor.as_numpy()))
            else:
                outputs.append(pb.Tensor.from_dlpack(name, tensor.to_dlpack()))
        return pb.InferenceResponse(outputs)
