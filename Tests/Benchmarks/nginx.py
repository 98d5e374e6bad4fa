"""An nginx that answers every write at once, as a store without any work to do."""
import contextlib
import os
import socket
import subprocess
import time

CONFIGURATION = """
worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  log_format moments '$msec $request_method $uri';
  access_log {log}; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /oauth/access_token {{ return 200 '{{"access_token":"t","expires_in":86400}}'; }}
    location / {{ return 204; }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(bench, log="off"):
    """Gives the environment that its users need."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = bench.path("nginx.conf")
    with open(path, "w") as file:
        file.write(CONFIGURATION.format(work=bench.work, port=port, log=log))
    server = subprocess.Popen(["/usr/sbin/nginx", "-c", path, "-e", bench.path("nginx.log")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield dict(os.environ, EPCC_API_BASE_URL=f"http://127.0.0.1:{port}", EPCC_CLIENT_ID="id", EPCC_CLIENT_SECRET="secret")
    finally:
        server.terminate()
        server.wait()
