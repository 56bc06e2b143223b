# One image for every service of docker-compose.yml; each has its own command.
FROM python:3.11.15-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /opt/venv && pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml constraints.txt ./
RUN uv pip install --no-cache --python /opt/venv/bin/python --constraint constraints.txt --requirement pyproject.toml
COPY kb/ kb/
RUN MODEL_PATH=/opt/model /opt/venv/bin/python -m kb.providers.weights

FROM python:3.11.15-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DEBUG=0 \
    FOOTNOTE_VAR=/app/var \
    MODEL_PATH=/opt/model
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin footnote \
    && install -d -o footnote -g footnote /app/var/media
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/model /opt/model
COPY . .
# Collecting the static files needs settings but neither a database nor a secret: these values are used for this line only.
RUN SECRET_KEY=collecting-static-files DATABASE_URL=postgres://nobody@localhost/none BROKER_URL=redis://localhost \
    python manage.py collectstatic --noinput
USER footnote
EXPOSE 8000
CMD ["gunicorn", "--config", "deploy/gunicorn.py", "portal.wsgi:application"]
