# poller as a container: docker build -t poller . && docker run -v poller:/data poller
#
# The image is built from the checkout and the hash lock; nothing in the final stage can build or install.
# It runs as an ordinary user and needs no writable file system but /data:
#   docker run --read-only --tmpfs /tmp -v poller:/data -p 127.0.0.1:8787:8787 poller

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
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
 && /opt/poller/bin/python -m pip uninstall --yes pip


FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="poller" \
      org.opencontainers.image.description="Mirrors REST APIs into a SQL database by polling, and can show that nothing was missed." \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 poller \
 && useradd --uid 10001 --gid poller --home-dir /data --no-create-home --shell /usr/sbin/nologin poller \
 && install --directory --owner poller --group poller --mode 0750 /data
COPY --from=build /opt/poller /opt/poller

# settings.toml, mirror.db and the state directory lie in /data, the only place that is written to.
ENV PATH=/opt/poller/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    POLLER_CONFIG=/data/settings.toml
WORKDIR /data
VOLUME ["/data"]
USER 10001:10001

# `run` finishes the page in hand and gives its leases back within 25 seconds of SIGTERM: stop with --time 30.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["poller", "status", "--check"]
ENTRYPOINT ["poller"]
CMD ["run"]
