"""botocore_client.py URL SECONDS WORKERS: associates carts for so long, at the pace of botocore's adaptive retry mode."""
import http.client
import itertools
import sys
import threading
import time
import urllib.parse

from botocore.retries import adaptive, bucket, throttling

BODY = b'{"data":[{"type":"customer","id":"b3f2b6de-8fd4-4cdf-a9d9-c5f7cecccdfe"}]}'


class Detector:
    """What botocore asks whether an answer is a 429."""

    def is_throttling_error(self, status, **_):
        return status == 429


def main(url, seconds, workers):
    clock = bucket.Clock()
    limiter = adaptive.ClientRateLimiter(
        rate_adjustor=throttling.CubicCalculator(starting_max_rate=0, start_time=clock.current_time()),
        rate_clocker=adaptive.RateClocker(clock), token_bucket=bucket.TokenBucket(max_rate=1, clock=clock),
        throttling_detector=Detector(), clock=clock)
    end, numbers, host = time.monotonic() + seconds, itertools.count(), urllib.parse.urlsplit(url).netloc
    issued = http.client.HTTPConnection(host)
    issued.request("POST", "/oauth/access_token", b"grant_type=client_credentials")
    token = issued.getresponse().read().decode().split('"access_token":"')[1].split('"')[0]

    def work():
        connection = http.client.HTTPConnection(host)
        while time.monotonic() < end:
            limiter.on_sending_request(None)
            connection.request(
                "POST", f"/v2/carts/cart-{next(numbers)}/relationships/customers", BODY,
                {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            limiter.on_receiving_response(status=answer.status)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
