"""Asks a server with tritonclient, unchanged, and prints what each got as one JSON object.

usage: triton_clients.py HTTP-HOST:PORT GRPC-HOST:PORT HEADERS-AS-JSON
"""

import asyncio
import json
import queue
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

HTTP, GRPC = sys.argv[1], sys.argv[2]

TENSORS = {
    "BOOL": np.array([True, False]),
    "UINT8": np.array([0, 255], np.uint8),
    "UINT16": np.array([0, 65535], np.uint16),
    "UINT32": np.array([0, 2**32 - 1], np.uint32),
    "UINT64": np.array([0, 2**64 - 1], np.uint64),
    "INT8": np.array([-128, 127], np.int8),
    "INT16": np.array([-(2**15), 1], np.int16),
    "INT32": np.array([-(2**31), 1], np.int32),
    "INT64": np.array([-(2**63), 2**63 - 1], np.int64),
    "FP16": np.array([0.5, np.inf], np.float16),
    "BF16": np.array([4096, 0.5], np.float32),
    "FP32": np.array([0.1, 1 / 3], np.float32),
    "FP64": np.array([0.1, 1e300], np.float64),
    "BYTES": np.array([b"a", b"\xff\xfe", b""], np.object_),
}


def headers():
    """Anew for each call: tritonclient leaves Inference-Header-Content-Length in the dictionary."""
    return json.loads(sys.argv[3])


def error(failure):
    return {"status": str(failure.status()).replace("StatusCode.", ""), "message": failure.message()}


def attempt(call):
    try:
        return call()
    except InferenceServerException as failure:
        return error(failure)
    except Exception as failure:
        return {"raised": type(failure).__name__}


async def attempt_async(call):
    try:
        return await call
    except InferenceServerException as failure:
        return error(failure)
    except Exception as failure:
        return {"raised": type(failure).__name__}


def told(result, name):
    """A tensor as text that is the same for each client."""
    got = result.as_numpy(name)
    if got is None:
        return None
    return [each.decode("latin-1") if isinstance(each, bytes) else str(each) for each in got.flatten()]


def tensor(client, name, datatype, data, **binary):
    sent = client.InferInput(name, list(data.shape), datatype)
    sent.set_data_from_numpy(data, **binary)
    return sent


def int32(client, name, value):
    return tensor(client, name, "INT32", np.array([value], np.int32))


def without_counts(value):
    if isinstance(value, dict):
        return {key: without_counts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_counts(each) for each in value]
    return 0 if isinstance(value, (int, float)) else value


def by_http():
    lib = tritonclient.http
    client = lib.InferenceServerClient(HTTP, network_timeout=30)

    def echo(datatype, data, binary_in, binary_out):
        sent = tensor(lib, f"X_{datatype}", datatype, data, binary_data=binary_in)
        wanted = lib.InferRequestedOutput(f"Y_{datatype}", binary_data=binary_out)
        return told(client.infer("echo", [sent], outputs=[wanted], headers=headers()), f"Y_{datatype}")

    answers = {
        "live": client.is_server_live(headers=headers()),
        "ready": client.is_server_ready(headers=headers()),
        "model ready": client.is_model_ready("echo", headers=headers()),
        "no model ready": client.is_model_ready("none", headers=headers()),
        "server": client.get_server_metadata(headers=headers()),
        "model": client.get_model_metadata("echo", headers=headers()),
        "no model": attempt(lambda: client.get_model_metadata("none", headers=headers())),
        "config": attempt(lambda: client.get_model_config("running_sum", headers=headers())),
        "statistics": without_counts(
            attempt(lambda: client.get_inference_statistics("told", headers=headers()))
        ),
        "index": attempt(lambda: client.get_model_repository_index(headers=headers())),
        "load": attempt(lambda: client.load_model("echo", headers=headers())),
    }
    for datatype, data in TENSORS.items():
        answers[f"{datatype} binary"] = attempt(lambda: echo(datatype, data, True, True))
        if datatype not in ("FP16", "BF16", "BYTES"):
            answers[f"{datatype} JSON"] = attempt(lambda: echo(datatype, data, False, False))
    finite = tensor(lib, "X_FP32", "FP32", np.array([np.nan, np.inf, -np.inf], np.float32))
    answers["not finite"] = attempt(
        lambda: told(
            client.infer(
                "echo",
                [finite],
                outputs=[lib.InferRequestedOutput("Y_FP32", binary_data=False)],
                headers=headers(),
            ),
            "Y_FP32",
        )
    )

    def mixed():
        sent = [
            tensor(lib, "X_BYTES", "BYTES", TENSORS["BYTES"], binary_data=True),
            tensor(lib, "X_FP32", "FP32", TENSORS["FP32"], binary_data=False),
        ]
        wanted = [
            lib.InferRequestedOutput("Y_BYTES", binary_data=True),
            lib.InferRequestedOutput("Y_FP32", binary_data=False),
        ]
        result = client.infer("echo", sent, outputs=wanted, headers=headers())
        return [told(result, "Y_BYTES"), told(result, "Y_FP32")]

    answers["one output binary, one not"] = attempt(mixed)

    def many():
        sent = tensor(lib, "X", "FP32", np.array([1.5], np.float32))
        result = client.infer("many", [sent], headers=headers(), request_id="i" * 5000)
        return [told(result, each["name"]) for each in result.get_response()["outputs"]]

    answers["64 outputs"] = attempt(many)

    def classes():
        sent = tensor(lib, "X_FP32", "FP32", np.array([1, 3, 2], np.float32))
        wanted = lib.InferRequestedOutput("Y_FP32", class_count=2)
        return told(client.infer("echo", [sent], outputs=[wanted], headers=headers()), "Y_FP32")

    answers["classes"] = attempt(classes)

    def total(x, start=False, end=False):
        sent = int32(lib, "X", x)
        return told(
            client.infer(
                "running_sum",
                [sent],
                sequence_id=2**64 - 1,
                sequence_start=start,
                sequence_end=end,
                headers=headers(),
            ),
            "Y",
        )

    answers["sequence"] = attempt(lambda: [total(1, start=True), total(2), total(3, end=True)])
    answers["fails"] = attempt(
        lambda: client.infer(
            "fails",
            [tensor(lib, "X", "BYTES", np.array([b"INVALID_ARG"], np.object_))],
            headers=headers(),
        )
    )
    return answers


async def by_http_aio():
    lib = tritonclient.http
    async with tritonclient.http.aio.InferenceServerClient(HTTP) as client:

        async def echo(binary):
            sent = tensor(lib, "X_FP32", "FP32", TENSORS["FP32"], binary_data=binary)
            wanted = lib.InferRequestedOutput("Y_FP32", binary_data=binary)
            return told(await client.infer("echo", [sent], outputs=[wanted], headers=headers()), "Y_FP32")

        return {
            "live": await client.is_server_live(headers=headers()),
            "model": await attempt_async(client.get_model_metadata("echo", headers=headers())),
            "config": await attempt_async(client.get_model_config("fails", headers=headers())),
            "index": await attempt_async(client.get_model_repository_index(headers=headers())),
            "FP32 binary": await attempt_async(echo(True)),
            "FP32 JSON": await attempt_async(echo(False)),
        }


def by_grpc():
    lib = tritonclient.grpc
    client = lib.InferenceServerClient(GRPC)

    def echo(datatype, data):
        sent = tensor(lib, f"X_{datatype}", datatype, data)
        return told(client.infer("echo", [sent], headers=headers()), f"Y_{datatype}")

    def stream(count, **more):
        got = queue.Queue()
        client.start_stream(lambda result, error: got.put((result, error)), headers=headers())
        sent = [int32(lib, "COUNT", count)] + [int32(lib, name, value) for name, value in more.items()]
        client.async_stream_infer("repeat", sent)
        replies = []
        for _ in range(count):
            result, failure = got.get(timeout=20)
            replies.append(error(failure) if failure else told(result, "Y"))
        client.stop_stream()
        return replies

    answers = {
        "live": client.is_server_live(headers=headers()),
        "model": client.get_model_metadata("echo", headers=headers(), as_json=True),
        "config": client.get_model_config("fails", headers=headers(), as_json=True),
        "no model": attempt(lambda: client.get_model_metadata("none", headers=headers())),
        "stream": attempt(lambda: stream(3)),
        "stream that fails": attempt(lambda: stream(3, FAIL=1)),
    }
    for datatype, data in TENSORS.items():
        answers[datatype] = attempt(lambda: echo(datatype, data))
    client.close()
    return answers


async def by_grpc_aio():
    lib = tritonclient.grpc
    async with tritonclient.grpc.aio.InferenceServerClient(GRPC) as client:

        async def requests():
            yield {"model_name": "repeat", "inputs": [int32(lib, "COUNT", 3)]}

        replies = []
        async for result, failure in client.stream_infer(requests(), headers=headers()):
            replies.append(error(failure) if failure else told(result, "Y"))
        sent = tensor(lib, "X_FP32", "FP32", TENSORS["FP32"])
        return {
            "stream": replies,
            "FP32": told(await client.infer("echo", [sent], headers=headers()), "Y_FP32"),
        }


print(
    json.dumps(
        {
            "tritonclient.http": by_http(),
            "tritonclient.http.aio": asyncio.run(by_http_aio()),
            "tritonclient.grpc": by_grpc(),
            "tritonclient.grpc.aio": asyncio.run(by_grpc_aio()),
        }
    )
)
