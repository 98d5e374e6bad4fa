"""aiohttp_client.py URL CALLS WORKERS: associates as many carts, as a program of few lines would."""
import asyncio
import sys

import aiohttp


async def main(url, calls, workers):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers)) as session:
        numbers = iter(range(calls))
        body = b'{"data":[{"type":"customer","id":"b3f2b6de-8fd4-4cdf-a9d9-c5f7cecccdfe"}]}'
        headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}

        async def work():
            for number in numbers:
                path = f"{url}/v2/carts/cart-{number}/relationships/customers"
                async with session.post(path, data=body, headers=headers) as response:
                    await response.read()

        await asyncio.gather(*(work() for _ in range(workers)))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
