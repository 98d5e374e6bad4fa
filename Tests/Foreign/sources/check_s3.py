#!/usr/bin/env python3
"""A service fetches exports from a bucket of moto's S3 server: page after page, each version once, whole.

    check_s3.py PATH-TO-CARTSYNC

Needs moto[server] and boto3 (Python's pip). moto does not look at signatures; unit tests compare those with the vendor's.
"""
import os
import sys
import tempfile
import threading
import time

import boto3
from moto.server import ThreadedMotoServer
from service import Service, expect, free_port, wait_for


def main():
    cartsync = os.path.abspath(sys.argv[1])
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    bucket = boto3.client(
        "s3", endpoint_url=endpoint, region_name="eu-central-1", aws_access_key_id="key", aws_secret_access_key="hush-secret")
    bucket.create_bucket(Bucket="exports", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    def put(key, records):
        text = "customer_id,cart_id\n" + "".join(f"c-{number},cart-{number}\n" for number in records)
        bucket.put_object(Bucket="exports", Key=key, Body=text.encode())

    with tempfile.TemporaryDirectory(prefix="cartsync-s3-") as work:
        settings = {
            "source.s3": "s3://exports/nightly/", "source.s3-endpoint": endpoint, "source.s3-region": "eu-central-1",
            "source.poll": "300ms", "source.keep-fetched": "2000",
        }
        secrets = {"source-s3-access-key": "key", "source-s3-secret-key": "hush-secret"}
        # More objects than a page has (1,000): only the newest snapshot is synced.
        for number in range(1050):
            put(f"nightly/old-{number:04}.csv", range(1))
        time.sleep(1.1)
        put("nightly/new est+ü&.csv", range(3000))
        put("nightly/archive/old.csv", range(9))
        put("other/customers.csv", range(9))
        service = Service(cartsync, work, settings, secrets)
        try:
            service.wait_for_associations(3000, seconds=60)
            wait_for("the export is done", lambda: "new est+ü&.csv" in service.names("done"))
            expect(len(service.names("superseded")) == 1050, f"{len(service.names('superseded'))} exports were superseded")
            service.stop()

            # After a restart only a new version is fetched.
            put("nightly/new est+ü&.csv", range(3100))
            service = Service(cartsync, work, settings, secrets)
            service.wait_for_associations(3100)
            fetched = service.log().count("msg=fetched")
            expect(fetched == 1, f"{fetched} exports were fetched after the restart")
            expect("hush-secret" not in service.log(), "the secret is in the log")
            service.stop()

            # Credentials where the tools of AWS find them, and a prefix whose slash was forgotten.
            for name in secrets:
                os.remove(f"{work}/secrets/{name}")
            with open(f"{work}/credentials", "w") as file:
                file.write("[night]\naws_access_key_id = key\naws_secret_access_key = hush-secret\n")
            variables = {"AWS_SHARED_CREDENTIALS_FILE": f"{work}/credentials", "AWS_PROFILE": "night"}
            put("nightly/new est+ü&.csv", range(3200))
            service = Service(cartsync, work, {**settings, "source.s3": "s3://exports/nightly"}, variables=variables)
            service.wait_for_associations(3200)
            expect("let source.s3 end with a slash" in service.log(), "the forgotten slash is not named")
            service.stop()
            service = Service(
                cartsync, work, settings, variables={**variables, "AWS_PROFILE": "day", "AWS_EC2_METADATA_DISABLED": "true"})
            wait_for("the profile is named", lambda: "AWS_PROFILE is day" in service.ready(), otherwise=service.ready)
            service.stop()

            service = Service(cartsync, work, {**settings, "source.s3": "s3://nobody-has-it/"}, secrets)
            wait_for("the bucket is named", lambda: "there is no such bucket" in service.ready())
        finally:
            service.stop()
            stopping = threading.Thread(target=server.stop, daemon=True)
            stopping.start()
            stopping.join(5)
    print("exports come from a bucket, page after page, once, and whole")


main()
