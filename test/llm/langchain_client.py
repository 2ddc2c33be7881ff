"""LangChain's client: holds the chat conversations of standard input, and prints what came of each."""

import json
import sys

import openai
from langchain_openai import ChatOpenAI

OWN = ("model", "messages", "stream", "stream_options")


def plain(message):
    """A message without the id that LangChain gives a run."""
    dumped = message.model_dump(mode="json")
    dumped.pop("id", None)
    return dumped


def openai_class(raised):
    """LangChain's errors are those of the openai client, under names of its own."""
    names = [each.__name__ for each in type(raised).__mro__ if each.__module__.startswith("openai")]
    return names[0] if names else type(raised).__name__


def hold(asked, conversation):
    parameters = conversation["parameters"]
    model = ChatOpenAI(
        model=parameters["model"], base_url=asked["baseUrl"], api_key=asked["apiKey"],
        default_headers=asked["headers"], max_retries=0, timeout=30, stream_usage=True,
    )
    options = {name: value for name, value in parameters.items() if name not in OWN}
    result = {}
    try:
        if not parameters.get("stream"):
            return {"reply": plain(model.invoke(parameters["messages"], **options))}
        result["chunks"] = []
        for chunk in model.stream(parameters["messages"], **options):
            result["chunks"].append(plain(chunk))
            if len(result["chunks"]) == conversation.get("abortAfter"):
                break
    except Exception as raised:  # what it is, is what is compared
        result["error"] = {"class": openai_class(raised), "own": type(raised).__name__}
        if isinstance(raised, openai.APIStatusError):
            result["error"]["status"] = raised.status_code
    return result


def main():
    asked = json.load(sys.stdin)
    print(json.dumps([hold(asked, conversation) for conversation in asked["conversations"]]))


main()
