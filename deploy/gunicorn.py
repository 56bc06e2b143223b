"""The page server of docker-compose.yml: gunicorn's own settings file."""

bind = "0.0.0.0:8000"
workers = 2
threads = 4
timeout = 60
graceful_timeout = 30
max_requests = 5000  # a worker is replaced now and then, not all at once
max_requests_jitter = 500
forwarded_allow_ips = "*"  # only the proxy reaches this port
accesslog = "-"
