# poller as a container: docker build -t poller . && docker run -v poller:/data poller
# docs/how-to/deploy.md says more; compose.yaml runs it beside PostgreSQL. Needs Docker 24 or newer (BuildKit).
#
# The image is built from the checkout, the hash lock and one archive of SQLite whose checksum stands below.
# It runs as an ordinary user and needs no writable file system but /data and /tmp:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --volume poller:/data poller

ARG PYTHON=3.13.14-slim-trixie

# Before 3.51.3, SQLite can corrupt a database that two connections write and checkpoint at once; Debian's is older.
FROM python:${PYTHON} AS sqlite
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
ADD --checksum=sha256:0e9483900e92cd5de8fd48d16bf9200145a61f7fd5be542a5ac81d8a9516eb9c \
    https://www.sqlite.org/2026/sqlite-autoconf-3530400.tar.gz sqlite.tar.gz
RUN tar --extract --file sqlite.tar.gz --strip-components 1 \
 && gcc -O2 -fPIC -shared -Wl,-soname,libsqlite3.so.0 -o libsqlite3.so.0 sqlite3.c -lm \
    -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_FTS5 \
    -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_RTREE -DSQLITE_MAX_VARIABLE_NUMBER=250000


FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
RUN python -m venv /tools && python -m venv /opt/poller

# The dependencies first: they change seldom, and their layer is kept.
COPY requirements/run.txt requirements/build.txt requirements/
RUN /opt/poller/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/run.txt \
 && /tools/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY poller poller
COPY migrations migrations
RUN /tools/bin/python -m hatchling build -t wheel -d /wheel \
 && /opt/poller/bin/python -m pip install --no-deps --no-index /wheel/*.whl \
 && /opt/poller/bin/python -m pip uninstall --yes pip \
 && /opt/poller/bin/python -m compileall -q /opt/poller/lib


FROM python:${PYTHON}
LABEL org.opencontainers.image.title="poller" \
      org.opencontainers.image.description="Mirrors REST APIs into a SQL database by polling, and can show that nothing was missed." \
      org.opencontainers.image.licenses="MIT"
COPY --from=sqlite /src/libsqlite3.so.0 /usr/local/lib/
RUN ldconfig \
 && python -c "import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 51, 3))" \
 && python -m pip uninstall --yes --root-user-action ignore pip \
 && groupadd --gid 10001 poller \
 && useradd --uid 10001 --gid poller --home-dir /data --no-create-home --shell /usr/sbin/nologin poller \
 && install --directory --owner poller --group poller --mode 0750 /data
COPY --from=build /opt/poller /opt/poller

# The database and the state directory lie in /data, the only place that is written to. The settings may lie there
# too, or be mounted read-only elsewhere: then POLLER_CONFIG names them.
ENV PATH=/opt/poller/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    POLLER_CONFIG=/data/settings.toml
WORKDIR /data
VOLUME ["/data"]
USER 10001:10001

# `run` finishes the page in hand and gives its leases back within 25 seconds of SIGTERM: stop with --time 30.
STOPSIGNAL SIGTERM
# Unhealthy: a stream is late, down or blocked, by what stands in the database.
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 CMD poller --quiet status --check || exit 1
ENTRYPOINT ["poller"]
CMD ["run"]
