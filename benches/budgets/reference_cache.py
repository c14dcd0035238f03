"""Hits in the memory cache of jvspatial: `reference_cache.py RUNS HITS`. Prints the seconds of each run as JSON."""

import asyncio
import json
import sys
from time import perf_counter

from jvspatial.cache.memory import MemoryCache


async def main(runs, hits):
    cache = MemoryCache(max_size=20_000)
    keys = [f"analysis:n.Member.{number:024x}" for number in range(10_000)]
    for number, key in enumerate(keys):
        await cache.set(key, number)
    reads = [keys[(number * 7_919) % len(keys)] for number in range(hits)]
    seconds = []
    for _ in range(runs):
        start = perf_counter()
        for key in reads:
            assert await cache.get(key) is not None
        seconds.append(perf_counter() - start)
    print(json.dumps(seconds))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
