"""Asks a server with the KServe client, unchanged, and prints what it got as one JSON object.

Not in one process with tritonclient: both register the messages of the protocol.

usage: kserve_client.py HTTP-HOST:PORT GRPC-HOST:PORT HEADERS-AS-JSON
"""

import asyncio
import json
import sys

import kserve
import numpy as np

HTTP, GRPC = sys.argv[1], sys.argv[2]
FP32 = np.array([0.1, 1 / 3], np.float32)


def headers():
    return json.loads(sys.argv[3])


async def attempt(call):
    try:
        return await call
    except Exception as failure:
        return {"raised": type(failure).__name__}


async def by_kserve():
    def request(**more):
        sent = kserve.InferInput("X_FP32", [2], "FP32")
        sent.set_data_from_numpy(FP32, **more)
        return kserve.InferRequest(model_name="echo", infer_inputs=[sent])

    async def answer(client, base, sent):
        result = await client.infer(*base, sent, headers=headers(), **({"model_name": "echo"} if base else {}))
        return [[each.name, each.datatype, [str(value) for value in each.as_numpy()]] for each in result.outputs]

    rest = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2"))
    url = f"http://{HTTP}"
    grpc = kserve.InferenceGRPCClient(GRPC)
    metadata = list(headers().items())

    async def answer_grpc():
        reply = await grpc.infer(request(binary_data=True), headers=metadata)
        return [[each.name, [str(value) for value in each.as_numpy()]] for each in reply.outputs]

    return {
        "live": await attempt(rest.is_server_live(url, headers=headers())),
        "ready": await attempt(rest.is_server_ready(url, headers=headers())),
        "model ready": await attempt(rest.is_model_ready(url, "echo", headers=headers())),
        "infer, JSON": await attempt(answer(rest, [url], request(binary_data=False))),
        "infer, binary": await attempt(answer(rest, [url], request(binary_data=True))),
        "live, gRPC": await attempt(grpc.is_server_live(headers=metadata)),
        "infer, gRPC": await attempt(answer_grpc()),
    }


print(json.dumps({"kserve": asyncio.run(by_kserve())}))
