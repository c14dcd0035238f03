"""Updates as an application of jvspatial does them: `reference.py URL RUNS UPDATES`.

Prints the seconds of each run as JSON. A run gets, changes and saves each of so many nodes, one after another.
"""

import asyncio
import json
import sys
from time import perf_counter

from jvspatial.core import GraphContext, Node
from jvspatial.core.context import set_default_context
from jvspatial.db.factory import create_database


class Account(Node):
    name: str = ""
    balance: int = 0
    note: str = ""


def database(url):
    kind, _, rest = url.partition(":")
    if kind == "mongodb":
        server, _, name = url.rpartition("/")
        name, _, options = name.partition("?")
        return create_database("mongodb", uri=f"{server}/?{options}", db_name=name)
    return create_database("json", base_path=rest)


async def main(url, runs, updates):
    opened = database(url)
    set_default_context(GraphContext(database=opened))
    made = [await Account.create(name=f"account {n}", note="x" * 250) for n in range(updates)]
    ids = [account.id for account in made]
    seconds = []
    for _ in range(runs):
        start = perf_counter()
        for one in ids:
            account = await Account.get(one)
            account.balance += 1
            await account.save()
        seconds.append(perf_counter() - start)
    assert (await Account.get(ids[-1])).balance == runs
    print(json.dumps(seconds))
    if hasattr(opened, "close"):
        await opened.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
