#!/usr/bin/env python3
"""The same requests as bare_http.c by Python's aiohttp, JSON in and out, as a Python tool would make
them. Prints one JSON line; {"skipped": ...} where aiohttp is missing.

    aiohttp_peer.py --url URL [--requests N] [--connections C] [--body-bytes N]
"""
import argparse
import json
import resource
import sys
import time

try:
    import asyncio

    import aiohttp
except ImportError as error:
    print(json.dumps({"name": "aiohttp", "skipped": str(error)}))
    sys.exit(0)


def make_body(size):
    line = "CREATE TABLE customer (customer_id integer PRIMARY KEY, name text NOT NULL, country text);\n"
    return {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "You write questions and SQL for PostgreSQL."},
            {
                "role": "user",
                "content": "Write 10 pairs for this schema.\n" + line * max(0, -(-(size - 320) // (len(line) + 1))),
            },
        ],
        "temperature": 0.7,
        "max_completion_tokens": 4096,
        "response_format": {"type": "json_object"},
    }


async def run(options):
    counts = {"done": 0, "failed": 0, "started": 0}
    body = make_body(options.body_bytes)
    headers = {"Authorization": "Bearer sk-bench-0123456789"}
    connector = aiohttp.TCPConnector(limit=options.connections)

    async def worker(session):
        while counts["started"] < options.requests:
            counts["started"] += 1
            async with session.post(options.url, json=body) as reply:
                completion = await reply.json()
                if reply.status != 200 or not completion["choices"]:
                    counts["failed"] += 1
            counts["done"] += 1

    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        start = time.monotonic()
        await asyncio.gather(*(worker(session) for _ in range(options.connections)))
        return counts, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--requests", type=int, default=20000)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--body-bytes", type=int, default=2000)
    options = parser.parse_args()
    counts, seconds = asyncio.run(run(options))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "name": "aiohttp",
                "requests": counts["done"],
                "failed": counts["failed"],
                "connections": options.connections,
                "seconds": round(seconds, 3),
                "rate": round(counts["done"] / seconds),
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
                "max_rss_kb": usage.ru_maxrss,
            }
        )
    )
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
