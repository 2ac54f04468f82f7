# The operator's image. Nothing is fetched but what requirements/*.txt pin by hash.
# A build machine with a mirror or an authority of its own hands them in: --build-arg PIP_INDEX_URL=..., and a mount for the certificates.
# BASE is any image with Python 3.11 or later, its venv module, and a libc that has wheels (glibc or musl).
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/operator.txt requirements/
# The tools stay in /build; /opt/venv has no pip.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/venv \
 && /build/bin/pip install --require-hashes -r requirements/build.txt \
 && /build/bin/pip --python /opt/venv/bin/python install --only-binary :all: --require-hashes -r requirements/operator.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /build/bin/pip --python /opt/venv/bin/python install --no-deps --no-index /dist/*.whl

FROM ${BASE}
# The uid has a name because libraries ask for it.
RUN echo 'sshcredential:x:65532:65532::/nonexistent:/usr/sbin/nologin' >>/etc/passwd \
 && echo 'sshcredential:x:65532:' >>/etc/group
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["sshcredential-operator", "run"]
