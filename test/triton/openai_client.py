"""
Calls a gateway with OpenAI's own client, unchanged, and prints what it got as one JSON object.

usage: openai_client.py URL KEY
"""

import json
import sys

import openai

URL, KEY = sys.argv[1], sys.argv[2]
client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0, timeout=20)
WORDS = 'one "two" d\u00f6rt \U0001f600 five'
MESSAGES = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": WORDS}]


def chat(**more):
    return client.chat.completions.create(**{"model": "word-model", "messages": MESSAGES, **more})


def chunks(stream):
    return [each.model_dump(exclude={"id", "created"}, exclude_unset=True) for each in stream]


def ids(stream):
    seen = list(stream)
    return [len({each.id for each in seen}), len({each.created for each in seen}), seen[0].id[:9]]


def error(call):
    try:
        got = call()
        return list(got) if isinstance(got, openai.Stream) else got.model_dump()
    except openai.APIStatusError as failure:
        return [type(failure).__name__, failure.status_code, failure.code, failure.body["message"]]
    except openai.APIError as failure:
        return [type(failure).__name__, failure.code, failure.message]


def until_error(stream):
    texts = []
    try:
        for each in stream:
            texts.append(each.choices[0].delta.content)
    except openai.APIError as failure:
        return [texts, type(failure).__name__, failure.code, failure.message]
    return texts


def plain(reply):
    return reply.model_dump(exclude={"id", "created"}, exclude_unset=True)


print(
    json.dumps(
        {
            "chat": plain(chat()),
            "limited": plain(chat(max_completion_tokens=4, temperature=0.5, seed=7)),
            "stopped": plain(chat(stop=["five"])),
            "stream": chunks(chat(stream=True)),
            "ids": ids(chat(stream=True)),
            "usage": chunks(chat(stream=True, max_tokens=2, stream_options={"include_usage": True})),
            "completion": plain(client.completions.create(model="word-model", prompt=WORDS)),
            "completions": chunks(client.completions.create(model="word-model", prompt=WORDS, stream=True)),
            "embeddings": plain(client.embeddings.create(model="vectors", input=["a", "b"])),
            "tools": error(lambda: chat(tools=[{"type": "function", "function": {"name": "f"}}])),
            "no model": error(lambda: chat(model="none")),
            "no key": error(lambda: openai.OpenAI(base_url=URL, api_key="wrong", max_retries=0).models.list()),
            "failed": error(lambda: chat(extra_body={"fail": 0})),
            "failed stream": error(lambda: chat(stream=True, extra_body={"fail": 0})),
            "broken stream": until_error(chat(stream=True, extra_body={"fail": 2})),
            "models": sorted(each.id for each in client.models.list()),
            "long": len(chat(messages=[{"role": "user", "content": "x" * 3_000_000}]).choices[0].message.content),
        }
    )
)
