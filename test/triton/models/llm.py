"""
A decoupled model of language: it says the words of text_input again, at most max_tokens of them, one a reply if stream,
and fails before the word number FAIL. `told` has what else reached it, headers aside.
"""

import json

import numpy as np
import triton_python_backend_utils as pb


def text(value):
    return np.array([value.encode()], np.object_)


def value(request, name, default):
    tensor = pb.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0]


def told(request):
    parameters = json.loads(request.parameters())
    shapes = {}
    for name in ["text_input", "stop", "temperature", "seed", "pairs"]:
        tensor = pb.get_input_tensor_by_name(request, name)
        if tensor is not None:
            values = tensor.as_numpy()
            shapes[name] = [list(values.shape), [str(each) for each in values.reshape(-1)]]
    return json.dumps(
        {
            "parameters": {name: parameters[name] for name in sorted(parameters) if name.startswith("p_")},
            "tensors": shapes,
        }
    )


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            self.answer(request)

    def answer(self, request):
        sender = request.get_response_sender()
        prompt = value(request, "text_input", b"").decode()
        words = prompt.split(" ")[: int(value(request, "max_tokens", 1000))]
        stop = pb.get_input_tensor_by_name(request, "stop")
        stops = [] if stop is None else [each.decode() for each in stop.as_numpy().reshape(-1)]
        said, reason = [], "length" if len(words) < len(prompt.split(" ")) else "stop"
        for word in words:
            if word in stops:
                reason = "stop"
                break
            said.append(word)
        stream, fail = bool(value(request, "stream", False)), int(value(request, "FAIL", -1))
        pieces = [said[0], *(f" {word}" for word in said[1:])] if stream and said else [" ".join(said)]
        for number, piece in enumerate(pieces):
            if number == fail:
                sender.send(pb.InferenceResponse(error=pb.TritonError("no more words", pb.TritonError.INVALID_ARG)))
                break
            last = number == len(pieces) - 1
            outputs = [
                pb.Tensor("text_output", text(piece)),
                pb.Tensor("told", text(told(request))),
                pb.Tensor("finish_reason", text(reason if last else "")),
                pb.Tensor("prompt_tokens", np.array([len(prompt.split(" "))], np.int32)),
                pb.Tensor("tokens", np.array([number + 1], np.int32)),
            ]
            sender.send(pb.InferenceResponse(outputs))
        sender.send(flags=pb.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
