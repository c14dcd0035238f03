"""The part of jvspatial in the tests that share a database with it: `application.py COMMAND URL`.

Commands: `write` makes a small graph, `tell` prints what the library sees as JSON, `rename` changes one node as an
application does, `connect` joins two nodes and removes a third.
"""

import asyncio
import json
import sys
from datetime import datetime, timezone
from typing import List, Optional

from jvspatial.core import Edge, GraphContext, Node, Object, Root
from jvspatial.core.context import set_default_context
from jvspatial.db.factory import create_database


class City(Node):
    name: str = ""
    population: int = 0
    tags: List[str] = []
    founded: Optional[datetime] = None
    nickname: Optional[str] = None


class Highway(Edge):
    distance: float = 0.0
    toll: Optional[bool] = None


class Setting(Object):
    value: str = ""


def database(url):
    kind, _, rest = url.partition(":")
    if kind == "mongodb":
        server, _, name = url.rpartition("/")
        name, _, options = name.partition("?")
        return create_database("mongodb", uri=f"{server}/?{options}" if options else server, db_name=name)
    if kind == "sqlite":
        return create_database("sqlite", db_path=rest)
    return create_database("json", base_path=rest)


async def city(name):
    found = await City.find({"context.name": name})
    assert len(found) == 1, f"{len(found)} cities called {name}"
    return found[0]


async def write():
    root = await Root.get()
    founded = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    paris = await City.create(name="Paris", population=2100000, tags=["x", "y"], founded=founded)
    lyon = await City.create(name="Lyon", population=500000)
    lille = await City.create(name="Lille", nickname="L’îlle")
    await root.connect(paris)
    await paris.connect(lyon, edge=Highway, distance=465.5, direction="both")
    await lyon.connect(lille, edge=Highway, distance=690.0, toll=True)
    await Setting.create(value="v")


async def tell():
    cities = {}
    for one in await City.find({}):
        out = await one.nodes(direction="out", node=City)
        both = await one.nodes(direction="both", node=City)
        cities[one.name] = {
            "id": one.id,
            "population": one.population,
            "tags": one.tags,
            "founded": one.founded.isoformat() if one.founded else None,
            "nickname": one.nickname,
            "out": sorted(other.name for other in out),
            "both": sorted(other.name for other in both),
        }
    highways = [
        {"distance": one.distance, "toll": one.toll, "bidirectional": one.bidirectional}
        for one in await Highway.find({})
    ]
    highways.sort(key=lambda one: one["distance"])
    settings = sorted(one.value for one in await Setting.find({}))
    print(json.dumps({"cities": cities, "highways": highways, "settings": settings}))


async def rename():
    lyon = await city("Lyon")
    lyon.name = "Lyons"
    await lyon.save()


async def connect():
    paris = await city("Paris")
    lille = await city("Lille")
    await paris.connect(lille, edge=Highway, distance=220.0)
    nice = await city("Nice")
    await nice.delete()


async def main(command, url):
    opened = database(url)
    set_default_context(GraphContext(database=opened))
    await {"write": write, "tell": tell, "rename": rename, "connect": connect}[command]()
    # The thread of an open SQLite file would keep the process alive.
    if hasattr(opened, "close"):
        await opened.close()


asyncio.run(main(sys.argv[1], sys.argv[2]))
