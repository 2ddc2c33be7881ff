"""The official OpenAI client: holds the conversations of standard input, and prints what came of each."""

import json
import sys

import openai


def error(raised):
    """What code that calls the client can tell apart."""
    seen = {"class": type(raised).__name__}
    if isinstance(raised, openai.APIError):
        seen.update(code=raised.code, type=raised.type, param=raised.param, body=raised.body)
    if isinstance(raised, openai.APIStatusError):
        seen.update(status=raised.status_code)
        seen.update(retryAfter=raised.response.headers.get("retry-after"))
    return seen


def plain(value):
    return value.model_dump(mode="json", exclude_unset=True)


def hold(client, conversation):
    calls = {
        "chat": client.chat.completions.create,
        "completions": client.completions.create,
        "embeddings": client.embeddings.create,
        "responses": client.responses.create,
    }
    result = {}
    try:
        reply = calls[conversation["api"]](**conversation["parameters"])
        if not conversation["parameters"].get("stream"):
            return {"reply": plain(reply)}
        result["chunks"] = []
        for chunk in reply:
            result["chunks"].append(plain(chunk))
            if len(result["chunks"]) == conversation.get("abortAfter"):
                reply.close()
                break
    except Exception as raised:  # what it is, is what is compared
        result["error"] = error(raised)
    return result


def main():
    asked = json.load(sys.stdin)
    client = openai.OpenAI(
        base_url=asked["baseUrl"], api_key=asked["apiKey"], default_headers=asked["headers"], max_retries=0, timeout=30
    )
    if asked.get("listsModels"):
        print(json.dumps({"models": [plain(model) for model in client.models.list()]}))
        return
    print(json.dumps([hold(client, conversation) for conversation in asked["conversations"]]))


main()
