"""A model of sequences: the sum of all X of a sequence so far, and the sequence's id."""

import numpy as np
import triton_python_backend_utils as pb


def value(request, name):
    return pb.get_input_tensor_by_name(request, name).as_numpy().flatten()[0]


class TritonPythonModel:
    def initialize(self, args):
        self.sums = {}

    def execute(self, requests):
        return [self.add(request) for request in requests]

    def add(self, request):
        sequence = value(request, "CORRID")
        before = 0 if value(request, "START") else self.sums.get(sequence, 0)
        self.sums[sequence] = before + value(request, "X")
        total = np.array([self.sums[sequence]], np.int32)
        return pb.InferenceResponse([pb.Tensor("Y", total), pb.Tensor("ID", np.array([sequence], np.uint64))])
