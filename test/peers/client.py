"""Asks an Open Inference server with tritonclient; prints what came back as one JSON object.

usage: client.py HOST:PORT HEADERS-AS-JSON
"""

import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

url, headers = sys.argv[1], sys.argv[2]
client = triton.InferenceServerClient(url)

# The headers are read anew for each call: tritonclient leaves Inference-Header-Content-Length in the dictionary.

TENSORS = {
    "FP32": np.array([[0.1, -2.5], [3e10, 1 / 3]], np.float32),
    "FP64": np.array([0.1, 1e300]),
    "FP16": np.array([0.5, -1.25], np.float16),
    "INT64": np.array([[-(2**63)], [2**63 - 1]]),
    "UINT64": np.array([2**64 - 1, 0], np.uint64),
    "INT8": np.array([-128, 127], np.int8),
    "UINT8": np.array([0, 255], np.uint8),
    "BOOL": np.array([True, False]),
    "BYTES": np.array([b"a", "é".encode(), b""], np.object_),
}


def infer(datatype, tensor, binary_input, binary_output):
    """Is the tensor that the model `echo` answers with the one that was sent?"""
    sent = triton.InferInput("x", list(tensor.shape), datatype)
    sent.set_data_from_numpy(tensor, binary_data=binary_input)
    wanted = triton.InferRequestedOutput("x", binary_data=binary_output)
    reply = client.infer("echo", [sent], outputs=[wanted], request_id="7", headers=json.loads(headers))
    got = reply.as_numpy("x")
    if datatype == "BYTES" and not binary_output:
        got = np.array([each.encode() for each in got], np.object_)
    same = got.dtype == tensor.dtype and got.shape == tensor.shape and (got == tensor).all()
    response = reply.get_response()
    return {"same": bool(same), "id": response.get("id"), "model": response["model_name"]}


def attempt(call):
    try:
        return call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}


def one(name, model="echo"):
    sent = triton.InferInput(name, [1], "INT32")
    sent.set_data_from_numpy(np.array([1], np.int32), binary_data=True)
    return client.infer(model, [sent], headers=json.loads(headers)).get_response()


answers = {
    "live": client.is_server_live(headers=json.loads(headers)),
    "ready": client.is_server_ready(headers=json.loads(headers)),
    "modelReady": client.is_model_ready("echo", headers=json.loads(headers)),
    "noModelReady": client.is_model_ready("none", headers=json.loads(headers)),
    "serverMetadata": attempt(lambda: client.get_server_metadata(headers=json.loads(headers))),
    "modelMetadata": attempt(lambda: client.get_model_metadata("echo", headers=json.loads(headers))),
    "noModel": attempt(lambda: one("x", "none")),
    "refused": attempt(lambda: one("bad")),
    "noCredential": attempt(lambda: client.get_model_metadata("echo", headers={"taskid": "peer"})),
    "infer": {},
}
for datatype, tensor in TENSORS.items():
    for binary_input in (False, True):
        for binary_output in (False, True):
            if datatype == "FP16" and not (binary_input and binary_output):
                continue
            case = f"{datatype} {'binary' if binary_input else 'JSON'} {'binary' if binary_output else 'JSON'}"
            answers["infer"][case] = attempt(lambda: infer(datatype, tensor, binary_input, binary_output))
print(json.dumps(answers))
